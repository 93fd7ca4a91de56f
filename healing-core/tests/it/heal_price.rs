//! The price of a call whose quota will not last: who is given the copy in hand so that others have a call, and who never is.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use healing_core::{
    Clock, FaultClass, Fidelity, Heal, Healer, KeyPlace, Keys, Left, Outcome, Per, Quota,
    QuotaScope, Refusal, Secret, Settings, Source, SourceSettings, StrategyId, Treatment,
};
use tokio::time::{Instant, sleep};

use crate::layers_support::{
    Got, Port, SERIES, Upstream, ask, get, get_with, healed_by, json, seconds,
};

const DAY: Duration = Duration::from_hours(24);
const COPY: (u16, Option<Fidelity>, StrategyId) =
    (200, Some(Fidelity::Stale), StrategyId::USE_CACHED_DATA);

/// A vendor whose answers may be used for a day, from midnight on.
fn vendor(quota: Option<(u32, Per)>) -> (Heal<Port>, Healer, Upstream) {
    of(quota, &Upstream::that(json(SERIES)))
}

fn of(quota: Option<(u32, Per)>, upstream: &Upstream) -> (Heal<Port>, Healer, Upstream) {
    let mut source = SourceSettings::new(Source::new("vendor").unwrap());
    let quota = quota.map(|(calls, per)| Quota::new(calls, per, QuotaScope::Key).unwrap());
    source.quotas = quota.into_iter().collect();
    let key = vec![Secret::new("only".to_owned())];
    source.keys = Some(Keys::new(KeyPlace::Query("key".to_owned()), key).unwrap());
    let midnight = "2026-11-24T00:00:00Z".parse().unwrap();
    let healer = Healer::builder();
    let healer = healer
        .clock(Clock::anchored_at(midnight))
        .source(source)
        .build();
    let mut treatment = Treatment::default();
    treatment.heal_for = DAY;
    let mut settings = Settings::default();
    settings.otherwise = Arc::new(treatment);
    healer.configure(&settings).unwrap();
    (
        healed_by(upstream, healer.clone()),
        healer,
        upstream.clone(),
    )
}

fn by_day(calls: u32) -> Option<(u32, Per)> {
    Some((calls, Per::Day(jiff::tz::TimeZone::UTC)))
}

/// A day of so many requests, one after the other at equal distances; what each came to, and at which part of the day.
async fn day(client: &Heal<Port>, requests: u32, url: impl Fn(u32) -> String) -> Vec<(f64, Got)> {
    let begins = Instant::now();
    let mut all = Vec::new();
    for n in 0..requests {
        sleep(DAY / requests - Duration::from_millis(1)).await;
        let at = begins.elapsed().as_secs_f64() / DAY.as_secs_f64();
        all.push((at, ask(client, get(&url(n))).await));
    }
    all
}

/// One of twenty things, in an order that does not repeat soon.
fn of_twenty(n: u32) -> String {
    format!("http://vendor.test/prices/S{}", n * n % 101 % 20)
}

#[tokio::test(start_paused = true)]
async fn a_day_of_calls_lasts_to_its_end_at_twice_the_demand_where_copies_are_at_hand() {
    let (client, healer, upstream) = vendor(by_day(100));
    let all = day(&client, 200, of_twenty).await;
    let mut last = 0.0;
    for (at, got) in &all {
        assert_eq!(got.status, 200, "{at}: {got:?}");
        let own_quota = got
            .truth
            .fault
            .as_ref()
            .is_some_and(|fault| fault.detail == "own_quota");
        assert!(!own_quota || *at >= 0.97, "spent at {at}");
        if got.is_fresh() {
            last = *at;
        }
    }
    assert!(last >= 0.9, "the last call was at {last}");
    assert!(
        (80..=100).contains(&upstream.calls()),
        "{}",
        upstream.calls()
    );
    assert!(
        healer.calls_left_to_others() >= 95,
        "{}",
        healer.calls_left_to_others()
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_has_nothing_in_hand_is_served_while_there_is_a_call() {
    let (client, healer, upstream) = vendor(by_day(100));
    let all = day(&client, 200, |n| format!("http://vendor.test/prices/N{n}")).await;
    assert!(all[..100].iter().all(|(_, got)| got.is_fresh()));
    assert!(all[100..].iter().all(|(_, got)| got.status == 503));
    assert_eq!((upstream.calls(), healer.calls_left_to_others()), (100, 0));
}

#[tokio::test(start_paused = true)]
async fn what_lasts_anyway_and_what_is_limited_for_a_short_time_has_no_price() {
    let minute = Per::Window(Duration::from_mins(1));
    for quota in [None, by_day(1_000), Some((5, minute))] {
        let (client, healer, upstream) = vendor(quota.clone());
        let all = day(&client, 200, of_twenty).await;
        assert!(all.iter().all(|(_, got)| got.is_fresh()), "{quota:?}");
        assert_eq!((upstream.calls(), healer.calls_left_to_others()), (200, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_is_given_for_others_says_why_and_is_on_record() {
    let (client, healer, _) = vendor(by_day(25));
    let all = day(&client, 400, of_twenty).await;
    let fault = |got: &Got| got.truth.fault.clone();
    let left = all.iter().map(|(_, got)| got);
    let left = left.filter(|got| fault(got).is_some_and(|fault| fault.detail == "too_dear"));
    let last = left.last().expect("some");
    let class = fault(last).map(|fault| fault.class);
    assert_eq!(
        (last.story(), class),
        (COPY, Some(FaultClass::QuotaExceeded))
    );
    assert_eq!(last.truth.attempts, 0);
    let decision = healer.decision(last.truth.id).expect("on record");
    let first = &decision.considered[0];
    let refused = Outcome::Left(Left::Refused(Refusal::TooDear));
    assert_eq!(
        (first.strategy, &first.outcome),
        (StrategyId::DIRECT, &refused)
    );
    assert!(first.figures.unwrap().index < Some(0.8), "{first:?}");
}

#[tokio::test(start_paused = true)]
async fn whoever_wants_no_kept_answer_is_not_given_one_for_others() {
    let (client, healer, _) = vendor(by_day(25));
    let busy = day(&client, 400, of_twenty).await;
    assert!(healer.calls_left_to_others() > 300, "{}", busy.len());
    sleep(seconds(3_600)).await; // the next day has begun
    let before = healer.calls_left_to_others();
    for n in 0..10 {
        let request = get_with(&of_twenty(n), &[("cache-control", "no-cache")]);
        assert!(ask(&client, request).await.is_fresh());
    }
    assert_eq!(healer.calls_left_to_others(), before);
}

#[tokio::test(start_paused = true)]
async fn what_an_answer_says_is_left_counts_like_a_count_of_our_own() {
    static LEFT: AtomicUsize = AtomicUsize::new(12);
    let upstream = Upstream::by(|_| {
        let left = LEFT.fetch_sub(1, Relaxed) - 1;
        let answer = json(SERIES).with("x-ratelimit-remaining", left);
        answer.with("x-ratelimit-reset", "21600")
    });
    let (client, healer, _) = of(by_day(100_000), &upstream);
    for n in 0..60 {
        assert_eq!(ask(&client, get(&of_twenty(n % 3))).await.status, 200);
        sleep(seconds(30)).await;
    }
    assert!(
        healer.calls_left_to_others() >= 48,
        "{}",
        healer.calls_left_to_others()
    );
    assert!(upstream.calls() < 12, "{}", upstream.calls());
}
