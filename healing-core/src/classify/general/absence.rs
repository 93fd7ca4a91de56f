//! Whether a JSON answer carries data, and what it says where it does not.

use serde_json::Value;

use crate::{
    classify::{exchange::Exchange, finding::Finding},
    vocabulary::fault::FaultClass,
};

use super::{
    envelope::{Envelope, Spot},
    keys,
    request::{Asks, asks},
    saying::{self, Said},
    status,
};

/// With so many numbers or values an answer is one, whatever else it says.
const NUMBERS_OF_DATA: usize = 3;
const VALUES_OF_DATA: usize = 8;

/// Bytes of texts that are read of one answer.
const READ_UP_TO: usize = 8 * 1024;

/// What is wrong with a JSON answer that came with a good status.
pub(super) fn judge(exchange: &Exchange<'_>, answer: &Value) -> Option<Finding> {
    match answer {
        Value::Null => return Some(Finding::of(FaultClass::EmptyData, "null", "the body: null")),
        Value::Object(fields) if fields.is_empty() => {
            let found = Finding::of(FaultClass::EmptyData, "empty_object", "the body: no key");
            return Some(found.passing(true));
        }
        Value::Array(rows) if matches!(rows.as_slice(), [Value::Object(_), Value::Null]) => {
            return Some(Finding::of(
                FaultClass::EmptyData,
                "no_rows",
                "the body: a head and null",
            ));
        }
        Value::Array(_)
        | Value::Object(_)
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_) => {}
    }
    let envelope = Envelope::of(answer);
    if envelope.is_large() {
        return None;
    }
    if envelope.stale > 0 && envelope.fresh == 0 {
        let place = "the body: it calls itself stale";
        return Some(Finding::of(FaultClass::StaleData, "says_stale", place));
    }
    refusal(&envelope)
        .or_else(|| message(exchange, &envelope))
        .or_else(|| nothing(exchange, &envelope))
}

/// An answer that says of itself that it is none.
fn refusal(envelope: &Envelope<'_>) -> Option<Finding> {
    let place = envelope.error.as_ref().or(envelope.failed.as_ref());
    let by_code = envelope.code.is_some() && envelope.values <= 2;
    // One refused name among others that were answered is a row, not a refusal.
    let is_inner = place.is_none_or(|place| place.matches('/').count() > 1);
    if (place.is_none() && !by_code) || carries(envelope) || (is_inner && envelope.numbers > 0) {
        return None;
    }
    let said = read_all(envelope.texts());
    let (class, rule) = match (envelope.code, said) {
        (Some(code), Some((_, said))) => (status::weigh(code, Some(said)).0, "error_object"),
        (None, Some((_, said))) => (said.class, "error_object"),
        (Some(code), None) => (status::weigh(code, None).0, "error_code"),
        (None, None) => (FaultClass::ServerError, "error_object"),
    };
    let evidence = match (said, place) {
        (Some((spot, said)), _) => found_at(&spot.place, said),
        (None, Some(place)) => format!("{place}: an error"),
        (None, None) => "the body: a status that is no success".to_owned(),
    };
    let found = Finding::of(class, rule, evidence);
    // A code for "nothing now" is what a source says between two of its own updates.
    let is_for_now =
        class == FaultClass::EmptyData && envelope.said.is_empty() && envelope.noted.is_empty();
    Some(if is_for_now {
        found.passing(true)
    } else {
        found
    })
}

/// An answer that is only a message.
fn message(exchange: &Exchange<'_>, envelope: &Envelope<'_>) -> Option<Finding> {
    if envelope.numbers > 0 || envelope.values > 2 {
        return None;
    }
    // Titles and descriptions are of the thing asked as often as of its absence.
    let noted = envelope.noted.iter();
    let noted = noted.filter(|spot| keys::is_to_the_reader(&spot.place));
    let noted = read_all(noted).filter(|(_, said)| envelope.values == 0 || !said.weak);
    let is_prose = |spot: &&Spot<'_>| spot.text.len() >= 10 && spot.text.trim().contains(' ');
    let other = || {
        let spots = envelope.other.iter().filter(is_prose);
        read_all(spots).filter(|(_, said)| envelope.values <= 1 && !said.weak)
    };
    let Some((spot, said)) = noted.or_else(other) else {
        let has_words = || {
            envelope
                .noted
                .iter()
                .any(|spot| !keys::is_success(spot.text))
        };
        let is_odd = envelope.odd_code && envelope.values == 0 && has_words();
        let found = || {
            Finding::of(
                FaultClass::ServerError,
                "error_code",
                "the body: a code and a message",
            )
        };
        return is_odd.then(found);
    };
    let searched = || matches!(asks(exchange), Asks::Search | Asks::Unknown);
    if said.class == FaultClass::EmptyData
        && envelope.empty > 0
        && envelope.filled == 0
        && searched()
    {
        return None; // a search that found nothing, and says so
    }
    Some(Finding::of(
        said.class,
        "message",
        found_at(&spot.place, said),
    ))
}

/// An answer with the right names and nothing under them.
fn nothing(exchange: &Exchange<'_>, envelope: &Envelope<'_>) -> Option<Finding> {
    if envelope.numbers == 0 && envelope.zeros >= NUMBERS_OF_DATA && envelope.values <= 1 {
        let found = Finding::of(
            FaultClass::EmptyData,
            "zeros",
            "the body: every number is zero",
        );
        return Some(found.passing(true));
    }
    if envelope.numbers == 0 && envelope.missing >= NUMBERS_OF_DATA && envelope.values <= 1 {
        return Some(Finding::of(
            FaultClass::EmptyData,
            "missing_values",
            "the body: every value is said to be missing",
        ));
    }
    if envelope.hollow > 0 && envelope.filled <= 1 {
        return Some(Finding::of(
            FaultClass::EmptyData,
            "hollow_rows",
            "the body: rows without a value",
        ));
    }
    let bare = envelope.values == 0 && envelope.filled == 0;
    // Some leave the list out where it would be empty, and only count.
    let names_none = envelope.blanks == 0 && envelope.nulls == 0;
    let only_counts =
        envelope.counts_none && names_none && envelope.numbers == 0 && envelope.values <= 1;
    let has_no_row = envelope.empty > 0 || only_counts;
    if has_no_row && envelope.filled == 0 && (bare || envelope.counts_none) {
        return match asks(exchange) {
            Asks::Search | Asks::Unknown => None,
            Asks::Span => Some(Finding::of(
                FaultClass::EmptyData,
                "no_rows",
                "the body: no row in the asked span",
            )),
            Asks::Thing => Some(Finding::of(
                FaultClass::NotFound,
                "no_rows",
                "the body: no row for the asked name",
            )),
        };
    }
    if bare && envelope.blanks > 0 && asks(exchange) == Asks::Thing {
        return Some(Finding::of(
            FaultClass::NotFound,
            "no_values",
            "the body: nothing under the asked name",
        ));
    }
    (bare && (envelope.blanks > 0 || envelope.nulls > 0)).then(|| {
        Finding::of(
            FaultClass::EmptyData,
            "no_values",
            "the body: nothing under its keys",
        )
    })
}

const fn carries(envelope: &Envelope<'_>) -> bool {
    envelope.numbers >= NUMBERS_OF_DATA || envelope.values >= VALUES_OF_DATA
}

/// The first text that says something; what many things are said with counts only where nothing else was said.
pub(super) fn read_all<'e, 'v: 'e>(
    spots: impl Iterator<Item = &'e Spot<'v>>,
) -> Option<(&'e Spot<'v>, Said)> {
    let mut weak = None;
    let mut read = 0;
    for spot in spots.take_while(|spot| {
        let is_enough = read >= READ_UP_TO;
        read += spot.text.len();
        !is_enough
    }) {
        match saying::read(spot.text, false) {
            Some(said) if !said.weak => return Some((spot, said)),
            Some(said) => weak = weak.or(Some((spot, said))),
            None => {}
        }
    }
    weak
}

/// Where something was said, and by which of our words.
pub(super) fn found_at(place: &str, said: Said) -> String {
    match said.words {
        [one, ""] => format!("{place}: {one}"),
        [one, other] => format!("{place}: {one}, {other}"),
    }
}
