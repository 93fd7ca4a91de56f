//! A later part of a span: which one, for which refusal, and that it says so.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use healing_core::{Clock, Fidelity, Pattern, ShorterRange, ShorterRangeLayer, Source, StrategyId};
use tower::Layer;

use crate::layers_support::{Act, Got, Upstream, answer, ask, get, json};

const BARS: &str = r#"{"results":[{"c":1.5}],"status":"OK"}"#;
const REFUSED: &str = r#"{"status":"NOT_AUTHORIZED","message":"Your plan doesn't include this data timeframe. Please upgrade."}"#;

type Asked = Arc<Mutex<Vec<String>>>;

fn refused() -> Act {
    answer(403, REFUSED).with("content-type", "application/json")
}

/// The fifth of March 2026, at noon.
fn shorter() -> ShorterRange {
    let noon = "2026-03-05T12:00:00Z".parse().unwrap();
    ShorterRange::of("from", "to", Clock::anchored_at(noon))
}

/// What comes of that span, from a plan that does so with what begins before that.
async fn span(
    shorter: ShorterRange,
    (span, since, before): (&str, &str, Act),
) -> (Got, Vec<String>) {
    let asked = Asked::default();
    let (notes, since) = (Arc::clone(&asked), since.to_owned());
    let upstream = Upstream::by(move |request: &http::Request<_>| {
        let span = request
            .uri()
            .path()
            .split("/day/")
            .nth(1)
            .unwrap()
            .to_owned();
        notes.lock().unwrap().push(span.clone());
        if span < since {
            before.clone()
        } else {
            json(BARS)
        }
    });
    let days = "/v2/aggs/ticker/{ticker}/range/1/day/{from}/{to}";
    let days = Pattern::of(days.parse().unwrap());
    let layer = ShorterRangeLayer::new(Source::new("polygon_io").unwrap(), days, shorter).unwrap();
    let url = format!("http://polygon.test/v2/aggs/ticker/AAPL/range/1/day/{span}");
    let got = ask(&layer.layer(upstream.port()), get(&url)).await;
    let asked = asked.lock().unwrap().clone();
    (got, asked)
}

#[tokio::test(start_paused = true)]
async fn a_span_that_the_plan_lacks_is_halved_until_it_is_there() {
    let ten_years = ("2016-03-05/2026-03-05", "2022-01-01", refused());
    let (got, asked) = span(shorter(), ten_years).await;
    assert_eq!(
        got.story(),
        (200, Some(Fidelity::Reduced), StrategyId::SHORTER_RANGE)
    );
    let halves = ["2016-03-05", "2021-03-05", "2023-09-04"];
    let expected: Vec<String> = halves.map(|from| format!("{from}/2026-03-05")).to_vec();
    assert_eq!(asked, expected);
    let instead = got.truth.instead.unwrap();
    assert_eq!(instead.label.as_deref(), Some("2023-09-04 to 2026-03-05"));
    assert!(instead.location.unwrap().contains("2023-09-04/2026-03-05"));
}

#[tokio::test(start_paused = true)]
async fn a_plan_that_is_known_is_asked_for_all_that_it_has() {
    let two_years = shorter().reaching_back(Duration::from_hours(730 * 24));
    let since_then = ("2016-03-05/2027-01-01", "2024-03-05", refused());
    let (got, asked) = span(two_years.clone(), since_then).await;
    assert_eq!(got.status, 200);
    assert_eq!(asked[1..], ["2024-03-06/2027-01-01"]);
    let less = ("2016-03-05/2026-03-05", "2025-01-01", refused());
    let (got, asked) = span(two_years.clone(), less).await;
    assert_eq!((got.status, asked.len()), (200, 3), "{asked:?}");
    let older = ("2016-03-05/2020-01-01", "2024-03-05", refused());
    let (_, asked) = span(two_years, older).await;
    assert_eq!(asked[1], "2018-02-01/2020-01-01", "the plan has none of it");
}

#[tokio::test(start_paused = true)]
async fn what_is_still_refused_and_what_is_no_refusal_of_a_plan_comes_as_it_is() {
    let never = ("2016-03-05/2026-03-05", "9", refused());
    let (got, asked) = span(shorter(), never).await;
    // Two calls are extra at most while there are no others.
    assert_eq!((got.status, asked.len()), (403, 3), "{asked:?}");
    for (status, span_asked) in [
        (429, "2016-03-05/2026-03-05"),
        (500, "2016-03-05/2026-03-05"),
        (403, "2026-03-05/2026-03-05"),
        (403, "2026-03-06/2027-03-05"),
        (403, "a/b"),
    ] {
        let before = if status == 403 {
            refused()
        } else {
            answer(status, "")
        };
        let (got, asked) = span(shorter(), (span_asked, "x", before)).await;
        assert_eq!(
            (got.status, asked.len()),
            (status, 1),
            "{status} {span_asked}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn milliseconds_are_halved_as_milliseconds() {
    // From noon of the first to noon of the fifth of March 2026.
    let moments = ("1772366400000/1772712000000", "1772366400001", refused());
    let (got, asked) = span(shorter(), moments).await;
    assert_eq!(got.status, 200, "{asked:?}");
    assert_eq!(asked[1..], ["1772539200000/1772712000000"]);
    let label = got.truth.instead.unwrap().label;
    assert_eq!(label.as_deref(), Some("2026-03-03 to 2026-03-05"));
}
