.chart.result[0] as $r | $r.meta as $m
| if $m.currency == "USD" and $m.symbol == $asked.symbol then . else error end
| $m.currentTradingPeriod.regular as $p
| [ $r.timestamp as $t | $r.indicators.quote[0] as $q
    | range($t | length)
    | select($q.close[.] != null)
    | select($t[.] < $p.start or $m.regularMarketTime >= $p.end)
    | { v: $q.volume[.], o: $q.open[.], c: $q.close[.], h: $q.high[.], l: $q.low[.], t: $t[.] } ]
| if length < 2 then error else . end
| .[-1] as $day | .[-2].c as $before | ($day.c - $before) as $change
# Four places, as text: how its numbers are written.
| [ $day.o, $day.h, $day.l, $day.c, $before, $change, ($change / $before * 100) ]
| map(if . < 0 then { sign: "-", size: (0 - .) } else { sign: "", size: . } end
    | (.size * 10000 | round | tostring) as $n
    | ("00000"[($n | length):] + $n) as $n
    | .sign + $n[:-4] + "." + $n[-4:])
| { "Global Quote": {
    "01. symbol": $asked.symbol, "02. open": .[0], "03. high": .[1], "04. low": .[2], "05. price": .[3],
    "06. volume": ($day.v | tostring), "07. latest trading day": ($day.t | strftime("%Y-%m-%d")),
    "08. previous close": .[4], "09. change": .[5], "10. change percent": (.[6] + "%") } }
