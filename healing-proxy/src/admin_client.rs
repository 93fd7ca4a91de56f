//! Asks a running proxy on its admin port.

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use http::{HeaderValue, Method, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::Value;
use tokio::{runtime::Runtime, time::timeout};

use crate::{cli::AdminArgs, config::Variables};

/// A proxy that does not answer in this time is not there.
const PATIENCE: Duration = Duration::from_secs(5);

/// No answer is longer.
const MAX_ANSWER: usize = 1024 * 1024;

/// An admin port, and what it wants to be told.
#[derive(Debug)]
pub(crate) struct AdminPort {
    address: SocketAddr,
    token: Option<HeaderValue>,
}

/// A runtime for one command.
///
/// # Errors
/// When the system gives none.
pub(crate) fn runtime() -> Result<Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("a runtime cannot be started")
}

impl AdminPort {
    /// The port that the command line names.
    ///
    /// # Errors
    /// When the token is not where it should be.
    pub(crate) fn of(args: &AdminArgs) -> Result<Self> {
        Ok(Self {
            address: args.admin,
            token: args.token_env.as_deref().map(token).transpose()?,
        })
    }

    /// What a page of it says.
    ///
    /// # Errors
    /// When no proxy answers there, or it says no.
    pub(crate) async fn reads(&self, page: &str) -> Result<Value> {
        self.asks(Method::GET, page).await
    }

    /// What it says to a request to do something.
    ///
    /// # Errors
    /// As above.
    pub(crate) async fn orders(&self, page: &str) -> Result<Value> {
        self.asks(Method::POST, page).await
    }

    async fn asks(&self, method: Method, page: &str) -> Result<Value> {
        let admin = self.address;
        let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
        let uri: Uri = format!("http://{admin}{page}").parse()?;
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .body(Empty::new())?;
        if let Some(token) = &self.token {
            request
                .headers_mut()
                .insert(header::AUTHORIZATION, token.clone());
        }
        let nobody = || {
            anyhow!(
                "no proxy answers on the admin port {admin}; is it running? Its first lines name the port: give it with --admin ADDRESS"
            )
        };
        let response = timeout(PATIENCE, client.request(request)).await;
        let response = response.map_err(|_| nobody())?.map_err(|_| nobody())?;
        let status = response.status();
        let body = timeout(
            PATIENCE,
            Limited::new(response.into_body(), MAX_ANSWER).collect(),
        )
        .await;
        let body = body
            .map_err(|_| nobody())?
            .map_err(|error| anyhow!("the answer of {admin} broke off: {error}"))?
            .to_bytes();
        let told: Value = serde_json::from_slice(&body)
            .map_err(|_| anyhow!("what listens on {admin} is no healing-proxy's admin port"))?;
        self.is_fine(status, &told)?;
        Ok(told)
    }

    fn is_fine(&self, status: StatusCode, told: &Value) -> Result<()> {
        let admin = self.address;
        match (status, &self.token) {
            (StatusCode::OK, _) => Ok(()),
            (StatusCode::UNAUTHORIZED, Some(_)) => bail!(
                "the admin port {admin} wants another token than the one that --token-env names"
            ),
            (StatusCode::UNAUTHORIZED, None) => bail!(
                "the admin port {admin} wants a token; name the environment variable that holds it: --token-env NAME"
            ),
            _ => bail!("{}: {}", text(told, "title"), text(told, "detail")),
        }
    }
}

/// The token that a variable holds.
fn token(name: &str) -> Result<HeaderValue> {
    let variables = Variables::of_this_process();
    let token = variables.value(name).unwrap_or_default().trim();
    if token.is_empty() {
        bail!(
            "--token-env: the environment variable {name} is not set; it holds the token of the admin port"
        );
    }
    let mut field = HeaderValue::try_from(format!("Bearer {token}"))
        .map_err(|_| anyhow!("--token-env: what {name} holds cannot stand in a field"))?;
    field.set_sensitive(true);
    Ok(field)
}

/// A text of an answer.
pub(crate) fn text<'v>(told: &'v Value, name: &str) -> &'v str {
    told.get(name).and_then(Value::as_str).unwrap_or("-")
}

/// A number of an answer, as text.
pub(crate) fn number(told: &Value, name: &str) -> String {
    let number = told.get(name).filter(|number| number.is_number());
    number.map_or_else(|| "-".to_owned(), Value::to_string)
}
