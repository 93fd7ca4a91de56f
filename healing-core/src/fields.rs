//! The fields that say what an answer is: `Healing` and `Healing-Floor` (ours), `Cache-Status` (RFC 9211), `Proxy-Status`
//! (RFC 9209), all structured fields (RFC 9651) printed and parsed by `sfv`; `Age` (RFC 9111), `Server-Timing` (W3C) and
//! `X-Request-Id`.

use std::{fmt, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, header};
use sfv::{BareItem, ItemSerializer, KeyRef, ListSerializer, StringRef, TokenRef};

use crate::vocabulary::{
    fault::{Fault, FaultClass},
    fidelity::{Fidelity, Floor},
    provenance::{CacheUse, Instead, Observed, Provenance, StrategyId},
    route::Route,
};

/// How far down a caller consents to go.
pub(crate) const HEALING_FLOOR: HeaderName = HeaderName::from_static("healing-floor");
/// What an answer is and how it came about.
const HEALING: HeaderName = HeaderName::from_static("healing");
const PROXY_STATUS: HeaderName = HeaderName::from_static("proxy-status");
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What `Healing-Floor` looks like, for the caller who wrote it differently.
pub(crate) const FLOOR_GRAMMAR: &str = "one of exact, equivalent, stale, reduced, estimate, substitute, optionally followed by ;max-age=SECONDS";

/// How much the fields tell.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Expose {
    /// Only the fidelity: a caller may always know that it did not get what it asked for.
    None,
    /// And what went wrong.
    Errors,
    /// And the details.
    Full,
}

/// Who speaks in the fields: the name of this deployment, and how much it tells.
///
/// ```
/// use healing_core::{Expose, Identity};
/// let identity = Identity::new("heal-7f3a", Expose::Full)?;
/// assert!(Identity::new("no spaces, please", Expose::Full).is_err());
/// # Ok::<(), healing_core::IdentityError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Identity {
    name: String,
    expose: Expose,
    /// `Cache-Status` of the answers that nobody healed, ready made: the healthy path formats nothing.
    bypass: HeaderValue,
    missed: [HeaderValue; 2],
    asked: [HeaderValue; 2],
}

/// A name that cannot stand in a structured field.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "identity {0:?} is no token (RFC 9651): letters, digits and any of !#$%&'*+-.^_`|~:/, starting with a letter"
)]
pub struct IdentityError(String);

/// A `Healing-Floor` that does not parse.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct BadFloor;

// === impl Identity ===

impl Identity {
    /// A deployment of that name.
    ///
    /// # Errors
    /// When the name is not a token of RFC 9651.
    pub fn new(name: &str, expose: Expose) -> Result<Self, IdentityError> {
        let error = || IdentityError(name.to_owned());
        TokenRef::from_str(name).map_err(|_| error())?;
        let ready =
            |rest: &str| HeaderValue::try_from(format!("{name};{rest}")).map_err(|_| error());
        Ok(Self {
            name: name.to_owned(),
            expose,
            bypass: ready("fwd=bypass")?,
            missed: [ready("fwd=uri-miss")?, ready("fwd=uri-miss;stored")?],
            asked: [ready("fwd=stale")?, ready("fwd=stale;stored")?],
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Says in the fields what the provenance says.
    pub(crate) fn label(&self, headers: &mut HeaderMap, truth: &Provenance) {
        match &truth.observed {
            Observed::No => {}
            Observed::Nothing => return,
            Observed::Would(would) => return self.would(headers, would),
        }
        headers.insert(X_REQUEST_ID, id_value(truth));
        if let Some(instead) = &truth.instead {
            self.place(headers, instead);
        }
        if let Some(value) = self.cache_status(truth) {
            headers.append(CACHE_STATUS, value);
        }
        if let Some(age) = truth.age {
            headers.insert(header::AGE, HeaderValue::from(age.as_secs()));
        }
        let is_plain_hit = truth.is_plain() && truth.strategy == StrategyId::USE_CACHED_DATA;
        if is_plain_hit || truth.is_direct() && truth.suspect.is_none() {
            return;
        }
        let told = [
            (HEALING, self.healing(truth)),
            (PROXY_STATUS, self.proxy_status(truth)),
            (SERVER_TIMING, self.timing(truth)),
        ];
        for (name, value) in told {
            if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
                headers.append(name, value);
            }
        }
    }

    /// Says what healing would have done, and nothing else.
    fn would(&self, headers: &mut HeaderMap, would: &str) {
        if self.expose > Expose::None
            && let Ok(value) = HeaderValue::try_from(format!("heal;desc=\"would: {would}\""))
        {
            headers.append(SERVER_TIMING, value);
        }
    }

    /// Says which resource the body really is. Where nothing is told, the address of another source is not told either.
    fn place(&self, headers: &mut HeaderMap, instead: &Instead) {
        headers.remove(header::CONTENT_LOCATION);
        let told = self.expose > Expose::None || instead.source.is_none();
        let location = instead.location.as_deref().filter(|_| told);
        if let Some(location) = location.and_then(|text| HeaderValue::from_str(text).ok()) {
            headers.insert(header::CONTENT_LOCATION, location);
        }
    }

    fn cache_status(&self, truth: &Provenance) -> Option<HeaderValue> {
        let [missed, missed_stored] = &self.missed;
        let [asked, asked_stored] = &self.asked;
        let ready = match truth.cache {
            CacheUse::Generated => return None,
            CacheUse::Bypass => &self.bypass,
            CacheUse::Missed { stored: false } => missed,
            CacheUse::Missed { stored: true } => missed_stored,
            CacheUse::Asked { stored: false } => asked,
            CacheUse::Asked { stored: true } => asked_stored,
            CacheUse::AfterFault
            | CacheUse::Rested
            | CacheUse::Refused { .. }
            | CacheUse::Fresh { .. }
            | CacheUse::WhileRevalidating { .. }
            | CacheUse::Revalidated { .. } => return self.written(truth),
        };
        if truth.collapsed {
            let collapsed = [ready.as_bytes(), b";collapsed"].concat();
            return HeaderValue::from_bytes(&collapsed).ok();
        }
        Some(ready.clone())
    }

    /// `Cache-Status` of an answer that has to be written for it.
    fn written(&self, truth: &Provenance) -> Option<HeaderValue> {
        let status = truth.fault.as_ref().and_then(|fault| fault.status);
        let mut parameters = Parameters::default();
        match truth.cache {
            CacheUse::Rested => {
                let ttl = truth.age.map_or(0_i32, |age| -seconds(age));
                parameters.hit(ttl.into());
                parameters.detail("breaker-open");
            }
            CacheUse::Fresh { ttl } => parameters.hit(ttl),
            CacheUse::WhileRevalidating { ttl } => {
                parameters.hit(ttl);
                parameters.detail("stale-while-revalidate");
            }
            CacheUse::AfterFault => {
                parameters.forwarded("stale", status.map(|status| status.as_u16()), false);
                parameters.detail("stale-if-error");
            }
            CacheUse::Refused { stored } => parameters.forwarded("request", None, stored),
            CacheUse::Revalidated { stored } => parameters.forwarded("stale", Some(304), stored),
            CacheUse::Generated
            | CacheUse::Bypass
            | CacheUse::Missed { .. }
            | CacheUse::Asked { .. } => return None,
        }
        if truth.collapsed {
            parameters.collapsed();
        }
        if truth.overridden {
            parameters.detail("override");
        }
        HeaderValue::try_from(format!("{}{parameters}", self.name)).ok()
    }

    fn healing(&self, truth: &Provenance) -> Option<String> {
        let fidelity = truth.fidelity?;
        let item = ItemSerializer::new().bare_item(TokenRef::from_str(fidelity.as_str()).ok()?);
        if self.expose == Expose::None {
            return Some(item.finish());
        }
        let mut item = item.parameter(
            key("strategy")?,
            TokenRef::from_str(truth.strategy.as_str()).ok()?,
        );
        let lender = truth
            .instead
            .as_ref()
            .and_then(|instead| instead.source.as_ref());
        if let Some(source) = lender.or_else(|| truth.route.as_ref().map(Route::source)) {
            let source = TokenRef::from_str(source.as_str()).ok().unwrap_or(other()?);
            item = item.parameter(key("source")?, source);
        }
        let label = truth
            .instead
            .as_ref()
            .and_then(|instead| instead.label.as_deref());
        if let Some(label) = label.and_then(|label| StringRef::from_str(label).ok()) {
            item = item.parameter(key("label")?, label);
        }
        if let Some(fault) = &truth.fault {
            item = item.parameter(
                key("class")?,
                TokenRef::from_str(fault.class.as_str()).ok()?,
            );
        }
        if let Some(age) = truth.age {
            item = item.parameter(key("age")?, seconds(age));
        }
        if let Some(suspect) = truth.suspect {
            item = item.parameter(key("suspect")?, TokenRef::from_str(suspect.as_str()).ok()?);
        }
        item = item.parameter(key("attempts")?, truth.attempts);
        Some(
            item.parameter(key("id")?, StringRef::from_str(&truth.id.to_string()).ok()?)
                .finish(),
        )
    }

    fn proxy_status(&self, truth: &Provenance) -> Option<String> {
        let fault = truth
            .fault
            .as_ref()
            .filter(|_| self.expose >= Expose::Errors)?;
        let mut list = ListSerializer::new();
        let mut member = list.bare_item(TokenRef::from_str(&self.name).ok()?);
        if let Some(error) = proxy_error(fault) {
            member = member.parameter(key("error")?, TokenRef::from_str(error).ok()?);
        }
        if let Some(status) = fault.status {
            member = member.parameter(key("received-status")?, status.as_u16());
        }
        if self.expose == Expose::Full {
            let _ = member.parameter(key("details")?, StringRef::from_str(&fault.detail).ok()?);
        }
        list.finish()
    }

    fn timing(&self, truth: &Provenance) -> Option<String> {
        (self.expose >= Expose::Errors).then(|| {
            let plural = if truth.attempts == 1 { "" } else { "s" };
            format!(
                "heal;dur={};desc=\"{} attempt{plural}\"",
                truth.took.as_millis(),
                truth.attempts
            )
        })
    }
}

/// The parameters of a member of `Cache-Status` (RFC 9211, section 2). All values are tokens of ours and numbers.
#[derive(Debug, Default)]
struct Parameters {
    text: String,
    detail: Option<&'static str>,
}

impl Parameters {
    fn hit(&mut self, ttl: i64) {
        // As many digits as an integer of RFC 9651 has.
        let ttl = ttl.clamp(-999_999_999_999_999, 999_999_999_999_999);
        self.text = format!(";hit;ttl={ttl}");
    }

    fn forwarded(&mut self, why: &str, status: Option<u16>, stored: bool) {
        let status = status.map_or_else(String::new, |status| format!(";fwd-status={status}"));
        let stored = if stored { ";stored" } else { "" };
        self.text = format!(";fwd={why}{status}{stored}");
    }

    fn collapsed(&mut self) {
        self.text.push_str(";collapsed");
    }

    const fn detail(&mut self, word: &'static str) {
        self.detail = Some(word);
    }
}

impl fmt::Display for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match self.detail {
            Some(detail) => write!(f, ";detail={detail}"),
            None => Ok(()),
        }
    }
}

/// Reads `Healing-Floor`; `None` without one.
pub(crate) fn floor(headers: &HeaderMap) -> Result<Option<Floor>, BadFloor> {
    let mut values = headers.get_all(HEALING_FLOOR).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(BadFloor);
    }
    let item: sfv::Item = sfv::Parser::new(value.as_bytes())
        .parse()
        .map_err(|_| BadFloor)?;
    let BareItem::Token(word) = &item.bare_item else {
        return Err(BadFloor);
    };
    let fidelity: Fidelity = word.as_str().parse().map_err(|_| BadFloor)?;
    let mut max_age = None;
    for (name, value) in &item.params {
        let ("max-age", BareItem::Integer(seconds)) = (name.as_str(), value) else {
            return Err(BadFloor);
        };
        let seconds = u64::try_from(i64::from(*seconds)).map_err(|_| BadFloor)?;
        max_age = Some(Duration::from_secs(seconds));
    }
    Ok(Some(Floor { fidelity, max_age }))
}

/// The registered error type (RFC 9209, section 2.3) of what failed between us and the upstream; none where the upstream
/// did answer, and its status says it.
pub(crate) fn proxy_error(fault: &Fault) -> Option<&'static str> {
    Some(match (fault.class, &*fault.detail) {
        (_, "dns_error") => "dns_error",
        (_, "connect_refused") => "connection_refused",
        (_, "connect_timeout") => "connection_timeout",
        (_, "unreachable") => "destination_ip_unroutable",
        (_, "tls_certificate") => "tls_certificate_error",
        (_, "tls") => "tls_protocol_error",
        (_, "protocol_error") => "http_protocol_error",
        (_, "truncated_body") => "http_response_incomplete",
        (_, "bad_encoding") => "http_response_content_coding",
        (_, "timeout_headers") => "http_response_timeout",
        (_, "timeout_body") => "connection_read_timeout",
        (_, "resting") => "destination_unavailable",
        (FaultClass::ConnectionError, _) => "connection_terminated",
        _ => return None,
    })
}

fn id_value(truth: &Provenance) -> HeaderValue {
    let mut buffer = [0; uuid::fmt::Hyphenated::LENGTH];
    let text: &str = truth.id.as_hyphenated().encode_lower(&mut buffer);
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("unknown"))
}

fn seconds(time: Duration) -> i32 {
    i32::try_from(time.as_secs()).unwrap_or(i32::MAX)
}

fn key(name: &str) -> Option<&KeyRef> {
    KeyRef::from_str(name).ok()
}

/// Stands for a source whose slug starts with a digit and so is no token.
fn other() -> Option<&'static TokenRef> {
    TokenRef::from_str("other").ok()
}

impl StrategyId {
    /// Whether it can stand in the field `Healing`.
    #[must_use]
    pub fn is_token(self) -> bool {
        TokenRef::from_str(self.as_str()).is_ok()
    }
}

#[cfg(test)]
mod tests;
