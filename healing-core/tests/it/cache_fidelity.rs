//! What the cache does to fidelity: it never makes an answer better than it was when it came.
//!
//! Random sequences of outages and waits at two sources, one of which answers in the other's place. Every answer of either
//! has a number of its own. Whoever made it, and as what it was given, is remembered; whatever is given later under the same
//! number may be as good or worse, and as old or older.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use healing_core::{
    Fallback, Fidelity, Healer, Mapping, Param, Pattern, RouteSettings, Same, Settings, Source,
    Treatment,
};
use http::Request;
use proptest::prelude::*;
use tokio::time::{Instant, sleep};

use crate::{
    cache_support::cached_by,
    layers_support::{Act, Upstream, answer, ask, get_with, json, seconds},
};

const ASKED: &str = "http://polygon.test/v2/aggs/ticker/AAPL/prev";
const LENT: &str = "http://yahoo.test/bars/AAPL?interval=1d";
const MAP: &str = "{ticker: $asked.ticker, results: [.rows[] | {c: .close}]}";

#[derive(Clone, Copy, Debug)]
enum Step {
    /// The one that is asked answers, with so many seconds to live, or fails.
    Asked(Option<u64>),
    /// So does the other.
    Lender(Option<u64>),
    Waits(u64),
    Asks {
        lender: bool,
        floor: &'static str,
    },
}

/// What both sources do, and what they made.
#[derive(Default)]
struct Sources {
    asked: Option<u64>,
    lender: Option<u64>,
    /// By number, whether the lender made it, and when.
    made: Vec<(bool, Instant)>,
}

fn step() -> impl Strategy<Value = Step> {
    let lives = || prop_oneof![2 => Just(None), 3 => (0..90_u64).prop_map(Some)];
    let floor = prop_oneof![3 => Just("stale"), 1 => Just("equivalent"), 1 => Just("reduced")];
    prop_oneof![
        2 => lives().prop_map(Step::Asked),
        2 => lives().prop_map(Step::Lender),
        3 => (0..120_u64).prop_map(Step::Waits),
        8 => (prop::bool::weighted(0.25), floor).prop_map(|(lender, floor)| Step::Asks { lender, floor }),
    ]
}

// === impl Sources ===

impl Sources {
    fn act(&mut self, request: &Request<healing_core::Body>) -> Act {
        let lender = request.uri().host() == Some("yahoo.test");
        let Some(lives) = (if lender { self.lender } else { self.asked }) else {
            return answer(503, "down");
        };
        let number = self.made.len();
        self.made.push((lender, Instant::now()));
        let body = if lender {
            format!("{{\"rows\":[{{\"day\":\"2024-03-04\",\"close\":{number}}}]}}")
        } else {
            format!("{{\"ticker\":\"AAPL\",\"results\":[{{\"c\":{number}}}]}}")
        };
        json(body).with("cache-control", &*format!("max-age={lives}"))
    }
}

fn to_yahoo() -> Fallback {
    let source = Source::new("yahoo_finance").unwrap();
    let bars = Pattern::of("/bars/{symbol}".parse().unwrap())
        .at(["yahoo.test".parse().unwrap()])
        .param("interval", Param::Query("interval".into()));
    let mut days = Same::default();
    days.unit = Some("usd".into());
    days.adjustment = Some("split".into());
    days.calendar = Some("us_equities".into());
    days.granularity = Some("1d".parse().unwrap());
    Fallback::to(source, bars)
        .renamed("symbol", "ticker")
        .constant("interval", "1d")
        .map(Mapping::compile(MAP).unwrap())
        .same(&days, &days)
}

/// How many answers were given that had been given before.
async fn run(steps: Vec<Step>) -> usize {
    let sources = Arc::new(Mutex::new(Sources::default()));
    let acts = Arc::clone(&sources);
    let upstream = Upstream::by(move |request: &Request<_>| acts.lock().unwrap().act(request));
    let asked = Source::new("polygon_io").unwrap();
    let prev = Pattern::of("/v2/aggs/ticker/{ticker}/prev".parse().unwrap());
    let mut treatment = Treatment::default();
    treatment.strategies = vec![Arc::new(to_yahoo())];
    let mut settings = Settings::default();
    settings
        .routes
        .push(RouteSettings::new(asked, prev, treatment));
    let healer = Healer::builder().build();
    healer.configure(&settings).unwrap();
    let client = cached_by(&upstream, healer);
    // By number and by who asked: the worst fidelity so far, and the greatest age.
    let mut given: BTreeMap<(usize, bool), (Fidelity, Duration)> = BTreeMap::new();
    let mut again = 0;
    for step in steps {
        match step {
            Step::Asked(lives) => sources.lock().unwrap().asked = lives,
            Step::Lender(lives) => sources.lock().unwrap().lender = lives,
            Step::Waits(time) => sleep(seconds(time)).await,
            Step::Asks { lender, floor } => {
                let url = if lender { LENT } else { ASKED };
                let got = ask(&client, get_with(url, &[("healing-floor", floor)])).await;
                let Some(fidelity) = got.truth.fidelity else {
                    continue;
                };
                let (_, value) = got.text().rsplit_once(':').unwrap();
                let number = value.trim_matches(|c: char| !c.is_ascii_digit());
                let number: usize = number.parse().unwrap();
                let (by_lender, made) = sources.lock().unwrap().made[number];
                if by_lender && !lender {
                    assert!(
                        fidelity >= Fidelity::Equivalent,
                        "lent, and given as its own: {got:?}"
                    );
                }
                let age = got.truth.age.unwrap_or_default();
                let is_new = made.elapsed() <= got.took;
                assert!(
                    is_new || age + seconds(1) > made.elapsed(),
                    "younger than it is: {got:?}"
                );
                if let Some((worst, oldest)) = given.get(&(number, lender)) {
                    assert!(fidelity >= *worst, "{worst} became better: {got:?}");
                    assert!(age >= *oldest, "{oldest:?} became younger: {got:?}");
                    again += 1;
                }
                given.insert((number, lender), (fidelity, age));
            }
        }
    }
    again
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_answer_is_worth_more_through_the_cache_than_when_it_came(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(run(steps));
    }
}

#[tokio::test(start_paused = true)]
async fn the_same_answer_is_given_again_fresh_then_stale() {
    let asks = Step::Asks {
        lender: false,
        floor: "stale",
    };
    let steps = [
        Step::Asked(Some(30)),
        asks,
        asks,
        Step::Waits(60),
        Step::Asked(None),
        asks,
    ];
    assert_eq!(
        run(steps.to_vec()).await,
        2,
        "or the property looks at nothing"
    );
}
