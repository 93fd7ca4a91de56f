.chart.result[0] as $r | $r.meta as $m
| if $m.currency == "USD" and $m.symbol == $asked.ticker then . else error end
| ($asked.from | fromdate) as $from | ($asked.to | fromdate) as $to
| $r.timestamp as $t | $r.indicators.quote[0] as $q
# A range that begins before the chart does would be cut without a word.
| if ($t[0] | strftime("%Y-%m-%d") | fromdate) <= $from then . else error end
| [ range($t | length)
    | select($q.close[.] != null)
    | select(($t[.] | strftime("%Y-%m-%d") | fromdate) as $day | $day >= $from and $day <= $to)
    | { v: $q.volume[.], o: $q.open[.], c: $q.close[.], h: $q.high[.], l: $q.low[.], t: ($t[.] * 1000) } ] as $rows
| if ($rows | length) == 0 then error else . end
| { ticker: $asked.ticker, queryCount: ($rows | length), resultsCount: ($rows | length), adjusted: true, results: $rows,
    status: "OK", count: ($rows | length) }
