//! The sources beside the first four: their shapes, how they refuse, and that every fault reaches them.

use healing_lab::{Fault, Hours, Injection, Lab, LabSettings, Limits, SourceName, key};
use serde_json::{Value, json};

use crate::client::{End, Reply, get, get_briefly, lab, request, send, with_limits};

use SourceName::{
    Binance, Bls, Coinbase, Coingecko, Eia, Finnhub, Frankfurter, Kraken, NewsApi, OpenMeteo,
    OpenWeather, SecEdgar, Stooq, Treasury, WorldBank,
};

const TREASURY: &str = "/services/api/fiscal_service/v2/accounting/od";

/// A request that each source answers well.
const SOUND: [(SourceName, &str); 15] = [
    (
        Coingecko,
        "/api/v3/simple/price?ids=bitcoin,solana&vs_currencies=usd,eur&include_last_updated_at=true",
    ),
    (Binance, "/api/v3/ticker/24hr?symbol=BTCUSDT"),
    (Coinbase, "/products/BTC-USD/ticker"),
    (Kraken, "/0/public/Ticker?pair=XBTUSD"),
    (
        Treasury,
        "/services/api/fiscal_service/v2/accounting/od/debt_to_penny?sort=-record_date&page[size]=1",
    ),
    (
        Bls,
        "/publicAPI/v2/timeseries/data/LNS14000000?registrationkey={key}",
    ),
    (
        Eia,
        "/v2/petroleum/pri/spt/data/?api_key={key}&data[0]=value&facets[series][]=RWTC&length=1",
    ),
    (
        WorldBank,
        "/v2/country/JP/indicator/GC.DOD.TOTL.GD.ZS?format=json&mrv=2",
    ),
    (
        NewsApi,
        "/v2/top-headlines?country=us&pageSize=2&apiKey={key}",
    ),
    (
        OpenMeteo,
        "/v1/forecast?latitude=52.52&longitude=13.41&current=temperature_2m",
    ),
    (
        OpenWeather,
        "/data/2.5/weather?q=London&units=metric&appid={key}",
    ),
    (Frankfurter, "/v1/latest?base=USD&symbols=EUR,JPY"),
    (SecEdgar, "/submissions/CIK0000320193.json"),
    (Stooq, "/q/l/?s=aapl.us&f=sd2t2ohlcv&h&e=csv"),
    (Finnhub, "/api/v1/quote?symbol=AAPL&token={key}"),
];

async fn ask(lab: &Lab, source: SourceName, target: &str) -> Reply {
    get(lab, source, &target.replace("{key}", key(source))).await
}

async fn sound(lab: &Lab, source: SourceName) -> Reply {
    let (_, target) = SOUND.iter().find(|(name, _)| *name == source).unwrap();
    ask(lab, source, target).await
}

async fn lab_at(start: &str) -> Lab {
    let settings = LabSettings {
        limits: Limits::Off,
        hours: Hours::Always,
        start_at: Some(start.parse().unwrap()),
        ..LabSettings::default()
    };
    Lab::start(settings).await.unwrap()
}

/// The time or date of an answer's newest number, as it is written.
fn newest(source: SourceName, reply: &Reply) -> Value {
    let pointer = match source {
        Stooq => {
            let text = reply.text();
            let row = text.lines().nth(1).unwrap();
            return row.split(',').nth(1).unwrap().into();
        }
        Coingecko => "/bitcoin/last_updated_at",
        Binance => "/closeTime",
        Coinbase => "/time",
        Kraken => "/result/XXBTZUSD/c/0",
        Treasury => "/data/0/record_date",
        Bls => "/Results/series/0/data/0/period",
        Eia => "/response/data/0/period",
        WorldBank => "/1/0/date",
        NewsApi => "/articles/0/publishedAt",
        OpenMeteo => "/current/time",
        OpenWeather => "/dt",
        Frankfurter => "/date",
        SecEdgar => "/filings/recent/filingDate/0",
        Finnhub => "/t",
        SourceName::YahooFinance
        | SourceName::FredApi
        | SourceName::PolygonIo
        | SourceName::AlphaVantage
        | SourceName::Api => panic!("{source} is not one of the others"),
    };
    reply.at(pointer)
}

#[tokio::test]
async fn every_source_answers_in_its_own_shape_with_the_labs_time() {
    let lab = lab_at("2024-03-06T17:07:30Z").await;
    let expected = [
        (Treasury, json!("2024-03-05")),
        (Bls, json!("M01")),
        (Eia, json!("2024-03-04")),
        (WorldBank, json!("2023")),
        (NewsApi, json!("2024-03-06T17:00:00Z")),
        (OpenMeteo, json!("2024-03-06T17:00")),
        (OpenWeather, json!(1_709_744_400)),
        (Frankfurter, json!("2024-03-06")),
        (SecEdgar, json!("2024-01-30")),
        (Stooq, json!("2024-03-06")),
    ];
    for (source, time) in expected {
        let reply = sound(&lab, source).await;
        assert_eq!(
            (reply.status, newest(source, &reply)),
            (200, time),
            "{source}"
        );
    }
    lab.stop().await;
}

#[tokio::test]
async fn the_exchanges_agree_about_a_coin_and_every_quote_about_a_share() {
    let lab = lab().await;
    lab.inject(Coingecko, Fault::Freeze);
    let number = |value: Value| {
        value
            .as_f64()
            .unwrap_or_else(|| value.as_str().unwrap().parse().unwrap())
    };
    let gecko = sound(&lab, Coingecko).await;
    let bitcoin = number(gecko.at("/bitcoin/usd"));
    assert!(number(gecko.at("/bitcoin/eur")) > 0.0 && number(gecko.at("/solana/usd")) > 0.0);
    for (source, pointer) in [
        (Binance, "/lastPrice"),
        (Coinbase, "/price"),
        (Kraken, "/result/XXBTZUSD/c/0"),
    ] {
        let price = number(sound(&lab, source).await.at(pointer));
        assert!(
            (price / bitcoin - 1.0).abs() < 0.01,
            "{source} {price} {bitcoin}"
        );
    }
    let euro = "/query?function=CURRENCY_EXCHANGE_RATE&from_currency=EUR&to_currency=USD&apikey=k";
    let euro = get(&lab, SourceName::AlphaVantage, euro).await;
    let euro = number(euro.at("/Realtime Currency Exchange Rate/5. Exchange Rate"));
    let reference = number(sound(&lab, Frankfurter).await.at("/rates/EUR"));
    // One is of a day or more ago.
    assert!((reference * euro - 1.0).abs() < 0.03, "{reference} {euro}");
    let quote = number(sound(&lab, Finnhub).await.at("/c"));
    let csv = sound(&lab, Stooq).await.text();
    let close: f64 = csv
        .lines()
        .nth(1)
        .unwrap()
        .split(',')
        .nth(6)
        .unwrap()
        .parse()
        .unwrap();
    assert!((close / quote - 1.0).abs() < 0.01, "{close} {quote}");
    lab.stop().await;
}

#[tokio::test]
async fn lists_have_the_order_and_the_length_that_was_asked_for() {
    let lab = lab().await;
    let klines = ask(
        &lab,
        Binance,
        "/api/v3/klines?symbol=ETHUSDT&interval=1h&limit=30",
    )
    .await;
    let rows = klines.json().as_array().unwrap().clone();
    assert_eq!(rows.len(), 30);
    assert!(rows.is_sorted_by_key(|row| row[0].as_i64()));
    assert_eq!(rows[0].as_array().unwrap().len(), 12);
    let candles = ask(
        &lab,
        Coinbase,
        "/products/ETH-USD/candles?granularity=86400",
    )
    .await;
    let rows = candles.json().as_array().unwrap().clone();
    assert!(rows.len() > 200 && rows.is_sorted_by(|a, b| a[0].as_i64() > b[0].as_i64()));
    let rates = format!(
        "{TREASURY}/avg_interest_rates?sort=-record_date&page[size]=7&filter=security_desc:eq:Treasury%20Notes"
    );
    let rates = ask(&lab, Treasury, &rates).await;
    assert_eq!(rates.at("/meta/count"), 7);
    assert_eq!(rates.at("/data/6/security_desc"), "Treasury Notes");
    let brent = ask(
        &lab,
        Eia,
        "/v2/petroleum/pri/spt/data/?api_key={key}&facets[series][]=RBRTE&length=5",
    )
    .await;
    let rows = brent.at("/response/data").as_array().unwrap().clone();
    assert_eq!(rows.len(), 5);
    assert!(rows.iter().all(|row| row["series"] == "RBRTE"));
    let weather = ask(
        &lab,
        OpenMeteo,
        "/v1/forecast?latitude=1&longitude=2&hourly=temperature_2m,wind_speed_10m&forecast_days=2",
    )
    .await;
    for column in ["time", "temperature_2m", "wind_speed_10m"] {
        assert_eq!(
            weather
                .at(&format!("/hourly/{column}"))
                .as_array()
                .unwrap()
                .len(),
            48
        );
    }
    let history = ask(&lab, Stooq, "/q/d/l/?s=aapl.us&i=d&d1=20240301&d2=20240308")
        .await
        .text();
    assert_eq!(history.lines().count(), 9, "{history}");
    lab.stop().await;
}

#[tokio::test]
async fn several_series_of_bls_come_by_post_and_agree_with_fred() {
    let lab = lab().await;
    let body = json!({"seriesid": ["LNS14000000", "NOPE0000000"], "latest": true, "registrationkey": key(Bls)});
    let text = request(
        "POST",
        "/publicAPI/v2/timeseries/data/",
        &[],
        &body.to_string(),
    );
    let reply = send(lab.address(Bls), &text, std::time::Duration::from_secs(20)).await;
    assert_eq!(reply.at("/status"), "REQUEST_SUCCEEDED");
    assert_eq!(
        reply.at("/message/0"),
        "Series does not exist for Series NOPE0000000"
    );
    let fred = format!(
        "/fred/series/observations?series_id=UNRATE&file_type=json&sort_order=desc&limit=1&api_key={}",
        key(SourceName::FredApi)
    );
    let fred = get(&lab, SourceName::FredApi, &fred).await;
    assert_eq!(
        reply.at("/Results/series/0/data/0/value"),
        fred.at("/observations/0/value")
    );
    lab.stop().await;
}

/// What each says when it was asked too often: its status and a part of its words.
const THROTTLES: [(SourceName, u16, &str); 15] = [
    (Coingecko, 429, "exceeded the Rate Limit"),
    (Binance, 429, "-1003"),
    (Coinbase, 429, "Public rate limit exceeded"),
    (Kraken, 200, "EAPI:Rate limit exceeded"),
    (Treasury, 429, "exceeded the number of requests"),
    (Bls, 200, "daily threshold"),
    (Eia, 429, "OVER_RATE_LIMIT"),
    (WorldBank, 429, "Too Many Requests"),
    (NewsApi, 429, "rateLimited"),
    (OpenMeteo, 429, "Minutely API request limit exceeded"),
    (OpenWeather, 429, "temporary blocked"),
    (Frankfurter, 429, "error code: 1015"),
    (SecEdgar, 429, "Request Rate Threshold Exceeded"),
    (Stooq, 200, "Exceeded the daily hits limit"),
    (Finnhub, 429, "API limit reached"),
];

#[tokio::test]
async fn a_spent_quota_has_each_sources_words() {
    let lab = lab().await;
    for (source, status, words) in THROTTLES {
        lab.inject(source, Fault::quota_spent());
        let reply = sound(&lab, source).await;
        assert_eq!(reply.status, status, "{source}");
        assert!(reply.text().contains(words), "{source} {}", reply.text());
        lab.clear(source);
        lab.inject(source, Fault::Note);
        let note = sound(&lab, source).await;
        assert_eq!(note.status, 200, "{source}");
        assert!(note.text().contains(words), "{source} {}", note.text());
        lab.clear(source);
        assert_eq!(sound(&lab, source).await.status, 200, "{source}");
    }
    lab.stop().await;
}

#[tokio::test]
async fn the_real_limits_are_kept() {
    let lab = with_limits(Limits::Real).await;
    for (source, calls) in [
        (Coinbase, 10),
        (Finnhub, 60),
        (NewsApi, 100),
        (Stooq, 200),
        (OpenWeather, 60),
    ] {
        for call in 0..calls {
            let reply = sound(&lab, source).await;
            assert!(
                !reply.text().contains("xceeded") && reply.status == 200,
                "{source} {call}"
            );
        }
        let refused = sound(&lab, source).await.text().to_lowercase();
        assert!(
            ["exceeded", "limit reached", "too many", "blocked"]
                .iter()
                .any(|word| refused.contains(word)),
            "{source} {refused}"
        );
    }
    let bls = "/publicAPI/v1/timeseries/data/LNS14000000";
    for _ in 0..25 {
        assert_eq!(ask(&lab, Bls, bls).await.at("/status"), "REQUEST_SUCCEEDED");
    }
    assert_eq!(
        ask(&lab, Bls, bls).await.at("/status"),
        "REQUEST_NOT_PROCESSED"
    );
    assert_eq!(sound(&lab, Bls).await.at("/status"), "REQUEST_SUCCEEDED");
    lab.stop().await;
}

#[tokio::test]
async fn a_revocation_strikes_keys_and_where_there_are_none_the_address() {
    let lab = lab().await;
    for (source, _, _) in THROTTLES {
        let healthy = sound(&lab, source).await;
        lab.inject(source, Fault::revoke_keys());
        let reply = sound(&lab, source).await;
        let inside = [Bls, Kraken, Stooq].contains(&source);
        assert_eq!(reply.status == 200, inside, "{source} {}", reply.text());
        assert_ne!(reply.text().get(..20), healthy.text().get(..20), "{source}");
    }
    lab.stop().await;
}

#[tokio::test]
async fn every_kind_of_fault_reaches_every_source() {
    let lab = lab().await;
    for (source, _) in SOUND {
        lab.inject(source, Injection::new(Fault::status(503)).times(1));
        assert_eq!(sound(&lab, source).await.status, 503, "{source}");
        lab.inject(source, Injection::new(Fault::status(429)).times(1));
        assert_eq!(sound(&lab, source).await.status, 429, "{source}");
        lab.inject(source, Injection::new(Fault::ErrorObject).times(1));
        assert_eq!(sound(&lab, source).await.status, 200, "{source}");
        lab.inject(source, Injection::new(Fault::CutBody).times(1));
        assert!(!sound(&lab, source).await.is_whole(), "{source}");
        lab.inject(source, Injection::new(Fault::Reset).times(1));
        assert_eq!(sound(&lab, source).await.end, End::Reset, "{source}");
        lab.inject(source, Fault::Down);
    }
    lab.settled().await;
    for (source, _) in SOUND {
        assert_eq!(sound(&lab, source).await.end, End::Refused, "{source}");
    }
    lab.clear_all();
    lab.settled().await;
    lab.inject(Finnhub, Injection::new(Fault::HangHead).times(1));
    assert_eq!(
        get_briefly(&lab, Finnhub, "/api/v1/quote").await.end,
        End::Silent
    );
    assert!(
        lab.asked_of(Finnhub)
            .iter()
            .any(|asked| asked.fault == Some("hang_head"))
    );
    lab.stop().await;
}

#[tokio::test]
async fn a_source_that_is_frozen_and_lags_shows_the_same_old_moment_again_and_again() {
    let lab = lab_at("2024-03-06T17:07:30Z").await;
    for source in [
        Coingecko,
        Binance,
        Coinbase,
        Frankfurter,
        NewsApi,
        OpenMeteo,
        Finnhub,
    ] {
        let today = newest(source, &sound(&lab, source).await);
        lab.inject(source, Fault::Freeze);
        lab.inject(source, Fault::Lag(std::time::Duration::from_hours(3 * 24)));
        let old = newest(source, &sound(&lab, source).await);
        assert_ne!(old, today, "{source}");
        assert_eq!(newest(source, &sound(&lab, source).await), old, "{source}");
        match (old.as_i64(), today.as_i64()) {
            (Some(old), Some(today)) => {
                let days = (today - old) / if old > 1 << 40 { 86_400_000 } else { 86_400 };
                assert!((2..=3).contains(&days), "{source} {days}");
            }
            // Three days before the Wednesday is a Sunday, when no rates come out.
            _ if source == Frankfurter => assert_eq!(old, "2024-03-01"),
            _ => assert!(
                old.as_str().unwrap().starts_with("2024-03-03T17:0"),
                "{source} {old}"
            ),
        }
    }
    lab.stop().await;
}

#[tokio::test]
async fn keys_of_every_source_are_masked_in_the_log() {
    let lab = lab().await;
    for (source, _) in SOUND {
        sound(&lab, source).await;
        let own = key(source);
        let asked = lab.asked_of(source);
        let shown = &asked.last().unwrap().target;
        assert!(own.is_empty() || !shown.contains(own), "{source} {shown}");
    }
    ask(&lab, Coingecko, "/api/v3/ping?x_cg_demo_api_key={key}").await;
    let asked = lab.asked_of(Coingecko);
    assert_eq!(
        asked.last().unwrap().target,
        "/api/v3/ping?x_cg_demo_api_key=***key1"
    );
    lab.stop().await;
}

#[test]
fn the_readme_has_every_source() {
    let readme = include_str!("../../README.md");
    for name in SourceName::ALL.map(SourceName::slug) {
        assert!(readme.contains(&format!("`{name}`")), "{name}");
    }
}
