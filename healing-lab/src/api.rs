//! The built-in API: what a small web application in front of the sources does, its bad manners included.
//!
//! It asks the lab's own sources over HTTP with keys of its own. Some routes hand an answer through, some reshape it;
//! some turn an error into a 200 with an error object, some into a 500. A source that cannot be reached is a 502, a body
//! that is cut is handed on cut.

mod fetch;
mod routes;

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http_body_util::Empty;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;

use crate::answer::Answer;
use crate::injections::{Keys, Picked};
use crate::lab::Shared;
use crate::request::Request;

/// The API's client and what it remembers.
#[derive(Debug)]
pub(crate) struct Front {
    client: Client<HttpConnector, Empty<Bytes>>,
    /// Cookie and crumb, fetched once and again after a 401.
    pass: Mutex<Option<(String, String)>>,
}

impl Front {
    pub(crate) fn new() -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            pass: Mutex::new(None),
        }
    }

    fn pass(&self) -> Option<(String, String)> {
        self.pass
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn remember(&self, pass: Option<(String, String)>) {
        *self.pass.lock().unwrap_or_else(PoisonError::into_inner) = pass;
    }
}

pub(crate) async fn answer(shared: &Shared, request: &Request, picked: &Picked) -> Answer {
    if picked.revoked != Keys::None {
        return Answer::json(401, &json!({"error": "not logged in"}));
    }
    if picked.spent != Keys::None {
        return Answer::json(429, &json!({"error": "quota spent"}));
    }
    if !["GET", "HEAD"].contains(&request.method.as_str()) {
        return Answer::json(405, &json!({"error": "method not allowed"}));
    }
    let answer = routes::route(shared, request).await;
    answer.with("server", "lab-api")
}
