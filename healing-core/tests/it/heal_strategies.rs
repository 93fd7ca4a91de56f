//! Strategies and rules of one's own: when they are tried, what they may give, what they cost.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering::Relaxed},
};

use futures_util::future::BoxFuture;
use healing_core::{
    Answer, Ask, Attempts, Body, Classify, Fault, FaultClass, Fidelity, Healer, Miss, Offer,
    Refusal, Reply, Strategy, StrategyId,
};
use http::Response;

use crate::layers_support::{
    SERIES, URL, Upstream, answer, ask, get, get_with, healed_by, json, seconds,
};

/// Answers with a table of its own, and counts how often.
#[derive(Clone, Debug, Default)]
struct Table(Arc<AtomicU32>);

impl Table {
    const ID: StrategyId = StrategyId::new("table");
}

impl Strategy for Table {
    fn id(&self) -> StrategyId {
        Self::ID
    }

    fn offer(&self, _: &Ask, _: &[Fault]) -> Result<Offer, Refusal> {
        Ok(Offer::now(Fidelity::Substitute))
    }

    fn run<'a>(
        &'a self,
        _: &'a Ask,
        _: &'a mut dyn Attempts,
    ) -> BoxFuture<'a, Result<Answer, Miss>> {
        self.0.fetch_add(1, Relaxed);
        let table = Response::new(Body::from("table"));
        Box::pin(async { Ok(Answer::new(table, Fidelity::Substitute)) })
    }
}

/// Asks for ever.
#[derive(Debug)]
struct Insists;

impl Strategy for Insists {
    fn id(&self) -> StrategyId {
        StrategyId::new("insists")
    }

    fn offer(&self, _: &Ask, _: &[Fault]) -> Result<Offer, Refusal> {
        Ok(Offer::now(Fidelity::Exact))
    }

    fn run<'a>(
        &'a self,
        ask: &'a Ask,
        to: &'a mut dyn Attempts,
    ) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(async {
            loop {
                match to.attempt(ask).await {
                    Ok(response) => return Ok(Answer::new(response, Fidelity::Exact)),
                    Err(Miss::Refused(refusal)) => return Err(Miss::Refused(refusal)),
                    Err(Miss::Fault(_) | Miss::Elsewhere(_)) => {}
                }
            }
        })
    }
}

/// Asks for a fund where a share was asked for.
#[derive(Debug)]
struct Fund;

impl Strategy for Fund {
    fn id(&self) -> StrategyId {
        StrategyId::new("fund")
    }

    fn offer(&self, _: &Ask, _: &[Fault]) -> Result<Offer, Refusal> {
        Ok(Offer::now(Fidelity::Substitute))
    }

    fn run<'a>(
        &'a self,
        ask: &'a Ask,
        to: &'a mut dyn Attempts,
    ) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(async {
            let mut ask = ask.clone();
            ask.uri = http::Uri::from_static(FUND);
            let response = to.attempt(&ask).await?;
            Ok(Answer::new(response, Fidelity::Substitute))
        })
    }
}

const SHARE: &str = "http://quotes.test/v8/chart/AAPL";
const FUND: &str = "http://quotes.test/v8/chart/XLK";

fn lenient() -> healing_core::HealerBuilder {
    Healer::builder()
        .without_strategies()
        .floor(Fidelity::Substitute)
}

const TABLE: (u16, Option<Fidelity>, StrategyId) = (200, Some(Fidelity::Substitute), Table::ID);

#[tokio::test(start_paused = true)]
async fn a_strategy_answers_where_the_floor_allows_it() {
    let upstream = Upstream::that(answer(500, "down"));
    let client = healed_by(&upstream, lenient().strategy(Table::default()).build());
    let got = ask(&client, get(URL)).await;
    assert_eq!((got.story(), got.text()), (TABLE, "table"));
    let strict = ask(&client, get_with(URL, &[("healing-floor", "stale")])).await;
    assert_eq!((strict.status, strict.truth.fidelity), (500, None));
}

#[tokio::test(start_paused = true)]
async fn a_strategy_below_the_floor_is_not_even_run() {
    let upstream = Upstream::that(answer(500, "down"));
    let table = Table::default();
    let healer = Healer::builder()
        .without_strategies()
        .strategy(table.clone());
    let client = healed_by(&upstream, healer.build());
    assert_eq!(ask(&client, get(URL)).await.status, 500);
    assert_eq!(table.0.load(Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn a_strategy_answers_also_while_the_source_rests() {
    for act in [
        answer(429, "slow down"),
        answer(503, "").with("retry-after", 30),
        answer(500, ""),
    ] {
        let upstream = Upstream::that(json(SERIES));
        let client = healed_by(&upstream, lenient().strategy(Table::default()).build());
        ask(&client, get(URL)).await;
        tokio::time::sleep(seconds(16 * 60)).await;
        upstream.becomes(act.clone());
        for n in 0..5 {
            let got = ask(&client, get(URL)).await;
            assert_eq!(got.story(), TABLE, "{act:?}, time {n}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_strategy_cannot_ask_more_than_the_budget_allows() {
    let upstream = Upstream::that(answer(500, "down"));
    let client = healed_by(&upstream, lenient().strategy(Insists).build());
    for _ in 0..100 {
        assert_eq!(ask(&client, get(URL)).await.status, 500);
    }
    assert!(upstream.calls() <= 115, "{}", upstream.calls());
}

/// A vendor's own way to say no.
#[derive(Debug)]
struct Vendor;

impl Classify for Vendor {
    fn classify(&self, reply: &Reply<'_>) -> Option<Fault> {
        let no = reply.body().windows(7).any(|part| part == b"E-17-NO");
        no.then(|| Fault::new(FaultClass::PremiumRequired, "e_17"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_rule_of_ones_own_makes_an_answer_bad() {
    let upstream = Upstream::that(json(SERIES));
    let client = healed_by(&upstream, Healer::builder().rule(Vendor).build());
    assert!(ask(&client, get(URL)).await.is_fresh());
    upstream.becomes(json(SERIES.replace("lin", "E-17-NO")));
    let got = ask(&client, get(URL)).await;
    assert!(got.is_copy() && got.text() == SERIES, "{got:?}");
    let fault = got.truth.fault.unwrap();
    assert_eq!(
        (fault.class, &*fault.detail),
        (FaultClass::PremiumRequired, "e_17")
    );
}

fn quotes() -> Upstream {
    Upstream::by(|request| match request.uri().path() {
        "/v8/chart/XLK" => json(SERIES),
        _ => answer(503, "down"),
    })
}

#[tokio::test(start_paused = true)]
async fn a_substitute_is_not_kept_as_a_copy_of_what_was_asked() {
    let client = healed_by(&quotes(), lenient().strategy(Fund).build());
    let got = ask(&client, get(SHARE)).await;
    assert_eq!(got.truth.fidelity, Some(Fidelity::Substitute));
    let strict = ask(&client, get_with(SHARE, &[("healing-floor", "stale")])).await;
    assert_eq!(
        (strict.status, strict.truth.fidelity),
        (503, None),
        "{strict:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_copy_in_hand_is_nearer_than_a_substitute() {
    let upstream = Upstream::that(json(SERIES));
    let client = healed_by(&upstream, lenient().strategy(Table::default()).build());
    ask(&client, get(URL)).await;
    upstream.becomes(answer(500, ""));
    let got = ask(&client, get(URL)).await;
    assert!(got.is_copy(), "{got:?}");
}
