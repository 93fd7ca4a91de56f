//! Exchanges in a HAR file (HTTP Archive 1.2), as browsers and proxies write them.

use std::{
    fmt,
    io::{BufReader, Read},
};

use anyhow::{Error, Result, bail};
use bytes::Bytes;
use healing_core::classify::Recorded;
use http::{HeaderMap, header};
use serde::de::{
    DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Value, error::Category, value::RawValue};

use super::entry::{Entry, Fields, Flaw, add, host, parse};

/// The longest file that is read.
const LONGEST_FILE: u64 = 256 * 1024 * 1024;

/// Takes the number of an entry, from 1 on, and the entry.
type Each<'a> = &'a mut dyn FnMut(u64, Result<Entry, Flaw>) -> Result<()>;

/// Reads the entries of a file one by one: only one is in memory at a time.
///
/// # Errors
/// When the file cannot be read to its end, is above the bound, is no HAR, or `each` fails.
pub(super) fn read(input: impl Read, each: Each<'_>) -> Result<()> {
    let mut bounded = input.take(LONGEST_FILE + 1);
    let (mut number, mut failed) = (0, None);
    let mut hand_out = |value: Box<RawValue>| {
        number += 1;
        each(
            number,
            parse(value.get().as_bytes()).and_then(|value| entry(value, number)),
        )
        .map_err(|error| {
            failed = Some(error);
        })
    };
    let mut found = false;
    let walk = Walk {
        at: Place::Document,
        found: &mut found,
        each: &mut hand_out,
    };
    let mut json = serde_json::Deserializer::from_reader(BufReader::new(&mut bounded));
    let walked = walk.deserialize(&mut json).and_then(|()| json.end());
    if let Some(error) = failed {
        return Err(error);
    }
    if bounded.limit() == 0 {
        bail!(
            "the HAR is longer than {} MiB",
            LONGEST_FILE / (1024 * 1024)
        );
    }
    match walked {
        Ok(()) if found => Ok(()),
        Err(error) if error.classify() == Category::Io => {
            Err(Error::from(std::io::Error::from(error)))
        }
        Err(error) if error.classify() != Category::Data => {
            let line = error.line();
            Err(Error::from(Flaw::of(&error)).context(format!("the HAR, line {line}")))
        }
        Ok(()) | Err(_) => {
            bail!("no HAR: it has no list `log.entries`; other objects stand on one line each")
        }
    }
}

/// A part of the file on the way to its entries.
struct Walk<'a> {
    at: Place,
    found: &'a mut bool,
    each: &'a mut dyn FnMut(Box<RawValue>) -> Result<(), ()>,
}

#[derive(Clone, Copy)]
enum Place {
    Document,
    Log,
    Entries,
}

// === impl Walk ===

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.at {
            Place::Document | Place::Log => deserializer.deserialize_map(self),
            Place::Entries => deserializer.deserialize_seq(self),
        }
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a list `log.entries`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            let at = match (self.at, &*key) {
                (Place::Document, "log") => Place::Log,
                (Place::Log, "entries") => Place::Entries,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            let (found, each) = (&mut *self.found, &mut *self.each);
            map.next_value_seed(Walk { at, found, each })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        *self.found = true;
        while let Some(value) = list.next_element()? {
            (self.each)(value).map_err(|()| A::Error::custom("stopped"))?;
        }
        Ok(())
    }
}

fn entry(value: Value, number: u64) -> Result<Entry, Flaw> {
    let mut entry = Fields::of(value)?;
    let mut request = entry.object("request")?;
    let mut response = entry.object("response")?;
    if !response.has("status") {
        return Err(response.flaw("status", "a number"));
    }
    let url = request.text("url")?.unwrap_or_default();
    let (host, target) =
        host_and_target(&url).ok_or_else(|| request.flaw("url", "a URL with a host"))?;
    let status = response.status("status")?;
    let mut content = response.object("content")?;
    let mut headers = headers(response.list("headers")?)?;
    let media_type = content.text("mimeType")?.unwrap_or_default();
    if !headers.contains_key(header::CONTENT_TYPE) && media_type.contains('/') {
        add(&mut headers, header::CONTENT_TYPE.as_str(), &media_type);
    }
    let reason = response.text("_error")?.filter(|reason| !reason.is_empty());
    let transport_error = status
        .is_none()
        .then(|| reason.unwrap_or_else(|| "no answer".to_owned()));
    let exchange = Recorded {
        source: None,
        method: request.text("method")?.unwrap_or_default(),
        host,
        target,
        status,
        headers,
        body: body(content, status)?,
        transport_error,
    };
    Ok(Entry {
        id: Value::from(number),
        exchange,
        label: None,
    })
}

fn headers(list: Vec<Value>) -> Result<HeaderMap, Flaw> {
    let mut headers = HeaderMap::new();
    for field in list {
        let mut field = Fields::of(field)?;
        let name = field.text("name")?.unwrap_or_default();
        let value = field.text("value")?.unwrap_or_default();
        add(&mut headers, &name, &value);
    }
    Ok(headers)
}

/// The body, which stands in a HAR with its content coding undone.
fn body(mut content: Fields, status: Option<u16>) -> Result<Bytes, Flaw> {
    let size = content.take("size").and_then(|size| size.as_f64());
    if !content.has("text") {
        // The body of an error can be missed; that of an answer decides.
        let is_missed = size.is_some_and(|size| size > 0.0) && status.is_some_and(|s| s < 300);
        return if is_missed {
            Err(Flaw::NoContent)
        } else {
            Ok(Bytes::new())
        };
    }
    let is_base64 = content
        .text("encoding")?
        .is_some_and(|name| name.eq_ignore_ascii_case("base64"));
    if is_base64 {
        return Ok(content.base64("text")?.unwrap_or_default());
    }
    Ok(content.text("text")?.unwrap_or_default().into())
}

/// The host of a URL without its port, and the path with its query.
fn host_and_target(url: &str) -> Option<(String, String)> {
    let (_, rest) = url.split_once("://")?;
    let (rest, _) = rest.split_once('#').unwrap_or((rest, ""));
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, target) = rest.split_at_checked(end)?;
    let (_, authority) = authority.rsplit_once('@').unwrap_or(("", authority));
    let slash = if target.starts_with('/') { "" } else { "/" };
    let host = host(authority);
    (!host.is_empty()).then(|| (host, format!("{slash}{target}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_taken_apart_without_its_port_its_user_and_its_fragment() {
        for (url, host, target) in [
            (
                "https://api.example/v1/a?b=c/d",
                "api.example",
                "/v1/a?b=c/d",
            ),
            ("http://u:p@API.example:8080?b=1#f", "api.example", "/?b=1"),
            ("https://[::1]:8080/a", "[::1]", "/a"),
            ("https://api.example", "api.example", "/"),
        ] {
            let expected = (host.to_owned(), target.to_owned());
            assert_eq!(host_and_target(url), Some(expected), "{url}");
        }
        assert_eq!(host_and_target("/a"), None);
        assert_eq!(host_and_target("http:///a"), None);
    }

    #[test]
    fn what_is_no_har_is_said_and_what_came_before_a_cut_is_answered() {
        let said = |text: &str| {
            let mut seen = 0;
            let ended = read(text.as_bytes(), &mut |_, _| {
                seen += 1;
                Ok(())
            });
            (seen, ended.map_err(|error| format!("{error:#}")))
        };
        let none = || {
            Err(
                "no HAR: it has no list `log.entries`; other objects stand on one line each"
                    .to_owned(),
            )
        };
        assert_eq!(said("{\"log\": {}}"), (0, none()));
        assert_eq!(said("{\"log\": {\"entries\": 3}}"), (0, none()));
        let cut = "{\"log\": {\"pages\": [], \"entries\": [{}, {}, ";
        let reason = "the HAR, line 1: no JSON: it ends too early at column 42";
        assert_eq!(said(cut), (2, Err(reason.to_owned())));
        assert_eq!(said("{\"log\": {\"entries\": [{}]}}"), (1, Ok(())));
    }
}
