//! A source with a limit that it does not name: it is found out, kept to, and forgotten when it is gone.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use healing_core::{
    Fidelity, Heal, Healer, HealerBuilder, KeyPlace, Keys, Per, Queue, Quota, QuotaScope,
    RailCounts, RotateKey, Secret, Source, SourceSettings,
};
use http::Request;
use tokio::time::{Instant, sleep, sleep_until};

use crate::{
    layers_support::{
        Got, Lost, SERIES, Upstream, answer, ask, get, healed_by, json, seconds, try_ask,
    },
    layers_upstream::Port,
};

/// What a source takes in a second.
const LIMIT: usize = 20;

/// How a source counts.
#[derive(Clone, Copy, Debug)]
enum Counts {
    /// So many at once, and so many a second.
    Bucket,
    /// Those of each second by itself.
    Seconds,
    /// Those of any second.
    Window,
}

/// The calls that a source got: when, and whether it took them.
type Calls = Arc<Mutex<Vec<(Duration, bool)>>>;

/// A source that takes twenty calls a second of each key, and says of more only that they are too many.
struct Source429 {
    upstream: Upstream,
    calls: Calls,
    /// Those that came without a key.
    keyless: Arc<AtomicUsize>,
    began: Instant,
}

/// The count of one key.
struct Count {
    counts: Counts,
    tokens: f64,
    at: Duration,
    lately: VecDeque<Duration>,
}

impl Count {
    fn takes(&mut self, now: Duration) -> bool {
        match self.counts {
            Counts::Bucket => {
                let filled = (now - self.at).as_secs_f64() * 20.0;
                self.tokens = (self.tokens + filled).min(20.0);
                self.at = now;
                let takes = self.tokens >= 1.0;
                self.tokens -= f64::from(u8::from(takes));
                takes
            }
            Counts::Seconds => {
                self.lately.retain(|then| then.as_secs() == now.as_secs());
                self.room(now)
            }
            Counts::Window => {
                self.lately.retain(|then| *then + seconds(1) > now);
                self.room(now)
            }
        }
    }

    fn room(&mut self, now: Duration) -> bool {
        let takes = self.lately.len() < LIMIT;
        self.lately.extend(takes.then_some(now));
        takes
    }
}

impl Source429 {
    fn new(counts: Counts) -> Self {
        let (began, calls) = (Instant::now(), Calls::default());
        let noted = Arc::clone(&calls);
        let keyless = Arc::new(AtomicUsize::new(0));
        let without = Arc::clone(&keyless);
        let mut keys: Vec<(String, Count)> = Vec::new();
        let upstream = Upstream::by(move |request| {
            let now = began.elapsed();
            let key = key_of(request);
            without.fetch_add(usize::from(key == "none"), Relaxed);
            if !keys.iter().any(|(known, _)| *known == key) {
                let count = Count {
                    counts,
                    tokens: 20.0,
                    at: now,
                    lately: VecDeque::new(),
                };
                keys.push((key.clone(), count));
            }
            let (_, count) = keys.iter_mut().find(|(known, _)| *known == key).unwrap();
            let takes = count.takes(now);
            noted.lock().unwrap().push((now, takes));
            let act = if takes {
                json(SERIES)
            } else {
                answer(429, "slow down")
            };
            act.late(Duration::from_millis(20))
        });
        Self {
            upstream,
            calls,
            keyless,
            began,
        }
    }

    /// Calls that were taken, and that were not, in that stretch of seconds.
    fn calls(&self, from: u64, to: u64) -> (f64, f64) {
        let calls = self.calls.lock().unwrap();
        let within = |(at, _): &&(Duration, bool)| *at >= seconds(from) && *at < seconds(to);
        let (mut taken, mut refused) = (0.0, 0.0);
        for (_, takes) in calls.iter().filter(within) {
            *if *takes { &mut taken } else { &mut refused } += 1.0;
        }
        (taken, refused)
    }

    fn has_no_limit_any_more(&self) {
        self.upstream.becomes(json(SERIES));
    }
}

fn key_of(request: &Request<healing_core::Body>) -> String {
    let query = request.uri().query().unwrap_or_default();
    let key = query
        .split('&')
        .find_map(|pair| pair.strip_prefix("api_key="));
    key.unwrap_or("none").to_owned()
}

/// So many requests a second of twenty things in turn, from that second on for so long.
async fn traffic(
    client: &Heal<Port>,
    per_second: u32,
    (from, to): (Instant, Duration),
) -> Vec<Result<Got, Lost>> {
    let apart = seconds(1) / per_second;
    let n = u32::try_from(to.as_millis() / apart.as_millis()).unwrap();
    let asks = (0..n).map(|n| async move {
        sleep_until(from + apart * n).await;
        let url = format!("http://fred.test/fred/series?id={}", n % 20);
        try_ask(client, get(&url)).await
    });
    futures_util::future::join_all(asks).await
}

fn plain() -> HealerBuilder {
    Healer::builder().without_strategies()
}

fn share(refused: f64, taken: f64) -> f64 {
    refused / (refused + taken)
}

#[tokio::test(start_paused = true)]
async fn with_copies_at_hand_little_is_refused_and_little_left_unused() {
    for counts in [Counts::Bucket, Counts::Seconds, Counts::Window] {
        let source = Source429::new(counts);
        let healer = plain().build();
        let client = healed_by(&source.upstream, healer.clone());
        let all = traffic(&client, 60, (source.began, seconds(60))).await;
        let (taken, refused) = source.calls(0, 60);
        let refused_of_all = share(refused, taken);
        let (settled, _) = source.calls(5, 60);
        assert!(refused_of_all <= 0.05, "{counts:?}: {refused} of {taken}");
        assert!(settled >= 0.9 * 20.0 * 55.0, "{counts:?}: {settled}");
        let all: Vec<Got> = all.into_iter().map(Result::unwrap).collect();
        assert!(all.iter().skip(20).all(|got| got.status == 200));
        let rails = healer.rails();
        assert!(
            rails.held_back_by_rate > 1_000 && rails.sent_over_rate == 0,
            "{rails:?}"
        );
        assert!(all.iter().any(|got| {
            let fault = got.truth.fault.as_ref();
            fault.is_some_and(|fault| fault.is_own_rate() && fault.wait.is_some())
        }));
    }
}

#[tokio::test(start_paused = true)]
async fn a_minute_after_a_limit_is_gone_every_call_goes_at_once() {
    let source = Source429::new(Counts::Bucket);
    let client = healed_by(&source.upstream, plain().build());
    traffic(&client, 60, (source.began, seconds(30))).await;
    source.has_no_limit_any_more();
    traffic(&client, 60, (Instant::now(), seconds(60))).await;
    let after = traffic(&client, 60, (Instant::now(), seconds(5))).await;
    assert!(after.into_iter().all(|got| got.unwrap().is_fresh()));
}

#[tokio::test(start_paused = true)]
async fn who_has_nothing_else_waits_for_a_turn_in_time_and_is_asked_for_all_the_same_else() {
    for per_second in [22, 60] {
        let source = Source429::new(Counts::Bucket);
        let healer = plain().floor(Fidelity::Exact).build();
        let client = healed_by(&source.upstream, healer.clone());
        let all = traffic(&client, per_second, (source.began, seconds(30))).await;
        let all: Vec<Got> = all.into_iter().map(Result::unwrap).collect();
        assert_eq!(source.calls.lock().unwrap().len(), all.len(), "each once");
        for got in &all {
            assert!(
                [200, 429].contains(&got.status),
                "none by a guess of ours: {got:?}"
            );
            assert!(
                got.took <= seconds(3) + Duration::from_millis(20),
                "{:?}",
                got.took
            );
        }
        let (taken, _) = source.calls(5, 30);
        assert!(taken >= 0.9 * 20.0 * 25.0, "{taken}");
        assert_eq!(healer.rails().sent_over_rate > 0, per_second == 60);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_over_the_limit_of_one_key_goes_with_the_next_one() {
    let source = Source429::new(Counts::Bucket);
    let mut settings = SourceSettings::new(Source::new("fred_api").unwrap());
    let ring = ["a", "b"].map(|key| Secret::new(key.to_owned()));
    let place = KeyPlace::Query("api_key".to_owned());
    settings.keys = Some(Keys::new(place, ring.to_vec()).unwrap());
    let healer = plain().strategy(RotateKey).source(settings).build();
    let client = healed_by(&source.upstream, healer.clone());
    let all = traffic(&client, 34, (source.began, seconds(60))).await;
    let (taken, refused) = source.calls(5, 60);
    assert!(taken >= 0.9 * 34.0 * 55.0, "{taken}");
    assert!(share(refused, taken) <= 0.05, "{refused} of {taken}");
    drop(all);
    let keys = healer.pace_of(&Source::new("fred_api").unwrap()).keys;
    assert!(keys.iter().all(|key| key.rests_for.is_none()), "{keys:?}");
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_one_route_or_caller_is_none_of_another() {
    let source = Source429::new(Counts::Bucket);
    let healer = plain().build();
    let client = healed_by(&source.upstream, healer.clone());
    traffic(&client, 60, (source.began, seconds(10))).await;
    assert!(healer.rails().held_back_by_rate > 0);
    source.has_no_limit_any_more();
    let before = healer.rails().held_back_by_rate;
    for n in 0..50 {
        let url = format!("http://fred.test/fred/releases/dates/all?id={n}");
        assert!(ask(&client, get(&url)).await.is_fresh());
        let mut own = get("http://fred.test/fred/series?id=1");
        let value = http::HeaderValue::from_static("another");
        own.headers_mut().insert("authorization", value);
        assert!(ask(&client, own).await.is_fresh());
    }
    assert_eq!(healer.rails().held_back_by_rate, before);
}

#[tokio::test(start_paused = true)]
async fn waiting_in_line_is_a_strategy_of_its_own_as_for_a_quota() {
    let source = Source429::new(Counts::Bucket);
    let healer = plain().strategy(Queue).build();
    let client = healed_by(&source.upstream, healer.clone());
    let all = traffic(&client, 25, (source.began, seconds(30))).await;
    let queued = all.iter().flatten().filter(|got| {
        got.truth.strategy == healing_core::StrategyId::REQUEST_QUEUING && got.status == 200
    });
    assert!(queued.count() > 50);
    let (taken, refused) = source.calls(5, 30);
    assert!(share(refused, taken) <= 0.05, "{refused} of {taken}");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_takes_nothing_any_more_rests_as_ever() {
    let source = Source429::new(Counts::Bucket);
    let client = healed_by(&source.upstream, plain().build());
    traffic(&client, 60, (source.began, seconds(10))).await;
    source.upstream.becomes(answer(429, "slow down"));
    traffic(&client, 60, (Instant::now(), seconds(10))).await;
    let before = source.upstream.calls();
    traffic(&client, 60, (Instant::now(), seconds(20))).await;
    let probes = source.upstream.calls() - before;
    assert!(probes <= 40, "{probes} in 20 s");
    source.has_no_limit_any_more();
    sleep(seconds(2)).await;
    let back = traffic(&client, 10, (Instant::now(), seconds(4))).await;
    let last = back.into_iter().next_back().unwrap().unwrap();
    assert!(last.is_fresh(), "{last:?}");
}

#[tokio::test(start_paused = true)]
async fn a_source_that_refused_all_for_a_while_had_no_limit_and_is_fresh_again_in_two_seconds() {
    for refuses in [2, 4, 12] {
        let source = Source429::new(Counts::Bucket);
        let client = healed_by(&source.upstream, plain().build());
        source.has_no_limit_any_more();
        // As many as tell a rate, which is much less than is asked for later.
        traffic(&client, 2, (source.began, seconds(10))).await;
        source.upstream.becomes(answer(429, "slow down"));
        traffic(&client, 5, (Instant::now(), seconds(refuses))).await;
        source.has_no_limit_any_more();
        traffic(&client, 5, (Instant::now(), seconds(2))).await;
        let back = traffic(&client, 5, (Instant::now(), seconds(10))).await;
        let late = back.into_iter().flatten().filter(|got| !got.is_fresh());
        assert_eq!(late.count(), 0, "after {refuses} s");
    }
}

#[tokio::test(start_paused = true)]
async fn who_only_watches_holds_nothing_back_and_every_call_has_its_key() {
    let source = Source429::new(Counts::Bucket);
    let mut settings = SourceSettings::new(Source::new("fred_api").unwrap());
    let place = KeyPlace::Query("api_key".to_owned());
    settings.keys = Some(Keys::new(place, vec![Secret::new("a".to_owned())]).unwrap());
    settings.quotas = vec![Quota::new(300, Per::Window(seconds(60)), QuotaScope::Key).unwrap()];
    let healer = plain().observe().source(settings).build();
    let client = healed_by(&source.upstream, healer.clone());
    let all = traffic(&client, 60, (source.began, seconds(10))).await;
    let without = source.keyless.load(Relaxed);
    assert_eq!((without, source.upstream.calls()), (0, all.len()));
    assert_eq!(healer.rails(), RailCounts::default());
}
