//! Exchanges as lines of JSON, in the form of the corpus: one object a line.

use std::io::{self, BufRead, Read};

use bytes::Bytes;
use healing_core::classify::{Recorded, plain_body};
use http::HeaderMap;
use serde_json::Value;

use super::entry::{Entry, Fields, Flaw, Label, add, host, parse};

/// The longest line that is read.
const LONGEST_LINE: u64 = 16 * 1024 * 1024;

/// The lines of an input, one in memory at a time.
pub(super) struct Lines<R> {
    input: R,
    line: Vec<u8>,
    number: u64,
}

// === impl Lines ===

impl<R: BufRead> Lines<R> {
    pub(super) const fn of(input: R) -> Self {
        Self {
            input,
            line: Vec::new(),
            number: 0,
        }
    }

    /// The number of the next line that is not blank, and the exchange that it holds.
    pub(super) fn next(&mut self) -> io::Result<Option<(u64, Result<Entry, Flaw>)>> {
        loop {
            self.line.clear();
            // One byte more, to tell the longest line from one that is longer.
            let mut bounded = self.input.by_ref().take(LONGEST_LINE + 1);
            let length = bounded.read_until(b'\n', &mut self.line)?;
            if length == 0 {
                return Ok(None);
            }
            self.number += 1;
            let is_cut = bounded.limit() == 0 && !self.line.ends_with(b"\n");
            if is_cut {
                self.skip()?;
                return Ok(Some((self.number, Err(Flaw::TooLong(LONGEST_LINE)))));
            }
            if !self.line.trim_ascii().is_empty() {
                return Ok(Some((self.number, read(&self.line, self.number))));
            }
        }
    }

    /// Reads to the end of the line and keeps nothing of it.
    fn skip(&mut self) -> io::Result<()> {
        self.line = Vec::new();
        self.input.skip_until(b'\n')?;
        Ok(())
    }
}

fn read(line: &[u8], number: u64) -> Result<Entry, Flaw> {
    let mut fields = Fields::of(parse(line.trim_ascii_end())?)?;
    let id = match fields.take("id") {
        None => Value::from(number),
        Some(id @ (Value::String(_) | Value::Number(_))) => id,
        Some(_) => return Err(fields.flaw("id", "a text or a number")),
    };
    let label = label(&mut fields)?;
    let exchange = exchange(fields)?;
    Ok(Entry {
        id,
        exchange,
        label,
    })
}

fn label(fields: &mut Fields) -> Result<Option<Label>, Flaw> {
    let Some(class) = fields.text("label")? else {
        return Ok(None);
    };
    let mut accept = Vec::new();
    for other in fields.list("accept")? {
        let Value::String(other) = other else {
            return Err(fields.flaw("accept", "a list of texts"));
        };
        accept.push(other);
    }
    let retryable = fields.flag("retryable")?;
    Ok(Some(Label {
        class,
        accept,
        retryable,
    }))
}

fn exchange(mut fields: Fields) -> Result<Recorded, Flaw> {
    if !fields.has("status") && !fields.has("transport_error") {
        return Err(Flaw::NoAnswer);
    }
    let mut request = fields.object("request")?;
    let headers = headers(fields.object("headers")?)?;
    let body = body(&mut fields, &headers)?;
    Ok(Recorded {
        source: fields.text("source")?,
        method: request.text("method")?.unwrap_or_default(),
        host: host(&request.text("host")?.unwrap_or_default()),
        target: request.text("path")?.unwrap_or_default(),
        status: fields.status("status")?,
        headers,
        body,
        transport_error: fields.text("transport_error")?,
    })
}

/// The fields of an answer: texts, or lists of texts where a field came several times.
fn headers(fields: Fields) -> Result<HeaderMap, Flaw> {
    let mut headers = HeaderMap::new();
    for (name, value) in fields.rest() {
        let values = if let Value::Array(values) = value {
            values
        } else {
            vec![value]
        };
        for value in values {
            match value {
                Value::String(text) => add(&mut headers, &name, &text),
                Value::Number(number) => add(&mut headers, &name, &number.to_string()),
                Value::Null => {}
                Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
                    let field = format!("headers.{name}");
                    let wanted = "a text";
                    return Err(Flaw::Field { field, wanted });
                }
            }
        }
    }
    Ok(headers)
}

/// The plain body. A text is plain whatever coding the fields name, as recorders write it down after undoing the coding.
fn body(fields: &mut Fields, headers: &HeaderMap) -> Result<Bytes, Flaw> {
    let text = fields.text("body")?;
    let Some(bytes) = fields.base64("body_base64")? else {
        return Ok(text.unwrap_or_default().into());
    };
    if std::str::from_utf8(&bytes).is_ok() {
        return Ok(bytes);
    }
    plain_body(headers, bytes).map_err(|error| Flaw::Coded("body_base64", error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn flaw(line: &str) -> String {
        let mut lines = Lines::of(line.as_bytes());
        let (_, entry) = lines.next().unwrap().expect("a line");
        entry.expect_err("a flaw").to_string()
    }

    #[test]
    fn a_flaw_names_the_field_and_shows_nothing_of_it() {
        for (line, expected) in [
            (
                "{\"status\": 200",
                "no JSON: it ends too early at column 14",
            ),
            (
                "{\"status\": hunter2}",
                "no JSON: expected value at column 12",
            ),
            ("[1]", "no JSON object"),
            ("{}", "neither `status` nor `transport_error`"),
            (
                "{\"status\": \"hunter2\"}",
                "`status`: a number from 100 to 999 or null is expected",
            ),
            (
                "{\"status\": 200, \"request\": {\"path\": [\"hunter2\"]}}",
                "`request.path`: a text is expected",
            ),
            (
                "{\"status\": 200, \"headers\": {\"date\": {}}}",
                "`headers.date`: a text is expected",
            ),
            (
                "{\"status\": 200, \"body_base64\": \"?\"}",
                "`body_base64`: base64 is expected",
            ),
        ] {
            assert_eq!(flaw(line), expected, "{line}");
        }
    }

    #[test]
    fn a_body_in_base64_is_given_plain_whether_it_is_coded_or_not() {
        let line = |body: &str| {
            format!(
                r#"{{"status": 200, "headers": {{"content-encoding": "gzip"}}, "body_base64": "{body}"}}"#
            )
        };
        for body in ["H4sIAAAAAAACA6tWSlSyMqwFAK+sG1YHAAAA", "eyJhIjoxfQ=="] {
            let entry = read(line(body).as_bytes(), 1).expect("an entry");
            assert_eq!(entry.exchange.body, r#"{"a":1}"#, "{body}");
        }
        assert_eq!(
            flaw(&line("H4sI/w==")),
            "`body_base64`: its content coding cannot be undone, it is broken: give the plain body"
        );
    }

    #[test]
    fn a_line_above_the_bound_is_skipped_and_the_next_one_is_read() {
        let bound = usize::try_from(LONGEST_LINE).unwrap();
        let good = "{\"status\": 200}";
        let at_the_bound = format!("{good}{}\n", " ".repeat(bound - good.len()));
        let text = format!("{at_the_bound}{}\n\n{good}", " ".repeat(bound + 1));
        let mut lines = Lines::of(text.as_bytes());
        let mut seen = Vec::new();
        while let Some((number, entry)) = lines.next().unwrap() {
            seen.push((number, entry.err()));
        }
        let too_long = Some(Flaw::TooLong(LONGEST_LINE));
        assert_eq!(seen, [(1, None), (2, too_long), (4, None)]);
    }

    #[test]
    fn a_field_that_is_none_of_http_is_left_out_and_the_others_stay() {
        let line =
            br#"{"status": 200, "headers": {"a b": "1", "c": "x\ny", "d": ["1", "2"], "age": 7}}"#;
        let entry = read(line, 1).expect("an entry");
        let headers = entry.exchange.headers;
        assert_eq!(headers.len(), 3, "{headers:?}");
        assert_eq!(headers["age"], "7");
    }
}
