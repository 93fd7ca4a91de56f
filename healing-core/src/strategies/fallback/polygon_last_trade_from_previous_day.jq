.results[0] as $day
| { status: .status, request_id: .request_id,
    results: { T: $asked.ticker, p: $day.c, t: ($day.t * 1000000), y: ($day.t * 1000000) } }
