//! A second call beside a first one that takes long: when it is made and when not, which answer is given, and what is learned.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use healing_core::{
    Body, BudgetRules, FaultClass, Fidelity, Heal, HealLayer, Healer, HealerBuilder, HedgedRequest,
    Outcome, Per, Quota, QuotaScope, Refusal, Source, SourceSettings, StrategyId,
};
use http::{Request, Response};
use tokio::time::{sleep, timeout};
use tower::{Layer, ServiceExt};

use crate::layers_support::{
    Act, Got, Port, SERIES, Upstream, answer, ask, get, hang, healed_by, json, seconds,
};

const ASKED: &str = "http://a.test/prices/AAPL";
const USUAL: Duration = Duration::from_millis(100);
const DIRECT: (u16, Option<Fidelity>, StrategyId) =
    (200, Some(Fidelity::Exact), StrategyId::DIRECT);
const HEDGED: (u16, Option<Fidelity>, StrategyId) =
    (200, Some(Fidelity::Exact), StrategyId::HEDGED_REQUEST);

/// A source with two addresses, and how it answers there.
struct Stage {
    client: Heal<Port>,
    healer: Healer,
    acts: Arc<Mutex<[Act; 2]>>,
    asked: Arc<Mutex<Vec<String>>>,
}

/// A good answer that leaves no copy.
fn good(after: Duration) -> Act {
    kept(after).with("cache-control", "no-store")
}

fn kept(after: Duration) -> Act {
    json(SERIES).late(after)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn b() -> HedgedRequest {
    HedgedRequest::at(["http://b.test".parse().unwrap()])
}

fn bare() -> HealerBuilder {
    Healer::builder().without_strategies()
}

impl Stage {
    fn of(builder: HealerBuilder) -> Self {
        let acts = Arc::new(Mutex::new([good(USUAL), good(USUAL)]));
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let (own, notes) = (Arc::clone(&acts), Arc::clone(&asked));
        let upstream = Upstream::by(move |request| {
            notes.lock().unwrap().push(request.uri().to_string());
            let [a, b] = own.lock().unwrap().clone();
            if request.uri().path().contains("limited") {
                return answer(429, "slow down").with("retry-after", "60");
            }
            if request.uri().host() == Some("a.test") {
                a
            } else {
                b
            }
        });
        let healer = builder.build();
        Self {
            client: healed_by(&upstream, healer.clone()),
            healer,
            acts,
            asked,
        }
    }

    /// The same, once the route has been asked often enough.
    async fn known(builder: HealerBuilder) -> Self {
        let stage = Self::of(builder);
        stage.becomes_known().await;
        stage
    }

    async fn becomes_known(&self) {
        for _ in 0..20 {
            assert_eq!(self.ask().await.story(), DIRECT);
            sleep(seconds(2)).await;
        }
    }

    fn is(&self, a: Act, b: Act) {
        *self.acts.lock().unwrap() = [a, b];
    }

    async fn ask(&self) -> Got {
        ask(&self.client, get(ASKED)).await
    }

    fn of_b(&self) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|url| url.contains("b.test")).count()
    }

    fn refused(&self, got: &Got) -> Option<Outcome> {
        let decision = self.healer.decision(got.truth.id)?;
        let mut all = decision.considered.iter();
        let own = all.find(|own| own.strategy == StrategyId::HEDGED_REQUEST)?;
        Some(own.outcome.clone())
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_call_that_takes_long_is_overtaken_by_a_second_one_elsewhere() {
    let stage = Stage::known(bare().strategy(b())).await;
    stage.is(good(seconds(5)), good(USUAL));
    let got = stage.ask().await;
    assert_eq!(got.story(), HEDGED);
    assert!((millis(250)..millis(400)).contains(&got.took), "{got:?}");
    assert_eq!((got.truth.attempts, got.text()), (2, SERIES));
    let fault = got.truth.fault.clone().unwrap();
    assert_eq!(
        (fault.class, &*fault.detail),
        (FaultClass::Timeout, "cut_off")
    );
    let counts = stage.healer.hedges();
    assert_eq!((counts.made, counts.won, counts.held_back), (1, 1, 0));
    let decision = stage.healer.decision(got.truth.id).expect("on record");
    assert_eq!(decision.answered_by, StrategyId::HEDGED_REQUEST);
    let own = &decision.considered[0];
    assert_eq!(own.outcome, Outcome::Answered);
    let figures = own.figures.expect("it was weighed");
    assert!(
        figures.index > Some(0.9) && figures.limit >= Some(USUAL),
        "{figures:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_first_call_that_answers_as_it_usually_does_has_none_beside_it() {
    let stage = Stage::known(bare().strategy(b())).await;
    for late in [10, 60, 100, 149] {
        stage.is(good(millis(late)), good(USUAL));
        assert_eq!(stage.ask().await.story(), DIRECT);
    }
    stage.is(answer(503, "down"), good(USUAL));
    assert_eq!(
        stage.ask().await.status,
        503,
        "it is no remedy for a failure"
    );
    assert_eq!((stage.of_b(), stage.healer.hedges().made), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_route_that_is_always_slow_is_waited_for() {
    let stage = Stage::of(bare().strategy(b()));
    stage.is(good(seconds(2)), good(seconds(2)));
    for _ in 0..40 {
        assert_eq!(stage.ask().await.story(), DIRECT);
        sleep(seconds(2)).await;
    }
    assert_eq!(stage.of_b(), 0);
}

#[tokio::test(start_paused = true)]
async fn where_little_is_known_of_a_route_none_is_made_before_the_longest_limit() {
    let stage = Stage::of(bare().strategy(b()));
    stage.is(good(seconds(2)), good(USUAL));
    assert_eq!(stage.ask().await.story(), DIRECT);
    stage.is(hang(), good(USUAL));
    let got = stage.ask().await;
    assert_eq!(got.story(), HEDGED);
    assert!(
        (millis(2_300)..millis(2_900)).contains(&got.took),
        "{got:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn second_calls_are_paid_from_the_budget() {
    let nothing = BudgetRules::new(0.0, 0.0, 0.2).unwrap();
    let stage = Stage::known(bare().budget(nothing).strategy(b())).await;
    stage.is(good(seconds(1)), good(USUAL));
    let mut stories = Vec::new();
    for _ in 0..5 {
        stories.push(stage.ask().await.story());
        sleep(seconds(20)).await;
    }
    assert_eq!(stories, [HEDGED, HEDGED, DIRECT, DIRECT, DIRECT]);
    let counts = stage.healer.hedges();
    assert_eq!((counts.made, counts.held_back, stage.of_b()), (2, 3, 2));
}

#[tokio::test(start_paused = true)]
async fn what_changes_something_or_has_a_body_is_sent_once() {
    let stage = Stage::known(bare().strategy(b())).await;
    stage.is(good(seconds(5)), good(USUAL));
    for method in ["POST", "PUT", "DELETE", "GET"] {
        let request = Request::builder().method(method).uri(ASKED);
        let got = ask(&stage.client, request.body(Body::from("{}")).unwrap()).await;
        assert_eq!((got.story(), got.took), (DIRECT, seconds(5)), "{method}");
    }
    assert_eq!((stage.of_b(), stage.healer.hedges().made), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_second_call_that_fails_leaves_the_first_one_going() {
    let stage = Stage::known(bare().strategy(b())).await;
    for bad in [answer(503, "down"), answer(404, "no"), json("{\"chart\":")] {
        stage.is(good(seconds(1)), bad);
        let got = stage.ask().await;
        assert_eq!((got.story(), got.took), (DIRECT, seconds(1)));
        assert_eq!((got.truth.fault.clone(), got.truth.attempts), (None, 2));
        sleep(seconds(30)).await;
    }
    assert_eq!((stage.of_b(), stage.healer.hedges().won), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_second_call_that_is_late_changes_nothing() {
    let stage = Stage::known(bare().strategy(b())).await;
    stage.is(good(millis(600)), hang());
    let got = stage.ask().await;
    assert_eq!((got.story(), got.took), (DIRECT, millis(600)));
    stage.is(good(USUAL), good(USUAL));
    assert_eq!(
        stage.ask().await.story(),
        DIRECT,
        "nothing is blamed for it"
    );
}

#[tokio::test(start_paused = true)]
async fn a_first_call_that_fails_leaves_the_second_one_going() {
    let stage = Stage::known(bare().strategy(b())).await;
    stage.is(answer(503, "down").late(millis(300)), good(millis(250)));
    let got = stage.ask().await;
    assert_eq!((got.story(), got.truth.attempts), (HEDGED, 2));
    assert_eq!(got.truth.fault.unwrap().class, FaultClass::ServerError);
    assert!(got.took < millis(500), "{:?}", got.took);
}

#[tokio::test(start_paused = true)]
async fn an_address_that_rests_is_not_asked_beside_another() {
    let stage = Stage::known(bare().strategy(b())).await;
    stage.is(good(seconds(1)), answer(503, "down"));
    for _ in 0..40 {
        assert_eq!(stage.ask().await.story(), DIRECT);
        sleep(seconds(5)).await;
    }
    assert!((2..=8).contains(&stage.of_b()), "{}", stage.of_b());
}

#[tokio::test(start_paused = true)]
async fn a_time_that_was_named_meanwhile_holds_for_the_second_call_too() {
    let stage = Stage::known(bare().strategy(b())).await;
    stage.is(good(seconds(1)), good(USUAL));
    let limited = async {
        sleep(USUAL).await;
        ask(&stage.client, get("http://a.test/limited/1")).await
    };
    let (got, limited) = tokio::join!(stage.ask(), limited);
    assert_eq!((got.story(), limited.status), (DIRECT, 429));
    let counts = stage.healer.hedges();
    assert_eq!((counts.made, counts.held_back, stage.of_b()), (0, 1, 0));
}

#[tokio::test(start_paused = true)]
async fn what_a_quota_keeps_for_callers_is_not_for_second_calls() {
    let mut source = SourceSettings::new(Source::new("vendor").unwrap());
    let hour = Per::Window(Duration::from_hours(1));
    source.quotas = vec![Quota::new(24, hour, QuotaScope::Address).unwrap()];
    let stage = Stage::known(bare().source(source).strategy(b())).await;
    stage.is(good(seconds(1)), good(USUAL));
    // Of 24 calls 20 are made, and 2 are kept: with the first one, one is left for a second.
    assert_eq!(stage.ask().await.story(), HEDGED);
    assert_eq!(stage.ask().await.story(), DIRECT);
    assert_eq!((stage.of_b(), stage.healer.hedges().held_back), (1, 1));
    assert_eq!(stage.ask().await.story(), DIRECT, "the last one");
    assert_eq!(stage.ask().await.status, 503, "all are made");
}

#[tokio::test(start_paused = true)]
async fn the_asked_address_is_asked_again_only_where_that_is_set() {
    for (hedge, expected) in [
        (HedgedRequest::at([]), DIRECT),
        (HedgedRequest::at([]).or_the_same(), HEDGED),
    ] {
        let stage = Stage::known(bare().strategy(hedge)).await;
        let mut calls = 0;
        let acts = Arc::clone(&stage.acts);
        stage.is(good(seconds(5)), hang());
        let becomes = async {
            sleep(millis(50)).await;
            acts.lock().unwrap()[0] = good(USUAL);
        };
        let (got, ()) = tokio::join!(stage.ask(), becomes);
        assert_eq!(got.story(), expected);
        calls += stage.of_b();
        assert_eq!(calls, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn with_a_copy_in_hand_the_second_answer_is_better_than_the_copy() {
    let stage = Stage::of(bare().strategy(b()));
    stage.is(kept(USUAL), kept(USUAL));
    stage.becomes_known().await;
    stage.is(hang(), kept(USUAL));
    assert_eq!(stage.ask().await.story(), HEDGED);
    stage.is(hang(), hang());
    let got = stage.ask().await;
    assert!(got.is_copy() && got.took == seconds(3), "{got:?}");
    let refused = stage.refused(&got);
    assert_eq!(refused, Some(Outcome::TooLate));
    assert_ne!(refused, Some(Outcome::Refused(Refusal::Budget)));
}

/// Counts the calls that are under way.
struct Held(Arc<AtomicUsize>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_goes_away_takes_both_calls_along_and_so_does_the_answer() {
    let (held, late) = (Arc::<AtomicUsize>::default(), Arc::new(Mutex::new(false)));
    let (own, is_late) = (Arc::clone(&held), Arc::clone(&late));
    let api = tower::service_fn(move |request: Request<Body>| {
        own.fetch_add(1, Relaxed);
        let guard = Held(Arc::clone(&own));
        let is_first = request.uri().host() == Some("a.test");
        let late = *is_late.lock().unwrap() && is_first;
        async move {
            let _guard = guard;
            sleep(if late { seconds(9) } else { millis(400) }).await;
            let answer = Response::builder().header("cache-control", "no-store");
            Ok::<_, Infallible>(answer.body(Body::from(SERIES)).unwrap())
        }
    });
    let healer = bare().strategy(b()).build();
    let client = HealLayer::new(healer.clone()).layer(api);
    let asks = || client.clone().oneshot(get(ASKED));
    for _ in 0..20 {
        asks().await.unwrap();
    }
    *late.lock().unwrap() = true;
    let gone = timeout(millis(700), asks()).await;
    assert!(gone.is_err() && healer.hedges().made == 1);
    assert_eq!(held.load(Relaxed), 0, "both are cancelled");
    sleep(seconds(60)).await;
    let got = asks().await.unwrap();
    assert_eq!(
        held.load(Relaxed),
        0,
        "the one that is not needed is dropped"
    );
    let truth = got.extensions().get::<healing_core::Provenance>().unwrap();
    assert_eq!(truth.strategy, StrategyId::HEDGED_REQUEST);
}
