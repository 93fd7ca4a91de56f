//! The verdict on an exchange of any data API, with no rule of its source.
//!
//! Absence before wording: first whether the answer carries data, and only where it does not, what it says instead. A headline
//! about rate limits is news; the same words in an object that holds nothing else are a limit.

mod absence;
mod body;
mod envelope;
mod keys;
mod page;
mod redirect;
mod request;
mod saying;
mod status;
mod transport;

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    classify::{
        recorded::{Kind, Recorded, Verdict},
        wait,
    },
    vocabulary::fault::{Domain, FaultClass},
};

use envelope::Envelope;
use page::Page;
use saying::Said;

/// Larger JSON is only checked for its grammar: a refusal is short.
const LOOK_INTO_UP_TO: usize = 64 * 1024;

/// A wait beyond this is no wait for the same request.
const WORTH_WAITING: std::time::Duration = std::time::Duration::from_mins(90);

/// What a general rule found wrong.
#[derive(Clone, Debug)]
struct Finding {
    class: FaultClass,
    rule: Cow<'static, str>,
    evidence: Cow<'static, str>,
    retryable: Option<bool>,
}

/// What an answer without data says, and where.
struct Saying {
    said: Said,
    place: Cow<'static, str>,
}

/// Judges an exchange by what all data APIs have in common. `now` is the answer's own time, where it is known.
pub(crate) fn judge(recorded: &Recorded, now: Option<Timestamp>) -> Verdict {
    let found = match recorded.status {
        None => Some(transport::judge(recorded)),
        Some(status @ 200..=299) => body::judge(recorded, status),
        Some(status @ 300..=399) => redirect::judge(recorded, status),
        Some(status) => Some(bad_status(recorded, status)),
    };
    found.map_or_else(healthy, |found| found.verdict(recorded, now))
}

/// What `class` strikes where nothing is known of the source.
pub(crate) const fn domain_of(class: FaultClass) -> Domain {
    match class {
        FaultClass::RateLimit | FaultClass::QuotaExceeded | FaultClass::AuthError => Domain::Key,
        FaultClass::Forbidden | FaultClass::PremiumRequired => Domain::Endpoint,
        FaultClass::Blocked | FaultClass::Maintenance => Domain::Source,
        FaultClass::ConnectionError => Domain::Network,
        FaultClass::NotFound
        | FaultClass::InvalidRequest
        | FaultClass::ServerError
        | FaultClass::Timeout
        | FaultClass::StaleData
        | FaultClass::EmptyData
        | FaultClass::MalformedBody => Domain::Object,
    }
}

/// Whether the same request may succeed within about an hour, by its class alone.
pub(crate) const fn retryable_by(class: FaultClass) -> bool {
    match class {
        FaultClass::RateLimit
        | FaultClass::ServerError
        | FaultClass::Timeout
        | FaultClass::ConnectionError
        | FaultClass::StaleData
        | FaultClass::MalformedBody
        | FaultClass::Maintenance => true,
        FaultClass::QuotaExceeded
        | FaultClass::AuthError
        | FaultClass::Forbidden
        | FaultClass::NotFound
        | FaultClass::InvalidRequest
        | FaultClass::EmptyData
        | FaultClass::PremiumRequired
        | FaultClass::Blocked => false,
    }
}

const fn healthy() -> Verdict {
    Verdict {
        class: None,
        rule: Cow::Borrowed("general/good"),
        evidence: Cow::Borrowed(""),
        wait: None,
        retryable: false,
        domain: Domain::Object,
        suspect: None,
    }
}

/// A status of 400 or above, or one that is none: its words may tell more than the number.
fn bad_status(recorded: &Recorded, status: u16) -> Finding {
    let saying = read_body(recorded);
    let (class, by_words) = status::weigh(status, saying.as_ref().map(|saying| saying.said));
    match saying {
        Some(saying) if by_words => Finding::of(
            class,
            format!("status_{status}_says"),
            absence::found_at(&saying.place, saying.said),
        ),
        _ => Finding::of(class, format!("status_{status}"), "the status"),
    }
}

/// What the body says, whatever it is.
fn read_body(recorded: &Recorded) -> Option<Saying> {
    let head = recorded.head_of_body();
    let in_text = |text: &str, is_page| {
        let said = saying::read(text, is_page)?;
        let place = Cow::Borrowed("the text");
        Some(Saying { said, place })
    };
    match recorded.kind() {
        Kind::Empty => None,
        Kind::Html => {
            let page = Page::of(&head);
            let heads = saying::read(&page.heads, true).filter(|said| !said.weak);
            let heads = heads.map(|said| Saying {
                said,
                place: Cow::Borrowed("the title"),
            });
            heads.or_else(|| in_text(&page.text, true))
        }
        Kind::Json if recorded.body.len() <= LOOK_INTO_UP_TO => {
            let Ok(answer) = serde_json::from_slice::<Value>(&recorded.body) else {
                return in_text(&head, false);
            };
            let envelope = Envelope::of(&answer);
            let (spot, said) = absence::read_all(envelope.texts())?;
            let place = Cow::Owned(spot.place.clone());
            Some(Saying { said, place })
        }
        Kind::Json | Kind::Xml | Kind::Csv | Kind::Text => in_text(&head, false),
    }
}

// === impl Finding ===

impl Finding {
    fn of(
        class: FaultClass,
        rule: impl Into<Cow<'static, str>>,
        evidence: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            class,
            rule: rule.into(),
            evidence: evidence.into(),
            retryable: None,
        }
    }

    /// The same, knowing whether it passes within the hour.
    const fn passing(mut self, retryable: bool) -> Self {
        self.retryable = Some(retryable);
        self
    }

    fn verdict(self, recorded: &Recorded, now: Option<Timestamp>) -> Verdict {
        let wait = wait::of(recorded, self.class, now);
        let passes = self.retryable.unwrap_or_else(|| retryable_by(self.class));
        Verdict {
            class: Some(self.class),
            rule: format!("general/{}", self.rule).into(),
            evidence: self.evidence,
            wait,
            retryable: passes && wait.is_none_or(|wait| wait <= WORTH_WAITING),
            domain: domain_of(self.class),
            suspect: None,
        }
    }
}

#[cfg(test)]
mod tests;
