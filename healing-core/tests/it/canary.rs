//! A secret that goes in nowhere comes out: not in events, logs, snapshots, problems, fields or what is printed for debugging.

use std::{
    convert::Infallible,
    fmt::{self, Write as _},
    future::{Ready, ready},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use futures_util::future::BoxFuture;
use healing_core::{
    Answer, Ask, Attempts, Body, Classify, ErrorEvent, Expose, Fault, Fidelity, HealLayer, Healer,
    Identity, KeyPlace, Keys, LabelLayer, Miss, Offer, Provenance, Refusal, Reply, RotateKey,
    Secret, Sent, Sink, Source, SourceSettings, StoredEvent, Strategy, StrategyId, TransportError,
    TransportFault,
};
use http::{Request, Response};
use http_body_util::BodyExt;
use tower::{Layer, Service, ServiceExt};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

const CANARY: &str = "CanarySecret77";

const FIELDS: [&str; 6] = [
    "healing",
    "cache-status",
    "proxy-status",
    "server-timing",
    "x-request-id",
    "retry-after",
];

/// Everything that anybody may read later.
#[derive(Clone, Debug, Default)]
struct Written(Arc<Mutex<String>>);

impl Written {
    fn note(&self, what: impl fmt::Display) {
        writeln!(self.0.lock().unwrap(), "{what}").unwrap();
    }

    #[track_caller]
    fn shows(&self, what: &str) -> bool {
        self.0.lock().unwrap().contains(what)
    }
}

impl Sink for Written {
    fn event(&self, event: ErrorEvent) {
        self.note(format_args!("{event:?} {}", event.message()));
        let stored = serde_json::to_string(&StoredEvent::from(&event)).unwrap();
        self.note(stored);
    }
}

impl Visit for &Written {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.note(format_args!("{field}={value:?}"));
    }
}

impl Subscriber for Written {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        span.record(&mut &*self);
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut &*self);
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        self.note(event.metadata().name());
        event.record(&mut &*self);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// An error whose text tells too much.
#[derive(Debug)]
struct Talkative(#[expect(dead_code, reason = "shown by Debug")] &'static str);

impl TransportError for Talkative {
    fn fault(&self) -> (TransportFault, Sent) {
        (TransportFault::Reset, Sent::Something)
    }
}

/// Prints what a strategy and a rule are handed.
#[derive(Clone, Debug)]
struct Prints(Written);

impl Strategy for Prints {
    fn id(&self) -> StrategyId {
        StrategyId::new("prints")
    }

    fn offer(&self, ask: &Ask, failed: &[Fault]) -> Result<Offer, Refusal> {
        self.0.note(format_args!("{ask:?} {failed:?}"));
        Ok(Offer::now(Fidelity::Exact))
    }

    fn run<'a>(
        &'a self,
        ask: &'a Ask,
        to: &'a mut dyn Attempts,
    ) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(async move {
            let response = to.attempt(ask).await?;
            let answer = Answer::new(response, Fidelity::Exact);
            self.0.note(format_args!("{answer:?}"));
            Ok(answer)
        })
    }
}

impl Classify for Prints {
    fn classify(&self, reply: &Reply<'_>) -> Option<Fault> {
        self.0.note(format_args!("{reply:?}"));
        None
    }
}

fn request(path: &str) -> Request<Body> {
    let url = format!(
        "http://user:{CANARY}@fred.test{path}?api_key={CANARY}&symbol={CANARY}&{CANARY}=1&function={CANARY}"
    );
    Request::get(url)
        .header("authorization", format!("Bearer {CANARY}"))
        .header("cookie", format!("session={CANARY}"))
        .header("x-api-key", CANARY)
        .header("healing-floor", "stale;max-age=900")
        .body(Body::empty())
        .unwrap()
}

/// What an upstream says, always with the secret in it.
fn said(n: usize) -> Result<Response<Body>, Talkative> {
    let good = format!(r#"{{"rows":[{{"key":"{CANARY}","value":1}}]}}"#);
    let (status, body) = match n {
        0 => (200, good),
        1 => (500, format!("<p>panic at {CANARY}</p>")),
        2 => (
            200,
            format!(r#"{{"Note":"key {CANARY}: 5 calls per minute"}}"#),
        ),
        3 => (429, CANARY.to_owned()),
        4 => (401, CANARY.to_owned()),
        5 => (200, format!("{{\"{CANARY}")),
        6 => return Err(Talkative(CANARY)),
        _ => (503, CANARY.to_owned()),
    };
    let response = Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .header("set-cookie", CANARY)
        .header("x-served-by", CANARY)
        .body(Body::from(body));
    Ok(response.unwrap())
}

/// Notes all that is not the upstream's own of an answer.
async fn note<E: fmt::Debug>(written: &Written, answer: Result<Response<Body>, E>) {
    let (head, body) = answer.expect("a response").into_parts();
    written.note(format_args!(
        "{:?} {body:?}",
        head.extensions.get::<Provenance>()
    ));
    for (name, value) in FIELDS
        .iter()
        .filter_map(|name| Some((name, head.headers.get(*name)?)))
    {
        written.note(format_args!("{name}: {value:?}"));
    }
    if head.headers["content-type"] == "application/problem+json" {
        let text = body.collect().await.unwrap().to_bytes();
        written.note(String::from_utf8_lossy(&text));
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_in_nothing_that_is_written_down() {
    let written = Written::default();
    let _logs = tracing::subscriber::set_default(written.clone());
    let sink = Arc::new(written.clone());
    let healer = Healer::builder().answer_errors().sink(sink).build();
    let heal = HealLayer::new(healer.clone());
    let identity = Identity::new("heal-7f3a", Expose::Full).unwrap();
    for path in [
        "/api/fred/series",
        &format!("/{CANARY}/x"),
        &format!("/api/{CANARY}"),
    ] {
        for n in [1, 2, 6, 0, 1, 2, 3, 4, 5, 6, 7, 8] {
            let upstream = tower::service_fn(move |_: Request<Body>| async move { said(n) });
            let client = LabelLayer::new(identity.clone()).layer(heal.layer(upstream));
            note(&written, client.clone().oneshot(request(path)).await).await;
            let mut bad = request(path);
            bad.headers_mut()
                .insert("healing-floor", CANARY.parse().unwrap());
            note(&written, client.oneshot(bad).await).await;
            // Time for a probe, whatever rests by now.
            tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        }
        tokio::time::sleep(std::time::Duration::from_mins(16)).await;
    }
    written.note(format_args!("{:?}", healer.snapshot()));
    for expected in [
        "use_cached_data",
        "not healed",
        "problem:bad-floor",
        "api_key",
        "upstream failed",
    ] {
        assert!(
            written.shows(expected),
            "the test saw no {expected}: {written:?}"
        );
    }
    assert!(!written.shows(CANARY), "{written:?}");
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_in_nothing_that_a_layer_or_its_healer_prints_for_debugging() {
    let written = Written::default();
    let healer = Healer::builder().build();
    let heal = HealLayer::new(healer.clone());
    let upstream = tower::service_fn(|_: Request<Body>| async { said(0) });
    let client = heal.layer(upstream);
    client.clone().oneshot(request("/series")).await.unwrap();
    written.note(format_args!("{healer:?} {heal:?} {client:?}"));
    assert!(!written.shows(CANARY), "{written:?}");
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_in_nothing_that_a_strategy_or_a_rule_prints_for_debugging() {
    let written = Written::default();
    let prints = Prints(written.clone());
    let healer = Healer::builder()
        .without_strategies()
        .strategy(prints.clone())
        .rule(prints);
    let calls = Arc::new(AtomicUsize::new(0));
    let upstream = tower::service_fn(move |_: Request<Body>| {
        let n = 1 - calls.fetch_add(1, Relaxed).min(1);
        async move { Ok::<_, Infallible>(said(n).unwrap()) }
    });
    let mut client = HealLayer::new(healer.build()).layer(upstream);
    std::future::poll_fn(|cx| Service::<Request<Body>>::poll_ready(&mut client, cx))
        .await
        .unwrap();
    let answer = client.call(request("/series"));
    written.note(format_args!("{answer:?}"));
    answer.await.unwrap();
    assert!(written.shows("Ask") && written.shows("Reply") && written.shows("Answer"));
    assert!(!written.shows(CANARY), "{written:?}");
}

/// Two keys of ours, both of which tell.
fn keyed(place: KeyPlace) -> SourceSettings {
    let ring = ["-one", "-two"].map(|end| Secret::new(format!("{CANARY}{end}")));
    let mut source = SourceSettings::new(Source::new("fred_api").unwrap());
    source.keys = Some(Keys::new(place, ring.into()).unwrap());
    source
}

fn has_the_second_key(request: &Request<Body>) -> bool {
    let field = request.headers().get("x-api-key");
    let field = field.is_some_and(|value| value.as_bytes().ends_with(b"two"));
    field
        || request
            .uri()
            .query()
            .is_some_and(|query| query.ends_with("two"))
}

/// The second key is good; to the first one is said what is to be said.
fn said_to(request: &Request<Body>, n: usize) -> Ready<Result<Response<Body>, Talkative>> {
    ready(said(if has_the_second_key(request) { 0 } else { n }))
}

#[tokio::test(start_paused = true)]
async fn a_key_of_ours_is_in_nothing_but_the_request_whatever_becomes_of_it() {
    let field = http::HeaderName::from_static("x-api-key");
    for place in [
        KeyPlace::Query("api_key".to_owned()),
        KeyPlace::Header(field),
    ] {
        let written = Written::default();
        let _logs = tracing::subscriber::set_default(written.clone());
        let prints = Prints(written.clone());
        let healer = Healer::builder()
            .answer_errors()
            .strategy(RotateKey)
            .strategy(prints.clone())
            .rule(prints)
            .source(keyed(place))
            .sink(Arc::new(written.clone()))
            .build();
        let heal = HealLayer::new(healer.clone());
        let identity = Identity::new("heal-7f3a", Expose::Full).unwrap();
        for n in [0, 3, 4, 0, 1, 2, 3, 4, 5, 6, 7] {
            let upstream = tower::service_fn(move |request| said_to(&request, n));
            let client = LabelLayer::new(identity.clone()).layer(heal.layer(upstream));
            let request = Request::get("http://fred.test/fred/series?id=A").body(Body::empty());
            note(&written, client.oneshot(request.unwrap()).await).await;
            tokio::time::sleep(std::time::Duration::from_secs(70)).await;
        }
        let source = Source::new("fred_api").unwrap();
        written.note(format_args!(
            "{healer:?} {heal:?} {:?} {:?}",
            healer.snapshot(),
            healer.pace_of(&source)
        ));
        assert!(written.shows("api_key_rotation"), "{written:?}");
        assert!(!written.shows(CANARY), "{written:?}");
    }
}
