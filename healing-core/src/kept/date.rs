//! Dates as HTTP writes them (RFC 9110, section 5.6.7): three forms, nothing loose, in any case.

use http::{HeaderMap, HeaderName};
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The date that a field says; `None` without one, with more than one, or with one that is none.
pub(crate) fn said(headers: &HeaderMap, name: &HeaderName) -> Option<Timestamp> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    read(value.to_str().ok()?)
}

/// A date. The name of its day has to be one, and is not compared with the date.
pub(crate) fn read(text: &str) -> Option<Timestamp> {
    let words: Vec<&str> = text.split(' ').collect();
    let (year, month, day, time) = match *words.as_slice() {
        // Sun, 06 Nov 1994 08:49:37 GMT
        [name, day, month, year, time, zone] if is(zone, "GMT") => {
            is_short(name.strip_suffix(',')?).then_some(())?;
            (digits(year, 4)?, month, digits(day, 2)?, time)
        }
        // Sun Nov  6 08:49:37 1994
        [name, month, "", day, time, year] if is_short(name) => {
            (digits(year, 4)?, month, digits(day, 1)?, time)
        }
        [name, month, day, time, year] if is_short(name) => {
            (digits(year, 4)?, month, digits(day, 2)?, time)
        }
        // Sunday, 06-Nov-94 08:49:37 GMT
        [name, date, time, zone] if is(zone, "GMT") => {
            is_long(name.strip_suffix(',')?).then_some(())?;
            let mut parts = date.split('-');
            let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
            parts.next().is_none().then_some(())?;
            (
                of_this_century(digits(year, 2)?),
                month,
                digits(day, 2)?,
                time,
            )
        }
        _ => return None,
    };
    let month = MONTHS.iter().position(|name| is(month, name))?;
    let mut parts = time.split(':').map(|part| digits(part, 2));
    let (hour, minute, second) = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(())?;
    let small = |number: i16| i8::try_from(number).ok();
    let date = DateTime::new(
        year,
        i8::try_from(month).ok()? + 1,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second)?.min(59), // a leap second is the one before it
        0,
    );
    TimeZone::UTC.to_timestamp(date.ok()?).ok()
}

fn is(text: &str, word: &str) -> bool {
    text.eq_ignore_ascii_case(word)
}

fn is_short(name: &str) -> bool {
    DAYS.iter()
        .any(|day| day.get(..3).is_some_and(|short| is(name, short)))
}

fn is_long(name: &str) -> bool {
    DAYS.iter().any(|day| is(name, day))
}

/// Just that many digits.
fn digits(text: &str, count: usize) -> Option<i16> {
    let fits = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok()).flatten()
}

/// Two digits of a year, read as most readers do.
const fn of_this_century(year: i16) -> i16 {
    if year < 70 { 2000 + year } else { 1900 + year }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_are_read_in_any_case() {
        let expected = "1994-11-06T08:49:37Z".parse().unwrap();
        for date in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "SUN, 06 nOV 1994 08:49:37 gmt",
            "Mon Nov  6 08:49:37 1994",
        ] {
            assert_eq!(read(date), Some(expected), "{date}");
        }
    }

    #[test]
    fn nothing_loose_is_a_date() {
        for date in [
            "0",
            "",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 AEST",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun 06 Nov 1994 08:49:37 GMT",
            "Sun, 06  Nov 1994 08:49:37 GMT",
            "Sun, 06-Nov-1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08.49.37 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT",
            "Sun, 31 Feb 1994 08:49:37 GMT",
            "Sunday, 06-Nov-1994 08:49:37 GMT",
            "Someday, 06-Nov-94 08:49:37 GMT",
        ] {
            assert_eq!(read(date), None, "{date}");
        }
    }
}
