//! A whole answer as a request wants it: all of it, a part of it, its head, or word that the caller has it already
//! (RFC 9110, sections 13 and 14).

use std::ops::Range;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};

use crate::{
    body::{Body, Chunks},
    kept::{copy::Copy, date},
};

/// Fields of a copy that describe a body that is not sent with a 304 (RFC 9110, section 15.4.5).
const OF_THE_BODY: [HeaderName; 3] = [
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::CONTENT_ENCODING,
];

/// The fields of a request that ask for less than the whole answer.
const FOR_LESS: [HeaderName; 4] = [
    header::IF_NONE_MATCH,
    header::IF_MODIFIED_SINCE,
    header::RANGE,
    header::IF_RANGE,
];

/// What of an answer a request wants.
enum Portion {
    Whole,
    /// The caller has it.
    Nothing,
    Part(Range<usize>),
    /// There is no such part.
    NoPart,
}

/// The copy, as that request wants it.
pub(crate) fn give(copy: &Copy, method: &Method, asked: &HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::of(copy.body.clone()));
    *response.status_mut() = copy.status;
    *response.headers_mut() = copy.headers.clone();
    response.headers_mut().remove(header::AGE);
    tailor(response, method, asked)
}

/// An answer that is whole, as that request wants it. One that still comes is left as it is.
pub(crate) fn tailor(
    response: Response<Body>,
    method: &Method,
    asked: &HeaderMap,
) -> Response<Body> {
    let Some(chunks) = response.body().whole() else {
        return response;
    };
    let length = chunks.len();
    let portion = portion(&response, length, method, asked);
    let (mut head, body) = response.into_parts();
    let body = match portion {
        Portion::Whole if *method == Method::HEAD => {
            head.headers.insert(header::CONTENT_LENGTH, length.into());
            Body::empty()
        }
        Portion::Whole => body,
        Portion::Nothing => {
            head.status = StatusCode::NOT_MODIFIED;
            for name in OF_THE_BODY {
                head.headers.remove(name);
            }
            Body::empty()
        }
        Portion::Part(part) => {
            head.status = StatusCode::PARTIAL_CONTENT;
            let range = format!(
                "bytes {}-{}/{length}",
                part.start,
                part.end.saturating_sub(1)
            );
            say(&mut head.headers, &range);
            head.headers
                .insert(header::CONTENT_LENGTH, part.len().into());
            body.whole()
                .map_or_else(Body::empty, |chunks| cut(chunks, part))
        }
        Portion::NoPart => {
            head.status = StatusCode::RANGE_NOT_SATISFIABLE;
            say(&mut head.headers, &format!("bytes */{length}"));
            head.headers.remove(header::CONTENT_LENGTH);
            Body::empty()
        }
    };
    Response::from_parts(head, body)
}

/// Takes out the fields that ask for less, for a request whose whole answer is wanted.
pub(crate) fn ask_for_all(headers: &mut HeaderMap) -> HeaderMap {
    let mut less = HeaderMap::new();
    for name in FOR_LESS {
        while let Some(value) = headers.remove(&name) {
            less.append(&name, value);
        }
    }
    less
}

/// Whether a request asks for less than the whole answer.
pub(crate) fn asks_for_less(headers: &HeaderMap) -> bool {
    FOR_LESS.iter().any(|name| headers.contains_key(name))
}

fn say(headers: &mut HeaderMap, range: &str) {
    if let Ok(range) = HeaderValue::from_str(range) {
        headers.insert(header::CONTENT_RANGE, range);
    }
}

fn portion(
    response: &Response<Body>,
    length: usize,
    method: &Method,
    asked: &HeaderMap,
) -> Portion {
    if response.status() != StatusCode::OK {
        return Portion::Whole;
    }
    if is_known(response.headers(), asked) {
        return Portion::Nothing;
    }
    let Some(range) = asked.get(header::RANGE).filter(|_| *method == Method::GET) else {
        return Portion::Whole;
    };
    if !range_holds(response.headers(), asked) {
        return Portion::Whole;
    }
    match part(range.as_bytes(), length) {
        None => Portion::Whole,
        Some(part) if part.is_empty() => Portion::NoPart,
        Some(part) => Portion::Part(part),
    }
}

/// Whether the caller says that it has just this one: by its tag (weak comparison), else by its date.
pub(crate) fn is_known(answer: &HeaderMap, request: &HeaderMap) -> bool {
    if request.contains_key(header::IF_NONE_MATCH) {
        let own = answer.get(header::ETAG).map(|tag| weak(tag.as_bytes()));
        let mut known = request
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .flat_map(|value| tags(value.as_bytes()));
        return known.any(|known| known == b"*" || own.is_some_and(|own| weak(known) == own));
    }
    let since = request
        .get(header::IF_MODIFIED_SINCE)
        .and_then(|_| date::said(request, &header::IF_MODIFIED_SINCE));
    since.is_some_and(|since| {
        date::said(answer, &header::LAST_MODIFIED).is_some_and(|changed| changed <= since)
    })
}

/// The tags of a list. A comma in a tag separates nothing.
fn tags(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    list.split(move |byte| {
        quoted ^= *byte == b'"';
        *byte == b',' && !quoted
    })
    .map(<[u8]>::trim_ascii)
}

fn weak(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

/// Whether the part is wanted of this answer (RFC 9110, section 13.1.5).
fn range_holds(answer: &HeaderMap, request: &HeaderMap) -> bool {
    let Some(condition) = request.get(header::IF_RANGE) else {
        return true;
    };
    let has = |name: HeaderName| answer.get(name).is_some_and(|value| value == condition);
    let strong = !condition.as_bytes().starts_with(b"W/");
    strong && (has(header::ETAG) || has(header::LAST_MODIFIED))
}

/// The bytes that `Range` names, none where there are no such; `None` where it is not one range of bytes.
fn part(range: &[u8], length: usize) -> Option<Range<usize>> {
    let text = std::str::from_utf8(range).ok()?.trim();
    let (first, last) = text.strip_prefix("bytes=")?.trim().split_once('-')?;
    let number = |digits: &str| digits.parse::<usize>().ok();
    match (first, last) {
        ("", last) => Some(length.saturating_sub(number(last)?)..length),
        (first, "") => Some(number(first)?.min(length)..length),
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then(|| first.min(length)..last.saturating_add(1).min(length))
        }
    }
}

/// That part of a body. Nothing is copied.
fn cut(chunks: &Chunks, part: Range<usize>) -> Body {
    let mut before = 0;
    let mut cut = Chunks::None;
    for chunk in chunks.iter() {
        let from = part.start.saturating_sub(before).min(chunk.len());
        let to = part.end.saturating_sub(before).min(chunk.len());
        before += chunk.len();
        cut.push(if from < to {
            chunk.slice(from..to)
        } else {
            Bytes::new()
        });
    }
    Body::of(cut)
}

#[cfg(test)]
mod tests;
