//! What goes to a second level, and what comes back as the same or not at all.

use http::{HeaderName, HeaderValue, Method, Uri};

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

/// A process with its own clock.
struct Process {
    kept: Kept,
    clock: Clock,
}

impl Process {
    fn at(wall: Timestamp) -> Self {
        Self {
            kept: Kept::new(1 << 20),
            clock: Clock::anchored_at(wall),
        }
    }

    fn address(&self, request: &HeaderMap) -> Address {
        let uri = Uri::from_static("http://a.test/prices");
        self.kept
            .address(&uri, request, caller::digest(request).as_ref())
    }

    fn packed(&self, request: &HeaderMap, answer: &HeaderMap) -> Bytes {
        let mut body = Chunks::None;
        body.push("[1,".into());
        body.push("2]".into());
        let received = Received {
            method: &Method::GET,
            request,
            with_credentials: caller::digest(request).is_some(),
            status: StatusCode::OK,
            headers: answer,
            hash: self.kept.hash_of(answer, &body),
            body: &body,
            fault: None,
            took: Duration::from_millis(40),
            known: None,
        };
        let copy = self
            .kept
            .copy_of(&received, &Treatment::default(), &self.clock);
        pack(&copy.expect("a copy"), &self.clock).into()
    }

    fn opened(&self, parcel: &Bytes, changed: Option<i64>) -> Option<Copy> {
        let request = HeaderMap::new();
        let opening = Opening {
            clock: &self.clock,
            request: &request,
            changed,
        };
        match self.kept.open(parcel, opening)? {
            Parcel::Copy(copy) => Some(*copy),
            Parcel::Varies(_) => None,
        }
    }
}

fn later(seconds: i64) -> Timestamp {
    START + jiff::SignedDuration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn a_copy_arrives_as_it_was_with_its_true_age() {
    let answer = fields(&[("age", "5"), ("cache-control", "max-age=60"), ("x-a", "b")]);
    let parcel = Process::at(START).packed(&HeaderMap::new(), &answer);
    let other = Process::at(later(20));
    let copy = other.opened(&parcel, None).expect("a copy");
    assert_eq!(copy.headers, answer);
    let body: Vec<u8> = copy.body.iter().flat_map(|chunk| chunk.to_vec()).collect();
    assert_eq!(body, b"[1,2]");
    let age = copy.age(other.clock.now(), &other.clock);
    assert_eq!(age, Duration::from_millis(25_040));
    assert_eq!(copy.terms.lifetime, Some(Duration::from_mins(1)));
    assert!(!copy.with_credentials);
}

#[tokio::test(start_paused = true)]
async fn what_comes_from_the_future_or_is_very_old_is_set_aside() {
    let parcel = Process::at(later(100_000)).packed(&HeaderMap::new(), &HeaderMap::new());
    let arrives = |at| Process::at(later(at)).opened(&parcel, None).is_some();
    assert!(!arrives(100_000 - 6), "a clock that is wrong");
    assert!(arrives(100_000 - 4), "two clocks that differ a little");
    assert!(arrives(100_000 + 86_300));
    assert!(!arrives(100_000 + 86_500), "a day and more");
}

#[tokio::test(start_paused = true)]
async fn what_was_asked_before_a_change_is_set_aside() {
    let parcel = Process::at(later(100)).packed(&HeaderMap::new(), &HeaderMap::new());
    let opened = |changed| {
        Process::at(later(200))
            .opened(&parcel, Some(changed))
            .is_some()
    };
    assert!(!opened(99_500), "the clocks may differ by so much");
    assert!(!opened(150_000));
    assert!(opened(98_000));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_cannot_be_read_is_one_of_now() {
    let clock = Clock::anchored_at(later(7));
    assert_eq!(change(&pack_change(later(3)), &clock), 3_000);
    assert_eq!(change(b"\xff", &clock), 7_000);
}

#[tokio::test(start_paused = true)]
async fn no_byte_of_a_parcel_can_be_changed_or_missing() {
    let process = Process::at(START);
    let parcel = process.packed(&HeaderMap::new(), &fields(&[("x-a", "b")]));
    assert!(process.opened(&parcel, None).is_some());
    for at in 0..parcel.len() {
        let mut changed = parcel.to_vec();
        changed[at] ^= 0x10;
        assert!(process.opened(&changed.into(), None).is_none(), "{at}");
        assert!(process.opened(&parcel.slice(..at), None).is_none(), "{at}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_callers_own_copy_is_taken_in_for_that_caller_alone() {
    let bearer = fields(&[("authorization", "Bearer k")]);
    let process = Process::at(START);
    let parcel = process.packed(&bearer, &HeaderMap::new());
    let taken = |request: &HeaderMap| {
        let other = Process::at(START);
        let copy = other.opened(&parcel, None).expect("a copy");
        other.kept.take_in(other.address(request), copy)
    };
    assert!(taken(&bearer));
    assert!(!taken(&HeaderMap::new()));
}

#[tokio::test(start_paused = true)]
async fn what_is_newer_here_stays() {
    let old = Process::at(START).packed(&HeaderMap::new(), &HeaderMap::new());
    let new = Process::at(later(5)).packed(&HeaderMap::new(), &HeaderMap::new());
    let here = Process::at(later(10));
    let take = |parcel| {
        let copy = here.opened(parcel, None).expect("a copy");
        here.kept.take_in(here.address(&HeaderMap::new()), copy)
    };
    assert!(take(&new));
    assert!(!take(&old) && !take(&new));
}

proptest::proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, seals: bool) {
        let process = Process::at(START);
        let bytes: Bytes = if seals { sealed(&[b"c", bytes.as_slice()].concat()).into() } else { bytes.into() };
        proptest::prop_assert!(process.opened(&bytes, None).is_none());
    }
}
