//! Ask again with a crumb and a cookie of our own, where the caller's were turned away.
//!
//! Yahoo Finance wants a cookie and, in the query, a crumb that goes with it. Both stop working from one moment to the next,
//! and callers that hold old ones are refused until they fetch new ones. Here one pair is fetched for all of them: by the
//! first who needs it, while the others wait for it, and at most once a minute. It belongs to nobody: what a source answers
//! does not depend on it.

mod sessions;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, Uri, header};

use crate::{
    attempt::{Answer, Ask, Attempts, Miss, Offer, Refusal, Strategy},
    strategies::{
        crumb::sessions::{Session, Sessions},
        plain::Plain,
    },
    vocabulary::{
        fault::{Fault, FaultClass},
        fidelity::Fidelity,
        provenance::StrategyId,
    },
};

/// Where crumbs are, at the address of the asked route.
const CRUMBS: &str = "/v1/test/getcrumb";

/// The longest crumb: a longer text is no crumb but a page or a notice.
const MAX_CRUMB: usize = 64;

/// The longest cookies that are sent, in bytes.
const MAX_COOKIES: usize = 4096;

/// `crumb_renewal`: the same request with a cookie and a crumb that were fetched for it. The answer is exact.
///
/// For the source itself, not for an API before it: there the pair would be no use. It acts where a rule says of the refusal
/// that new ones heal it (401 `Invalid Crumb`, `Invalid Cookie`), and not against 401 `User is unable to access this feature`.
///
/// ```
/// use healing_core::{RenewCrumb, Strategy, StrategyId};
/// let renewal = RenewCrumb::of("crumb", "https://fc.yahoo.com/".parse()?);
/// assert_eq!(renewal.id(), StrategyId::CRUMB_RENEWAL);
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
#[derive(Clone, Debug)]
pub struct RenewCrumb {
    parameter: Box<str>,
    cookies: Uri,
    sessions: Arc<Sessions>,
}

// === impl RenewCrumb ===

impl RenewCrumb {
    /// For a route that is set, whose requests carry the crumb in that parameter; an answer of `cookies`, whatever its status,
    /// sets the cookies that a crumb is given for.
    #[must_use]
    pub fn of(parameter: &str, cookies: Uri) -> Self {
        Self {
            parameter: parameter.into(),
            cookies,
            sessions: Arc::default(),
        }
    }

    async fn with(
        &self,
        session: &Session,
        ask: &Ask,
        to: &mut dyn Attempts,
    ) -> Result<Answer, Miss> {
        let nothing = || Miss::Refused(Refusal::NothingToAsk);
        let there = ask.with_value(&self.parameter, session.crumb());
        let mut there = there.ok_or_else(nothing)?;
        carry(&mut there.headers, session.cookies()).ok_or_else(nothing)?;
        let mut response = to.attempt(&there).await?;
        // What it sets is ours.
        response.headers_mut().remove(header::SET_COOKIE);
        Ok(Answer::new(response, Fidelity::Exact))
    }

    /// A cookie, and a crumb for it. Two calls.
    async fn fetch(&self, ask: &Ask, to: &mut dyn Attempts) -> Result<Session, Miss> {
        let there = ask.upkeep(self.cookies.clone());
        let given = to.attempt(&there).await?;
        let cookies = cookies(given.headers()).ok_or_else(|| unfit("no_cookie"))?;
        let crumbs = ask.beside(CRUMBS);
        let mut there = ask.upkeep(crumbs.ok_or(Miss::Refused(Refusal::NothingToAsk))?);
        carry(&mut there.headers, &cookies).ok_or_else(|| unfit("no_cookie"))?;
        let given = to.attempt(&there).await?;
        let is_good = given.status().is_success();
        let plain = Plain::read(given).await;
        let plain = plain.map_err(|unread| Miss::Elsewhere(unread.fault()))?;
        let crumb = plain.text().filter(|text| is_good && is_crumb(text));
        let crumb = crumb.ok_or_else(|| unfit("no_crumb"))?;
        Ok(Session::new(cookies, crumb.to_owned()))
    }
}

impl Strategy for RenewCrumb {
    fn id(&self) -> StrategyId {
        StrategyId::CRUMB_RENEWAL
    }

    fn is_beside(&self) -> bool {
        true
    }

    fn mends(&self, fault: &Fault) -> bool {
        is_of_a_crumb(fault)
    }

    fn offer(&self, ask: &Ask, failed: &[Fault]) -> Result<Offer, Refusal> {
        let first = failed.first().ok_or(Refusal::NotForThisFault)?;
        let rests = first.is_resting() && first.class == FaultClass::AuthError;
        if !is_of_a_crumb(first) && !rests {
            return Err(Refusal::NotForThisFault);
        }
        let carries = ask.with_value(&self.parameter, "");
        carries.ok_or(Refusal::NothingToAsk)?;
        Ok(Offer::now(Fidelity::Exact))
    }

    fn asks(&self, ask: &Ask) -> Vec<Ask> {
        let session = self.sessions.current();
        let there = session.and_then(|session| {
            let mut there = ask.with_value(&self.parameter, session.crumb())?;
            carry(&mut there.headers, session.cookies())?;
            Some(there)
        });
        there.into_iter().collect()
    }

    fn run<'a>(
        &'a self,
        ask: &'a Ask,
        to: &'a mut dyn Attempts,
    ) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(async move {
            let known = self.sessions.current();
            if let Some(session) = &known {
                match self.with(session, ask, to).await {
                    Err(Miss::Elsewhere(fault)) if is_of_a_crumb(&fault) => {}
                    came => return came,
                }
            }
            let mut turn = self.sessions.turn().await;
            let session = if let Some(session) = turn.renewed_since(known.as_ref()) {
                session
            } else {
                turn.begin()?;
                let session = self.fetch(ask, to).await?;
                turn.came(session)
            };
            drop(turn);
            self.with(&session, ask, to).await
        })
    }
}

/// Whether the source says that a new crumb or cookie heals it.
fn is_of_a_crumb(fault: &Fault) -> bool {
    fault.class == FaultClass::AuthError && fault.is_retryable() == Some(true)
}

/// Sends those cookies, and keeps nothing of the answer.
fn carry(headers: &mut HeaderMap, cookies: &str) -> Option<()> {
    let mut value = HeaderValue::from_str(cookies).ok()?;
    value.set_sensitive(true);
    headers.insert(header::COOKIE, value);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Some(())
}

/// The cookies that an answer sets, as a request sends them.
fn cookies(headers: &HeaderMap) -> Option<String> {
    let set = headers.get_all(header::SET_COOKIE).iter();
    let pairs = set.filter_map(|value| value.to_str().ok()?.split(';').next());
    let pairs = pairs.map(str::trim).filter(|pair| {
        let named = pair.split_once('=');
        named.is_some_and(|(name, value)| !name.is_empty() && !value.is_empty())
    });
    let cookies = pairs.collect::<Vec<_>>().join("; ");
    (!cookies.is_empty() && cookies.len() <= MAX_COOKIES).then_some(cookies)
}

/// A crumb is a short text without a space; what a throttled source says in its place is a sentence or a page.
fn is_crumb(text: &str) -> bool {
    let is_of_a_crumb = |byte: u8| byte.is_ascii_graphic() && !b"<>{}\"".contains(&byte);
    (1..=MAX_CRUMB).contains(&text.len()) && text.bytes().all(is_of_a_crumb)
}

fn unfit(detail: &'static str) -> Miss {
    Miss::Elsewhere(Fault::new(FaultClass::AuthError, detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_throttled_source_says_is_no_crumb() {
        assert!(is_crumb("x9.rAbC/dEf"));
        for text in [
            "",
            "Too Many Requests",
            "Edge: Too Many Requests",
            "<html></html>",
            "{\"finance\":null}",
            "crumb\n",
        ] {
            assert!(!is_crumb(text), "{text}");
        }
        assert!(!is_crumb(&"a".repeat(65)));
    }

    #[test]
    fn cookies_are_sent_by_name_and_value_alone() {
        let mut headers = HeaderMap::new();
        assert_eq!(cookies(&headers), None);
        for set in ["A3=d=1; Path=/; HttpOnly", "B=2", "gone=; Max-Age=0"] {
            headers.append(header::SET_COOKIE, HeaderValue::from_static(set));
        }
        assert_eq!(cookies(&headers).as_deref(), Some("A3=d=1; B=2"));
        let long = format!("C={}", "x".repeat(MAX_COOKIES));
        headers.append(header::SET_COOKIE, long.parse().unwrap());
        assert_eq!(cookies(&headers), None, "more than is sent");
    }
}
