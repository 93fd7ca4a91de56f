//! Whether labels are true: what a caller is told of an answer, beside the origin's own log of what it gave to whom and when.

use std::{
    future::{self, Future},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use healing_core::{
    AlternateEndpoint, AlternateSeries, Body, Clock, EtfProxy, Expose, Fallback, Fidelity,
    Granularity, HealLayer, Healer, Identity, LabelLayer, Mapping, Pattern, Retry, RouteSettings,
    Same, Sent, Settings, Source, Substitution, TransportFault, Treatment,
};
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use tokio::time::{Instant, sleep};
use tower::{Layer, Service, ServiceExt};

use crate::trials::{
    Trial,
    origin::{Lost, START, lived},
};

/// So many runs share a healer.
const OF_ONE_WORLD: u64 = 400;

/// Who can be asked.
const HOSTS: [&str; 3] = ["asked.test", "other.test", "lender.test"];

/// How many symbols are asked; each has a fund, and half of them a monthly relative.
const SYMBOLS: u32 = 60;

/// What a caller may take: the field, the lowest fidelity, and the greatest age in seconds. The route's own floor is stale.
const FLOORS: [(Option<&str>, Fidelity, Option<u64>); 8] = [
    (None, Fidelity::Stale, None),
    (Some("exact"), Fidelity::Exact, None),
    (Some("equivalent"), Fidelity::Equivalent, None),
    (Some("stale"), Fidelity::Stale, None),
    (Some("stale;max-age=60"), Fidelity::Stale, Some(60)),
    (Some("reduced"), Fidelity::Reduced, None),
    (Some("estimate"), Fidelity::Estimate, None),
    (Some("substitute"), Fidelity::Substitute, None),
];

/// How a host answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Act {
    Well,
    Status(u16),
    Lost(TransportFault),
    Silence,
    Html,
    OtherShape,
    Empty,
    CutShort,
    Late,
}

const BAD: [Act; 15] = [
    Act::Status(500),
    Act::Status(502),
    Act::Status(503),
    Act::Status(429),
    Act::Status(401),
    Act::Status(403),
    Act::Status(404),
    Act::Lost(TransportFault::Refused),
    Act::Lost(TransportFault::Reset),
    Act::Silence,
    Act::Html,
    Act::OtherShape,
    Act::Empty,
    Act::CutShort,
    Act::Late,
];

/// What was given.
#[derive(Clone, Debug)]
struct Given {
    host: usize,
    symbol: String,
    /// When it was asked for.
    asked: Instant,
    /// When it was given.
    at: Instant,
}

/// The origin and its log.
struct Origin {
    random: ChaCha8Rng,
    acts: [Act; HOSTS.len()],
    /// Whether relatives of the asked symbols are answered well whatever else is broken.
    spares: bool,
    /// A serial number is a place in it.
    log: Vec<Given>,
}

/// What is counted.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    /// Answers by what they truly were.
    truly: [u64; Fidelity::ALL.len()],
    refused: u64,
    false_labels: u64,
    below_floor: u64,
    unlabelled: u64,
    /// Answers under a good status that the origin never gave.
    unknown: u64,
}

/// What a caller got.
struct Got {
    status: u16,
    fields: HeaderMap,
    body: Vec<u8>,
    arrived: Instant,
}

type Shared = Arc<Mutex<Origin>>;

/// Lives so many runs.
#[must_use]
pub fn tried(runs: u64, seed: u64) -> Trial {
    let mut counts = Counts::default();
    let mut left = runs;
    let mut world = 0;
    while left > 0 {
        let some = left.min(OF_ONE_WORLD);
        lived(lives(some, seed << 20 | world, &mut counts));
        left -= some;
        world += 1;
    }
    let words = [
        "exact",
        "equivalent",
        "stale",
        "reduced",
        "estimate",
        "substitute",
    ];
    let truly = words.into_iter().zip(counts.truly);
    let mut seen: Vec<_> = truly.filter(|(word, _)| *word != "estimate").collect();
    seen.push(("refused", counts.refused));
    Trial {
        name: "labels",
        runs: (runs, "runs"),
        never: vec![
            ("false labels", counts.false_labels),
            ("below the floor", counts.below_floor),
            ("unlabelled and not exact", counts.unlabelled),
            ("answers that nobody gave", counts.unknown),
        ],
        seen,
    }
}

/// One healer's life.
async fn lives(runs: u64, seed: u64, counts: &mut Counts) {
    let origin = Arc::new(Mutex::new(Origin {
        random: ChaCha8Rng::seed_from_u64(seed),
        acts: [Act::Well; HOSTS.len()],
        spares: false,
        log: Vec::new(),
    }));
    let Some(healer) = healer() else {
        counts.unknown += runs; // nothing was tried
        return;
    };
    let Ok(identity) = Identity::new("heal-trial", Expose::Full) else {
        return;
    };
    let log = Arc::clone(&origin);
    let upstream = tower::service_fn(move |request| asked(Arc::clone(&log), &request));
    let client = LabelLayer::new(identity).layer(HealLayer::new(healer).layer(upstream));
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x1abe1);
    for _ in 0..runs {
        if random.random_bool(0.3) {
            weather(&origin, &mut random);
        }
        let pause = [0, 1, 20, 200][random.random_range(0..4)];
        sleep(Duration::from_millis(
            random.random_range(0..=pause * 1_000),
        ))
        .await;
        run(&client, &origin, (&mut random, counts)).await;
    }
}

/// What breaks, and what is whole again.
fn weather(origin: &Shared, random: &mut ChaCha8Rng) {
    let mut origin = origin.lock().unwrap_or_else(PoisonError::into_inner);
    origin.spares = random.random_bool(0.5);
    for act in &mut origin.acts {
        *act = if random.random_bool(0.4) {
            Act::Well
        } else {
            BAD[random.random_range(0..BAD.len())]
        };
    }
}

/// One request, and whether what was said of its answer is true.
async fn run<S>(client: &S, origin: &Shared, (random, counts): (&mut ChaCha8Rng, &mut Counts))
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Lost> + Clone,
{
    let symbol = symbol(random.random_range(0..SYMBOLS));
    let floor = FLOORS[random.random_range(0..FLOORS.len())];
    let mut request = Request::get(format!("http://{}/prices/{symbol}", HOSTS[0]));
    if let (Some(word), _, _) = floor {
        request = request.header("healing-floor", word);
    }
    let Ok(request) = request.body(Body::empty()) else {
        return;
    };
    let arrived = Instant::now();
    let Ok(response) = client.clone().oneshot(request).await else {
        counts.refused += 1;
        return;
    };
    let (head, body) = response.into_parts();
    let Ok(body) = body.collect().await else {
        counts.refused += 1; // it broke, and the caller knows
        return;
    };
    let got = Got {
        status: head.status.as_u16(),
        fields: head.headers,
        body: body.to_bytes().to_vec(),
        arrived,
    };
    if got.status >= 300 {
        counts.refused += 1;
        return;
    }
    let origin = origin.lock().unwrap_or_else(PoisonError::into_inner);
    counts.judge(&got, &origin, (&symbol, floor));
}

// === impl Counts ===

impl Counts {
    fn judge(
        &mut self,
        got: &Got,
        origin: &Origin,
        (symbol, floor): (&str, (Option<&str>, Fidelity, Option<u64>)),
    ) {
        let Some(given) = got.serial().and_then(|serial| origin.log.get(serial)) else {
            self.unknown += 1;
            return;
        };
        let truth = got.truth(given, symbol);
        let (_, lowest, max_age) = floor;
        let age = given.at.elapsed().as_secs();
        let place = Fidelity::ALL.iter().position(|own| *own == truth);
        if let Some(count) = place.and_then(|place| self.truly.get_mut(place)) {
            *count += 1;
        }
        let told = got.told();
        if told.is_none() && truth != Fidelity::Exact {
            self.unlabelled += 1;
        }
        let is_too_old = max_age.is_some_and(|most| age > most);
        if !truth.meets(lowest) || is_too_old {
            self.below_floor += 1;
        }
        let says = told.unwrap_or("exact");
        if says != truth.as_str() || !got.says_the_rest(given, truth) {
            self.false_labels += 1;
        }
    }
}

// === impl Got ===

impl Got {
    fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name)?.to_str().ok()
    }

    /// The number of what was given: in the body of a good answer, else in a field.
    fn serial(&self) -> Option<usize> {
        serial(&self.body).or_else(|| self.field("x-serial")?.parse().ok())
    }

    /// The fidelity that the caller is told.
    fn told(&self) -> Option<&str> {
        self.field("healing")?.split(';').next()
    }

    /// What it truly is.
    fn truth(&self, given: &Given, symbol: &str) -> Fidelity {
        let of_thing = match given.symbol.strip_prefix(symbol) {
            Some("") if given.host == 2 => Fidelity::Equivalent,
            Some("") => Fidelity::Exact,
            Some("M") => Fidelity::Reduced,
            Some(_) | None => Fidelity::Substitute,
        };
        if given.asked < self.arrived {
            of_thing.max(Fidelity::Stale)
        } else {
            of_thing
        }
    }

    /// Whether age, status, source and place say the same as the log.
    fn says_the_rest(&self, given: &Given, truth: Fidelity) -> bool {
        let age = self.field("age").and_then(|age| age.parse::<u64>().ok());
        // RFC 9111 counts an answer's age from when it was asked for: section 4.2.3, the corrected age.
        let ages =
            given.at.elapsed().as_secs().saturating_sub(1)..=given.asked.elapsed().as_secs() + 1;
        let age_is_true = match truth {
            Fidelity::Stale => age.is_some_and(|age| ages.contains(&age)),
            Fidelity::Exact
            | Fidelity::Equivalent
            | Fidelity::Reduced
            | Fidelity::Estimate
            | Fidelity::Substitute => age.is_none_or(|age| age <= 1),
        };
        let is_another = matches!(truth, Fidelity::Reduced | Fidelity::Substitute);
        let place_is_true = self
            .field("content-location")
            .map_or(!is_another, |place| place.ends_with(&given.symbol));
        let status_is_true = (self.status == 203) == (truth == Fidelity::Substitute);
        age_is_true && (place_is_true || truth == Fidelity::Equivalent) && status_is_true
    }
}

/// The name of a symbol. None is the beginning of another.
fn symbol(n: u32) -> String {
    format!("S{n:02}")
}

/// The serial number in a body.
fn serial(body: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(body).ok()?;
    let (_, rest) = text.split_once("\"serial\":")?;
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    rest.get(..end)?.parse().ok()
}

/// What the origin does with a request.
fn asked(
    origin: Shared,
    request: &Request<Body>,
) -> impl Future<Output = Result<Response<Body>, Lost>> + Send + use<> {
    let host = request.uri().host().unwrap_or_default();
    let host = HOSTS
        .iter()
        .position(|own| *own == host)
        .unwrap_or_default();
    let path = request.uri().path();
    let symbol = path.rsplit('/').next().unwrap_or_default().to_owned();
    let began = Instant::now();
    let act = {
        let mut origin = origin.lock().unwrap_or_else(PoisonError::into_inner);
        let act = origin.acts[host];
        // Now and then one answer is otherwise than the rest.
        if origin.spares && symbol.len() > 3 {
            Act::Well
        } else if origin.random.random_bool(0.1) {
            let n = origin.random.random_range(0..BAD.len());
            BAD[n]
        } else {
            act
        }
    };
    async move {
        match act {
            Act::Silence => future::pending::<()>().await,
            Act::Late => sleep(Duration::from_millis(3_500)).await,
            Act::Well
            | Act::Status(_)
            | Act::Lost(_)
            | Act::Html
            | Act::OtherShape
            | Act::Empty
            | Act::CutShort => sleep(Duration::from_millis(5)).await,
        }
        if let Act::Lost(fault) = act {
            let sent = if fault == TransportFault::Refused {
                Sent::Nothing
            } else {
                Sent::Something
            };
            return Err(Lost(fault, sent));
        }
        let mut origin = origin.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(origin.response(
            act,
            Given {
                host,
                symbol,
                asked: began,
                at: Instant::now(),
            },
        ))
    }
}

// === impl Origin ===

impl Origin {
    /// Gives an answer, and writes it down.
    fn response(&mut self, act: Act, given: Given) -> Response<Body> {
        let (mut status, mut kind, mut declared) = (200, "application/json", None);
        let body = match act {
            Act::Status(code) => {
                status = code;
                r#"{"error":"no"}"#.to_owned()
            }
            Act::Html => {
                kind = "text/html";
                "<html><body>Sign in</body></html>".to_owned()
            }
            Act::OtherShape => r#"{"Note":"please call less often"}"#.to_owned(),
            Act::Empty => String::new(),
            Act::CutShort => {
                let whole = self.written(&given);
                declared = Some(whole.len());
                whole.get(..whole.len() / 2).unwrap_or_default().to_owned()
            }
            Act::Well | Act::Late | Act::Silence | Act::Lost(_) => self.written(&given),
        };
        let serial = self.log.len();
        self.log.push(given);
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap_or_default();
        let fields = response.headers_mut();
        fields.insert("content-type", http::HeaderValue::from_static(kind));
        fields.insert("x-serial", http::HeaderValue::from(serial));
        if let Some(length) = declared {
            fields.insert("content-length", http::HeaderValue::from(length));
        }
        response
    }

    fn written(&mut self, given: &Given) -> String {
        let serial = self.log.len();
        let Given { host, symbol, .. } = given;
        let price = self.random.random_range(90..110);
        format!(
            r#"{{"symbol":"{symbol}","serial":{serial},"from":{host},"rows":[{{"day":"2026-11-23","close":{price}}}]}}"#
        )
    }
}

/// All ways to heal that a route can have.
fn healer() -> Option<Healer> {
    let of = |symbol: &str, end: &str, fidelity| {
        Substitution::new(&format!("{symbol}{end}"), fidelity, "a relative").ok()
    };
    let mut series = AlternateSeries::of("symbol");
    let mut fund = EtfProxy::of("symbol");
    for (n, symbol) in (0..SYMBOLS).map(|n| (n, symbol(n))) {
        if n % 2 == 0 {
            series = series.give(&symbol, of(&symbol, "M", Fidelity::Reduced)?);
        }
        fund = fund.give(&symbol, of(&symbol, "-FUND", Fidelity::Substitute)?);
    }
    let mut days = Same::default();
    days.unit = Some("usd".into());
    days.adjustment = Some("split".into());
    days.calendar = Some("us_equities".into());
    days.granularity = Some("1d".parse::<Granularity>().ok()?);
    let bars = Pattern::of("/bars/{symbol}".parse().ok()?).at([HOSTS[2].parse().ok()?]);
    let map = "{symbol: .symbol, serial: .serial, from: .from, rows: .rows}";
    let lender = Fallback::to(Source::new("lender").ok()?, bars)
        .map(Mapping::compile(map).ok()?)
        .same(&days, &days);
    let addresses = [HOSTS[0], HOSTS[1]].map(|host| format!("http://{host}").parse().ok());
    let addresses: Vec<_> = addresses.into_iter().flatten().collect();
    let mut treatment = Treatment::default();
    treatment.floor = Fidelity::Stale;
    treatment.floor_for_callers = Fidelity::Substitute;
    treatment.strategies = vec![
        Arc::new(Retry::default()),
        Arc::new(AlternateEndpoint::at(addresses)),
        Arc::new(lender),
        Arc::new(series),
        Arc::new(fund),
    ];
    let pattern = Pattern::of("/prices/{symbol}".parse().ok()?);
    let mut settings = Settings::default();
    let source = Source::new("asked").ok()?;
    settings
        .routes
        .push(RouteSettings::new(source, pattern, treatment));
    let clock = Clock::anchored_at(START.parse().ok()?);
    let healer = Healer::builder().clock(clock).build();
    healer.configure(&settings).ok()?;
    Some(healer)
}
