//! Random sequences of requests, answers, faults and waits, and beside them a model of what RFC 9111 and the settings allow.
//!
//! The model remembers every answer that the origin gave, with its number in its body. Whatever the cache gives has such a
//! number or is an error; the model looks the answer up and decides whether it could be given, and whether what was said
//! of it is true.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use healing_core::{Cache, CacheUse, Fidelity, Healer};
use http::{Method, Request};
use proptest::prelude::*;
use tokio::time::{Instant, sleep};

use crate::{
    cache_support::cached_with_background,
    layers_support::{Act, Got, Port, URL, Upstream, answer, get, hang, json, seconds, try_ask},
};

const HEAL_FOR: u64 = 15 * 60;

/// What an answer says about keeping it.
#[derive(Clone, Debug)]
struct Says {
    max_age: Option<u64>,
    s_maxage: Option<u64>,
    while_revalidating: u64,
    if_error: u64,
    word: &'static str,
    vary: bool,
    tag: bool,
    age: u64,
}

#[derive(Clone, Debug)]
enum Upstreams {
    Good(Says),
    /// A tag that still holds is answered with 304.
    Unchanged(Says),
    Status(u16),
    /// A good status over an error.
    Bad,
    Cut,
    Hangs,
}

/// Who asks, and how.
#[derive(Clone, Copy, Debug)]
struct Asked {
    caller: Option<&'static str>,
    language: &'static str,
    said: &'static str,
    floor: &'static str,
    head: bool,
}

#[derive(Clone, Debug)]
enum Step {
    Becomes(Upstreams),
    Waits(u64),
    Asks(Asked),
    Changes,
}

/// An answer that the origin gave.
#[derive(Clone, Debug)]
struct Given {
    says: Says,
    asked: Instant,
    /// Whom the origin gave it, or said that it is still what it was.
    callers: Vec<Option<String>>,
    language: String,
    /// When it was said last that it is still what it was, and on which terms.
    renewed: Vec<(Instant, Says)>,
}

#[derive(Default)]
struct Origin {
    given: Vec<Given>,
    changed: Option<Instant>,
}

fn says() -> impl Strategy<Value = Says> {
    let time = || prop_oneof![Just(None), (0..100_u64).prop_map(Some)];
    let words = prop_oneof![
        4 => Just(""),
        1 => Just("public"),
        1 => Just("private"),
        1 => Just("no-store"),
        1 => Just("no-cache"),
        1 => Just("must-revalidate"),
        1 => Just("proxy-revalidate"),
    ];
    let more = (
        any::<bool>(),
        any::<bool>(),
        prop_oneof![3 => Just(0), 1 => 0..20_u64],
    );
    (
        time(),
        prop_oneof![3 => Just(None), 1 => (0..100_u64).prop_map(Some)],
        0..60_u64,
        0..2000_u64,
        words,
        more,
    )
        .prop_map(
            |(max_age, s_maxage, while_revalidating, if_error, word, (vary, tag, age))| Says {
                max_age,
                s_maxage,
                while_revalidating: if while_revalidating < 30 {
                    0
                } else {
                    while_revalidating
                },
                if_error: if if_error < 1000 { 0 } else { if_error },
                word,
                vary,
                tag,
                age,
            },
        )
}

fn step() -> impl Strategy<Value = Step> {
    let upstream = prop_oneof![
        4 => says().prop_map(Upstreams::Good),
        2 => says().prop_map(Upstreams::Unchanged),
        2 => prop_oneof![Just(500), Just(503), Just(429)].prop_map(Upstreams::Status),
        1 => Just(Upstreams::Bad),
        1 => Just(Upstreams::Cut),
        1 => Just(Upstreams::Hangs),
    ];
    let asks = (
        prop_oneof![3 => Just(None), 1 => Just(Some("ann")), 1 => Just(Some("bob"))],
        prop_oneof![Just("de"), Just("fr")],
        prop_oneof![6 => Just(""), 1 => Just("no-cache"), 1 => Just("max-age=20"), 1 => Just("min-fresh=20")],
        prop_oneof![4 => Just(""), 1 => Just("exact"), 1 => Just("stale;max-age=40")],
        prop_oneof![5 => Just(false), 1 => Just(true)],
    )
        .prop_map(|(caller, language, said, floor, head)| {
            Step::Asks(Asked {
                caller,
                language,
                said,
                floor,
                head,
            })
        });
    prop_oneof![
        3 => upstream.prop_map(Step::Becomes),
        4 => prop_oneof![3 => 0..40_u64, 1 => 0..1500_u64].prop_map(Step::Waits),
        10 => asks,
        1 => Just(Step::Changes),
    ]
}

// === impl Says ===

impl Says {
    fn directives(&self) -> Vec<String> {
        let mut said = vec![self.word.to_owned()];
        let mut say = |name: &str, value: Option<u64>| {
            said.extend(value.map(|value| format!("{name}={value}")));
        };
        say("max-age", self.max_age);
        say("s-maxage", self.s_maxage);
        say(
            "stale-while-revalidate",
            Some(self.while_revalidating).filter(|time| *time > 0),
        );
        say(
            "stale-if-error",
            Some(self.if_error).filter(|time| *time > 0),
        );
        said.retain(|directive| !directive.is_empty());
        said
    }

    fn act(&self, mut act: Act) -> Act {
        let said = self.directives();
        if !said.is_empty() {
            act = act.with("cache-control", &*said.join(", "));
        }
        if self.vary {
            act = act.with("vary", "accept-language");
        }
        if self.age > 0 {
            act = act.with("age", usize::try_from(self.age).unwrap());
        }
        act
    }

    fn lifetime(&self) -> Option<u64> {
        self.s_maxage.or(self.max_age)
    }

    fn is_strict(&self) -> bool {
        self.s_maxage.is_some()
            || ["no-cache", "must-revalidate", "proxy-revalidate"].contains(&self.word)
    }
}

// === impl Origin ===

impl Origin {
    /// Does as it is told, and remembers what it said.
    fn act(&mut self, does: &Upstreams, request: &Request<healing_core::Body>) -> Act {
        let field = |name: &str| {
            let value = request.headers().get(name)?;
            Some(value.to_str().unwrap().to_owned())
        };
        let now = Instant::now();
        if *request.method() != Method::GET {
            return answer(204, "");
        }
        match does {
            Upstreams::Unchanged(says) => {
                let tag = field("if-none-match")
                    .and_then(|tag| tag.trim_matches('"').parse::<usize>().ok());
                if let Some(number) = tag {
                    self.given[number].is_renewed(now, says, field("authorization"));
                    return says.act(answer(304, ""));
                }
                self.good(says, field, now)
            }
            Upstreams::Good(says) => self.good(says, field, now),
            Upstreams::Status(status) => answer(*status, "down"),
            Upstreams::Bad => {
                json("{\"error\":\"limit reached\"}").with("cache-control", "max-age=600")
            }
            Upstreams::Cut => json("{\"observations\":[{")
                .with("cache-control", "max-age=600")
                .breaks(),
            Upstreams::Hangs => hang(),
        }
    }

    fn good(&mut self, says: &Says, field: impl Fn(&str) -> Option<String>, now: Instant) -> Act {
        let number = self.given.len();
        self.given.push(Given {
            says: says.clone(),
            asked: now,
            callers: vec![field("authorization")],
            language: field("accept-language").unwrap_or_default(),
            renewed: Vec::new(),
        });
        let body = format!(
            "{{\"units\":\"lin\",\"observations\":[{{\"date\":\"2026-01-02\",\"value\":{number}}}]}}"
        );
        let act = says.act(json(body));
        if says.tag {
            act.with("etag", &*format!("\"{number}\""))
        } else {
            act
        }
    }
}

/// A request, and what came of it.
struct Exchange<'a> {
    asked: Asked,
    began: Instant,
    got: &'a Got,
    calls: usize,
}

// === impl Exchange ===

impl Exchange<'_> {
    fn check(&self, origin: &Origin) {
        let truth = &self.got.truth;
        if truth.fidelity.is_none() {
            assert!(self.got.status >= 400, "{:?}", self.got);
            return;
        }
        let number = self.got.text().rsplit_once(":").and_then(|(_, rest)| {
            rest.trim_matches(|c: char| !c.is_ascii_digit())
                .parse::<usize>()
                .ok()
        });
        let Some(given) = number.and_then(|number| origin.given.get(number)) else {
            panic!("what a verdict calls bad was given as good: {:?}", self.got);
        };
        match truth.cache {
            CacheUse::Missed { .. } | CacheUse::Asked { .. } | CacheUse::Refused { .. } => {
                assert!(
                    truth.collapsed || given.asked >= self.began,
                    "an old answer is labelled new: {:?}",
                    self.got
                );
                assert_eq!(truth.fidelity, Some(Fidelity::Exact));
            }
            CacheUse::Revalidated { .. } => {
                let renewed = given.renewed.iter().any(|(at, _)| *at >= self.began);
                assert!(renewed && self.calls > 0, "{:?}", self.got);
            }
            CacheUse::Fresh { ttl } => self.check_fresh(origin, given, ttl),
            CacheUse::WhileRevalidating { ttl } => {
                assert!(ttl <= 0);
                self.check_stale(origin, given);
                let allowed = given.terms().any(|(at, says)| {
                    says.lifetime().is_some_and(|lifetime| {
                        self.age(at, says) < lifetime + says.while_revalidating
                    }) && !says.is_strict()
                });
                assert!(
                    allowed && self.asked.said != "no-cache",
                    "{given:?} {:?}",
                    self.got
                );
            }
            CacheUse::AfterFault | CacheUse::Rested => {
                assert!(truth.fault.is_some());
                self.check_stale(origin, given);
                assert!(given.is_of(self.asked.caller), "{given:?} {:?}", self.got);
                let heals = given.terms().any(|(at, says)| {
                    let stale = HEAL_FOR.max(says.if_error);
                    !says.is_strict()
                        && self.began.duration_since(at).as_secs()
                            <= says.lifetime().unwrap_or(0) + stale
                });
                assert!(heals, "{given:?} {:?}", self.got);
            }
            CacheUse::Bypass | CacheUse::Generated => panic!("{:?}", self.got),
        }
    }

    fn age(&self, at: Instant, says: &Says) -> u64 {
        self.began.duration_since(at).as_secs() + says.age
    }

    fn check_fresh(&self, origin: &Origin, given: &Given, ttl: i64) {
        let truth = &self.got.truth;
        assert_eq!(truth.fidelity, Some(Fidelity::Exact));
        assert_eq!((self.calls, truth.attempts), (0, 0), "{:?}", self.got);
        self.check_kept(origin, given);
        assert!(self.asked.said != "no-cache", "{:?}", self.got);
        let age = truth.age.expect("an age").as_secs();
        let fresh = given.terms().any(|(at, says)| {
            let lifetime = says.lifetime().unwrap_or(0);
            says.word != "no-cache"
                && self.age(at, says) == age
                && age < lifetime
                && u64::try_from(ttl)
                    .is_ok_and(|ttl| (ttl + age..=ttl + age + 1).contains(&lifetime))
                && (self.asked.said != "max-age=20" || age <= 20)
                && (self.asked.said != "min-fresh=20" || age + 20 <= lifetime)
        });
        assert!(fresh, "{given:?} {:?}", self.got);
        assert!(self.asked.floor != "stale;max-age=40" || age <= 40);
    }

    fn check_stale(&self, origin: &Origin, given: &Given) {
        let truth = &self.got.truth;
        assert_eq!(truth.fidelity, Some(Fidelity::Stale), "{:?}", self.got);
        assert!(self.asked.floor != "exact", "{:?}", self.got);
        self.check_kept(origin, given);
        let age = truth.age.expect("an age");
        let true_age = given.terms().any(|(at, says)| {
            age == self.began.duration_since(at) + seconds(says.age) + self.got.took
        });
        assert!(true_age, "{given:?} {:?}", self.got);
        let oldest = age - self.got.took;
        assert!(self.asked.floor != "stale;max-age=40" || oldest <= seconds(40));
    }

    /// What holds of every kept answer: it may be kept, is for this caller, of the variant, and not void.
    fn check_kept(&self, origin: &Origin, given: &Given) {
        assert!(given.says.word != "no-store", "{given:?}");
        let own = given.is_of(self.asked.caller);
        let public = given.terms().any(|(_, says)| says.word == "public");
        assert!(own || public, "{given:?} {:?}", self.got);
        assert!(
            given.says.word != "private" || given.callers.iter().any(Option::is_some),
            "{given:?}"
        );
        let varies = given.terms().all(|(_, says)| says.vary);
        assert!(
            !varies || given.language == self.asked.language,
            "{given:?} {:?}",
            self.got
        );
        let void = origin
            .changed
            .is_some_and(|changed| given.terms().all(|(at, _)| at < changed));
        assert!(!void, "{given:?} {:?}", self.got);
    }
}

// === impl Given ===

impl Given {
    fn is_of(&self, caller: Option<&str>) -> bool {
        self.callers.iter().any(|own| own.as_deref() == caller)
    }

    /// It is still what it was, and what a 304 does not say stays as it was said.
    fn is_renewed(&mut self, now: Instant, says: &Says, caller: Option<String>) {
        self.callers.push(caller);
        let (_, before) = self.terms().last().expect("its own");
        let mut merged = if says.directives().is_empty() {
            before.clone()
        } else {
            says.clone()
        };
        merged.vary = says.vary || before.vary;
        merged.age = says.age;
        self.renewed.push((now, merged));
    }

    /// When it was known to be what it is, and on which terms, first to last.
    fn terms(&self) -> impl Iterator<Item = (Instant, &Says)> {
        std::iter::once((self.asked, &self.says))
            .chain(self.renewed.iter().map(|(at, says)| (*at, says)))
    }
}

/// The origin, its model, and the cache between it and the callers.
struct World {
    origin: Arc<Mutex<Origin>>,
    upstream: Upstream,
    client: Cache<Port>,
}

// === impl World ===

impl World {
    fn becomes(&self, does: Upstreams) {
        let origin = Arc::clone(&self.origin);
        self.upstream
            .does(move |request| origin.lock().unwrap().act(&does, request));
    }

    async fn changes(&self) {
        let mut post = get(URL);
        *post.method_mut() = Method::POST;
        let got = try_ask(&self.client, post).await.unwrap();
        if got.status < 400 {
            self.origin.lock().unwrap().changed = Some(Instant::now());
        }
        sleep(Duration::from_millis(1)).await;
    }

    async fn asks(&self, asked: Asked) {
        let mut request = get(URL);
        let fields = [
            ("authorization", asked.caller.unwrap_or_default()),
            ("accept-language", asked.language),
            ("cache-control", asked.said),
            ("healing-floor", asked.floor),
        ];
        for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        let (began, calls) = (Instant::now(), self.upstream.calls());
        if asked.head {
            *request.method_mut() = Method::HEAD;
        }
        let got = try_ask(&self.client, request).await.unwrap();
        if asked.head {
            assert!(
                got.text().is_empty() || got.truth.fidelity.is_none(),
                "{got:?}"
            );
            return;
        }
        let exchange = Exchange {
            asked,
            began,
            calls: self.upstream.calls() - calls,
            got: &got,
        };
        exchange.check(&self.origin.lock().unwrap());
    }
}

async fn run(steps: Vec<Step>) {
    let upstream = Upstream::that(answer(500, ""));
    let healer = Healer::builder().without_strategies().answer_errors();
    let (client, background) = cached_with_background(&upstream, healer.build());
    let world = World {
        origin: Arc::default(),
        upstream,
        client,
    };
    for step in steps {
        match step {
            Step::Becomes(does) => world.becomes(does),
            Step::Waits(time) => sleep(seconds(time)).await,
            Step::Changes => world.changes().await,
            Step::Asks(asked) => world.asks(asked).await,
        }
    }
    background.stop().await;
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_given_that_may_not_be_and_no_label_is_untrue(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(run(steps));
    }
}
