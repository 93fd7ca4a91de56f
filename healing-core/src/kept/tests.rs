//! Which answers are kept, and who is given which.

use http::HeaderName;

use super::*;
use crate::classify::shape::Shape;

fn fields(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        })
        .collect()
}

/// Of no body in particular.
const HASH: BodyHash = BodyHash(1);

/// A good answer to an anonymous caller.
fn received<'a>(request: &'a HeaderMap, headers: &'a HeaderMap, body: &'a Chunks) -> Received<'a> {
    Received {
        method: &Method::GET,
        request,
        with_credentials: false,
        status: StatusCode::OK,
        headers,
        body,
        hash: HASH,
        fault: None,
        took: Duration::ZERO,
        known: None,
    }
}

struct Scene {
    kept: Kept,
    clock: Clock,
    now: Instant,
}

impl Scene {
    fn new() -> Self {
        Self {
            kept: Kept::new(1 << 20),
            clock: Clock::started_now(),
            now: Instant::now(),
        }
    }

    fn address(&self, fields: &HeaderMap) -> Address {
        let uri = Uri::from_static("/a?b=1");
        self.kept
            .address(&uri, fields, caller::digest(fields).as_ref())
    }

    fn copy(
        &self,
        request: &[(&'static str, &'static str)],
        answer: &[(&'static str, &'static str)],
    ) -> Option<Arc<Copy>> {
        let (request, answer) = (fields(request), fields(answer));
        let body = Chunks::One("{}".into());
        let received = Received {
            with_credentials: caller::digest(&request).is_some(),
            ..received(&request, &answer, &body)
        };
        self.kept
            .copy_of(&received, &Treatment::default(), &self.clock)
    }

    /// Whether the answer to the first request is given to the second.
    fn is_given(
        &self,
        first: &[(&'static str, &'static str)],
        answer: &[(&'static str, &'static str)],
        second: &[(&'static str, &'static str)],
    ) -> bool {
        let Some(copy) = self.copy(first, answer) else {
            return false;
        };
        let (first, second) = (fields(first), fields(second));
        let address = self.address(&first);
        let memory = self.kept.find_or_begin(address.key, self.now);
        self.kept.keep(address, &memory, &copy);
        let wanted = Wanted {
            address: self.address(&second),
            request: &second,
            now: self.now,
            max_age: None,
            heal_for: Duration::from_mins(15),
        };
        let found = self.kept.find(wanted.address.key);
        found.is_some_and(|memory| self.kept.in_hand(&memory, wanted, &self.clock).is_some())
    }
}

#[test]
fn the_origins_word_about_keeping_holds() {
    let scene = Scene::new();
    assert!(scene.copy(&[], &[]).is_some());
    assert!(
        scene
            .copy(&[], &[("cache-control", "public, max-age=3600")])
            .is_some()
    );
    for forbidden in [
        "no-store",
        "NO-STORE",
        "max-age=1, no-cache",
        "must-revalidate",
        "proxy-revalidate",
        "s-maxage=5",
        "private",
    ] {
        let copy = scene.copy(&[], &[("cache-control", forbidden)]);
        assert!(copy.is_none_or(|copy| !copy.terms.heals), "{forbidden}");
    }
    assert!(scene.copy(&[("cache-control", "no-store")], &[]).is_none());
    assert!(scene.copy(&[], &[("vary", "*")]).is_none());
}

#[test]
fn callers_with_different_credentials_never_see_each_others_copies() {
    for name in [
        "authorization",
        "cookie",
        "x-api-key",
        "x-auth-token",
        "x-session-id",
    ] {
        let scene = Scene::new();
        let (ann, bob) = ([(name, "ann")], [(name, "bob")]);
        for answer in [
            &[][..],
            &[("cache-control", "public")],
            &[("cache-control", "private")],
        ] {
            assert!(scene.is_given(&ann, answer, &ann), "{name} {answer:?}");
            assert!(!scene.is_given(&ann, answer, &bob), "{name} {answer:?}");
            assert!(!scene.is_given(&ann, answer, &[]), "{name} {answer:?}");
        }
    }
}

#[test]
fn an_answer_that_varies_is_given_only_to_whom_it_fits() {
    let scene = Scene::new();
    let answer = [("vary", "Accept-Language")];
    let (de, fr) = ([("accept-language", "de")], [("accept-language", "fr")]);
    assert!(scene.is_given(&de, &answer, &de));
    assert!(!scene.is_given(&de, &answer, &fr));
}

#[test]
fn a_copy_heals_for_fifteen_minutes_and_its_age_counts_what_it_came_with() {
    let scene = Scene::new();
    let copy = scene.copy(&[], &[("age", "100")]).unwrap();
    assert_eq!(
        copy.age(copy.last() + Duration::from_secs(5), &scene.clock),
        Duration::from_secs(105)
    );
    let address = scene.address(&HeaderMap::new());
    let memory = scene.kept.find_or_begin(address.key, scene.now);
    let came = copy.last();
    scene.kept.keep(address, &memory, &copy);
    let in_hand = |seconds, max_age: Option<u64>| {
        let now = came + Duration::from_secs(seconds);
        scene
            .kept
            .in_hand(
                &memory,
                Wanted {
                    address,
                    request: &HeaderMap::new(),
                    now,
                    max_age: max_age.map(Duration::from_secs),
                    heal_for: Duration::from_mins(15),
                },
                &scene.clock,
            )
            .is_some()
    };
    assert!(in_hand(900, None));
    assert!(!in_hand(901, None));
    assert!(!in_hand(5, Some(104)));
    assert!(in_hand(5, Some(105)));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_comes_again_makes_its_copy_young_and_another_one_takes_its_place() {
    let scene = Scene::new();
    let address = scene.address(&HeaderMap::new());
    let memory = scene.kept.find_or_begin(address.key, scene.now);
    let again = |answer: &[(&'static str, &'static str)]| {
        let (none, headers) = (HeaderMap::new(), fields(answer));
        let body = Chunks::One("{}".into());
        let received = Received {
            known: memory.copy_with(HASH),
            ..received(&none, &headers, &body)
        };
        let copy = scene
            .kept
            .copy_of(&received, &Treatment::default(), &scene.clock)
            .unwrap();
        scene.kept.keep(address, &memory, &copy);
        copy
    };
    let first = again(&[("age", "7"), ("set-cookie", "a=1")]);
    let age = || first.age(scene.clock.now(), &scene.clock);
    tokio::time::advance(Duration::from_mins(1)).await;
    assert_eq!(age(), Duration::from_secs(67));
    // Another session, which no copy has.
    let same = again(&[("age", "7"), ("set-cookie", "a=2")]);
    assert!(Arc::ptr_eq(&first, &same));
    assert_eq!(age(), Duration::from_secs(7));
    for other in [[("age", "8")], [("etag", "a")]] {
        let next = again(&other);
        assert!(!Arc::ptr_eq(&first, &next));
        assert_eq!(next.headers, fields(&other));
    }
}

#[test]
fn memory_stays_within_its_bound() {
    let kept = Kept::new(100 * 1024);
    let (clock, now) = (Clock::started_now(), Instant::now());
    let none = HeaderMap::new();
    for n in 0..200 {
        let uri = format!("/{n}").parse().unwrap();
        let address = kept.address(&uri, &none, None);
        let memory = kept.find_or_begin(address.key, now);
        let body = Chunks::One(vec![b'x'; 4096].into());
        let received = received(&none, &none, &body);
        let copy = kept
            .copy_of(&received, &Treatment::default(), &clock)
            .unwrap();
        kept.keep(address, &memory, &copy);
    }
    kept.urls.run_pending_tasks();
    assert!(
        kept.urls.weighted_size() <= 100 * 1024,
        "{}",
        kept.urls.weighted_size()
    );
}

#[test]
fn a_new_shape_is_accepted_the_third_time_in_a_row() {
    let memory = Memory::new(Instant::now());
    let shape = Shape::opaque();
    assert!(!memory.accepts(&shape));
    assert!(!memory.accepts(&shape));
    memory.forgets_candidate();
    assert!(!memory.accepts(&shape));
    assert!(!memory.accepts(&shape));
    assert!(memory.accepts(&shape));
}

#[test]
fn a_good_answer_between_two_new_shapes_breaks_the_row() {
    let kept = Kept::new(1 << 20);
    let memory = Memory::new(Instant::now());
    let body = kept.hash_of(&HeaderMap::new(), &Chunks::One("{}".into()));
    assert!(!memory.knows(body));
    let shape = Shape::opaque();
    assert!(!memory.accepts(&shape));
    assert!(!memory.accepts(&shape));
    memory.learns(body);
    assert!(memory.knows(body));
    assert!(!memory.accepts(&shape));
}

#[test]
fn the_same_bytes_said_to_be_something_else_are_not_the_same() {
    let kept = Kept::new(1 << 20);
    let body = Chunks::One("{}".into());
    let plain = kept.hash_of(&fields(&[("content-type", "application/json")]), &body);
    for said in [("content-type", "text/html"), ("content-encoding", "gzip")] {
        assert_ne!(kept.hash_of(&fields(&[said]), &body), plain);
    }
}

#[test]
fn a_body_is_known_by_its_bytes() {
    let kept = Kept::new(1 << 20);
    let hash = |text: &'static str| kept.hash_of(&HeaderMap::new(), &Chunks::One(text.into()));
    assert_eq!(hash("{\"a\":1}"), hash("{\"a\":1}"));
    assert_ne!(hash("{\"a\":1}"), hash("{\"a\":2}"));
}
