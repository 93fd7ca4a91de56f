//! Why a request was answered as it was, and what would be tried for a URL now.

mod meaning;

use std::{fmt, str::FromStr, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, RawQuery, State},
    http::{HeaderValue, Request, StatusCode, Uri, header, uri::Authority},
};
use healing_core::{
    Compared, Considered, Decision, FaultClass, Fidelity, HealLayer, Healer, Left, NoCopy, Outcome,
    StrategyId,
};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Admin,
    api::Query,
    messages::{millis, tenths},
    problem::{Problem, bad_parameter},
};
use crate::places::Places;

/// The entry of `heal:` that says how long copies of Alpha Vantage are given.
const COPIES_LONGER: &str = "alphavantage_aggressive_cache";

/// What the admin port may look into to say why.
#[derive(Clone)]
pub(crate) struct Insight {
    healer: Healer,
    places: Arc<Places>,
}

// === impl Insight ===

impl Insight {
    /// Looks into that healer, whose requests go to those places.
    pub(crate) const fn new(healer: Healer, places: Arc<Places>) -> Self {
        Self { healer, places }
    }

    /// The healer itself.
    pub(super) const fn healer(&self) -> &Healer {
        &self.healer
    }
}

impl fmt::Debug for Insight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Insight").finish_non_exhaustive()
    }
}

/// The host that a request names.
struct Host(HeaderValue);

impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let authority: Authority = text.parse().map_err(|_| text.to_owned())?;
        let host = HeaderValue::from_str(authority.as_str());
        host.map(Self).map_err(|_| text.to_owned())
    }
}

/// `GET /api/v1/decisions/{id}`: why that request was answered as it was.
pub(super) async fn decision(
    State(admin): State<Admin>,
    Path(id): Path<String>,
    query: RawQuery,
) -> Result<Json<Value>, Problem> {
    Query::of(&query, &[])?;
    let allowed = "the id of a request, as its answer's fields Healing and X-Request-Id name it";
    let known: Uuid = id.parse().map_err(|_| bad_parameter("id", &id, allowed))?;
    let healer = &admin.insight.healer;
    let decision = healer.decision(known);
    let decision = decision.ok_or_else(|| unknown(known, healer.decisions_from()))?;
    Ok(Json(form(&decision)))
}

/// Nothing is on record of that request; decisions are, from then on.
fn unknown(id: Uuid, from: Timestamp) -> Problem {
    let asked = id.get_timestamp().map(|at| at.to_unix());
    let asked = asked.and_then(|(seconds, nanos)| {
        let seconds = i64::try_from(seconds).ok()?;
        Timestamp::new(seconds, i32::try_from(nanos).ok()?).ok()
    });
    let why = match asked {
        None => "no request has such an id here; copy the whole id from an answer's field X-Request-Id".to_owned(),
        Some(asked) if asked < from => format!(
            "it was asked at {}, and what is on record begins at {}: the last 1,000 requests that were healed or failed, none of them from before the start",
            millis(asked),
            millis(from)
        ),
        Some(_) => "only requests that were healed or failed are on record; not those that were answered as they were asked, that were their callers' own mistake (such as 404), that may have an effect (such as POST: sent once, never healed), or that were given what another's request came to".to_owned(),
    };
    Problem::new(
        StatusCode::NOT_FOUND,
        "unknown-request",
        "Nothing is on record of this request",
    )
    .detail(format!("{id}: {why}"))
}

/// `GET /api/v1/foresight?url=%2Fpath&host=localhost:8080&when=timeout`: what would be tried for a URL if it failed now. Nobody
/// is asked. Copies are kept by the host that callers name.
pub(super) async fn foresight(
    State(admin): State<Admin>,
    query: RawQuery,
) -> Result<Json<Value>, Problem> {
    let query = Query::of(&query, &["url", "host", "when"])?;
    let class: Option<FaultClass> =
        query.value("when", "a class of faults, such as timeout", |_| true)?;
    let class = class.unwrap_or(FaultClass::ServerError);
    let request = asked(&admin, &query)?;
    let seen = HealLayer::new(admin.insight.healer.clone()).foresee(&request, class);
    Ok(Json(json!({
        "source": seen.route.source().as_str(),
        "route": seen.route.template(),
        "when": seen.class.as_str(),
        "resting": seen.resting.map(FaultClass::as_str),
        "floor": seen.floor.as_str(),
        "in_hand_age_s": seen.in_hand.map(seconds),
        "no_copy": seen.no_copy.map(NoCopy::as_str),
        "no_copy_meaning": seen.no_copy.map(meaning::of_no_copy),
        "considered": foreseen(&seen.considered),
        "latest": seen.latest.as_deref().map(form),
    })))
}

/// `GET /api/v1/order?url=%2Fpath&host=localhost:8080&order=a,b`: what it would gain at the route of a URL if its strategies
/// stood in that order. Nothing changes.
pub(super) async fn order(
    State(admin): State<Admin>,
    query: RawQuery,
) -> Result<Json<Value>, Problem> {
    let query = Query::of(&query, &["url", "host", "order"])?;
    let allowed =
        "names of strategies with commas between them, such as alternate_endpoint,fallback";
    let order: Option<String> = query.value("order", allowed, |text: &String| !text.is_empty())?;
    let order = order.ok_or_else(|| bad_parameter("order", "", allowed))?;
    let request = asked(&admin, &query)?;
    let order = percent_decode_str(&order).decode_utf8_lossy();
    // What only says how long copies are given has no place in an order, as copies have none.
    let named = order.split(',').map(str::trim);
    let named: Vec<&str> = named.filter(|name| *name != COPIES_LONGER).collect();
    let compared = HealLayer::new(admin.insight.healer.clone()).compare(&request, &named);
    let compared = compared.map_err(|error| {
        Problem::new(
            StatusCode::BAD_REQUEST,
            "bad-order",
            "The strategies cannot stand in that order",
        )
        .detail(error.to_string())
    })?;
    Ok(Json(comparison(&compared)))
}

/// What another order comes to.
fn comparison(compared: &Compared) -> Value {
    let name = |id: &StrategyId| id.as_str();
    let names = |order: &[StrategyId]| -> Vec<&str> { order.iter().map(name).collect() };
    let (estimate, gain) = (&compared.estimate, compared.estimate.gain);
    json!({
        "source": compared.route.source().as_str(),
        "route": compared.route.template(),
        "held": names(&compared.held),
        "changed": names(&compared.changed),
        "verdict": estimate.verdict.as_str(),
        "gain": gain.map(|gain| thousandths(gain.mean)),
        "gain_from": gain.map(|gain| thousandths(gain.lower)),
        "gain_to": gain.map(|gain| thousandths(gain.upper)),
        "episodes": estimate.episodes,
        "differing": estimate.differing,
        "effective": tenths(estimate.effective),
        "unsupported": estimate.unsupported,
    })
}

/// The request that a query is about.
fn asked(admin: &Admin, query: &Query) -> Result<Request<()>, Problem> {
    let allowed = "a path with its query, percent-encoded, such as %2Fapi%2Fquote%2FAAPL";
    let url = query.value::<String>("url", allowed, |_| true)?;
    let url = url.unwrap_or_default();
    let decoded = percent_decode_str(&url).decode_utf8();
    let uri = decoded.ok().and_then(|text| text.parse::<Uri>().ok());
    let mut uri = uri
        .filter(|uri| uri.path().starts_with('/') && uri.authority().is_none())
        .ok_or_else(|| bad_parameter("url", &url, allowed))?;
    admin.insight.places.send(&mut uri);
    let mut request = Request::new(());
    *request.uri_mut() = uri;
    let host = "the host that callers name, such as localhost:8080";
    if let Some(Host(host)) = query.value("host", host, |_| true)? {
        request.headers_mut().insert(header::HOST, host);
    }
    Ok(request)
}

fn form(decision: &Decision) -> Value {
    json!({
        "id": decision.id,
        "time": millis(decision.time),
        "source": decision.route.source().as_str(),
        "route": decision.route.template(),
        "class": decision.class.as_str(),
        "detail": decision.detail,
        "detail_meaning": meaning::of_detail(&decision.detail),
        "answered_by": decision.answered_by.as_str(),
        "given": decision.given.as_str(),
        "status": decision.given.status().map(|status| status.as_u16()),
        "fidelity": decision.fidelity.map(Fidelity::as_str),
        "floor": decision.floor.as_str(),
        "in_hand_age_s": decision.in_hand.map(seconds),
        "no_copy": decision.no_copy.map(NoCopy::as_str),
        "no_copy_meaning": decision.no_copy.map(meaning::of_no_copy),
        "attempts": decision.attempts,
        "took_ms": decision.took.as_millis(),
        "deadline_ms": decision.deadline.as_millis(),
        "considered": considered(&decision.considered),
        "propensity": decision.propensity,
    })
}

fn considered(all: &[Considered]) -> Value {
    all.iter()
        .map(|own| row(own, outcome(&own.outcome)))
        .collect()
}

/// What was considered, where nobody was asked.
fn foreseen(all: &[Considered]) -> Value {
    let rows = all.iter().map(|own| {
        let told = if own.outcome == Outcome::Left(Left::NotReached) {
            ("would_be_tried", None)
        } else {
            outcome(&own.outcome)
        };
        row(own, told)
    });
    rows.collect()
}

fn row(own: &Considered, (outcome, why): (&str, Option<String>)) -> Value {
    let figures = own.figures;
    json!({
        "strategy": own.strategy.as_str(),
        "fidelity": own.fidelity.map(Fidelity::as_str),
        "p": figures.map(|figures| thousandths(figures.p)),
        "up": figures.map(|figures| thousandths(figures.up)),
        "index": figures.and_then(|figures| figures.index).map(thousandths),
        "limit_ms": figures.and_then(|figures| figures.limit).map(|limit| limit.as_millis()),
        "outcome": outcome,
        "why": why,
        "meaning": why.is_some().then(|| meaning::of(&own.outcome)).flatten(),
    })
}

/// What became of it in one word, and the reason in another.
fn outcome(outcome: &Outcome) -> (&'static str, Option<String>) {
    match outcome {
        Outcome::Answered => ("answered", None),
        Outcome::Failed(class, detail) => ("failed", Some(format!("{class} ({detail})"))),
        Outcome::Refused(refusal) => ("not_asked", Some(refusal.as_str().to_owned())),
        Outcome::TooLate => ("too_late", None),
        Outcome::Left(left) => ("not_tried", Some(left.as_str().to_owned())),
    }
}

fn seconds(age: Duration) -> f64 {
    tenths(age.as_secs_f64())
}

fn thousandths(number: f64) -> f64 {
    (number * 1_000.0).round() / 1_000.0 + 0.0 // a loss of nearly nothing is no -0
}

#[cfg(test)]
mod tests {
    use super::thousandths;

    #[test]
    fn nearly_nothing_has_no_sign() {
        assert_eq!(thousandths(-0.0004).to_string(), "0");
        assert_eq!(thousandths(-0.0006).to_string(), "-0.001");
    }
}
