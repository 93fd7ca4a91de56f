//! The newest moment that an answer names, where nobody said which field tells it: by names of fields and the form of their
//! values.
//!
//! Fields are many, and some of them tell of something else: when a paper will be due, when a company was listed, when the
//! question was asked. Their names are left out, and so is what lies ahead. Of the rest the newest counts, so that whatever
//! still moves in an answer speaks for it.

use std::fmt;

use http::HeaderMap;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::{
    body::Chunks,
    classify::{
        encoding::{self, Inflated},
        freshness::{Moment, Unit},
        json,
    },
};

/// Longer bodies are not looked through.
const LOOK_INTO_UP_TO: usize = 256 * 1024;

/// Texts that can be a moment.
const SHORTEST: usize = 8;
const LONGEST: usize = 40;

/// A zone that a text does not name may be that far ahead of UTC.
const AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// The newest moment that an answer in JSON names and that is not ahead of `now`.
pub(crate) fn newest_of(headers: &HeaderMap, chunks: &Chunks, now: Timestamp) -> Option<Moment> {
    match encoding::inflate(headers, chunks) {
        Inflated::AsItIs => json::in_one(chunks, |body| newest(body, now)),
        Inflated::Plain(bytes) => newest(&bytes, now),
        Inflated::Unknown | Inflated::Broken => None,
    }
}

/// The same of a plain body.
pub(crate) fn newest(body: &[u8], now: Timestamp) -> Option<Moment> {
    if body.len() > LOOK_INTO_UP_TO || !matches!(body.trim_ascii().first(), Some(b'{' | b'[')) {
        return None;
    }
    let mut newest = Newest::until(now)?;
    let look = Look {
        newest: &mut newest,
        tells: false,
    };
    look.deserialize(&mut serde_json::Deserializer::from_slice(body))
        .ok()?;
    newest.moment
}

/// The same of a table of text: of the columns whose name tells a time. Lines with quotes are left out.
pub(crate) fn newest_in_table(text: &[u8], now: Timestamp) -> Option<Moment> {
    let text = std::str::from_utf8(text).ok()?;
    if text.len() > LOOK_INTO_UP_TO {
        return None;
    }
    let mut lines = text.lines().filter(|line| !line.contains('"'));
    let names = lines.next()?.split(',');
    let tell: Vec<bool> = names.map(|name| Told::by(name) == Told::Time).collect();
    let mut newest = Newest::until(now)?;
    for line in lines {
        let cells = line.split(',').zip(&tell);
        for (cell, _) in cells.filter(|(_, tells)| **tells) {
            newest.text(cell.trim());
        }
    }
    newest.moment
}

/// The newest so far.
struct Newest {
    moment: Option<Moment>,
    /// The text that told it, filled up with zeros.
    text: [u8; LONGEST],
    horizon: Timestamp,
}

/// A value that is looked at.
struct Look<'n> {
    newest: &'n mut Newest,
    /// Whether its key is the name of a time.
    tells: bool,
}

/// A key that is looked at.
struct Name<'n>(&'n mut Newest);

// === impl Newest ===

impl Newest {
    /// None yet, and none to be taken that is ahead of `now`.
    fn until(now: Timestamp) -> Option<Self> {
        Some(Self {
            moment: None,
            text: [0; LONGEST],
            horizon: now.checked_add(AHEAD).ok()?,
        })
    }

    fn number(&mut self, number: f64) {
        let unit = [
            (1e9, Unit::S),
            (1e12, Unit::Ms),
            (1e15, Unit::Us),
            (1e18, Unit::Ns),
        ]
        .into_iter()
        // From 2001 to 2100.
        .find(|(since_2001, _)| (1.0..4.2).contains(&(number / since_2001)));
        let at = unit.and_then(|(_, unit)| unit.read_number(number));
        if let Some(at) = at {
            self.take(Moment::At(at));
        }
    }

    fn text(&mut self, text: &str) {
        let is_one = (SHORTEST..=LONGEST).contains(&text.len())
            && text.bytes().any(|byte| byte.is_ascii_digit());
        if !is_one || self.is_before(text.as_bytes()) {
            return;
        }
        let moment = Unit::DateTime.read_text(text, &TimeZone::UTC);
        if moment.is_some_and(|moment| self.take(moment)) {
            self.text = [0; LONGEST];
            for (place, byte) in self.text.iter_mut().zip(text.bytes()) {
                *place = byte;
            }
        }
    }

    /// Whether a text is of the same form as the newest, and not newer: rows have many.
    fn is_before(&self, text: &[u8]) -> bool {
        let length = text.len();
        let is_iso = |text: &[u8]| text.get(4) == Some(&b'-') && text.first() != Some(&b'-');
        let known = self.text.get(..length).unwrap_or_default();
        is_iso(text)
            && is_iso(known)
            && self.text.get(length).is_none_or(|byte| *byte == 0)
            && text <= known
    }

    fn take(&mut self, moment: Moment) -> bool {
        let is_newest = !moment.is_later_than(Moment::At(self.horizon))
            && self.moment.is_none_or(|known| moment.is_later_than(known));
        if is_newest {
            self.moment = Some(moment);
        }
        is_newest
    }
}

// === impl Look ===

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        #[expect(
            clippy::cast_precision_loss,
            reason = "a moment is told to a microsecond all the same"
        )]
        self.visit_f64(value as f64)
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        if self.tells {
            self.newest.number(value);
        }
        Ok(())
    }

    fn visit_str<E>(self, value: &str) -> Result<(), E> {
        if self.tells {
            self.newest.text(value);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        let (newest, tells) = (self.newest, self.tells);
        while rows.next_element_seed(Look { newest, tells })?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let newest = self.newest;
        while let Some(name) = entries.next_key_seed(Name(newest))? {
            match name {
                Told::Nothing => entries.next_value::<IgnoredAny>().map(|_| ())?,
                Told::Time => entries.next_value_seed(Look {
                    newest,
                    tells: true,
                })?,
                Told::Other => entries.next_value_seed(Look {
                    newest,
                    tells: false,
                })?,
            }
        }
        Ok(())
    }
}

/// What a key says of its value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Told {
    /// It is a time of what the answer is about.
    Time,
    /// It is a time of something else, or echoes the question.
    Nothing,
    Other,
}

// === impl Name ===

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Told;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Told, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Told;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Told, E> {
        // Rows under their dates.
        if key.starts_with(|first: char| first.is_ascii_digit()) {
            self.0.text(key);
        }
        Ok(Told::by(key))
    }
}

// === impl Told ===

impl Told {
    /// What the letters of a key say, whatever stands between them.
    fn by(key: &str) -> Self {
        let mut letters = [0_u8; LONGEST];
        let mut length = 0;
        let own = key.bytes().filter(u8::is_ascii_alphabetic);
        for (place, byte) in letters.iter_mut().zip(own) {
            *place = byte.to_ascii_lowercase();
            length += 1;
        }
        let letters = letters.get(..length).unwrap_or_default();
        let holds = |word: &&str| letters.windows(word.len()).any(|w| w == word.as_bytes());
        let ends = |word: &&str| letters.ends_with(word.as_bytes());
        let is = |word: &&str| letters == word.as_bytes();
        if ECHOES.iter().any(is) {
            Self::Nothing
        } else if (TIMES.iter().any(is) || TIME_ENDS.iter().any(ends)) && !OTHERS.iter().any(holds)
        {
            Self::Time
        } else {
            Self::Other
        }
    }
}

/// Names of times.
const TIMES: &[&str] = &["t", "ts", "dt", "asof", "latest", "lastupdate", "update"];
const TIME_ENDS: &[&str] = &[
    "time",
    "times",
    "timestamp",
    "timestamps",
    "datetime",
    "date",
    "dates",
    "updated",
    "updatedat",
    "refreshed",
    "published",
    "publishedat",
    "tradingday",
    "latestday",
    "asofdate",
];

/// Words in the names of times of something else.
const OTHERS: &[&str] = &[
    "expir",
    "matur",
    "first",
    "start",
    "begin",
    "end",
    "list",
    "birth",
    "found",
    "launch",
    "next",
    "upcoming",
    "scheduled",
    "estimate",
    "added",
    "created",
    "joined",
    "server",
    "request",
    "response",
    "generat",
    "retriev",
    "fetch",
    "queried",
    "dividend",
    "earning",
    "announce",
    "declar",
    "pay",
    "settle",
    "split",
    "uptime",
    "runtime",
    "elapsed",
    "fulltime",
    "maxage",
];

/// What echoes the question, or tells of the market's hours.
const ECHOES: &[&str] = &[
    "currenttradingperiod",
    "tradingperiods",
    "parameters",
    "params",
    "query",
    "request",
    "links",
];

#[cfg(test)]
mod tests;
