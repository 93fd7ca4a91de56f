//! The verdict on an exchange of any data API, with no rule of its source.
//!
//! Absence before wording: first whether the answer carries data, and only where it does not, what it says instead. A headline
//! about rate limits is news; the same words in an object that holds nothing else are a limit.

mod absence;
mod age;
mod body;
mod envelope;
mod keys;
mod ndjson;
mod page;
mod redirect;
mod request;
mod saying;
mod status;
mod table;
mod transport;

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value;

use crate::classify::{
    exchange::{Exchange, Kind},
    finding::Finding,
};

use envelope::Envelope;
use page::Page;
use saying::Said;

/// Larger JSON is only checked for its grammar: a refusal is short.
const LOOK_INTO_UP_TO: usize = 64 * 1024;

/// What an answer without data says, and where.
struct Saying {
    said: Said,
    place: Cow<'static, str>,
}

/// What is wrong with an exchange by what all data APIs have in common; `None` where it is a good answer.
pub(crate) fn judge(exchange: &Exchange<'_>) -> Option<Finding> {
    match exchange.status {
        None => Some(transport::judge(exchange)),
        Some(status @ 200..=299) => body::judge(exchange, status),
        Some(status @ 300..=399) => redirect::judge(exchange, status),
        Some(status) => Some(bad_status(exchange, status)),
    }
}

/// What is wrong with a good answer by its age, where nothing is known of its source.
pub(crate) fn judge_age(exchange: &Exchange<'_>, now: Timestamp) -> Option<Finding> {
    age::judge(exchange, now)
}

/// Whether a request asks for whatever matches, so that nothing is an answer.
pub(crate) fn is_a_search(exchange: &Exchange<'_>) -> bool {
    request::asks(exchange) == request::Asks::Search
}

/// A status of 400 or above, or one that is none: its words may tell more than the number.
fn bad_status(exchange: &Exchange<'_>, status: u16) -> Finding {
    words_beside_status(exchange).unwrap_or_else(|| {
        let (class, _) = status::weigh(status, None);
        Finding::of(class, format!("status_{status}"), "the status")
    })
}

/// What the words beside a bad status say, where it leaves them room.
pub(crate) fn words_beside_status(exchange: &Exchange<'_>) -> Option<Finding> {
    let status = exchange.status?;
    let saying = read_body(exchange)?;
    let (class, by_words) = status::weigh(status, Some(saying.said));
    by_words.then(|| {
        Finding::of(
            class,
            format!("status_{status}_says"),
            absence::found_at(&saying.place, saying.said),
        )
    })
}

/// What the body says, whatever it is.
fn read_body(exchange: &Exchange<'_>) -> Option<Saying> {
    let head = exchange.head_of_body();
    let in_text = |text: &str, is_page| {
        let said = saying::read(text, is_page)?;
        let place = Cow::Borrowed("the text");
        Some(Saying { said, place })
    };
    match exchange.kind() {
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
        Kind::Json | Kind::Ndjson if exchange.body.len() <= LOOK_INTO_UP_TO => {
            let Ok(answer) = serde_json::from_slice::<Value>(exchange.body) else {
                return in_text(&head, false);
            };
            let envelope = Envelope::of(&answer);
            let (spot, said) = absence::read_all(envelope.texts())?;
            let place = Cow::Owned(spot.place.clone());
            Some(Saying { said, place })
        }
        Kind::Json | Kind::Ndjson | Kind::Xml | Kind::Csv | Kind::Text => in_text(&head, false),
    }
}

#[cfg(test)]
mod tests;
