//! Two healers that share a second level: what one kept the other gives, and of those who would ask one does.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all};
use healing_core::{Body, Cache, Claim, Healer, Question, SecondLevel, Told, Written};
use http::{Method, Request};
use tokio::time::{Instant, sleep};

use crate::{
    cache_support::{cached_by, cached_with_background},
    layers_support::{
        Act, Got, NEWER, Port, SERIES, URL, Upstream, answer, ask, get, get_with, hang, json,
        seconds,
    },
};

/// A second level in memory.
#[derive(Debug, Default)]
struct Shelf {
    values: Mutex<HashMap<String, (Bytes, Instant)>>,
    is_away: AtomicBool,
}

impl Shelf {
    fn put(&self, written: Written) {
        let until = Instant::now() + written.lasts;
        let value = (Bytes::from((written.value)()), until);
        self.values.lock().unwrap().insert(written.name, value);
    }

    fn names(&self) -> Vec<String> {
        self.values.lock().unwrap().keys().cloned().collect()
    }
}

impl SecondLevel for Shelf {
    fn find(&self, question: Question) -> BoxFuture<'_, Option<Told>> {
        let mut values = self.values.lock().unwrap();
        values.retain(|_, (_, until)| *until > Instant::now());
        let mut told = Told::default();
        if let Some(claim) = question.claim
            && !values.contains_key(&claim.name)
        {
            let value = claim.token.to_string().into();
            values.insert(claim.name, (value, Instant::now() + claim.lasts));
            told.is_claimed = true;
        }
        let found = question
            .names
            .iter()
            .map(|name| values.get(name).map(|(value, _)| value.clone()));
        told.values = found.collect();
        let is_away = self.is_away.load(Relaxed);
        Box::pin(async move { (!is_away).then_some(told) })
    }

    fn write(&self, written: Written) {
        if !self.is_away() {
            self.put(written);
        }
    }

    fn must_write(&self, written: Written) {
        self.put(written);
    }

    fn release(&self, claim: Claim) {
        let mut values = self.values.lock().unwrap();
        if values
            .get(&claim.name)
            .is_some_and(|(value, _)| *value == claim.token.to_string())
        {
            values.remove(&claim.name);
        }
    }

    fn is_away(&self) -> bool {
        self.is_away.load(Relaxed)
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }
}

/// One healer before that upstream, of those that share a shelf.
fn one_of(shelf: &Arc<Shelf>, upstream: &Upstream) -> (Cache<Port>, Healer) {
    let level: Arc<dyn SecondLevel> = Arc::clone(shelf) as Arc<dyn SecondLevel>;
    let healer = Healer::builder()
        .answer_errors()
        .second_level(level)
        .build();
    (cached_by(upstream, healer.clone()), healer)
}

fn fresh(body: &'static str) -> Act {
    json(body).with("cache-control", "max-age=10")
}

fn count(healer: &Healer, name: &str) -> u64 {
    let counts = healer.second_level().expect("a level").counts;
    counts
        .iter()
        .find(|(own, _)| *own == name)
        .expect("a count")
        .1
}

#[tokio::test(start_paused = true)]
async fn what_one_asked_for_the_other_gives_as_fresh() {
    let (shelf, upstream) = (Arc::default(), Upstream::that(fresh(SERIES)));
    let (one, _) = one_of(&shelf, &upstream);
    let (other, healer) = one_of(&shelf, &upstream);
    ask(&one, get(URL)).await;
    sleep(seconds(4)).await;
    let got = ask(&other, get(URL)).await;
    assert!(got.is_hit() && got.text() == SERIES);
    assert_eq!(got.truth.age.map(|age| age.as_secs()), Some(4));
    assert_eq!(
        (upstream.calls(), count(&healer, "shared_cache_hits")),
        (1, 1)
    );
    assert!(ask(&other, get(URL)).await.is_hit());
    assert_eq!(
        count(&healer, "shared_cache_hits"),
        1,
        "it is kept here by now"
    );
}

#[tokio::test(start_paused = true)]
async fn a_restart_in_an_outage_heals_with_what_an_earlier_one_kept() {
    let (shelf, upstream) = (Arc::default(), Upstream::that(json(SERIES)));
    ask(&one_of(&shelf, &upstream).0, get(URL)).await;
    for outage in [answer(503, "down"), hang()] {
        upstream.becomes(outage);
        let (next, _) = one_of(&shelf, &upstream);
        sleep(seconds(60)).await;
        let got = ask(&next, get(URL)).await;
        assert!(got.is_copy() && got.text() == SERIES, "{got:?}");
        assert!(got.took <= seconds(3), "{:?}", got.took);
    }
}

#[tokio::test(start_paused = true)]
async fn a_good_answer_is_not_waited_for_elsewhere() {
    let (shelf, upstream) = (Arc::default(), Upstream::that(json(SERIES)));
    let (one, healer) = one_of(&shelf, &upstream);
    for _ in 0..10 {
        assert!(ask(&one, get(URL)).await.is_fresh());
    }
    let asked = count(&healer, "shared_cache_hits") + count(&healer, "shared_cache_misses");
    assert_eq!(asked, 1, "of a route that was never asked");
    assert_eq!(
        count(&healer, "shared_cache_offered"),
        1,
        "once in two seconds"
    );
}

#[tokio::test(start_paused = true)]
async fn ten_thousand_callers_of_what_has_expired_make_one_call_in_all() {
    let (shelf, upstream) = (Arc::default(), Upstream::that(fresh(SERIES)));
    let (one, _) = one_of(&shelf, &upstream);
    let (other, healer) = one_of(&shelf, &upstream);
    ask(&one, get(URL)).await;
    ask(&other, get(URL)).await;
    sleep(seconds(11)).await;
    upstream.becomes(fresh(NEWER).late(seconds(1)));
    let callers = (0..10_000).map(|n| ask(if n % 2 == 0 { &one } else { &other }, get(URL)));
    let all = join_all(callers).await;
    assert_eq!(upstream.calls(), 2);
    assert!(
        all.iter()
            .all(|got| got.text() == NEWER && got.status == 200)
    );
    assert!(all.iter().all(|got| got.took < seconds(2)));
    assert_eq!(count(&healer, "shared_cache_waits"), 1);
    assert!(
        !shelf.names().iter().any(|name| name.starts_with("l:")),
        "it was given back"
    );
}

#[tokio::test(start_paused = true)]
async fn who_asks_for_too_long_is_not_waited_for() {
    let (shelf, upstream) = (Arc::default(), Upstream::that(fresh(SERIES)));
    let (one, _) = one_of(&shelf, &upstream);
    let (other, _) = one_of(&shelf, &upstream);
    ask(&one, get(URL)).await;
    sleep(seconds(11)).await;
    upstream.becomes(hang());
    let (first, second) = tokio::join!(ask(&one, get(URL)), async {
        sleep(seconds(1)).await;
        upstream.becomes(fresh(NEWER));
        ask(&other, get(URL)).await
    });
    assert!(first.is_copy());
    assert!(second.is_fresh() && second.text() == NEWER);
    assert!(
        second.took <= std::time::Duration::from_millis(1_500),
        "{:?}",
        second.took
    );
}

#[tokio::test(start_paused = true)]
async fn a_renewal_behind_the_callers_back_is_made_by_one() {
    let upstream =
        Upstream::that(json(SERIES).with("cache-control", "max-age=10, stale-while-revalidate=60"));
    let shelf: Arc<Shelf> = Arc::default();
    let start = || {
        let level: Arc<dyn SecondLevel> = Arc::clone(&shelf) as Arc<dyn SecondLevel>;
        cached_with_background(&upstream, Healer::builder().second_level(level).build())
    };
    let ((one, _), (other, _)) = (start(), start());
    ask(&one, get(URL)).await;
    ask(&other, get(URL)).await;
    sleep(seconds(11)).await;
    for _ in 0..3 {
        for client in [&one, &other] {
            assert_eq!(ask(client, get(URL)).await.text(), SERIES);
        }
        sleep(seconds(1)).await;
    }
    assert_eq!(upstream.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn callers_with_other_credentials_get_nothing_of_each_other() {
    let (shelf, upstream) = (Arc::default(), Upstream::that(fresh(SERIES)));
    let bearer = |key| get_with(URL, &[("authorization", key)]);
    ask(&one_of(&shelf, &upstream).0, bearer("Bearer first-s3cret")).await;
    assert!(
        ask(&one_of(&shelf, &upstream).0, bearer("Bearer first-s3cret"))
            .await
            .is_hit()
    );
    assert!(
        !ask(&one_of(&shelf, &upstream).0, bearer("Bearer second"))
            .await
            .is_hit()
    );
    assert!(!ask(&one_of(&shelf, &upstream).0, get(URL)).await.is_hit());
    assert_eq!(upstream.calls(), 3);
    let seen = format!("{:?}", shelf.values.lock().unwrap());
    assert!(
        !seen.contains("s3cret") && !seen.contains("DGS10"),
        "{seen}"
    );
}

#[tokio::test(start_paused = true)]
async fn what_says_public_is_for_all_while_it_is_fresh() {
    let public = json(SERIES).with("cache-control", "public, max-age=10");
    let (shelf, upstream) = (Arc::default(), Upstream::that(public));
    let bearer = |key| get_with(URL, &[("authorization", key)]);
    ask(&one_of(&shelf, &upstream).0, bearer("Bearer first")).await;
    assert!(
        ask(&one_of(&shelf, &upstream).0, bearer("Bearer second"))
            .await
            .is_hit()
    );
    assert!(ask(&one_of(&shelf, &upstream).0, get(URL)).await.is_hit());
}

#[tokio::test(start_paused = true)]
async fn variants_are_found_by_what_the_request_says() {
    let (shelf, upstream) = (
        Arc::default(),
        Upstream::that(fresh(SERIES).with("vary", "accept")),
    );
    let accept = |kind| get_with(URL, &[("accept", kind)]);
    let (one, _) = one_of(&shelf, &upstream);
    ask(&one, accept("text/csv")).await;
    upstream.becomes(fresh(NEWER).with("vary", "accept"));
    ask(&one, accept("application/json")).await;
    let (other, _) = one_of(&shelf, &upstream);
    let got = ask(&other, accept("text/csv")).await;
    assert!(got.is_hit() && got.text() == SERIES);
    let got = ask(&other, accept("application/json")).await;
    assert!(got.is_hit() && got.text() == NEWER);
    assert!(!ask(&other, accept("text/html")).await.is_hit());
    assert_eq!(upstream.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_was_changed_is_void_there_too() {
    let (shelf, upstream) = (Arc::default(), Upstream::that(fresh(SERIES)));
    let (one, _) = one_of(&shelf, &upstream);
    ask(&one, get(URL)).await;
    sleep(seconds(3)).await;
    let change = Request::builder()
        .method(Method::PUT)
        .uri(URL)
        .body(Body::from("{}"));
    ask(&one, change.unwrap()).await;
    upstream.becomes(fresh(NEWER));
    let (other, healer) = one_of(&shelf, &upstream);
    let got = ask(&other, get(URL)).await;
    assert!(!got.is_hit() && got.text() == NEWER);
    assert_eq!(count(&healer, "shared_cache_useless"), 1);
    assert_eq!(upstream.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn bad_answers_never_go_there() {
    let shelf: Arc<Shelf> = Arc::default();
    let bad = [
        answer(503, "down"),
        answer(429, "{}"),
        answer(200, "<html>blocked</html>"),
    ];
    for bad in bad.map(|bad| bad.with("cache-control", "max-age=60")) {
        let upstream = Upstream::that(fresh(SERIES));
        let (one, _) = one_of(&shelf, &upstream);
        ask(&one, get(URL)).await;
        assert_eq!(copies(&shelf), 1);
        sleep(seconds(11)).await;
        shelf.values.lock().unwrap().clear();
        upstream.becomes(bad);
        assert!(ask(&one, get(URL)).await.is_copy());
        assert_eq!(copies(&shelf), 0);
    }
}

fn copies(shelf: &Shelf) -> usize {
    shelf
        .names()
        .iter()
        .filter(|name| name.starts_with("c:"))
        .count()
}

#[tokio::test(start_paused = true)]
async fn what_is_spoiled_there_is_a_counted_miss() {
    let (shelf, upstream): (Arc<Shelf>, _) = (Arc::default(), Upstream::that(fresh(SERIES)));
    ask(&one_of(&shelf, &upstream).0, get(URL)).await;
    for (value, _) in shelf.values.lock().unwrap().values_mut() {
        *value = Bytes::from_static(b"\x01spoiled");
    }
    let (other, healer) = one_of(&shelf, &upstream);
    let got: Got = ask(&other, get(URL)).await;
    assert!(got.is_fresh() && got.text() == SERIES);
    assert_eq!(count(&healer, "shared_cache_useless"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_level_that_is_away_is_missed_by_nobody() {
    let (shelf, upstream): (Arc<Shelf>, _) = (Arc::default(), Upstream::that(fresh(SERIES)));
    shelf.is_away.store(true, Relaxed);
    let (one, healer) = one_of(&shelf, &upstream);
    for _ in 0..3 {
        let got = ask(&one, get(URL)).await;
        assert_eq!((got.text(), got.took), (SERIES, seconds(0)));
    }
    assert_eq!((upstream.calls(), copies(&shelf)), (1, 0));
    assert!(healer.second_level().unwrap().is_away);
}

#[tokio::test(start_paused = true)]
async fn who_only_wants_what_is_cached_here_asks_nobody() {
    let (shelf, upstream) = (Arc::default(), Upstream::that(fresh(SERIES)));
    ask(&one_of(&shelf, &upstream).0, get(URL)).await;
    let (other, _) = one_of(&shelf, &upstream);
    let got = ask(
        &other,
        get_with(URL, &[("cache-control", "only-if-cached")]),
    )
    .await;
    assert_eq!((got.status, upstream.calls()), (504, 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_thrown_away_here_is_void_there_and_all_of_it_where_all_is_meant() {
    let (shelf, upstream) = (Arc::default(), Upstream::that(fresh(SERIES)));
    let (one, healer) = one_of(&shelf, &upstream);
    let other = "http://fred.test/fred/other";
    for url in [URL, other] {
        ask(&one, get(url)).await;
    }
    sleep(seconds(3)).await;
    let purged = healer.purge_copies(&"/fred/series/*".parse().unwrap());
    assert_eq!((purged.urls, purged.copies), (1, 1));
    for (pattern, hits) in [("/nothing", [false, true]), ("*", [false, false])] {
        let (next, healer) = one_of(&shelf, &upstream);
        assert_eq!(healer.purge_copies(&pattern.parse().unwrap()).copies, 0);
        assert_eq!(ask(&next, get(other)).await.is_hit(), hits[1], "{pattern}");
        sleep(seconds(2)).await;
    }
    let (next, _) = one_of(&shelf, &upstream);
    assert!(!ask(&next, get(URL)).await.is_hit());
}
