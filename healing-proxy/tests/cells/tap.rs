//! A tap between the application and the proxy before its sources: it passes everything on, and notes what was given with
//! which label.

use std::{
    io::Read,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Response, StatusCode, Uri, header},
};
use flate2::read::GzDecoder;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::{net::TcpListener, task::JoinSet, time::Instant};

/// Longer than any answer of the sources.
const MOST: usize = 4 << 20;

/// Listens until it is dropped.
#[derive(Debug)]
pub(crate) struct Tap {
    address: SocketAddr,
    way: Arc<Way>,
    _serving: JoinSet<()>,
}

/// What the application was given.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// Path and query at the proxy, the mount of the source first.
    pub(crate) target: String,
    /// By the clock of the lab.
    pub(crate) asked: u64,
    pub(crate) given: u64,
    pub(crate) status: u16,
    /// The field `Healing`, empty on an answer as the source gave it.
    pub(crate) healing: String,
    pub(crate) cache: String,
    pub(crate) age: Option<u64>,
    pub(crate) body: String,
}

#[derive(Debug)]
struct Way {
    proxy: String,
    /// What its callers say that they take.
    floor: Option<&'static str>,
    client: Client<HttpConnector, Body>,
    /// When the lab's clock was at nothing.
    started: Instant,
    heard: Mutex<Vec<Heard>>,
}

// === impl Tap ===

impl Tap {
    /// Passes on to that proxy, and counts time from there, as the lab does.
    pub(crate) async fn start(
        proxy: String,
        floor: Option<&'static str>,
        started: Instant,
    ) -> Self {
        let way = Arc::new(Way {
            proxy,
            floor,
            client: Client::builder(TokioExecutor::new()).build_http(),
            started,
            heard: Mutex::default(),
        });
        let router = Router::new().fallback(pass_on).with_state(Arc::clone(&way));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let mut serving = JoinSet::new();
        serving.spawn(async move { axum::serve(listener, router).await.expect("to the end") });
        Self {
            address,
            way,
            _serving: serving,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was given under that mount to questions that came then.
    pub(crate) fn heard(&self, mount: &str, from: u64, until: u64) -> Vec<Heard> {
        let all = self.way.heard.lock();
        let all = all.unwrap_or_else(PoisonError::into_inner);
        let fits = |heard: &&Heard| {
            let path = heard.target.strip_prefix(mount);
            path.is_some_and(|path| path.starts_with('/')) && (from..=until).contains(&heard.asked)
        };
        all.iter().filter(fits).cloned().collect()
    }
}

async fn pass_on(State(way): State<Arc<Way>>, request: Request) -> Response<Body> {
    let asked = way.millis();
    let (mut head, body) = request.into_parts();
    let target = head.uri.path_and_query().expect("a path").to_string();
    head.uri = Uri::try_from(format!("{}{target}", way.proxy)).expect("an address");
    without_hop_fields(&mut head.headers);
    head.headers.remove(header::HOST);
    if let Some(floor) = way.floor {
        let floor = HeaderValue::from_static(floor);
        head.headers.insert("healing-floor", floor);
    }
    let answer = way.client.request(Request::from_parts(head, body)).await;
    let Ok(answer) = answer else {
        return way.note(
            (target, asked),
            (StatusCode::BAD_GATEWAY, HeaderMap::new()),
            Bytes::new(),
        );
    };
    let (mut head, body) = answer.into_parts();
    without_hop_fields(&mut head.headers);
    let body = to_bytes(Body::new(body), MOST).await.expect("a whole body");
    way.note((target, asked), (head.status, head.headers), body)
}

/// A body as text, inflated where it came smaller.
fn plain(fields: &HeaderMap, body: &Bytes) -> String {
    let is_gzip = fields
        .get(header::CONTENT_ENCODING)
        .is_some_and(|coding| coding == "gzip");
    let mut text = String::new();
    match is_gzip {
        true => drop(GzDecoder::new(body.as_ref()).read_to_string(&mut text)),
        false => text.push_str(&String::from_utf8_lossy(body)),
    }
    text
}

fn without_hop_fields(fields: &mut HeaderMap) {
    for name in [header::CONNECTION, header::TRANSFER_ENCODING] {
        fields.remove(name);
    }
}

// === impl Way ===

impl Way {
    fn millis(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).expect("a few minutes")
    }

    fn note(
        &self,
        (target, asked): (String, u64),
        (status, fields): (StatusCode, HeaderMap),
        body: Bytes,
    ) -> Response<Body> {
        let field = |name| {
            let value = fields.get(name).and_then(|value| value.to_str().ok());
            value.unwrap_or_default().to_owned()
        };
        let heard = Heard {
            target,
            asked,
            given: self.millis(),
            status: status.as_u16(),
            healing: field("healing"),
            cache: field("cache-status"),
            age: field("age").parse().ok(),
            body: plain(&fields, &body),
        };
        let mut all = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(heard);
        let mut answer = Response::new(Body::from(body));
        *answer.status_mut() = status;
        *answer.headers_mut() = fields;
        answer
    }
}
