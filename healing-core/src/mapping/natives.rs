//! The functions that maps may use: jq's plain ones, and days and times in UTC.

use jaq_core::{
    Error, ValR, ValT as _,
    load::{self, parse::Def},
    native::{self, Filter, Fun, bome, unary, v},
};
use jaq_json::Val;
use jaq_std::ValT as _;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::mapping::{Jq, value::Metered};

/// Natives that are not for maps: one would end the process.
const LEFT_OUT: [&str; 1] = ["halt"];

/// What is written in jq itself, after jaq's own definitions.
const DEFINITIONS: &str = include_str!("definitions.jq");

/// The definitions.
pub(super) fn definitions() -> Vec<Def<&'static str>> {
    // A test reads them.
    load::parse(DEFINITIONS, |parser| parser.defs()).unwrap_or_default()
}

/// The functions that are not written in jq.
pub(super) fn functions() -> impl Iterator<Item = Fun<Jq>> {
    let standard = jaq_core::funs().chain(jaq_std::base_funs());
    standard
        .filter(|(name, ..)| !LEFT_OUT.contains(name))
        .chain(
            own()
                .into_iter()
                .map(|function| native::run::<Jq>(function)),
        )
}

fn own() -> [Filter<jaq_core::RunPtr<Jq>>; 6] {
    [
        ("length", v(0), |cv| bome(length(&cv.1))),
        ("has", v(1), |cv| {
            unary(cv, |value, key| {
                let found = value.index(&key)?;
                Ok(Metered::from(!matches!(found.val(), Val::Null)))
            })
        }),
        ("tonumber", v(0), |cv| bome(number(cv.1))),
        ("todate", v(0), |cv| {
            bome(written(&cv.1, "%Y-%m-%dT%H:%M:%SZ"))
        }),
        ("strftime", v(1), |cv| {
            unary(cv, |value, format| match text(&format) {
                Some(format) => written(&value, format),
                None => Err(unfit()),
            })
        }),
        ("fromdate", v(0), |cv| bome(moment(&cv.1))),
    ]
}

/// An error without words: what it would quote may be the upstream's.
fn unfit() -> Error<Metered> {
    Error::new(Metered::from(false))
}

fn length(value: &Metered) -> ValR<Metered> {
    let length = match value.val() {
        Val::Null => 0,
        Val::Arr(_) | Val::Obj(_) => value.len(),
        Val::TStr(text) => std::str::from_utf8(text)
            .map_err(|_| unfit())?
            .chars()
            .count(),
        Val::BStr(bytes) => bytes.len(),
        Val::Bool(_) | Val::Num(_) => return Err(unfit()),
    };
    Ok(length.into())
}

/// A number as itself, or as a text says it.
fn number(value: Metered) -> ValR<Metered> {
    if value.as_f64().is_some() {
        return Ok(value);
    }
    let text = text(&value).ok_or_else(unfit)?;
    let parsed: f64 = text.trim().parse().map_err(|_| unfit())?;
    if !parsed.is_finite() {
        return Err(unfit());
    }
    <Metered as jaq_core::ValT>::from_num(text.trim())
}

/// A moment, in seconds since 1970, as text.
fn written(value: &Metered, format: &str) -> ValR<Metered> {
    let seconds = value.as_f64().ok_or_else(unfit)?;
    let since = SignedDuration::try_from_secs_f64(seconds).map_err(|_| unfit())?;
    let at = Timestamp::from_duration(since).map_err(|_| unfit())?;
    let text =
        jiff::fmt::strtime::format(format, &at.to_zoned(TimeZone::UTC)).map_err(|_| unfit())?;
    Ok(text.into())
}

/// A text of RFC 3339, or a day, as seconds since 1970 in UTC.
fn moment(value: &Metered) -> ValR<Metered> {
    let text = text(value).ok_or_else(unfit)?;
    let at = if let Ok(at) = text.parse::<Timestamp>() {
        at
    } else {
        let day: jiff::civil::Date = text.parse().map_err(|_| unfit())?;
        day.to_zoned(TimeZone::UTC)
            .map_err(|_| unfit())?
            .timestamp()
    };
    isize::try_from(at.as_second())
        .map(Metered::from)
        .map_err(|_| unfit())
}

fn text(value: &Metered) -> Option<&str> {
    std::str::from_utf8(value.as_utf8_bytes()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definitions_are_read() {
        assert!(definitions().len() > 40);
    }
}
