.chart.result[0] as $r | $r.meta as $m
| if $m.currency == "USD" and $m.symbol == $asked.ticker then . else error end
| $m.currentTradingPeriod.regular as $p
| [ $r.timestamp as $t | $r.indicators.quote[0] as $q
    | range($t | length)
    | select($q.close[.] != null)
    | select($t[.] < $p.start or $m.regularMarketTime >= $p.end)
    | { T: $asked.ticker, v: $q.volume[.], o: $q.open[.], c: $q.close[.], h: $q.high[.], l: $q.low[.], t: ($t[.] * 1000) } ]
| if length == 0 then error else .[-1] end
| { ticker: $asked.ticker, queryCount: 1, resultsCount: 1, adjusted: true, results: [.], status: "OK", count: 1 }
