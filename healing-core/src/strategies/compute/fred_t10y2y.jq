.first as $answer
| .first.observations as $ten | .second.observations as $two
| ($asked.limit // "100000" | tonumber) as $limit
| ($asked.sort_order == "desc") as $falls
| [ $ten, $two
    | { cut: (length >= $limit) }
      + (if $falls then { old: .[-1].date, new: .[0].date } else { old: .[0].date, new: .[-1].date } end) ] as $spans
# The difference begins where both begin; what a limit cut off is no beginning.
| ([$spans[] | select((.cut and $falls) | not) | .old] | max // "") as $from
| ($ten | map(.date)) as $days
| (if $days == ($two | map(.date))
  then [ range($days | length) | [$ten[.], $ten[.].value, $two[.].value] ]
  else
    [ ($ten[] | [.date, .value]), ($two[] | [.date, .value]) ]
    | group_by(.[0])
    | map(select(.[0][0] >= $from))
    | map([ { realtime_start: $answer.realtime_start, realtime_end: $answer.realtime_end, date: .[0][0] },
        .[0][1], (if length == 2 then .[1][1] else "." end) ])
    | if $falls then reverse else . end
  end
  | .[:$limit]
  | map(.[1] as $a | .[2] as $b | .[0] + { value: (
      if $a == "." or $b == "." then "."
      else (($a | tonumber * 100 | round) - ($b | tonumber * 100 | round)) as $hundredths
        | (if $hundredths < 0 then 0 - $hundredths else $hundredths end | tostring) as $n
        | ("000"[($n | length):] + $n) as $n
        | (if $hundredths < 0 then "-" else "" end) + $n[:-2] + "." + $n[-2:]
      end) })) as $rows
# Behind the last row of a series that was cut off it may have another one for the same day.
| $rows[-1].date as $last
| if $last == null then error else . end
| if all($spans[]; (.cut | not) or (if $falls then $last >= .old else $last <= .new end)) then . else error end
| $answer + { observations: $rows }
| if any($spans[]; .cut) then del(.count) else .count = ($rows | length) end
