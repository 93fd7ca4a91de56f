.[0] as $head | .[1:] as $rows
| if ($head | length) == 2 and $head[1] == $asked.series_id then . else error end
| ($asked.observation_start // "") as $from
| ($asked.observation_end // "9999-12-31") as $to
# Its rows rise. What one of another span is to this question is not known.
| if $rows[0][0] >= $from and $rows[-1][0] <= $to then . else error end
| ($asked.limit // "100000" | tonumber) as $limit
| (if $asked.sort_order == "desc" then "desc" else "asc" end) as $order
| ($rows | if $order == "desc" then reverse else . end | .[:$limit]) as $given
| (if $from == "" then {} else { observation_start: $from } end) + {
    observation_end: $to, units: "lin", output_type: 1, file_type: "json", order_by: "observation_date",
    sort_order: $order, count: ($rows | length), offset: 0, limit: $limit,
    observations: [ $given[] | { date: .[0], value: (if .[1] == "" then "." else .[1] end) } ] }
