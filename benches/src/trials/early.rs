//! Whether anything is sent before the time that a source named, and whether anything is tried that could not come in
//! time: random answers in every form of `Retry-After`, and callers at random moments.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use healing_core::{
    Body, Clock, Fidelity, HealLayer, Healer, KeyPlace, Keys, Provenance, Queue, RotateKey, Secret,
    Source, SourceSettings,
};
use http::{HeaderValue, Request, Response, StatusCode};
use jiff::Timestamp;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use tokio::time::{Instant, sleep};
use tower::{Layer, ServiceExt};

use crate::trials::{
    Trial,
    origin::{Lost, START, lived},
};

/// A caller without a copy waits so long, and one with a copy so long.
const PATIENCE: [Duration; 2] = [Duration::from_secs(10), Duration::from_secs(3)];

/// The longest wait that is believed.
const BELIEVED: Duration = Duration::from_hours(7 * 24);

/// The forms in which a source says when to come again.
const FORMS: [Form; 13] = [
    Form::Nothing,
    Form::Seconds,
    Form::Padded,
    Form::Fraction,
    Form::ImfDate,
    Form::Rfc850Date,
    Form::AsctimeDate,
    Form::DateByItsOwnClock,
    Form::PastDate,
    Form::Hours,
    Form::BeyondBelief,
    Form::TooManyDigits,
    Form::Garbage,
];

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Form {
    Nothing,
    Seconds,
    Padded,
    Fraction,
    ImfDate,
    Rfc850Date,
    AsctimeDate,
    DateByItsOwnClock,
    PastDate,
    Hours,
    BeyondBelief,
    TooManyDigits,
    Garbage,
}

/// What is said, and the wait that it means; `None` where it means nothing.
struct Said {
    fields: Vec<(&'static str, String)>,
    wait: Option<Duration>,
}

/// Whom a source told to come later, from when on, and until when.
#[derive(Clone, Debug)]
struct Told {
    whom: String,
    at: Instant,
    until: Instant,
}

/// A call that the source saw.
#[derive(Clone, Copy, Debug)]
struct Call {
    /// Whose request it was for.
    caller: u32,
    at: Instant,
}

struct Origin {
    random: ChaCha8Rng,
    started: Instant,
    told: Vec<Told>,
    calls: Vec<Call>,
    counts: Counts,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    answers: u64,
    early: u64,
    after_the_deadline: u64,
    again: u64,
    callers: u64,
}

type Shared = Arc<Mutex<Origin>>;

/// Lives until so many answers have been given that say when to come again, or nothing.
#[must_use]
pub fn tried(answers: u64, seed: u64) -> Trial {
    let mut counts = Counts::default();
    let mut world = 0;
    while counts.answers < answers {
        counts.add(lived(lives(seed << 20 | world)));
        world += 1;
    }
    Trial {
        name: "Retry-After",
        runs: (counts.answers, "answers"),
        never: vec![
            ("sent early", counts.early),
            (
                "sent when it could not come in time",
                counts.after_the_deadline,
            ),
        ],
        seen: vec![
            ("requests", counts.callers),
            ("asked again in time", counts.again),
        ],
    }
}

/// One source, its keys, and a few callers.
async fn lives(seed: u64) -> Counts {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let origin = Arc::new(Mutex::new(Origin {
        random: ChaCha8Rng::seed_from_u64(seed ^ 0xea21),
        started: Instant::now(),
        told: Vec::new(),
        calls: Vec::new(),
        counts: Counts::default(),
    }));
    let asked = Arc::clone(&origin);
    let upstream = tower::service_fn(move |request| answered(Arc::clone(&asked), request));
    let Some(healer) = healer(random.random_range(0..3)) else {
        return Counts::default();
    };
    let client = HealLayer::new(healer).layer(upstream);
    let mut at = Duration::ZERO;
    let callers = (0..random.random_range(2..9_u32)).map(|caller| {
        let pause = [0, 300, 3_000, 12_000][random.random_range(0..4)];
        at += Duration::from_millis(random.random_range(0..=pause));
        let (client, origin, at) = (client.clone(), Arc::clone(&origin), at);
        let series = random.random_range(0..3_u8);
        async move {
            sleep(at).await;
            let request = Request::get(format!("http://fred.test/fred/series?id={series}"))
                .header("x-caller", caller)
                .body(Body::empty());
            let Ok(request) = request else { return };
            let arrived = Instant::now();
            let Ok(response) = client.oneshot(request).await else {
                return;
            };
            let truth = response.extensions().get::<Provenance>();
            let has_copy = truth.is_some_and(|truth| truth.fidelity == Some(Fidelity::Stale));
            let mut origin = origin.lock().unwrap_or_else(PoisonError::into_inner);
            origin.left((caller, arrived), has_copy);
        }
    });
    let callers: Vec<_> = callers.collect();
    futures_util::future::join_all(callers).await;
    let origin = origin.lock().unwrap_or_else(PoisonError::into_inner);
    origin.counts
}

fn healer(keys: usize) -> Option<Healer> {
    let mut settings = SourceSettings::new(Source::new("fred_api").ok()?);
    if keys > 0 {
        let ring = (0..keys).map(|n| Secret::new(format!("key{n}")));
        let place = KeyPlace::Query("api_key".to_owned());
        settings.keys = Some(Keys::new(place, ring.collect()).ok()?);
    }
    let healer = Healer::builder().strategy(RotateKey).strategy(Queue);
    let healer = healer.clock(Clock::anchored_at(START.parse().ok()?));
    Some(healer.source(settings).build())
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

async fn answered(origin: Shared, request: Request<Body>) -> Result<Response<Body>, Lost> {
    let caller = request.headers().get("x-caller");
    let caller = caller.and_then(|caller| caller.to_str().ok()?.parse().ok());
    let (status, thinks) = {
        let mut origin = origin.lock().unwrap_or_else(PoisonError::into_inner);
        origin.asked(&request, caller.unwrap_or(u32::MAX))
    };
    sleep(thinks).await;
    let mut origin = origin.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(origin.answers(whom(&request, status), status))
}

// === impl Origin ===

impl Origin {
    /// A call comes. Returns what it will be answered with, and after how long.
    fn asked(&mut self, request: &Request<Body>, caller: u32) -> (u16, Duration) {
        let now = Instant::now();
        let bound = [whom(request, 429), whom(request, 503)];
        let early = self
            .told
            .iter()
            .any(|told| told.at < now && now < told.until && bound.contains(&told.whom));
        self.counts.early += u64::from(early);
        let again = self.calls.iter().any(|call| call.caller == caller);
        self.counts.again += u64::from(again);
        self.calls.push(Call { caller, at: now });
        let status = [200, 200, 429, 429, 503, 503, 500, 403][self.random.random_range(0..8)];
        let thinks = if self.random.random_bool(0.25) {
            self.random.random_range(1..4_000)
        } else {
            0
        };
        (status, Duration::from_millis(thinks))
    }

    /// Its answer is heard. One that nobody waited for tells nobody.
    fn answers(&mut self, whom: String, status: u16) -> Response<Body> {
        let at = Instant::now();
        let body = if status == 200 {
            r#"{"value":4.1}"#
        } else {
            "no"
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or_default();
        if status == 200 {
            return response;
        }
        let form = FORMS[self.random.random_range(0..FORMS.len())];
        let Ok(start) = START.parse::<Timestamp>() else {
            return response;
        };
        let said = form.said(start + (at - self.started), &mut self.random);
        self.counts.answers += 1;
        for (name, value) in said.fields {
            if let Ok(value) = HeaderValue::try_from(value) {
                response.headers_mut().insert(name, value);
            }
        }
        if let Some(wait) = said.wait {
            let until = at + wait.min(BELIEVED);
            self.told.push(Told { whom, at, until });
        }
        response
    }

    /// A caller has its answer.
    fn left(&mut self, (caller, arrived): (u32, Instant), has_copy: bool) {
        self.counts.callers += 1;
        let patience = PATIENCE[usize::from(has_copy)];
        let calls = self.calls.iter().filter(|call| call.caller == caller);
        let too_late = calls.filter(|call| call.at >= arrived + patience);
        self.counts.after_the_deadline += u64::try_from(too_late.count()).unwrap_or(u64::MAX);
    }
}

// === impl Counts ===

impl Counts {
    const fn add(&mut self, other: Self) {
        self.answers += other.answers;
        self.early += other.early;
        self.after_the_deadline += other.after_the_deadline;
        self.again += other.again;
        self.callers += other.callers;
    }
}

// === impl Form ===

impl Form {
    fn said(self, now: Timestamp, random: &mut ChaCha8Rng) -> Said {
        let seconds = random.random_range(0..14_u64);
        let wait = Duration::from_secs(seconds);
        // A date has whole seconds.
        let whole = |at: Timestamp| Timestamp::from_second(at.as_second()).unwrap_or(now);
        let left = Duration::try_from(whole(now + wait).duration_since(now)).unwrap_or_default();
        let date = |at: Timestamp, form: &str| at.strftime(form).to_string();
        let said = |text: String, wait| Said {
            fields: vec![("retry-after", text)],
            wait,
        };
        match self {
            Self::Nothing => Said {
                fields: Vec::new(),
                wait: None,
            },
            Self::Seconds => said(seconds.to_string(), Some(wait)),
            Self::Padded => said(format!("  {seconds:03} "), Some(wait)),
            Self::Fraction => {
                let millis = random.random_range(0..14_000_u64);
                let text = format!("{}.{:03}", millis / 1_000, millis % 1_000);
                said(text, Some(Duration::from_millis(millis)))
            }
            Self::ImfDate => said(date(now + wait, IMF), Some(left)),
            Self::Rfc850Date => said(date(now + wait, "%A, %d-%b-%y %H:%M:%S GMT"), Some(left)),
            Self::AsctimeDate => said(date(now + wait, "%a %b %e %H:%M:%S %Y"), Some(left)),
            Self::DateByItsOwnClock => {
                let skew = Duration::from_secs(random.random_range(0..7_200));
                let there = now + skew - Duration::from_hours(1);
                let mut said = said(date(there + wait, IMF), Some(wait));
                said.fields.push(("date", date(there, IMF)));
                said
            }
            Self::PastDate => {
                let ago = Duration::from_secs(random.random_range(0..1_000_000));
                said(date(now - ago, IMF), Some(Duration::ZERO))
            }
            Self::Hours => {
                let seconds = random.random_range(60..100_000_u64);
                said(seconds.to_string(), Some(Duration::from_secs(seconds)))
            }
            Self::BeyondBelief => {
                let seconds = random.random_range(604_800..100_000_000_u64);
                said(seconds.to_string(), Some(BELIEVED))
            }
            Self::TooManyDigits => said("9".repeat(random.random_range(20..60)), Some(BELIEVED)),
            Self::Garbage => said(
                GARBAGE[random.random_range(0..GARBAGE.len())].to_owned(),
                None,
            ),
        }
    }
}

/// The form of dates in HTTP.
const IMF: &str = "%a, %d %b %Y %H:%M:%S GMT";

/// What says nothing about when.
const GARBAGE: [&str; 12] = [
    "",
    "soon",
    "-5",
    "1e3",
    "+3",
    "0x10",
    "5 s",
    "NaN",
    "inf",
    "1.5.2",
    "tomorrow",
    "Tue, 99 Nov 2026 25:61:61 GMT",
];
