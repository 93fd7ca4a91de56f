//! A caller, and what it was answered.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Empty};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use tokio::time::{Instant, timeout};

/// Longer than the application and the proxy wait.
const PATIENCE: Duration = Duration::from_secs(25);

/// Asks one deployment; connections stay open.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    base: String,
    floor: Option<&'static str>,
    client: Client<HttpConnector, Empty<Bytes>>,
}

/// What came back, or that nothing did.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// 0 where there was no whole answer.
    pub(crate) status: u16,
    /// The field `Healing`, empty on an answer as the application gave it.
    pub(crate) healing: String,
    /// The field `Content-Location`.
    pub(crate) place: String,
    pub(crate) age: Option<u64>,
    pub(crate) body: Value,
    pub(crate) took: Duration,
}

impl Caller {
    pub(crate) fn new(base: String, floor: Option<&'static str>) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        Self {
            base,
            floor,
            client,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        let begun = Instant::now();
        let mut request = Request::get(format!("{}{path}", self.base));
        if let Some(floor) = self.floor {
            request = request.header("Healing-Floor", floor);
        }
        let request = request.body(Empty::new()).expect("a request");
        let answer = timeout(PATIENCE, self.ask(request)).await.ok().flatten();
        let mut answer = answer.unwrap_or(Answer {
            status: 0,
            healing: String::new(),
            place: String::new(),
            age: None,
            body: Value::Null,
            took: Duration::ZERO,
        });
        answer.took = begun.elapsed();
        answer
    }

    async fn ask(&self, request: Request<Empty<Bytes>>) -> Option<Answer> {
        let response = self.client.request(request).await.ok()?;
        let (head, body) = response.into_parts();
        let field = |name| {
            let value = head.headers.get(name)?.to_str().ok()?;
            Some(value.to_owned())
        };
        let body = body.collect().await.ok()?.to_bytes();
        Some(Answer {
            status: head.status.as_u16(),
            healing: field("healing").unwrap_or_default(),
            place: field("content-location").unwrap_or_default(),
            age: field("age").and_then(|age| age.parse().ok()),
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
            took: Duration::ZERO,
        })
    }
}

impl Answer {
    /// The fidelity that the label names; `None` on an answer as the application gave it.
    pub(crate) fn fidelity(&self) -> Option<&str> {
        let word = self.healing.split(';').next().unwrap_or_default();
        (!word.is_empty()).then_some(word)
    }
}
