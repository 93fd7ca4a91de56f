//! Which answers are kept, and who is given which.

use http::HeaderValue;

use super::*;

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

struct Scene {
    kept: Kept,
    now: Instant,
}

impl Scene {
    fn new() -> Self {
        Self {
            kept: Kept::new(1 << 20),
            now: Instant::now(),
        }
    }

    fn copy(
        &self,
        request: &[(&'static str, &'static str)],
        answer: &[(&'static str, &'static str)],
    ) -> Option<Arc<Copy>> {
        let body = Chunks::One("{}".into());
        let received = Received {
            method: &Method::GET,
            request: &fields(request),
            with_credentials: caller::digest(&fields(request)).is_some(),
            status: StatusCode::OK,
            headers: &fields(answer),
            body: &body,
            hash: HASH,
            known: None,
        };
        self.kept.copy_of(&received, || self.now)
    }

    /// Whether the answer to the first request is given to the second.
    fn is_given(
        &self,
        first: &[(&'static str, &'static str)],
        answer: &[(&'static str, &'static str)],
        second: &[(&'static str, &'static str)],
    ) -> bool {
        let uri = Uri::from_static("/a?b=1");
        let Some(copy) = self.copy(first, answer) else {
            return false;
        };
        let key = self.kept.key(&uri, caller::digest(&fields(first)).as_ref());
        let memory = self.kept.find_or_begin(key, self.now);
        self.kept.keep(key, &memory, copy);
        let found = self.kept.find(
            self.kept
                .key(&uri, caller::digest(&fields(second)).as_ref()),
        );
        found.is_some_and(|memory| {
            self.kept
                .in_hand(
                    &memory,
                    Wanted {
                        request: &fields(second),
                        now: self.now,
                        max_age: None,
                        heal_for: Duration::from_mins(15),
                    },
                )
                .is_some()
        })
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
        assert!(
            scene.copy(&[], &[("cache-control", forbidden)]).is_none(),
            "{forbidden}"
        );
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
        copy.age(scene.now + Duration::from_secs(5)),
        Duration::from_secs(105)
    );
    let key = scene.kept.key(&Uri::from_static("/"), None);
    let memory = scene.kept.find_or_begin(key, scene.now);
    scene.kept.keep(key, &memory, copy);
    let in_hand = |seconds, max_age: Option<u64>| {
        let now = scene.now + Duration::from_secs(seconds);
        scene
            .kept
            .in_hand(
                &memory,
                Wanted {
                    request: &HeaderMap::new(),
                    now,
                    max_age: max_age.map(Duration::from_secs),
                    heal_for: Duration::from_mins(15),
                },
            )
            .is_some()
    };
    assert!(in_hand(900, None));
    assert!(!in_hand(901, None));
    assert!(!in_hand(5, Some(104)));
    assert!(in_hand(5, Some(105)));
}

#[test]
fn an_answer_that_comes_again_makes_its_copy_young_and_another_one_takes_its_place() {
    let scene = Scene::new();
    let key = scene.kept.key(&Uri::from_static("/"), None);
    let memory = scene.kept.find_or_begin(key, scene.now);
    let later = scene.now + Duration::from_mins(1);
    let again = |answer: &[(&'static str, &'static str)], now| {
        let received = Received {
            method: &Method::GET,
            request: &HeaderMap::new(),
            with_credentials: false,
            status: StatusCode::OK,
            headers: &fields(answer),
            body: &Chunks::One("{}".into()),
            hash: HASH,
            known: memory.copy_with(HASH),
        };
        let copy = scene.kept.copy_of(&received, || now).unwrap();
        scene.kept.keep(key, &memory, Arc::clone(&copy));
        assert!(memory.holds(&copy));
        copy
    };
    let first = again(&[("age", "7"), ("set-cookie", "a=1")], scene.now);
    assert_eq!(first.age(later), Duration::from_secs(67));
    // Another session, which no copy has.
    let same = again(&[("age", "7"), ("set-cookie", "a=2")], later);
    assert!(Arc::ptr_eq(&first, &same));
    assert_eq!(first.age(later), Duration::from_secs(7));
    for other in [[("age", "8")], [("etag", "a")]] {
        let next = again(&other, later);
        assert!(!Arc::ptr_eq(&first, &next));
        assert_eq!(next.headers, fields(&other));
    }
}

#[test]
fn a_copy_knows_its_tag() {
    let scene = Scene::new();
    let copy = scene.copy(&[], &[("etag", "W/\"a\"")]).unwrap();
    assert!(copy.is_known_to(&fields(&[("if-none-match", "\"b\", \"a\"")])));
    assert!(copy.is_known_to(&fields(&[("if-none-match", "*")])));
    assert!(!copy.is_known_to(&fields(&[("if-none-match", "\"b\"")])));
    assert!(!copy.is_known_to(&fields(&[])));
}

#[test]
fn memory_stays_within_its_bound() {
    let kept = Kept::new(100 * 1024);
    let now = Instant::now();
    for n in 0..200 {
        let uri = format!("/{n}").parse().unwrap();
        let key = kept.key(&uri, None);
        let memory = kept.find_or_begin(key, now);
        let body = Chunks::One(vec![b'x'; 4096].into());
        let received = Received {
            method: &Method::GET,
            request: &HeaderMap::new(),
            with_credentials: false,
            status: StatusCode::OK,
            headers: &HeaderMap::new(),
            body: &body,
            hash: HASH,
            known: None,
        };
        let copy = kept.copy_of(&received, || now).unwrap();
        kept.keep(key, &memory, copy);
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
