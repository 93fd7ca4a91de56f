//! The matrix of staleness: what went wrong, what the copy can be asked by, what its origin forbids, what it permits, and
//! who asks how.

use std::time::Duration;

use healing_core::{
    CacheUse, Caching, Fidelity, Healer, Sent, StrategyId, TransportFault, Treatment,
};
use http::Method;
use tokio::time::sleep;

use crate::{
    cache_support::{cached_by, cached_with_background},
    layers_support::{
        Act, Got, NEWER, SERIES, URL, Upstream, answer, ask, get, get_with, hang, json, lost,
        seconds,
    },
};

const FRESH: u64 = 10;
const HEAL: u64 = 30;
const WHILE_REVALIDATING: u64 = 20;
const IF_ERROR: u64 = 100;

/// After these many seconds: a little stale, beyond the healing TTL, beyond all.
const LATER: [u64; 3] = [15, 50, 200];

const FORBIDDEN: [&str; 7] = [
    "",
    ", must-revalidate",
    ", proxy-revalidate",
    ", no-cache",
    ", no-store",
    ", private",
    ", s-maxage=10",
];

const PERMITTED: [(&str, bool, bool); 4] = [
    ("", false, false),
    (", stale-while-revalidate=20", true, false),
    (", stale-if-error=100", false, true),
    (
        ", stale-while-revalidate=20, stale-if-error=100",
        true,
        true,
    ),
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Asked {
    Get,
    Head,
    Range,
    Conditional,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    has_validator: bool,
    forbidden: &'static str,
    permitted: (&'static str, bool, bool),
    asked: Asked,
    later: u64,
}

// === impl Case ===

impl Case {
    fn all() -> impl Iterator<Item = Self> {
        let ways = [Asked::Get, Asked::Head, Asked::Range, Asked::Conditional];
        let lengths = [2, FORBIDDEN.len(), PERMITTED.len(), ways.len(), LATER.len()];
        (0..lengths.iter().product()).map(move |mut n: usize| {
            let [validator, forbidden, permitted, way, later] = lengths.map(|length| {
                let digit = n % length;
                n /= length;
                digit
            });
            Self {
                has_validator: validator == 1,
                forbidden: FORBIDDEN[forbidden],
                permitted: PERMITTED[permitted],
                asked: ways[way],
                later: LATER[later],
            }
        })
    }

    fn good(self) -> Act {
        let (permitted, ..) = self.permitted;
        let said = format!("max-age={FRESH}{}{permitted}", self.forbidden);
        let act = json(SERIES).with("cache-control", &*said);
        if self.has_validator {
            act.with("etag", "\"1\"")
        } else {
            act
        }
    }

    fn request(self) -> http::Request<healing_core::Body> {
        let mut request = match self.asked {
            Asked::Get | Asked::Head => get(URL),
            Asked::Range => get_with(URL, &[("range", "bytes=0-3")]),
            Asked::Conditional => get_with(URL, &[("if-none-match", "\"1\"")]),
        };
        if self.asked == Asked::Head {
            *request.method_mut() = Method::HEAD;
        }
        request
    }

    /// Whether it may be given while it is asked for again.
    fn is_given_while_revalidating(self) -> bool {
        let (_, while_revalidating, _) = self.permitted;
        self.forbidden.is_empty() && while_revalidating && self.later < FRESH + WHILE_REVALIDATING
    }

    /// Whether it may be given in the place of an error.
    fn heals(self) -> bool {
        let (_, _, if_error) = self.permitted;
        let stale = if if_error { HEAL.max(IF_ERROR) } else { HEAL };
        self.forbidden.is_empty() && self.later <= FRESH + stale
    }

    /// The stale answer, as it was asked for.
    #[track_caller]
    fn check_stale(self, got: &Got) {
        let (status, text) = match self.asked {
            Asked::Head => (200, ""),
            Asked::Range => (206, r#"{"un"#),
            Asked::Conditional if self.has_validator => (304, ""),
            Asked::Get | Asked::Conditional => (200, SERIES),
        };
        assert_eq!((got.status, got.text()), (status, text), "{self:?}");
        let stale = (Some(Fidelity::Stale), StrategyId::USE_CACHED_DATA);
        assert_eq!((got.truth.fidelity, got.truth.strategy), stale, "{self:?}");
        let waited = got.took.as_secs();
        let age = got.truth.age.map(|age| age.as_secs());
        assert_eq!(age, Some(self.later + waited), "{self:?}");
        assert!(!got.truth.overridden);
    }
}

fn healer() -> Healer {
    let mut treatment = Treatment::default();
    treatment.heal_for = seconds(HEAL);
    let healer = Healer::builder().answer_errors().build();
    let mut settings = healing_core::Settings::default();
    settings.otherwise = std::sync::Arc::new(treatment);
    healer.configure(&settings).expect("settings of the test");
    healer
}

/// Goes through all cases with one fault. `shows_in_head` is whether a request for the head alone meets it.
async fn matrix(bad: Act, shows_in_head: bool) {
    for case in Case::all() {
        let upstream = Upstream::that(case.good());
        let (client, background) = cached_with_background(&upstream, healer());
        assert!(ask(&client, get(URL)).await.is_fresh(), "{case:?}");
        sleep(seconds(case.later)).await;
        upstream.becomes(bad.clone());
        let got = ask(&client, case.request()).await;
        if case.is_given_while_revalidating() {
            assert_eq!(got.took, Duration::ZERO, "{case:?}");
            assert!(
                matches!(got.truth.cache, CacheUse::WhileRevalidating { ttl } if ttl < 0),
                "{case:?} {got:?}"
            );
            case.check_stale(&got);
        } else if case.asked == Asked::Head && !shows_in_head {
            assert_eq!((got.status, got.truth.is_direct()), (200, true), "{case:?}");
        } else if case.heals() {
            assert_eq!(got.truth.cache, CacheUse::AfterFault, "{case:?}");
            assert!(got.truth.fault.is_some(), "{case:?}");
            case.check_stale(&got);
        } else {
            assert_eq!(got.truth.fidelity, None, "{case:?} {got:?}");
            assert!(got.status >= 400, "{case:?} {got:?}");
            assert!(!got.text().contains("units"), "{case:?} {got:?}");
        }
        // What came instead has not been kept: once the source is well, its own answer is given.
        upstream.becomes(json(NEWER));
        sleep(seconds(15)).await;
        let got = ask(&client, get(URL)).await;
        assert!(
            got.text() == NEWER || got.is_copy() && got.text() == SERIES,
            "{case:?} {got:?}"
        );
        background.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn after_an_error_of_the_server() {
    for status in [500, 503] {
        matrix(answer(status, "down"), true).await;
    }
}

#[tokio::test(start_paused = true)]
async fn after_an_error_that_says_how_long_it_holds() {
    let bad = answer(503, "down").with("cache-control", "max-age=3600");
    matrix(bad, true).await;
}

#[tokio::test(start_paused = true)]
async fn after_a_rate_limit() {
    matrix(answer(429, "slow down"), true).await;
}

#[tokio::test(start_paused = true)]
async fn after_a_refused_connection() {
    matrix(lost(TransportFault::Refused, Sent::Nothing), true).await;
}

#[tokio::test(start_paused = true)]
async fn after_a_body_that_broke() {
    let bad = json("{\"observations\":[{").with("cache-control", "max-age=3600");
    matrix(bad.clone().breaks(), false).await;
    matrix(bad.with("content-length", 5000_usize).stops(), false).await;
}

#[tokio::test(start_paused = true)]
async fn after_silence() {
    matrix(hang(), true).await;
}

#[tokio::test(start_paused = true)]
async fn after_a_good_status_over_bad_data() {
    let bad = json("{\"error\":\"limit reached\"}").with("cache-control", "max-age=3600");
    matrix(bad, false).await;
}

#[tokio::test(start_paused = true)]
async fn the_operator_may_heal_against_the_origins_word_and_it_is_said() {
    for (said, heals) in [
        ("max-age=10, must-revalidate", true),
        ("max-age=10, proxy-revalidate", true),
        ("s-maxage=10", true),
        ("max-age=10, no-cache", true),
        ("max-age=10, no-store", false),
        ("max-age=10, private", false),
    ] {
        let upstream = Upstream::that(json(SERIES).with("cache-control", said));
        let mut caching = Caching::default();
        caching.overrides = true;
        let client = cached_by(&upstream, Healer::builder().caching(caching).build());
        ask(&client, get(URL)).await;
        sleep(seconds(15)).await;
        upstream.becomes(answer(503, ""));
        let got = ask(&client, get(URL)).await;
        assert_eq!(
            (got.is_copy(), got.truth.overridden),
            (heals, heals),
            "{said}"
        );
    }
}
