//! Whatever sources answer and whoever asks when: nothing is sent before the time that the source named.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use healing_core::{
    Body, Clock, HealLayer, Healer, KeyPlace, Keys, Per, Queue, Quota, QuotaScope, RotateKey,
    Secret, Source, SourceSettings,
};
use http::{Request, Response};
use jiff::Timestamp;
use proptest::prelude::*;
use tokio::time::{Instant, sleep};
use tower::Layer;

use crate::layers_support::{Lost, SERIES, get, try_ask};

const START: &str = "2026-11-24T12:00:00Z";

/// How a source says how long to wait.
#[derive(Clone, Copy, Debug)]
enum Form {
    Nothing,
    Seconds,
    Date,
    DateByItsOwnClock,
    Nonsense,
}

/// What it does with one request.
#[derive(Clone, Copy, Debug)]
struct Turn {
    status: u16,
    form: Form,
    wait: u64,
    thinks_ms: u64,
}

/// A request: so long after the one before it, for that of the series.
#[derive(Clone, Copy, Debug)]
struct Coming {
    after_ms: u64,
    series: u8,
}

/// A source that named a time: whom it told, when its answer had come, and how long to wait.
#[derive(Clone, Debug)]
struct Told {
    whom: String,
    at: Instant,
    until: Instant,
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let status = prop_oneof![
        3 => Just(200_u16), 3 => Just(429), 2 => Just(503), 1 => Just(500), 1 => Just(403)
    ];
    let form = prop_oneof![
        Just(Form::Nothing),
        Just(Form::Seconds),
        Just(Form::Date),
        Just(Form::DateByItsOwnClock),
        Just(Form::Nonsense)
    ];
    let turn = (
        status,
        form,
        0_u64..12,
        prop_oneof![3 => Just(0_u64), 1 => 1_u64..4_000],
    );
    let turn = turn.prop_map(|(status, form, wait, thinks_ms)| Turn {
        status,
        form,
        wait,
        thinks_ms,
    });
    prop::collection::vec(turn, 1..12)
}

fn comings() -> impl Strategy<Value = Vec<Coming>> {
    let coming = (prop_oneof![2 => Just(0_u64), 3 => 0_u64..5_000], 0_u8..3);
    let coming = coming.prop_map(|(after_ms, series)| Coming { after_ms, series });
    prop::collection::vec(coming, 1..16)
}

/// Whom a wait binds: a limit the key, anything else the URL.
fn whom(request: &Request<Body>, status: u16) -> String {
    let uri = request.uri().to_string();
    match (uri.split_once("api_key="), status) {
        (Some((_, key)), 429) => key.to_owned(),
        (None, 429) => "no key".to_owned(),
        (Some((url, _)), _) => url.trim_end_matches('&').to_owned(),
        (None, _) => uri,
    }
}

/// The answer of that turn, heard at `heard`, and the wait that it names.
fn said(turn: Turn, heard: Timestamp) -> (Response<Body>, Option<Duration>) {
    let date = |at: Timestamp| at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let wait = Duration::from_secs(turn.wait);
    let mut response = Response::builder().status(turn.status);
    let mut named = Some(wait);
    match turn.form {
        Form::Nothing => named = None,
        Form::Nonsense => {
            response = response.header("retry-after", "in a while");
            named = None;
        }
        Form::Seconds => response = response.header("retry-after", turn.wait),
        Form::Date => {
            // A date has whole seconds.
            let text = date(heard + wait);
            let at = Timestamp::from_second((heard + wait).as_second()).unwrap();
            named = Duration::try_from(at.duration_since(heard)).ok();
            response = response.header("retry-after", text);
        }
        Form::DateByItsOwnClock => {
            let ahead = heard + Duration::from_hours(1);
            response = response.header("date", date(ahead));
            response = response.header("retry-after", date(ahead + wait));
        }
    }
    let body = if turn.status == 200 { SERIES } else { "no" };
    let response = response.body(Body::from(body)).unwrap();
    (response, named.filter(|_| turn.status != 200))
}

/// A source that plays its turns, and complains where it is asked too early.
#[derive(Debug)]
struct Played {
    started: Instant,
    turns: Vec<Turn>,
    asked: usize,
    told: Vec<Told>,
    early: Vec<String>,
}

impl Played {
    fn asked(&mut self, request: &Request<Body>) -> Turn {
        let now = Instant::now();
        let bound = [whom(request, 429), whom(request, 503)];
        let told = self.told.iter();
        let early =
            told.filter(|told| told.at < now && now < told.until && bound.contains(&told.whom));
        let lines = early.map(|told| format!("{:?} after {told:?}", now - self.started));
        self.early.extend(lines);
        self.asked += 1;
        self.turns[(self.asked - 1) % self.turns.len()]
    }

    /// Its answer is heard. One that nobody waited for tells nobody.
    fn answers(&mut self, whom: String, turn: Turn) -> Response<Body> {
        let at = Instant::now();
        let wall: Timestamp = START.parse().unwrap();
        let (response, wait) = said(turn, wall + (at - self.started));
        self.told.extend(wait.map(|wait| Told {
            whom,
            at,
            until: at + wait,
        }));
        response
    }
}

async fn answered(
    played: Arc<Mutex<Played>>,
    request: Request<Body>,
) -> Result<Response<Body>, Lost> {
    let turn = played.lock().unwrap().asked(&request);
    sleep(Duration::from_millis(turn.thinks_ms)).await;
    let whom = whom(&request, turn.status);
    Ok(played.lock().unwrap().answers(whom, turn))
}

fn healer(keys: usize, limited: bool) -> Healer {
    let mut settings = SourceSettings::new(Source::new("fred_api").unwrap());
    let ring = (0..keys).map(|n| Secret::new(format!("key{n}")));
    let place = KeyPlace::Query("api_key".to_owned());
    settings.keys = Some(Keys::new(place, ring.collect()).unwrap());
    if limited {
        let per = Per::Window(Duration::from_secs(4));
        settings.quotas = vec![Quota::new(3, per, QuotaScope::Key).unwrap()];
    }
    let healer = Healer::builder().strategy(RotateKey).strategy(Queue);
    let healer = healer.clock(Clock::anchored_at(START.parse().unwrap()));
    healer.source(settings).build()
}

async fn played(
    turns: Vec<Turn>,
    comings: Vec<Coming>,
    (keys, limited): (usize, bool),
) -> Vec<String> {
    let source = Arc::new(Mutex::new(Played {
        started: Instant::now(),
        turns,
        asked: 0,
        told: Vec::new(),
        early: Vec::new(),
    }));
    let asked = Arc::clone(&source);
    let upstream = tower::service_fn(move |request| answered(Arc::clone(&asked), request));
    let client = HealLayer::new(healer(keys, limited)).layer(upstream);
    let mut at = Duration::ZERO;
    let asks = comings.into_iter().map(|coming| {
        at += Duration::from_millis(coming.after_ms);
        let (client, at) = (client.clone(), at);
        async move {
            sleep(at).await;
            let url = format!("http://fred.test/fred/series?id={}", coming.series);
            let answered = try_ask(&client, get(&url)).await;
            assert!(answered.is_ok(), "{answered:?}");
        }
    });
    futures_util::future::join_all(asks).await;
    source.lock().unwrap().early.clone()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_sent_before_the_time_that_the_source_named(
        turns in turns(), comings in comings(), keys in 0_usize..4, limited: bool,
    ) {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().start_paused(true).build().unwrap();
        let early = runtime.block_on(played(turns, comings, (keys, limited)));
        prop_assert!(early.is_empty(), "{early:#?}");
    }
}
