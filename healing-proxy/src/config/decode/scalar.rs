//! Reads single values.

use std::{fmt::Display, str::FromStr, time::Duration};

use healing_core::{
    Template,
    written::{Node, Value, span, unknown},
};
use serde_json::{Value as Json, json};

use super::{At, Reader};
use crate::{
    config::shape::{Form, Kind, Known},
    upstream::Origin,
};

impl Reader<'_> {
    pub(super) fn scalar(&mut self, kind: &'static Kind, at: At<'_>) -> Option<Json> {
        let node = at.node;
        match kind {
            Kind::Bool => self.or_say(at, node.bool().map(Json::from), "true or false"),
            Kind::Whole(from, to) => {
                let found = node.number().and_then(whole);
                let found = found.filter(|number| (from..=to).contains(&number));
                self.or_say(
                    at,
                    found.map(Json::from),
                    &format!("a whole number from {from} to {to}"),
                )
            }
            Kind::Share => self.or_say(
                at,
                share(node).map(Json::from),
                "a part of a whole such as 0.05 or 5 %",
            ),
            Kind::Amount => {
                let found = node.number().filter(|number| *number >= 0.0);
                self.or_say(at, found.map(Json::from), "a number that is not negative")
            }
            Kind::Number => self.or_say(at, node.number().map(Json::from), "a number"),
            Kind::Span => {
                let found = node.text().and_then(span).and_then(millis);
                self.or_say(at, found, "a time such as 500ms, 2s, 15m, 24h or 30d")
            }
            Kind::Seconds => {
                let seconds = node
                    .number()
                    .and_then(|number| Duration::try_from_secs_f64(number).ok());
                let found = seconds
                    .or_else(|| node.text().and_then(span))
                    .and_then(millis);
                self.or_say(at, found, "a number of seconds, or a time such as 10s")
            }
            Kind::Size => self.or_say(
                at,
                size(node).map(Json::from),
                "a size such as 64KiB, 2MiB or 1GiB, or a number of bytes",
            ),
            Kind::Origin => self.parsed::<Origin>(at, "a URL such as http://127.0.0.1:5002"),
            Kind::Template => self.parsed::<Template>(at, "a path such as /api/series/{id}"),
            Kind::Text(form) => self.text(at, form),
            Kind::Secret => self.secret(at),
            Kind::Word(words) => self.word(at, words),
            Kind::Known(Known::Preset) => self.word(at, self.presets),
            Kind::Known(Known::Calendar) => {
                let known: Vec<&str> = self.calendars.names().collect();
                self.word(at, &known)
            }
            Kind::Scalar => self.any(at),
            Kind::Map(_)
            | Kind::Short(..)
            | Kind::Named(..)
            | Kind::List(_)
            | Kind::WordOr(..)
            | Kind::Strategy
            | Kind::Rules => None,
        }
    }

    fn or_say(&mut self, at: At<'_>, found: Option<Json>, must_be: &str) -> Option<Json> {
        if found.is_none() {
            let shown = self.shown_value(at.node);
            let message = format!("{}: is {shown}; must be {must_be}", at.key);
            self.mistakes.say(at.node.at, message);
        }
        found
    }

    fn text(&mut self, at: At<'_>, form: &'static Form) -> Option<Json> {
        let Some(text) = at.node.text() else {
            let quotes = match at.node.value {
                Value::Number(_) | Value::Bool(_) => ", in quotes",
                Value::Null | Value::Text(_) | Value::List(_) | Value::Map(_) => "",
            };
            return self.or_say(at, None, &format!("{}{quotes}", form.must_be));
        };
        let found = (form.fits)(text).then(|| json!(text));
        if found.is_none() && form.may_be_secret {
            let message = format!("{}: does not fit; must be {}", at.key, form.must_be);
            self.mistakes.say(at.node.at, message);
            return None;
        }
        self.or_say(at, found, form.must_be)
    }

    /// A text that the type itself can judge.
    fn parsed<T>(&mut self, at: At<'_>, such_as: &str) -> Option<Json>
    where
        T: FromStr<Err: Display>,
    {
        let Some(text) = at.node.text() else {
            return self.or_say(at, None, such_as);
        };
        match text.parse::<T>() {
            Ok(_) => Some(json!(text)),
            Err(error) => {
                let mut message = format!("{}: {error}", at.key);
                if !message.contains("; ") {
                    message.push_str("; write ");
                    message.push_str(such_as);
                }
                self.mistakes.say(at.node.at, message);
                None
            }
        }
    }

    fn word(&mut self, at: At<'_>, words: &[&str]) -> Option<Json> {
        let Some(word) = at.node.text() else {
            return self.or_say(at, None, &format!("one of {}", words.join(", ")));
        };
        if !words.contains(&word) {
            self.mistakes.say(at.node.at, unknown(at.key, word, words));
            return None;
        }
        Some(json!(word))
    }

    /// A number is taken as it was written: a telephone number has a plus that a number loses.
    fn secret(&mut self, at: At<'_>) -> Option<Json> {
        match &at.node.value {
            Value::Text(text) => Some(json!(text)),
            Value::Number(_) => Some(json!(self.texts.at(at.node.at))),
            Value::Null | Value::Bool(_) | Value::List(_) | Value::Map(_) => {
                self.mistakes.say(
                    at.node.at,
                    format!("{}: must be a text; put it in quotes", at.key),
                );
                None
            }
        }
    }

    fn any(&mut self, at: At<'_>) -> Option<Json> {
        match &at.node.value {
            Value::Bool(bool) => Some(json!(bool)),
            Value::Number(_) => Some(json!(self.texts.at(at.node.at))),
            Value::Text(text) => Some(json!(text)),
            Value::Map(_) => self.or_say(
                at,
                None,
                "a text, a number or a bool; in quotes with braces",
            ),
            Value::Null | Value::List(_) => self.or_say(at, None, "a text, a number or a bool"),
        }
    }

    /// A value as it is said: as it was written, or what it is; never with what stands before an `@`.
    fn shown_value(&self, node: &Node) -> String {
        let written = match node.value {
            Value::Number(_) => self.texts.at(node.at),
            Value::Null | Value::Bool(_) | Value::Text(_) | Value::List(_) | Value::Map(_) => "",
        };
        if written.is_empty() {
            without_credentials(&node.value.to_string())
        } else {
            written.to_owned()
        }
    }
}

/// Takes out what stands between `//` and `@`.
fn without_credentials(shown: &str) -> String {
    let cut = shown.split_once("//").and_then(|(scheme, rest)| {
        let (_, host) = rest.rsplit_once('@')?;
        Some(format!("{scheme}//...@{host}"))
    });
    cut.unwrap_or_else(|| shown.to_owned())
}

/// A number that is whole and can be counted to.
fn whole(number: f64) -> Option<u64> {
    // Above 2^53 not every whole number is one of these.
    let fits = (0.0..9_007_199_254_740_992.0).contains(&number) && number.fract() == 0.0;
    fits.then(|| format!("{number:.0}").parse().ok()).flatten()
}

fn share(node: &Node) -> Option<f64> {
    let percent = |text: &str| {
        let number = text.trim().strip_suffix('%')?.trim().parse::<f64>().ok()?;
        Some(number / 100.0)
    };
    let share = node.number().or_else(|| node.text().and_then(percent))?;
    (0.0..=1.0).contains(&share).then_some(share)
}

fn millis(time: Duration) -> Option<Json> {
    u64::try_from(time.as_millis()).ok().map(Json::from)
}

fn size(node: &Node) -> Option<u64> {
    const UNITS: [(&str, u64); 7] = [
        ("KiB", 1024),
        ("MiB", 1024 * 1024),
        ("GiB", 1024 * 1024 * 1024),
        ("kB", 1000),
        ("MB", 1_000_000),
        ("GB", 1_000_000_000),
        ("B", 1),
    ];
    let Some(text) = node.text() else {
        return node.number().and_then(whole);
    };
    let (unit, factor) = UNITS.into_iter().find(|(unit, _)| text.ends_with(unit))?;
    let count: u64 = text.strip_suffix(unit)?.trim().parse().ok()?;
    count.checked_mul(factor)
}
