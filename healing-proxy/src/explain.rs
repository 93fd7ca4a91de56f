//! Says why a request was answered as it was, or what would be tried for a URL now: `healing-proxy explain`.
//!
//! A running proxy knows; it is asked on its admin port.

use std::{
    io::{Write, stdout},
    net::SocketAddr,
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use bytes::Bytes;
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::time::timeout;

use crate::{cli::ExplainArgs, config::Variables};

/// A proxy that does not answer in this time is not there.
const PATIENCE: Duration = Duration::from_secs(5);

/// No explanation is longer.
const MAX_ANSWER: usize = 1024 * 1024;

/// Explains.
///
/// # Errors
/// When no proxy answers there, it knows nothing of the request, or stdout is closed.
pub(crate) fn explain(args: &ExplainArgs) -> Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("a runtime cannot be started")?;
    let token = args.token_env.as_deref().map(token).transpose()?;
    let told = runtime.block_on(ask(args.admin, &page(args), token))?;
    let said = if args.json {
        format!("{}\n", serde_json::to_string_pretty(&told)?)
    } else if args.id.is_some() {
        decision(&told)
    } else {
        foresight(&told)
    };
    stdout()
        .write_all(said.as_bytes())
        .context("stdout is closed")?;
    Ok(ExitCode::SUCCESS)
}

/// The page that tells.
fn page(args: &ExplainArgs) -> String {
    match (args.id, &args.url) {
        (Some(id), _) => format!("/api/v1/decisions/{id}"),
        (None, url) => {
            let target = url.as_ref().map_or("/", |url| url.target.as_str());
            let target = utf8_percent_encode(target, NON_ALPHANUMERIC);
            let host = url.as_ref().and_then(|url| url.host.as_ref());
            let host = host.map_or_else(String::new, |host| format!("&host={host}"));
            format!("/api/v1/foresight?url={target}{host}&when={}", args.when)
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

async fn ask(admin: SocketAddr, page: &str, token: Option<HeaderValue>) -> Result<Value> {
    let client: Client<_, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let uri: Uri = format!("http://{admin}{page}").parse()?;
    let mut request = Request::get(uri).body(Empty::new())?;
    let has_token = token.is_some();
    if let Some(token) = token {
        request.headers_mut().insert(header::AUTHORIZATION, token);
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
    if status == StatusCode::UNAUTHORIZED && has_token {
        bail!("the admin port {admin} wants another token than the one that --token-env names");
    }
    if status == StatusCode::UNAUTHORIZED {
        bail!(
            "the admin port {admin} wants a token; name the environment variable that holds it: --token-env NAME"
        );
    }
    if status != StatusCode::OK {
        bail!("{}: {}", text(&told, "title"), text(&told, "detail"));
    }
    Ok(told)
}

/// A decision for people.
fn decision(told: &Value) -> String {
    let given = match told.get("fidelity").and_then(Value::as_str) {
        Some(fidelity) => format!("{fidelity} by {}", text(told, "answered_by")),
        None => "not healed".to_owned(),
    };
    let mut said = format!(
        "{} {}  ->  {given}\n{}  after {} ms of {} ms, {} upstream calls\nfirst      {} ({})\n",
        text(told, "source"),
        text(told, "route"),
        text(told, "time"),
        number(told, "took_ms"),
        number(told, "deadline_ms"),
        number(told, "attempts"),
        text(told, "class"),
        text(told, "detail"),
    );
    said.push_str(&in_hand(told));
    said.push_str(&table(told));
    said
}

/// A foresight for people.
fn foresight(told: &Value) -> String {
    let resting = match told.get("resting").and_then(Value::as_str) {
        Some(class) => format!("the upstream rests after {class}"),
        None => "the upstream is asked first".to_owned(),
    };
    let mut said = format!(
        "{} {}  if it failed now with {}\n{resting}\n",
        text(told, "source"),
        text(told, "route"),
        text(told, "when"),
    );
    said.push_str(&in_hand(told));
    said.push_str(&table(told));
    if let Some(latest) = told.get("latest").filter(|latest| latest.is_object()) {
        said.push_str(&format!("latest     {}\n", text(latest, "id")));
    }
    said
}

fn in_hand(told: &Value) -> String {
    match told.get("in_hand_age_s").filter(|age| age.is_number()) {
        Some(age) => format!("in hand    a copy, {age} s old\n"),
        None => "in hand    nothing\n".to_owned(),
    }
}

/// What was considered, a line a strategy.
fn table(told: &Value) -> String {
    let rows = told.get("considered").and_then(Value::as_array);
    let rows = rows.map(Vec::as_slice).unwrap_or_default();
    if rows.is_empty() {
        return "considered nothing: no strategy is set, or none takes part\n".to_owned();
    }
    let mut said = format!(
        "     {:<28} {:<11} {:>6} {:>6} {:>7} {:>8}  {}\n",
        "strategy", "offers", "p", "up", "index", "limit", "outcome"
    );
    for (n, row) in rows.iter().enumerate() {
        let limit = number(row, "limit_ms");
        let limit = if limit == "-" {
            limit
        } else {
            format!("{limit} ms")
        };
        let why = row.get("why").and_then(Value::as_str);
        let why = why.map_or_else(String::new, |why| format!(": {why}"));
        said.push_str(&format!(
            "{:>3}  {:<28} {:<11} {:>6} {:>6} {:>7} {:>8}  {}{why}\n",
            n + 1,
            text(row, "strategy"),
            text(row, "fidelity"),
            number(row, "p"),
            number(row, "up"),
            number(row, "index"),
            limit,
            text(row, "outcome"),
        ));
    }
    said
}

fn text<'v>(told: &'v Value, name: &str) -> &'v str {
    told.get(name).and_then(Value::as_str).unwrap_or("-")
}

fn number(told: &Value, name: &str) -> String {
    let number = told.get(name).filter(|number| number.is_number());
    number.map_or_else(|| "-".to_owned(), Value::to_string)
}
