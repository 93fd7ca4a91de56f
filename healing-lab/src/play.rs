//! Playing a fault: an answer in place of the right one, or the right one spoilt.

use std::borrow::Cow;
use std::fmt::Write as _;

use jiff::SignedDuration;

use crate::answer::{Answer, Delivery};
use crate::ask::{Ask, Refusal};
use crate::fault::{ErrorBody, Fault, RetryAfter};
use crate::forms;
use crate::garble::garble;
use crate::gzip;
use crate::source_name::SourceName;
use crate::sources::fred::http_date;
use crate::sources::{reason, refuse};

/// The answer that a fault puts in place of the right one, for the faults that need no right one.
pub(crate) fn replace(source: SourceName, ask: &Ask<'_>, fault: &Fault) -> Option<Answer> {
    let answer = match fault {
        Fault::Status {
            code,
            retry_after,
            body,
        } => status(source, ask, (*code, *retry_after, *body)),
        Fault::Note => Answer {
            status: 200,
            ..refuse(source, ask, Refusal::Throttled)
        },
        Fault::ErrorObject => Answer {
            status: 200,
            ..refuse(source, ask, error_object_status(source))
        },
        Fault::EmptyBody => Answer::json(200, &"").bodiless(),
        Fault::EmptyObject => Answer::json(200, &serde_json::json!({})),
        Fault::HtmlInstead => Answer::html(200, page(200)),
        Fault::Form(name) => match forms::find(source, name) {
            Some(form) => form.answer(source, ask),
            None => no_such_form(source, name),
        },
        Fault::HangHead => Answer::broken(Delivery::HangHead),
        Fault::Reset => Answer::broken(Delivery::Reset),
        Fault::Flood(size) => {
            Answer::json(200, &serde_json::json!([])).delivered(Delivery::Flood(*size))
        }
        Fault::Delay(_)
        | Fault::HangBody
        | Fault::CutBody
        | Fault::CutChunked
        | Fault::ResetBody
        | Fault::CloseAfter
        | Fault::TwoLengths
        | Fault::Surplus
        | Fault::Drip(_)
        | Fault::BrokenGzip
        | Fault::GzipBomb(_)
        | Fault::WideHead(_)
        | Fault::WrongType
        | Fault::Garble(_)
        | Fault::Freeze
        | Fault::Lag(_)
        | Fault::RevokeKey { .. }
        | Fault::QuotaSpent { .. }
        | Fault::Down => return None,
    };
    Some(answer)
}

/// The right answer, spoilt by a fault that needs one.
pub(crate) fn spoil(mut answer: Answer, fault: &Fault) -> Answer {
    let delivery = match fault {
        Fault::HangBody => Delivery::HangBody,
        Fault::CutBody => Delivery::CutBody,
        Fault::CutChunked => Delivery::CutChunked,
        Fault::ResetBody => Delivery::ResetBody,
        Fault::CloseAfter => Delivery::CloseAfter,
        Fault::TwoLengths => Delivery::TwoLengths,
        Fault::Surplus => Delivery::Surplus,
        Fault::Drip(pause) => Delivery::Drip(*pause),
        Fault::WideHead(size) => Delivery::WideHead(*size),
        Fault::BrokenGzip => {
            answer.body = gzip::broken(&answer.body);
            return answer.with("content-encoding", "gzip");
        }
        Fault::GzipBomb(size) => {
            answer.body = gzip::bomb(*size);
            return answer.with("content-encoding", "gzip");
        }
        Fault::WrongType => {
            let json = answer
                .content_type
                .as_deref()
                .is_some_and(|kind| kind.contains("json"));
            answer.content_type = Some(Cow::Borrowed(if json {
                "text/html; charset=utf-8"
            } else {
                "application/json"
            }));
            return answer;
        }
        Fault::Garble(how) => {
            answer.body = garble(&answer.body, *how);
            return answer;
        }
        Fault::Status { .. }
        | Fault::Note
        | Fault::ErrorObject
        | Fault::EmptyBody
        | Fault::EmptyObject
        | Fault::HtmlInstead
        | Fault::Form(_)
        | Fault::Delay(_)
        | Fault::HangHead
        | Fault::Reset
        | Fault::Flood(_)
        | Fault::Freeze
        | Fault::Lag(_)
        | Fault::RevokeKey { .. }
        | Fault::QuotaSpent { .. }
        | Fault::Down => return answer,
    };
    answer.delivered(delivery)
}

/// Alpha Vantage words an error for a 200; the others have the words of a status.
fn error_object_status(source: SourceName) -> Refusal {
    if source == SourceName::AlphaVantage {
        Refusal::Failed(200)
    } else {
        Refusal::Failed(500)
    }
}

fn status(
    source: SourceName,
    ask: &Ask<'_>,
    (code, retry_after, body): (u16, Option<RetryAfter>, ErrorBody),
) -> Answer {
    let answer = match body {
        ErrorBody::Empty => Answer::empty(code),
        ErrorBody::Html => Answer::html(code, page(code)),
        ErrorBody::Json => json_status(source, ask, code),
        ErrorBody::Text => Answer::text(code, reason(code)),
    };
    match retry_after {
        None => answer,
        Some(RetryAfter::Seconds(seconds)) => answer.with("retry-after", seconds.to_string()),
        Some(RetryAfter::Date(seconds)) => {
            let date = ask
                .wall
                .checked_add(SignedDuration::from_secs(seconds))
                .unwrap_or(ask.wall);
            answer.with("retry-after", http_date(date))
        }
    }
}

/// A 429 has the words of a throttle, also where the source itself writes them in a 200. Yahoo throttles in text only, so
/// its 429 as JSON is its general envelope.
fn json_status(source: SourceName, ask: &Ask<'_>, code: u16) -> Answer {
    if code == 429 && source != SourceName::YahooFinance {
        return Answer {
            status: code,
            ..refuse(source, ask, Refusal::Throttled)
        };
    }
    refuse(source, ask, Refusal::Failed(code))
}

fn page(code: u16) -> String {
    let reason = reason(code);
    format!(
        "<html><head><title>{code} {reason}</title></head><body><h1>{reason}</h1><hr>lab</body></html>"
    )
}

/// A script that names a form wrongly is told so by every answer instead of quietly testing nothing.
fn no_such_form(source: SourceName, name: &str) -> Answer {
    let mut text = format!("{source} has no form `{name}`; it has");
    for form in forms(source) {
        // Writing to a string cannot fail.
        let _written = write!(text, " {}", form.name);
    }
    Answer::text(500, text)
}
