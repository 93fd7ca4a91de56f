.chart.result[0].meta as $m
| if $m.symbol == $asked.symbols then . else error end
| { quoteResponse: { error: null, result: [ {
    language: "en-US", region: "US", quoteType: $m.instrumentType, currency: $m.currency,
    shortName: $m.shortName, longName: $m.longName, symbol: $m.symbol,
    exchange: $m.exchangeName, fullExchangeName: $m.fullExchangeName, exchangeTimezoneName: $m.exchangeTimezoneName,
    regularMarketTime: $m.regularMarketTime, regularMarketPrice: $m.regularMarketPrice,
    regularMarketPreviousClose: $m.chartPreviousClose,
    regularMarketChange: ($m.regularMarketPrice - $m.chartPreviousClose),
    regularMarketChangePercent: (($m.regularMarketPrice - $m.chartPreviousClose) / $m.chartPreviousClose * 100),
    regularMarketDayHigh: $m.regularMarketDayHigh, regularMarketDayLow: $m.regularMarketDayLow,
    regularMarketVolume: $m.regularMarketVolume, priceHint: $m.priceHint } ] } }
