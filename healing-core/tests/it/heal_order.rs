//! What chance decides and what it never does, and what another order of remedies is said to gain.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use healing_core::{
    Answer, Ask, Attempts, Compared, Decision, Fault, FaultClass, Fidelity, Heal, HealLayer,
    Healer, HealerBuilder, Miss, Offer, Pattern, Refusal, RouteSettings, Settings, Source,
    Strategy, StrategyId, Treatment,
    compare::{Estimate, Verdict},
};

use crate::layers_support::{
    Got, Port, SERIES, Upstream, answer, ask, get, get_with, healed_by, json, seconds,
};

const GOOD: &str = "http://asked.test/prices/GOOD";
const BAD: &str = "http://asked.test/prices/BAD";

/// Asks another address for the same.
#[derive(Clone, Copy, Debug)]
struct Other {
    id: StrategyId,
    url: &'static str,
    fidelity: Fidelity,
}

const FIRST: Other = Other {
    id: StrategyId::new("first"),
    url: "http://first.test/prices/BAD",
    fidelity: Fidelity::Equivalent,
};

const SECOND: Other = Other {
    id: StrategyId::new("second"),
    url: "http://second.test/prices/BAD",
    ..FIRST
};

impl Strategy for Other {
    fn id(&self) -> StrategyId {
        self.id
    }

    fn offer(&self, _: &Ask, _: &[Fault]) -> Result<Offer, Refusal> {
        Ok(Offer::now(self.fidelity))
    }

    fn run<'a>(
        &'a self,
        ask: &'a Ask,
        to: &'a mut dyn Attempts,
    ) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(async {
            let mut there = ask.clone();
            there.uri = http::Uri::from_static(self.url);
            let response = to.attempt(&there).await?;
            Ok(Answer::new(response, self.fidelity))
        })
    }
}

/// The asked host is down for one URL only; the others are well.
fn upstream() -> Upstream {
    Upstream::by(|request| {
        if request.uri() == BAD {
            answer(503, "down")
        } else {
            json(SERIES)
        }
    })
}

fn two() -> HealerBuilder {
    let bare = Healer::builder().without_strategies().never_rest();
    bare.randomise().strategy(FIRST).strategy(SECOND)
}

/// What is healed in so many seconds, one request in each, beside that many good ones.
async fn healed(client: &Heal<Port>, times: usize, beside: usize, floor: &str) -> Vec<Got> {
    let mut all = Vec::new();
    for _ in 0..times {
        for _ in 0..beside {
            ask(client, get(GOOD)).await;
        }
        all.push(ask(client, get_with(BAD, &[("healing-floor", floor)])).await);
        tokio::time::sleep(seconds(1)).await;
    }
    all
}

fn why(healer: &Healer, got: &Got) -> Arc<Decision> {
    healer.decision(got.truth.id).expect("on record")
}

fn compared(healer: &Healer, order: &[&str]) -> Compared {
    let layer = HealLayer::new(healer.clone());
    layer.compare(&get(BAD), order).expect("an order")
}

/// How many of them something else was tried first in, and whether chance might have decided that in any.
fn drawn(healer: &Healer, all: &[Got]) -> (usize, bool) {
    let second = all.iter().filter(|got| got.truth.strategy == SECOND.id);
    let by_chance = all.iter().any(|got| why(healer, got).propensity < 1.0);
    (second.count(), by_chance)
}

#[tokio::test(start_paused = true)]
async fn one_of_fifty_changes_places_and_what_is_on_record_says_so() {
    let healer = two().build();
    let client = healed_by(&upstream(), healer.clone());
    let all = healed(&client, 950, 10, "stale").await;
    let late = &all[100..];
    let (second, _) = drawn(&healer, late);
    assert!((3..45).contains(&second), "{second} of {}", late.len());
    for got in late {
        let (decision, is_second) = (why(&healer, got), got.truth.strategy == SECOND.id);
        let expected = if is_second { 0.02 } else { 0.98 };
        assert!(
            (decision.propensity - expected).abs() < 1e-9,
            "{decision:?}"
        );
    }
    let Compared {
        route,
        held,
        changed,
        estimate,
        ..
    } = compared(&healer, &["second"]);
    assert_eq!(route.source().as_str(), "asked_test");
    assert_eq!(
        (held, changed),
        (vec![FIRST.id, SECOND.id], vec![SECOND.id, FIRST.id])
    );
    let Estimate {
        episodes,
        effective,
        verdict,
        ..
    } = estimate;
    assert_eq!(
        (episodes + estimate.unsupported, verdict),
        (950, Verdict::NotYetKnown)
    );
    // After each draw the one that was drawn may be the better for a while, and first in both orders.
    assert!(estimate.differing * 2 > episodes, "{estimate:?}");
    let second = f64::from(u32::try_from(second).unwrap());
    assert!((effective - second).abs() < 6.0, "{estimate:?}");
    let gain = estimate.gain.unwrap();
    assert!(gain.mean.abs() < 0.05, "both are as good: {gain:?}");
    assert!(gain.lower < gain.mean && gain.mean < gain.upper);
    assert_eq!(healer.learner().episodes, 950);
    assert_eq!(healer.learner().episodes_forgotten, 0);
    let same = compared(&healer, &["first", "second", "use_cached_data"]);
    assert_eq!(same.estimate.verdict, Verdict::Same);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_left_to_chance_where_it_may_not_be() {
    let unlike = Other {
        fidelity: Fidelity::Exact,
        ..FIRST
    };
    let bare = || {
        Healer::builder()
            .without_strategies()
            .never_rest()
            .randomise()
    };
    for (what, builder, beside, floor) in [
        (
            "nobody asked for it",
            Healer::builder()
                .without_strategies()
                .never_rest()
                .strategy(FIRST)
                .strategy(SECOND),
            10,
            "stale",
        ),
        ("a floor that is nearly exact", two(), 10, "equivalent"),
        (
            "another fidelity",
            bare().strategy(unlike).strategy(SECOND),
            10,
            "stale",
        ),
        ("nothing to choose", bare().strategy(FIRST), 10, "stale"),
    ] {
        let healer = builder.build();
        let client = healed_by(&upstream(), healer.clone());
        let all = healed(&client, 300, beside, floor).await;
        assert_eq!(drawn(&healer, &all), (0, false), "{what}");
        let held = compared(&healer, &[]).held;
        let turned: Vec<&str> = held.iter().rev().map(|id| id.as_str()).collect();
        let estimate = compared(&healer, &turned).estimate;
        assert!(estimate.differing == 0, "{what}: {estimate:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn with_half_of_the_budget_gone_nothing_is_left_to_chance() {
    let healer = two().build();
    let client = healed_by(&upstream(), healer.clone());
    let all = healed(&client, 300, 0, "stale").await;
    assert_eq!(drawn(&healer, &all[100..]), (0, false));
}

#[tokio::test(start_paused = true)]
async fn what_is_foreseen_is_what_the_plan_says() {
    let healer = two().build();
    let client = healed_by(&upstream(), healer.clone());
    healed(&client, 100, 10, "stale").await;
    let layer = HealLayer::new(healer.clone());
    for _ in 0..300 {
        let foresight = layer.foresee(&get(BAD), FaultClass::ServerError);
        assert_eq!(foresight.considered[0].strategy, FIRST.id);
    }
    assert_eq!(healer.learner().episodes, 100, "nobody was asked");
}

#[tokio::test(start_paused = true)]
async fn an_order_that_no_draw_reaches_has_no_figure() {
    let third = Other {
        id: StrategyId::new("third"),
        url: "http://third.test/prices/BAD",
        ..FIRST
    };
    let healer = two().strategy(third).build();
    let client = healed_by(&upstream(), healer.clone());
    healed(&client, 300, 10, "stale").await;
    let estimate = compared(&healer, &["third"]).estimate;
    assert_eq!(
        (estimate.verdict, estimate.gain),
        (Verdict::NoSupport, None)
    );
    assert!(estimate.unsupported > 0, "{estimate:?}");
}

#[test]
fn what_is_no_order_is_said_with_what_there_is() {
    let said = |healer: HealerBuilder, order: &[&str]| {
        let layer = HealLayer::new(healer.build());
        layer.compare(&get(BAD), order).unwrap_err().to_string()
    };
    let known = "asked_test /prices/{symbol}; it has first, second";
    assert_eq!(
        said(two(), &["second", "prayer"]),
        format!("\"prayer\" is no strategy of {known}")
    );
    assert_eq!(
        said(two(), &["first", "first"]),
        "\"first\" stands there twice; keep one of them"
    );
    let none = said(Healer::builder().without_strategies(), &["first"]);
    assert!(none.ends_with("it has none to put in order"), "{none}");
}

#[tokio::test(start_paused = true)]
async fn settings_that_put_the_same_strategies_otherwise_are_compared_before_they_hold() {
    let settings = |strategies: &[Other]| {
        let mut treatment = Treatment::default();
        treatment.rests = false;
        treatment.randomises = true;
        let shared = strategies
            .iter()
            .map(|own| Arc::new(*own) as Arc<dyn Strategy>);
        treatment.strategies = shared.collect();
        let pattern = Pattern::of("/prices/{symbol}".parse().unwrap());
        let source = Source::new("asked").unwrap();
        let mut settings = Settings::default();
        settings
            .routes
            .push(RouteSettings::new(source, pattern, treatment));
        settings
    };
    let healer = Healer::builder().build();
    healer.configure(&settings(&[FIRST, SECOND])).unwrap();
    let client = healed_by(&upstream(), healer.clone());
    // That nothing is drawn in so many happens once in ten million.
    healed(&client, 800, 10, "stale").await;
    assert!(healer.compare(&settings(&[FIRST, SECOND])).is_empty());
    assert!(healer.compare(&settings(&[SECOND])).is_empty());
    let turned = settings(&[SECOND, FIRST]);
    let compared = healer.compare(&turned);
    assert_eq!(compared.len(), 1);
    assert_eq!(compared[0].route.template(), "/prices/{symbol}");
    assert_eq!(compared[0].changed, [SECOND.id, FIRST.id]);
    assert_eq!(compared[0].estimate.verdict, Verdict::NotYetKnown);
    healer.configure(&turned).unwrap();
    assert!(healer.compare(&turned).is_empty(), "it holds by now");
}
