//! What goes to a store, and what comes back as the same.

use http::{HeaderMap, Method, StatusCode, Uri, header};

use super::*;
use crate::{
    kept::{Received, caller},
    settings::Treatment,
};

const START: Timestamp = Timestamp::UNIX_EPOCH;

fn fields(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    let pairs = pairs.iter().map(|(name, value)| {
        let name = HeaderName::from_static(name);
        (name, HeaderValue::from_static(value))
    });
    pairs.collect()
}

/// Keeps an answer to that request.
fn keep(kept: &Kept, clock: &Clock, request: &HeaderMap, answer: &HeaderMap) -> Option<Arc<Copy>> {
    let caller = caller::digest(request);
    let uri = Uri::from_static("http://a.test/prices?token=s3cret");
    let address = kept.address(&uri, request, caller.as_ref());
    let mut body = Chunks::None;
    body.push("[1]".into());
    let received = Received {
        method: &Method::GET,
        request,
        with_credentials: caller.is_some(),
        status: StatusCode::OK,
        headers: answer,
        hash: kept.hash_of(answer, &body),
        body: &body,
        fault: None,
        took: Duration::from_millis(40),
        known: None,
    };
    let copy = kept.copy_of(&received, &Treatment::default(), clock)?;
    let memory = kept.find_or_begin(address.key, clock.now());
    kept.keep(address, &memory, &copy);
    Some(copy)
}

/// The copy that heals that request, if there is one.
fn in_hand(kept: &Kept, clock: &Clock, request: &HeaderMap) -> Option<Arc<Copy>> {
    let uri = Uri::from_static("http://a.test/prices?token=s3cret");
    let address = kept.address(&uri, request, None);
    let wanted = crate::kept::Wanted {
        address,
        request,
        now: clock.now(),
        max_age: None,
        heal_for: Duration::from_mins(15),
    };
    kept.in_hand(&*kept.find(address.key)?, wanted, clock)
}

/// The next process, so much later.
fn next(log: &mut CopyLog, kept: &Kept, clock: &Clock, later: Duration) -> (Kept, Clock, CopyLog) {
    let changes = kept.changes(log, clock);
    let wall = clock.timestamp(clock.now()) + later;
    let (next, clock) = (Kept::new(1 << 20), Clock::anchored_at(wall));
    let (log, useless) = next.recall(changes.copies, &clock);
    assert_eq!(useless, 0);
    (next, clock, log)
}

#[tokio::test(start_paused = true)]
async fn a_copy_comes_back_as_it_was_with_its_true_age() {
    let (kept, clock) = (Kept::new(1 << 20), Clock::anchored_at(START));
    let answer = fields(&[
        ("content-type", "application/json"),
        ("age", "5"),
        ("vary", "accept"),
        ("cache-control", "max-age=60"),
        ("date", "Thu, 01 Jan 1970 00:00:00 GMT"),
    ]);
    let request = fields(&[("accept", "application/json")]);
    let before = keep(&kept, &clock, &request, &answer).unwrap();
    let mut log = CopyLog::default();
    let (kept, clock, _) = next(&mut log, &kept, &clock, Duration::from_secs(100));
    let after = in_hand(&kept, &clock, &request).unwrap();
    assert_eq!(after.headers, before.headers);
    assert_eq!((after.status, after.terms), (before.status, before.terms));
    assert_eq!(after.body.iter().next().unwrap(), "[1]");
    assert_eq!(
        after.age(clock.now(), &clock),
        Duration::from_millis(105_040)
    );
    assert!(in_hand(&kept, &clock, &fields(&[("accept", "text/csv")])).is_none());
    // What would have been forgotten by then is.
    let (forgotten, _, _) = next(&mut CopyLog::default(), &kept, &clock, IDLE);
    assert_eq!(forgotten.urls.iter().count(), 0);
    // The second restart adds nothing but its time.
    let mut log = CopyLog::default();
    let (kept, clock, _) = next(&mut log, &kept, &clock, Duration::from_secs(10));
    let after = in_hand(&kept, &clock, &request).unwrap();
    assert_eq!(
        after.age(clock.now(), &clock),
        Duration::from_millis(115_040)
    );
}

#[tokio::test(start_paused = true)]
async fn only_what_has_changed_is_given_out() {
    let (kept, clock) = (Kept::new(1 << 20), Clock::anchored_at(START));
    let (request, answer) = (HeaderMap::new(), fields(&[("content-type", "text/csv")]));
    let copy = keep(&kept, &clock, &request, &answer).unwrap();
    let mut log = CopyLog::default();
    let first = kept.changes(&mut log, &clock);
    assert_eq!((first.copies.len(), first.has_more), (1, false));
    assert!(kept.changes(&mut log, &clock).copies.is_empty());
    tokio::time::advance(Duration::from_secs(9)).await;
    copy.came_again(clock.now());
    assert!(
        kept.changes(&mut log, &clock).copies.is_empty(),
        "it can wait"
    );
    log.last_time();
    let last = kept.changes(&mut log, &clock);
    assert_eq!(last.copies.len(), 1);
    assert_eq!(last.copies[0].body, None);
    assert_eq!(last.copies[0].kept_at, START + Duration::from_secs(9));
}

#[tokio::test(start_paused = true)]
async fn what_is_for_one_caller_or_is_void_is_not_stored() {
    let (kept, clock) = (Kept::new(1 << 20), Clock::anchored_at(START));
    let answer = fields(&[("cache-control", "max-age=60")]);
    let own = fields(&[("authorization", "Bearer x")]);
    assert!(keep(&kept, &clock, &own, &answer).is_some());
    let mut log = CopyLog::default();
    assert!(kept.changes(&mut log, &clock).copies.is_empty());
    let none = HeaderMap::new();
    keep(&kept, &clock, &none, &answer).unwrap();
    let stored = kept.changes(&mut log, &clock).copies;
    assert_eq!(stored.len(), 1);
    let uri = Uri::from_static("http://a.test/prices?token=s3cret");
    tokio::time::advance(Duration::from_secs(1)).await;
    kept.invalidate(kept.address(&uri, &none, None).url, clock.now());
    tokio::time::advance(Duration::from_secs(1)).await;
    let changes = kept.changes(&mut log, &clock);
    assert_eq!(changes.gone, [stored[0].name]);
    assert!(changes.copies.is_empty());
    tokio::time::advance(Duration::from_secs(1)).await;
    assert!(kept.changes(&mut log, &clock).gone.is_empty(), "once");
    keep(&kept, &clock, &none, &answer).unwrap();
    assert_eq!(kept.changes(&mut log, &clock).copies.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_secret_of_a_url_is_in_what_is_stored() {
    let (kept, clock) = (Kept::new(1 << 20), Clock::anchored_at(START));
    let answer = fields(&[("content-type", "text/csv")]);
    keep(&kept, &clock, &HeaderMap::new(), &answer).unwrap();
    let stored = kept.changes(&mut CopyLog::default(), &clock).copies;
    let shown = format!(
        "{stored:?}{}{}",
        stored[0].about,
        stored[0].fields.escape_ascii()
    );
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn what_no_process_of_ours_stored_is_set_aside() {
    let (kept, clock) = (Kept::new(1 << 20), Clock::anchored_at(START));
    let answer = fields(&[(header::ETAG.as_str(), "\"1\"")]);
    keep(&kept, &clock, &HeaderMap::new(), &answer);
    let good = kept
        .changes(&mut CopyLog::default(), &clock)
        .copies
        .remove(0);
    let bad = [
        KeptCopy {
            about: "{}".to_owned(),
            ..good.clone()
        },
        KeptCopy {
            fields: b"a: b".to_vec(),
            ..good.clone()
        },
        KeptCopy {
            fields: b"a b\r\n".to_vec(),
            ..good.clone()
        },
        KeptCopy {
            key: [0; 16],
            ..good.clone()
        },
        KeptCopy {
            body: None,
            ..good.clone()
        },
    ];
    let mut all = vec![good];
    all.extend(bad);
    let next = Kept::new(1 << 20);
    assert_eq!(next.recall(all, &clock).1, 5);
    assert!(in_hand(&next, &clock, &HeaderMap::new()).is_some());
}
