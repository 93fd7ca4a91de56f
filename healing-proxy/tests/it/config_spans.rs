//! Another day, another size and another function in place of what a plan does not have: under their names, and only where
//! the floor allows it.

use healing_lab::{Fault, Injection, Limits, SourceName, key};

use crate::{
    stage::Answer,
    stand::{Stand, lab},
};

/// Polygon's market of a day.
async fn polygon(floor: &str) -> Stand {
    let lines = format!(
        "sources:\n  polygon_io: {{ upstreams: [POLYGON], mount: /polygon }}\nroutes:\n  - match: \"/polygon/v1/open-close/{{ticker}}/{{date}}\"\n    source: polygon_io\n    {floor}\n    heal: [previous_trading_day]"
    );
    Stand::of(lab(Limits::Off).await, &lines, &[]).await
}

/// Alpha Vantage's series.
async fn alpha(floor: &str, heal: &str) -> Stand {
    let lines = format!(
        "sources:\n  alpha_vantage: {{ upstreams: [ALPHA] }}\nroutes:\n  - match: /query\n    source: alpha_vantage\n    params: {{ function: {{ query: function }}, outputsize: {{ query: outputsize }} }}\n    {floor}\n    heal: [{heal}]"
    );
    Stand::of(lab(Limits::Off).await, &lines, &[]).await
}

fn day(date: &str) -> String {
    let key = key(SourceName::PolygonIo);
    format!("/polygon/v1/open-close/AAPL/{date}?apiKey={key}")
}

fn series(function: &str, size: &str) -> String {
    let key = key(SourceName::AlphaVantage);
    format!("/query?function={function}&symbol=IBM&outputsize={size}&apikey={key}")
}

fn once(fault: Fault) -> Injection {
    Injection::new(fault).times(1)
}

#[track_caller]
fn is_healed(answer: &Answer, status: u16, told: &[&str]) {
    assert_eq!(answer.status, status, "{answer:?}");
    for part in told {
        assert!(answer.get("healing").contains(part), "{part}: {answer:?}");
    }
}

#[tokio::test]
async fn a_day_that_is_not_over_has_the_trading_day_before_it_under_its_date() {
    let stand = polygon("floor: reduced").await;
    let early = Fault::form("prem_before_end_of_day");
    stand.lab.inject(SourceName::PolygonIo, once(early));
    // The day after the one of Martin Luther King, a Monday.
    let answer = stand.proxy.get(&day("2026-01-20")).await;
    is_healed(
        &answer,
        200,
        &["reduced", "previous_trading_day", "date 2026-01-16"],
    );
    assert!(answer.text().contains("2026-01-16"), "{answer:?}");
}

#[tokio::test]
async fn a_day_is_not_exchanged_for_another_by_itself_nor_because_of_a_limit() {
    let stand = polygon("floor_for_callers: reduced").await;
    let early = Fault::form("prem_before_end_of_day");
    stand.lab.inject(SourceName::PolygonIo, once(early));
    let answer = stand.proxy.get(&day("2026-01-20")).await;
    assert_eq!(answer.status, 403, "nobody asked for another: {answer:?}");
    let stand = polygon("floor: reduced").await;
    stand
        .lab
        .inject(SourceName::PolygonIo, once(Fault::status(429)));
    assert_eq!(stand.proxy.get(&day("2026-01-20")).await.status, 429);
    stand
        .lab
        .inject(SourceName::PolygonIo, once(Fault::status(500)));
    assert_eq!(stand.proxy.get(&day("2026-01-21")).await.status, 500);
    assert_eq!(stand.asked(SourceName::PolygonIo).len(), 2);
}

#[tokio::test]
async fn a_full_series_that_the_plan_lacks_has_its_last_hundred_rows_under_that_name() {
    let heal = "{ reduce_request_size: { param: outputsize } }";
    let stand = alpha("floor: reduced", heal).await;
    let paid = || once(Fault::form("prem_parameter"));
    stand.lab.inject(SourceName::AlphaVantage, paid());
    let answer = stand.proxy.get(&series("TIME_SERIES_DAILY", "full")).await;
    is_healed(
        &answer,
        200,
        &["reduced", "reduce_request_size", "last 100 rows"],
    );
    assert!(answer.text().contains("Compact"), "{answer:?}");
    stand.lab.inject(SourceName::AlphaVantage, paid());
    let compact = stand
        .proxy
        .get(&series("TIME_SERIES_DAILY", "compact"))
        .await;
    assert!(!compact.head.has("healing"), "it is small: {compact:?}");
}

#[tokio::test]
async fn prices_that_are_not_adjusted_stand_for_adjusted_ones_only_as_a_substitute() {
    let asked = series("TIME_SERIES_DAILY_ADJUSTED", "compact");
    let stand = alpha(
        "floor: substitute",
        "{ alternate_series: { param: function } }",
    )
    .await;
    let answer = stand.proxy.get(&asked).await;
    is_healed(
        &answer,
        200,
        &["substitute", "alternate_series", "not adjusted"],
    );
    let asked_for = stand.asked(SourceName::AlphaVantage)[1].replace("%5F", "_");
    assert!(
        asked_for.contains("function=TIME_SERIES_DAILY&"),
        "{asked_for}"
    );
    let stand = alpha("floor_for_callers: substitute", "alternate_series").await;
    let answer = stand.proxy.get(&asked).await;
    assert!(!answer.head.has("healing"), "nobody took it: {answer:?}");
    let weekly = stand
        .proxy
        .get(&series("TIME_SERIES_WEEKLY", "compact"))
        .await;
    assert_eq!(weekly.status, 200, "{weekly:?}");
    assert_eq!(stand.asked(SourceName::AlphaVantage).len(), 2);
}

/// Polygon's days, with a key of the plan that reaches back two years.
async fn days(floor: &str, heal: &str) -> Stand {
    let lines = format!(
        "sources:\n  polygon_io: {{ upstreams: [POLYGON], mount: /polygon }}\nroutes:\n  - match: \"/polygon/v2/aggs/ticker/{{ticker}}/range/1/day/{{from}}/{{to}}\"\n    source: polygon_io\n    {floor}\n    heal: [{heal}]"
    );
    Stand::of(lab(Limits::Off).await, &lines, &[]).await
}

/// The days from so long ago until yesterday.
fn since(days_ago: i64) -> String {
    let yesterday = jiff::Zoned::now().date().yesterday().unwrap();
    let from = yesterday - jiff::Span::new().days(days_ago);
    format!("/polygon/v2/aggs/ticker/AAPL/range/1/day/{from}/{yesterday}?apiKey=labbasickey1")
}

#[tokio::test]
async fn a_span_that_the_plan_lacks_has_its_later_part_under_its_days() {
    for (heal, days_ago) in [
        ("{ shorter_range: { depth: 730d } }", 3_650),
        ("shorter_range", 1_460),
    ] {
        let stand = days("floor: reduced", heal).await;
        let answer = stand.proxy.get(&since(days_ago)).await;
        let yesterday = jiff::Zoned::now().date().yesterday().unwrap();
        let until = format!(" to {yesterday}");
        is_healed(&answer, 200, &["reduced", "shorter_range", &until]);
        assert!(answer.text().contains("\"results\""), "{answer:?}");
        let asked = stand.asked(SourceName::PolygonIo);
        assert_eq!(asked.len(), 2, "{asked:?}");
        let place = answer.get("content-location");
        assert!(place.contains("/range/1/day/202"), "{place}");
    }
}

#[tokio::test]
async fn a_span_is_not_cut_for_those_who_do_not_take_less_nor_because_of_a_limit() {
    let stand = days("floor_for_callers: reduced", "shorter_range").await;
    let answer = stand.proxy.get(&since(3_650)).await;
    assert_eq!(answer.status, 403, "nobody asked for less: {answer:?}");
    let stand = days("floor: reduced", "shorter_range").await;
    for status in [429, 500] {
        let failed = once(Fault::status(status));
        stand.lab.inject(SourceName::PolygonIo, failed);
        let answer = stand.proxy.get(&since(3_651)).await;
        assert_eq!(answer.status, status, "{answer:?}");
    }
    assert_eq!(stand.asked(SourceName::PolygonIo).len(), 2);
}
