//! Putting an answer on a connection, whole or broken.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::answer::{Answer, Delivery};
use crate::gzip;
use crate::request::Request;

/// Bodies shorter than this are not compressed, as servers do.
const GZIP_FROM: usize = 1_024;
const FLOOD_PART: usize = 64 * 1024;

/// What becomes of a connection after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum After {
    Close,
    Keep,
}

/// Compresses the body when the caller can read that and it is worth it.
pub(crate) fn negotiate(answer: Answer, request: &Request) -> Answer {
    let plain =
        answer.body.len() < GZIP_FROM || answer.is_coded() || answer.delivery != Delivery::Whole;
    let accepts = request
        .header("accept-encoding")
        .is_some_and(|list| list.contains("gzip"));
    if plain || !accepts {
        return answer;
    }
    let Some(body) = gzip::compress(&answer.body) else {
        return answer;
    };
    Answer { body, ..answer }
        .with("content-encoding", "gzip")
        .with("vary", "accept-encoding")
}

/// Writes an answer in its way. A connection error ends the connection and nothing else.
pub(crate) async fn deliver(
    stream: &mut TcpStream,
    answer: &Answer,
    request: &Request,
) -> io::Result<After> {
    let keep = request.keep_alive;
    let length = answer.body.len() as u64;
    let sized = format!("content-length: {length}\r\n");
    let head = |framing: &str| head(answer, framing, keep);
    let body: &[u8] = if request.method == "HEAD" {
        &[]
    } else {
        &answer.body
    };
    match answer.delivery {
        Delivery::Whole => send(stream, &head(&sized), body).await?,
        Delivery::Drip(pause) => drip(stream, &head(&sized), (body, pause)).await?,
        Delivery::Surplus => surplus(stream, &head(&sized), body).await?,
        Delivery::WideHead(size) => {
            send(stream, &head(&format!("{sized}{}", padding(size))), body).await?;
        }
        Delivery::Flood(size) => {
            flood(stream, &head(&format!("content-length: {size}\r\n")), size).await?;
        }
        Delivery::CloseAfter
        | Delivery::HangHead
        | Delivery::HangBody
        | Delivery::CutBody
        | Delivery::CutAfter { .. }
        | Delivery::CutChunked
        | Delivery::Reset
        | Delivery::ResetBody
        | Delivery::TwoLengths => {
            cut_off(stream, answer, &head).await?;
            return Ok(After::Close);
        }
    }
    Ok(if keep { After::Keep } else { After::Close })
}

/// The deliveries that end their connection.
async fn cut_off(
    stream: &mut TcpStream,
    answer: &Answer,
    head: &(dyn Fn(&str) -> String + Sync),
) -> io::Result<()> {
    let length = answer.body.len() as u64;
    let sized = |length: u64| format!("content-length: {length}\r\n");
    match answer.delivery {
        Delivery::HangHead => wait_for_end(stream).await,
        Delivery::HangBody => {
            send(stream, &head(&sized(length)), half(&answer.body)).await?;
            wait_for_end(stream).await;
        }
        // An empty body is promised one byte: there must be something to miss.
        Delivery::CutBody => send(stream, &head(&sized(length.max(1))), half(&answer.body)).await?,
        Delivery::CutAfter { promised } => {
            send(
                stream,
                &head(&sized(promised.max(length + 1))),
                &answer.body,
            )
            .await?;
        }
        Delivery::CutChunked => {
            let part = half(&answer.body);
            let chunk = [format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat();
            // A chunk of no bytes would be the last chunk.
            let chunk: &[u8] = if part.is_empty() { &[] } else { &chunk };
            send(stream, &head("transfer-encoding: chunked\r\n"), chunk).await?;
        }
        Delivery::Reset => reset(stream)?,
        Delivery::ResetBody => {
            send(stream, &head(&sized(length)), half(&answer.body)).await?;
            // A reset overtakes bytes the caller has not read yet, so they get a moment.
            tokio::time::sleep(Duration::from_millis(20)).await;
            reset(stream)?;
        }
        Delivery::TwoLengths => {
            let both = format!("{}{}", sized(length), sized(length + 7));
            send(stream, &head(&both), &answer.body).await?;
        }
        Delivery::CloseAfter
        | Delivery::Whole
        | Delivery::Drip(_)
        | Delivery::Surplus
        | Delivery::WideHead(_)
        | Delivery::Flood(_) => send(stream, &head(&sized(length)), &answer.body).await?,
    }
    Ok(())
}

/// Waits until the caller closes its side; whatever it still sends is dropped.
async fn wait_for_end(stream: &mut TcpStream) {
    let mut waste = [0; 1024];
    while matches!(stream.read(&mut waste).await, Ok(count) if count > 0) {}
}

fn head(answer: &Answer, framing: &str, keep: bool) -> String {
    let reason = StatusCode::from_u16(answer.status)
        .ok()
        .and_then(|status| status.canonical_reason());
    let mut head = format!(
        "HTTP/1.1 {} {}\r\n",
        answer.status,
        reason.unwrap_or("Unknown")
    );
    if let Some(content_type) = &answer.content_type {
        push(&mut head, "content-type", content_type);
    }
    for (name, value) in &answer.headers {
        push(&mut head, name, value);
    }
    if !keep {
        push(&mut head, "connection", "close");
    }
    head.push_str(framing);
    head.push_str("\r\n");
    head
}

fn push(head: &mut String, name: &str, value: &str) {
    // Values may echo what a caller sent: a line break in one would be a field of its own.
    let value = value.replace(['\r', '\n'], " ");
    // Writing to a string cannot fail.
    let _written = writeln!(head, "{name}: {value}\r");
}

async fn send(stream: &mut TcpStream, head: &str, body: &[u8]) -> io::Result<()> {
    let whole = [head.as_bytes(), body].concat();
    stream.write_all(&whole).await
}

fn half(body: &Bytes) -> &[u8] {
    body.get(..body.len() / 2).unwrap_or_default()
}

/// Closing with a linger of zero sends RST and not FIN.
fn reset(stream: &TcpStream) -> io::Result<()> {
    SockRef::from(stream).set_linger(Some(Duration::ZERO))
}

async fn drip(
    stream: &mut TcpStream,
    head: &str,
    (body, pause): (&[u8], Duration),
) -> io::Result<()> {
    send(stream, head, &[]).await?;
    for byte in body {
        stream.write_all(&[*byte]).await?;
        tokio::time::sleep(pause).await;
    }
    Ok(())
}

async fn surplus(stream: &mut TcpStream, head: &str, body: &[u8]) -> io::Result<()> {
    send(stream, head, body).await?;
    let stray = r#"{"answer":"to another request"}"#;
    let second = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        stray.len()
    );
    send(stream, &second, stray.as_bytes()).await
}

async fn flood(stream: &mut TcpStream, head: &str, size: u64) -> io::Result<()> {
    send(stream, head, b"[").await?;
    let part = vec![b' '; FLOOD_PART];
    let mut left = size.saturating_sub(2);
    while left > 0 {
        let now = usize::try_from(left).map_or(FLOOD_PART, |left| left.min(FLOOD_PART));
        stream.write_all(part.get(..now).unwrap_or(&part)).await?;
        left -= now as u64;
    }
    stream.write_all(b"]").await
}

fn padding(size: usize) -> String {
    // Many fields of a kilobyte, because one long field is refused for another reason.
    let line = "p".repeat(1_000);
    let mut fields = String::with_capacity(size + 32);
    let mut number = 0;
    while fields.len() < size {
        push(&mut fields, &format!("x-padding-{number}"), &line);
        number += 1;
    }
    fields
}
