//! What is tried first is learned: from attempts, within what the rules allow, and it can be explained.

use std::{
    future::Future as _,
    pin::pin,
    sync::{Arc, Mutex},
    task::{Context, Waker},
};

use futures_util::future::BoxFuture;
use healing_core::{
    AlternateEndpoint, Answer, Ask, Attempts, Considered, Decision, Fault, FaultClass, Fidelity,
    Heal, HealLayer, Healer, HealerBuilder, Left, Miss, Offer, Outcome, Refusal, Retry, RotateKey,
    Strategy, StrategyId,
};
use tower::ServiceExt;

use crate::layers_support::{
    Act, Got, Port, SERIES, Upstream, answer, ask, get, hang, healed_by, json, seconds,
};

const ASKED: &str = "http://asked.test/prices/AAPL";

/// Asks that URL beside the asked one.
#[derive(Clone, Copy, Debug)]
struct Other {
    id: StrategyId,
    url: &'static str,
    fidelity: Fidelity,
    /// Whether it says beforehand what it will ask.
    tells: bool,
}

const fn other(id: &'static str, url: &'static str) -> Other {
    Other {
        id: StrategyId::new(id),
        url,
        fidelity: Fidelity::Equivalent,
        tells: true,
    }
}

const FIRST: Other = other("first", "http://first.test/prices/AAPL");
const SECOND: Other = other("second", "http://second.test/prices/AAPL");

impl Other {
    fn there(&self, ask: &Ask) -> Ask {
        let mut there = ask.clone();
        there.uri = http::Uri::from_static(self.url);
        there
    }
}

impl Strategy for Other {
    fn id(&self) -> StrategyId {
        self.id
    }

    fn is_beside(&self) -> bool {
        true
    }

    fn offer(&self, _: &Ask, _: &[Fault]) -> Result<Offer, Refusal> {
        Ok(Offer::now(self.fidelity))
    }

    fn asks(&self, ask: &Ask) -> Vec<Ask> {
        self.tells.then(|| self.there(ask)).into_iter().collect()
    }

    fn run<'a>(
        &'a self,
        ask: &'a Ask,
        to: &'a mut dyn Attempts,
    ) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(async {
            let response = to.attempt(&self.there(ask)).await?;
            Ok(Answer::new(response, self.fidelity))
        })
    }
}

/// Computes something, and never comes to anything.
#[derive(Debug)]
struct Useless;

impl Strategy for Useless {
    fn id(&self) -> StrategyId {
        StrategyId::new("useless")
    }

    fn is_beside(&self) -> bool {
        true
    }

    fn offer(&self, _: &Ask, _: &[Fault]) -> Result<Offer, Refusal> {
        Ok(Offer::now(Fidelity::Equivalent))
    }

    fn run<'a>(
        &'a self,
        _: &'a Ask,
        _: &'a mut dyn Attempts,
    ) -> BoxFuture<'a, Result<Answer, Miss>> {
        let fault = Fault::new(FaultClass::MalformedBody, "useless");
        Box::pin(async { Err(Miss::Elsewhere(fault)) })
    }
}

/// How each host answers now; others are down.
#[derive(Clone, Default)]
struct Hosts(Arc<Mutex<Vec<(&'static str, Act)>>>);

impl Hosts {
    fn of(acts: &[(&'static str, Act)]) -> Self {
        Self(Arc::new(Mutex::new(acts.to_vec())))
    }

    fn now(&self, host: &'static str, act: Act) {
        self.0.lock().unwrap().insert(0, (host, act));
    }

    fn upstream(&self) -> Upstream {
        let hosts = Arc::clone(&self.0);
        Upstream::by(move |request| {
            let asked = request.uri().host().unwrap_or_default();
            let hosts = hosts.lock().unwrap();
            let known = hosts.iter().find(|(host, _)| *host == asked);
            known.map_or_else(|| answer(503, "down"), |(_, act)| act.clone())
        })
    }
}

fn bare() -> HealerBuilder {
    Healer::builder().without_strategies()
}

fn build(hosts: &Hosts, builder: HealerBuilder) -> (Heal<Port>, Healer) {
    let healer = builder.build();
    (healed_by(&hosts.upstream(), healer.clone()), healer)
}

/// Asks so often, with pauses that let the budget fill.
async fn asked(client: &Heal<Port>, times: u32) -> Vec<Got> {
    let mut all = Vec::new();
    for _ in 0..times {
        all.push(ask(client, get(ASKED)).await);
        tokio::time::sleep(seconds(5)).await;
    }
    all
}

fn why(healer: &Healer, got: &Got) -> Arc<Decision> {
    healer.decision(got.truth.id).expect("on record")
}

fn of<'d>(decision: &'d Decision, id: &str) -> &'d Considered {
    let mut all = decision.considered.iter();
    all.find(|own| own.strategy.as_str() == id)
        .expect("considered")
}

#[tokio::test(start_paused = true)]
async fn of_two_remedies_the_one_that_works_is_tried_first_after_a_few_requests() {
    for tells in [true, false] {
        let slow = answer(503, "").late(seconds(1));
        let hosts = Hosts::of(&[("first.test", slow), ("second.test", json(SERIES))]);
        let remedies = [FIRST, SECOND].map(|own| Other { tells, ..own });
        let builder = bare().strategy(remedies[0]).strategy(remedies[1]);
        let (client, healer) = build(&hosts, builder);
        let all = asked(&client, 12).await;
        let first = why(&healer, &all[0]);
        assert_eq!(first.considered[0].strategy, FIRST.id, "as they were set");
        for got in &all[3..] {
            assert_eq!(got.truth.strategy, SECOND.id, "{tells} {got:?}");
            let decision = why(&healer, got);
            assert_eq!(decision.considered[0].strategy, SECOND.id, "{decision:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_better_remedy_that_came_back_is_found_again() {
    let exact = Other {
        fidelity: Fidelity::Exact,
        ..FIRST
    };
    let hosts = Hosts::of(&[("second.test", json(SERIES))]);
    let (client, _) = build(&hosts, bare().strategy(exact).strategy(SECOND));
    let away = asked(&client, 12).await;
    assert_eq!(away.last().unwrap().truth.strategy, SECOND.id);
    hosts.now("first.test", json(SERIES));
    let back = asked(&client, 60).await;
    assert_eq!(back.last().unwrap().truth.strategy, FIRST.id);
}

#[tokio::test(start_paused = true)]
async fn one_that_came_back_is_found_when_the_other_goes() {
    let hosts = Hosts::of(&[("second.test", json(SERIES))]);
    let (client, _) = build(&hosts, bare().strategy(FIRST).strategy(SECOND));
    asked(&client, 12).await;
    hosts.now("first.test", json(SERIES));
    hosts.now("second.test", answer(503, ""));
    let got = asked(&client, 12).await;
    assert!(got[6..].iter().all(|got| got.truth.strategy == FIRST.id));
}

#[tokio::test(start_paused = true)]
async fn no_success_and_no_failure_ever_moves_the_floor() {
    let below = Other {
        fidelity: Fidelity::Substitute,
        ..SECOND
    };
    let hosts = Hosts::of(&[("second.test", json(SERIES))]);
    let builder = bare().floor(Fidelity::Substitute);
    let (client, healer) = build(&hosts, builder.strategy(FIRST).strategy(below));
    let lenient = asked(&client, 12).await;
    assert_eq!(lenient.last().unwrap().truth.strategy, SECOND.id);
    for _ in 0..12 {
        let mut request = get(ASKED);
        let floor = http::HeaderValue::from_static("equivalent");
        request.headers_mut().insert("healing-floor", floor);
        let got = ask(&client, request).await;
        assert_eq!(got.truth.fidelity, None);
        let left = Outcome::Left(Left::Refused(Refusal::BelowTheFloor));
        assert_eq!(of(&why(&healer, &got), "second").outcome, left);
        tokio::time::sleep(seconds(5)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_substitute_waits_for_all_that_is_likely_to_give_what_was_asked() {
    let fund = Other {
        fidelity: Fidelity::Substitute,
        ..FIRST
    };
    let hosts = Hosts::of(&[("first.test", json(SERIES)), ("second.test", json(SERIES))]);
    let builder = bare().floor(Fidelity::Substitute);
    let (client, _) = build(&hosts, builder.strategy(fund).strategy(SECOND));
    let got = asked(&client, 1).await;
    assert_eq!(got[0].truth.strategy, SECOND.id);
}

#[tokio::test(start_paused = true)]
async fn a_new_source_begins_with_what_holds_over_all_the_others() {
    let hosts = Hosts::of(&[("second.test", json(SERIES))]);
    let (client, healer) = build(&hosts, bare().strategy(Useless).strategy(SECOND));
    for _ in 0..10 {
        for host in ["a", "b", "c"] {
            ask(&client, get(&format!("http://{host}.test/prices/AAPL"))).await;
            tokio::time::sleep(seconds(5)).await;
        }
    }
    let got = ask(&client, get("http://new.test/prices/AAPL")).await;
    let decision = why(&healer, &got);
    assert_eq!(decision.considered[0].strategy, SECOND.id, "{decision:?}");
    assert_eq!(decision.considered[0].outcome, Outcome::Answered);
}

#[tokio::test(start_paused = true)]
async fn callers_that_go_away_teach_nothing() {
    let hosts = Hosts::of(&[("first.test", hang()), ("second.test", json(SERIES))]);
    let (client, healer) = build(&hosts, bare().strategy(FIRST).strategy(SECOND));
    for _ in 0..20 {
        let mut request = pin!(client.clone().oneshot(get(ASKED)));
        let mut context = Context::from_waker(Waker::noop());
        assert!(request.as_mut().poll(&mut context).is_pending());
        tokio::time::sleep(seconds(1) / 10).await;
    }
    assert_eq!(healer.learner().remedies, 0);
    hosts.now("first.test", json(SERIES));
    assert_eq!(asked(&client, 1).await[0].truth.strategy, FIRST.id);
}

#[tokio::test(start_paused = true)]
async fn calls_that_are_held_back_teach_nothing() {
    let told = answer(503, "").with("retry-after", 600);
    let hosts = Hosts::of(&[("first.test", told)]);
    let (client, healer) = build(&hosts, bare().strategy(FIRST));
    let all = asked(&client, 8).await;
    let figures = |got: &Got| of(&why(&healer, got), "first").figures.expect("planned");
    let held = of(&why(&healer, &all[7]), "first").outcome.clone();
    assert_eq!(held, Outcome::Refused(Refusal::Resting));
    let hopes: Vec<f64> = all[1..].iter().map(|got| figures(got).p).collect();
    assert!(
        hopes.is_sorted(),
        "time alone moves it, and upwards: {hopes:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_last_real_answer_outlives_a_call_that_was_cut_short() {
    let mut asked = 0;
    let upstream = Upstream::by(move |request| {
        asked += u32::from(request.uri().host() == Some("asked.test"));
        match request.uri().host() {
            Some("asked.test") if asked > 1 => hang(),
            _ => answer(503, "own words"),
        }
    });
    let healer = bare().strategy(Retry::default()).strategy(FIRST).build();
    let client = healed_by(&upstream, healer.clone());
    let got = ask(&client, get(ASKED)).await;
    let retry = of(&why(&healer, &got), "exponential_backoff_retry").clone();
    let cut_off = Outcome::Failed(FaultClass::Timeout, "cut_off".into());
    assert_eq!(retry.outcome, cut_off);
    assert_eq!((got.status, got.text()), (503, "own words"));
}

#[tokio::test(start_paused = true)]
async fn what_strikes_a_source_is_believed_of_its_other_addresses_and_not_of_another_source() {
    let hosts = Hosts::of(&[("second.test", json(SERIES))]);
    let addresses = ["http://mirror.test"].map(|uri| uri.parse().unwrap());
    let mirror = AlternateEndpoint::at(addresses);
    let (client, healer) = build(&hosts, bare().strategy(mirror).strategy(SECOND));
    let all = asked(&client, 6).await;
    let decision = why(&healer, all.last().unwrap());
    assert_eq!(decision.considered[0].strategy, SECOND.id, "{decision:?}");
    let up = |id| of(&decision, id).figures.expect("planned").up;
    assert!(up("second") > 0.9, "{decision:?}");
    assert!(up("alternate_endpoint") < 0.5, "{decision:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_is_cut_short_where_something_else_can_be_tried_and_only_there() {
    let hosts = Hosts::of(&[("first.test", hang()), ("second.test", json(SERIES))]);
    let (client, healer) = build(&hosts, bare().strategy(FIRST).strategy(SECOND));
    let got = asked(&client, 1).await.remove(0);
    assert_eq!(got.truth.strategy, SECOND.id);
    assert!(got.took < seconds(3), "{:?}", got.took);
    let outcome = &of(&why(&healer, &got), "first").outcome.clone();
    assert_eq!(
        *outcome,
        Outcome::Failed(FaultClass::Timeout, "cut_off".into())
    );

    let late = json(SERIES).late(seconds(6));
    let alone = Hosts::of(&[("first.test", late)]);
    let (client, _) = build(&alone, bare().strategy(FIRST));
    let got = asked(&client, 1).await.remove(0);
    assert_eq!(
        got.truth.strategy, FIRST.id,
        "with nothing else, it is waited for"
    );
}

#[tokio::test(start_paused = true)]
async fn a_record_tells_what_was_tried_with_which_prospects_and_why_the_rest_was_not() {
    let hosts = Hosts::of(&[("second.test", json(SERIES))]);
    let builder = bare().strategy(FIRST).strategy(SECOND);
    let (client, healer) = build(&hosts, builder.strategy(RotateKey));
    let secret = format!("{ASKED}?apikey=s3cret");
    let got = ask(&client, get(&secret)).await;
    let decision = why(&healer, &got);
    assert_eq!(decision.class, FaultClass::ServerError);
    assert_eq!(decision.answered_by, got.truth.strategy);
    assert_eq!(decision.considered.len(), 3);
    let tried = of(&decision, "first");
    let failed = Outcome::Failed(FaultClass::ServerError, "server_error_5xx".into());
    assert_eq!(tried.outcome, failed);
    let figures = tried.figures.expect("planned");
    assert!(figures.p > 0.5 && figures.up > 0.9 && figures.index.is_some());
    let left = Outcome::Left(Left::Refused(Refusal::NotForThisFault));
    assert_eq!(of(&decision, "api_key_rotation").outcome, left);
    assert!(figures.limit.is_some() && tried.fidelity == Some(Fidelity::Equivalent));
    assert!(!format!("{decision:?}").contains("s3cret"));

    let good = HealLayer::new(healer.clone());
    let foresight = good.foresee(&get(ASKED), FaultClass::Timeout);
    assert_eq!(foresight.considered[0].strategy, SECOND.id, "{foresight:?}");
    assert_eq!(foresight.latest, Some(decision));
}

#[tokio::test(start_paused = true)]
async fn a_healthy_request_leaves_no_record_and_records_are_bounded() {
    let hosts = Hosts::of(&[("asked.test", json(SERIES))]);
    let (client, healer) = build(&hosts, Healer::builder());
    let got = asked(&client, 1).await.remove(0);
    assert_eq!(healer.decision(got.truth.id), None);
    assert_eq!(healer.learner(), healing_core::LearnerCounts::default());
    hosts.now("asked.test", answer(500, ""));
    for _ in 0..1_100 {
        ask(&client, get(ASKED)).await;
    }
    assert_eq!(healer.learner().decisions, 1_000);
}
