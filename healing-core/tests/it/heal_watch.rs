//! Only watching: nothing that a caller gets is changed, and it is told what would have been done.

use std::sync::Arc;

use healing_core::{
    AlternateSeries, Expose, Fidelity, Healer, HealerBuilder, Identity, LabelLayer, Observed,
    Pattern, RouteSettings, Settings, Source, Treatment,
};
use tower::Layer;

use crate::layers_support::{
    Act, Got, SERIES, URL, Upstream, answer, ask, get, healed_by, json, seconds,
};

fn watching() -> HealerBuilder {
    Healer::builder().observe()
}

async fn after_a_good_one(act: Act, wait: u64) -> (Got, usize) {
    let upstream = Upstream::that(json(SERIES));
    let client = healed_by(&upstream, watching().build());
    let healthy = ask(&client, get(URL)).await;
    assert_eq!(healthy.truth.observed, Observed::Nothing);
    tokio::time::sleep(seconds(wait)).await;
    upstream.becomes(act);
    let got = ask(&client, get(URL)).await;
    (got, upstream.calls())
}

#[tokio::test(start_paused = true)]
async fn what_is_bad_reaches_the_caller_as_it_came_with_what_would_have_been_done() {
    let note = r#"{"Note":"Thank you for using our API! Our standard limit is 5 calls a minute."}"#;
    for (act, status, text) in [
        (answer(503, "down"), 503, "down"),
        (json(note), 200, note),
        (answer(429, "slow down"), 429, "slow down"),
    ] {
        let (got, calls) = after_a_good_one(act, 40).await;
        assert_eq!((got.status, got.text(), calls), (status, text, 2));
        let would = got.truth.observed.would().unwrap_or_default();
        assert!(would.ends_with("cached copy (age 40s)"), "{would}");
        assert_eq!(got.truth.fidelity, None);
    }
    let (got, _) = after_a_good_one(answer(503, "down"), 40).await;
    let would = "exponential_backoff_retry (exact), else cached copy (age 40s)";
    assert_eq!(got.truth.observed.would(), Some(would));
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_breaks_off_for_the_caller_too() {
    let (got, _) = after_a_good_one(json(SERIES).breaks(), 1).await;
    assert_eq!(got.status, 200);
    assert!(got.body.is_err(), "no clean end");
}

#[tokio::test(start_paused = true)]
async fn a_slow_answer_is_waited_for_however_long_it_takes() {
    let (got, _) = after_a_good_one(json(SERIES).late(seconds(30)), 1).await;
    assert_eq!((got.text(), got.took), (SERIES, seconds(30)));
    assert_eq!(got.truth.observed.would(), Some("cached copy (age 1s)"));
}

#[tokio::test(start_paused = true)]
async fn a_source_that_rests_is_asked_all_the_same() {
    let upstream = Upstream::that(answer(503, "down"));
    let client = healed_by(&upstream, watching().build());
    for _ in 0..10 {
        assert_eq!(ask(&client, get(URL)).await.text(), "down");
    }
    assert_eq!(upstream.calls(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_route_that_only_watches_tells_of_its_strategies_in_one_field_and_asks_nothing_else() {
    let mut treatment = Treatment::default();
    treatment.floor = Fidelity::Reduced;
    treatment.observe = true;
    treatment.strategies = vec![Arc::new(AlternateSeries::fred_monthly("series"))];
    let mut settings = Settings::default();
    let series = Pattern::of("/api/fred/series/{series}".parse().unwrap());
    let source = Source::new("fred_api").unwrap();
    settings
        .routes
        .push(RouteSettings::new(source, series, treatment));
    let healer = Healer::builder().build();
    healer.configure(&settings).unwrap();
    let upstream = Upstream::that(answer(503, "down").with("x-own", "1"));
    let identity = Identity::new("heal-7f3a", Expose::Full).unwrap();
    let client = LabelLayer::new(identity).layer(healed_by(&upstream, healer));
    let got = ask(&client, get("http://api.test/api/fred/series/DGS10")).await;
    let timing = "heal;desc=\"would: alternate_series (reduced)\"";
    assert_eq!(got.headers["server-timing"], timing);
    assert_eq!(
        (got.headers.len(), upstream.calls()),
        (2, 1),
        "{:?}",
        got.headers
    );
}
