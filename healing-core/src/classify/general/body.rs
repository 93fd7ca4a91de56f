//! An answer with a good status, by the kind of text that it is.

use serde::de::IgnoredAny;
use serde_json::Value;

use crate::{
    classify::{
        exchange::{Exchange, Kind},
        finding::Finding,
    },
    vocabulary::fault::FaultClass,
};

use super::{
    LOOK_INTO_UP_TO, absence, ndjson,
    page::{self, Page},
    saying, table,
};

/// An answer with a good status: the body decides.
pub(super) fn judge(exchange: &Exchange<'_>, status: u16) -> Option<Finding> {
    if exchange.method.eq_ignore_ascii_case("HEAD") {
        return None;
    }
    let head = exchange.head_of_body();
    match exchange.kind() {
        Kind::Empty => {
            let reads = exchange.method.is_empty() || exchange.method.eq_ignore_ascii_case("GET");
            let empty = Finding::of(FaultClass::EmptyData, "empty_body", "the body: no byte");
            reads.then(|| empty.passing(!matches!(status, 204 | 205)))
        }
        Kind::Json => json(exchange),
        Kind::Ndjson => ndjson::judge(exchange),
        Kind::Html => html(exchange, &head),
        Kind::Xml => xml(exchange, &head),
        Kind::Csv | Kind::Text => text(exchange, &head),
    }
}

fn json(exchange: &Exchange<'_>) -> Option<Finding> {
    let text = exchange.text();
    let broken = if text.len() <= LOOK_INTO_UP_TO {
        match serde_json::from_slice::<Value>(text) {
            Ok(answer) => return absence::judge(exchange, &answer),
            Err(broken) => broken,
        }
    } else {
        match serde_json::from_slice::<IgnoredAny>(text) {
            Ok(_) => return None,
            Err(broken) => broken,
        }
    };
    if broken.is_eof() {
        return Some(Finding::of(
            FaultClass::MalformedBody,
            "cut_json",
            "the body: ends too early",
        ));
    }
    // A line each, or Python's numbers: no JSON by the book, and what the source means to send.
    let lines = serde_json::Deserializer::from_slice(text).into_iter::<IgnoredAny>();
    let has = |word: &[u8]| text.windows(word.len()).any(|window| window == word);
    let meant = lines.take(2).filter(Result::is_ok).count() == 2 || has(b"NaN") || has(b"Infinity");
    (!meant).then(|| {
        Finding::of(
            FaultClass::MalformedBody,
            "broken_json",
            "the body: breaks the grammar",
        )
    })
}

/// A page where data was asked, unless pages are what the path is about.
fn html(exchange: &Exchange<'_>, head: &str) -> Option<Finding> {
    let page = Page::of(head);
    let path = exchange.path().to_ascii_lowercase();
    let is_asked = [".htm", ".html", ".php", ".aspx"]
        .iter()
        .any(|end| path.ends_with(end));
    let heads = saying::read(&page.heads, true).filter(|said| !said.weak || !is_asked);
    if let Some(said) = heads.filter(|said| !said.weak) {
        let evidence = absence::found_at("the title", said);
        return Some(Finding::of(said.class, "page_title", evidence));
    }
    if is_asked {
        return None;
    }
    match saying::read(&page.text, true) {
        Some(said) if !said.weak || said.class == FaultClass::AuthError => Some(Finding::of(
            said.class,
            "page_text",
            absence::found_at("the page", said),
        )),
        _ => Some(Finding::of(
            FaultClass::MalformedBody,
            "html_instead",
            "the body: a page",
        )),
    }
}

/// XML is data unless its outermost element is an error.
fn xml(exchange: &Exchange<'_>, head: &str) -> Option<Finding> {
    let root = page::root_of(head);
    let is_error = ["error", "exception", "fault"]
        .iter()
        .any(|word| root.contains(word));
    let names_one = exchange.body.len() <= 2048
        && ["<error", "error>"]
            .iter()
            .any(|mark| head.to_ascii_lowercase().contains(mark));
    if !is_error && !names_one {
        return None;
    }
    match saying::read(head, false) {
        Some(said) => Some(Finding::of(
            said.class,
            "error_element",
            absence::found_at("the body", said),
        )),
        None => is_error.then(|| {
            Finding::of(
                FaultClass::ServerError,
                "error_element",
                "the body: an error",
            )
        }),
    }
}

/// Text is data where it has lines of values or is one value; a sentence is read.
fn text(exchange: &Exchange<'_>, head: &str) -> Option<Finding> {
    if matches!(head, "null" | "None" | "undefined") {
        return Some(Finding::of(FaultClass::EmptyData, "null", "the body: null"));
    }
    let mut lines = head.lines().filter(|line| !line.trim().is_empty());
    let first = lines.next().unwrap_or_default();
    let words = first
        .split_whitespace()
        .filter(|word| word.chars().any(char::is_alphabetic))
        .count();
    let is_table = exchange.kind() == Kind::Csv && !is_sentence(first);
    if is_table {
        return table::judge(exchange, head);
    }
    let is_short = head.len() <= 1024 && lines.count() <= 4;
    if !is_short {
        return None;
    }
    if let Some(said) = saying::read(head, false).filter(|_| words >= 2) {
        return Some(Finding::of(
            said.class,
            "text",
            absence::found_at("the text", said),
        ));
    }
    let is_announced = exchange.says_type("json") || exchange.says_type("xml");
    (is_announced || (words >= 4 && is_sentence(first))).then(|| {
        Finding::of(
            FaultClass::MalformedBody,
            "text_instead",
            "the body: a text",
        )
    })
}

/// Whether a line is one for people: words, and hardly a comma or a digit between them.
fn is_sentence(line: &str) -> bool {
    let words = line.split_whitespace().count();
    let marks = line.bytes().filter(|b| b",;\t|".contains(b)).count();
    words >= 2 && marks * 3 < words
}
