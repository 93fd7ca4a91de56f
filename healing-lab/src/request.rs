//! Reading one HTTP/1.1 request from a connection (RFC 9112).
//!
//! The lab reads requests itself because it must own the socket: a fault such as a reset or two content lengths cannot be
//! asked of a server library.

use std::net::IpAddr;

use bytes::{Buf, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use tokio::io::{AsyncRead, AsyncReadExt};

const HEAD_LIMIT: usize = 64 * 1024;
const BODY_LIMIT: usize = 1024 * 1024;

/// One request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query as sent.
    pub(crate) target: String,
    /// The path, percent-decoded.
    pub(crate) path: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) peer: IpAddr,
    /// Whether the connection may be used again.
    pub(crate) keep_alive: bool,
}

/// Why no request could be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("request head over {HEAD_LIMIT} bytes")]
    HeadTooLong,
    #[error("request body over {BODY_LIMIT} bytes")]
    BodyTooLong,
    #[error("not an HTTP/1.1 request: {0}")]
    Malformed(&'static str),
    #[error("connection lost: {0}")]
    Lost(#[from] std::io::Error),
}

impl Request {
    /// A request with another target and the same caller.
    pub(crate) fn retargeted(&self, target: &str) -> Self {
        let mut other = self.clone();
        "GET".clone_into(&mut other.method);
        other.aim(target);
        other
    }

    /// What stands for a request that could not be read.
    pub(crate) fn refused(peer: IpAddr) -> Self {
        Self {
            method: String::new(),
            target: String::new(),
            path: String::new(),
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
            peer,
            keep_alive: false,
        }
    }

    fn aim(&mut self, target: &str) {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        self.path = decode(path, false);
        self.query = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                (decode(name, true), decode(value, true))
            })
            .collect();
        target.clone_into(&mut self.target);
    }

    /// The first query parameter of this name, unless it is empty.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The path cut at its slashes, without the empty first part.
    pub(crate) fn segments(&self) -> Vec<&str> {
        self.path.split('/').skip(1).collect()
    }
}

/// Reads the next request. `None` is a connection that ended between two requests. Bytes after it stay in `buffer`.
pub(crate) async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
    peer: IpAddr,
) -> Result<Option<Request>, ReadError> {
    let head_end = loop {
        if let Some(end) = find(buffer, b"\r\n\r\n") {
            break end + 4;
        }
        if buffer.len() > HEAD_LIMIT {
            return Err(ReadError::HeadTooLong);
        }
        if stream.read_buf(buffer).await? == 0 {
            return if buffer.is_empty() {
                Ok(None)
            } else {
                Err(ReadError::Malformed("ends in its head"))
            };
        }
    };
    let head = buffer.split_to(head_end);
    let mut request = parse_head(&head, peer)?;
    request.body = read_body(stream, buffer, &request.headers).await?;
    Ok(Some(request))
}

fn parse_head(head: &[u8], peer: IpAddr) -> Result<Request, ReadError> {
    let text = std::str::from_utf8(head).map_err(|_| ReadError::Malformed("head is not UTF-8"))?;
    let mut lines = text.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version)) = (first.next(), first.next(), first.next())
    else {
        return Err(ReadError::Malformed("request line has not three parts"));
    };
    // A client that speaks to a forward proxy sends the whole URL.
    let target = target.strip_prefix("http://").map_or(target, |rest| {
        rest.find('/').and_then(|at| rest.get(at..)).unwrap_or("/")
    });
    let mut headers = HeaderMap::new();
    for line in lines.filter(|line| !line.is_empty()) {
        let (name, value) = line
            .split_once(':')
            .ok_or(ReadError::Malformed("header without a colon"))?;
        let name =
            HeaderName::try_from(name).map_err(|_| ReadError::Malformed("bad header name"))?;
        let value = HeaderValue::try_from(value.trim())
            .map_err(|_| ReadError::Malformed("bad header value"))?;
        headers.append(name, value);
    }
    let connection = headers
        .get(header::CONNECTION)
        .and_then(|value| value.to_str().ok());
    let keep_alive = match connection.map(str::to_ascii_lowercase) {
        Some(options) if options.contains("close") => false,
        Some(options) if options.contains("keep-alive") => true,
        _ => version == "HTTP/1.1",
    };
    let mut request = Request {
        method: method.to_owned(),
        headers,
        keep_alive,
        ..Request::refused(peer)
    };
    request.aim(target);
    Ok(request)
}

async fn read_body(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
    headers: &HeaderMap,
) -> Result<Bytes, ReadError> {
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return read_chunks(stream, buffer).await;
    }
    let Some(length) = headers.get(header::CONTENT_LENGTH) else {
        return Ok(Bytes::new());
    };
    let length = length.to_str().ok().and_then(|text| text.parse().ok());
    let length: usize = length.ok_or(ReadError::Malformed("bad content-length"))?;
    take(stream, buffer, length).await
}

async fn read_chunks(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
) -> Result<Bytes, ReadError> {
    let mut body = BytesMut::new();
    loop {
        let line_end = loop {
            if let Some(end) = find(buffer, b"\r\n") {
                break end;
            }
            fill(stream, buffer).await?;
        };
        let line = buffer.split_to(line_end + 2);
        let size = std::str::from_utf8(&line).unwrap_or_default();
        let size = size.trim().split(';').next().unwrap_or_default();
        let size =
            usize::from_str_radix(size, 16).map_err(|_| ReadError::Malformed("bad chunk size"))?;
        body.extend_from_slice(&take(stream, buffer, size).await?);
        if body.len() > BODY_LIMIT {
            return Err(ReadError::BodyTooLong);
        }
        take(stream, buffer, 2).await?;
        if size == 0 {
            return Ok(body.freeze());
        }
    }
}

async fn take(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
    length: usize,
) -> Result<Bytes, ReadError> {
    if length > BODY_LIMIT {
        return Err(ReadError::BodyTooLong);
    }
    while buffer.remaining() < length {
        fill(stream, buffer).await?;
    }
    Ok(buffer.split_to(length).freeze())
}

async fn fill(
    stream: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
) -> Result<(), ReadError> {
    match stream.read_buf(buffer).await? {
        0 => Err(ReadError::Malformed("ends in its body")),
        _ => Ok(()),
    }
}

fn find(buffer: &[u8], pattern: &[u8]) -> Option<usize> {
    buffer
        .windows(pattern.len())
        .position(|window| window == pattern)
}

/// Percent-decoding; in a query a plus sign is a space too.
fn decode(text: &str, in_query: bool) -> String {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let mut ahead = bytes.clone();
        let hex = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match (byte, hex(ahead.next()), hex(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                decoded.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                bytes = ahead;
            }
            (b'+', ..) if in_query => decoded.push(b' '),
            _ => decoded.push(byte),
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{ReadError, Request, read};
    use bytes::BytesMut;
    use std::net::{IpAddr, Ipv4Addr};

    const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    async fn parse(mut text: &[u8]) -> Result<Option<Request>, ReadError> {
        read(&mut text, &mut BytesMut::new(), PEER).await
    }

    #[tokio::test]
    async fn path_and_query_are_decoded() {
        let request =
            parse(b"GET /v8/finance/chart/%5EGSPC?symbols=A%2CB&q=a+b HTTP/1.1\r\nHost: x\r\n\r\n");
        let request = request.await.unwrap().unwrap();
        assert_eq!(request.path, "/v8/finance/chart/^GSPC");
        assert_eq!(request.param("symbols"), Some("A,B"));
        assert_eq!(request.param("q"), Some("a b"));
        assert!(request.keep_alive);
    }

    #[tokio::test]
    async fn a_half_percent_sign_stays_as_it_is() {
        let request = parse(b"GET /a%2?x=%zz HTTP/1.1\r\n\r\n")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (request.path.as_str(), request.param("x")),
            ("/a%2", Some("%zz"))
        );
    }

    #[tokio::test]
    async fn bodies_are_read_by_length_and_by_chunks() {
        let sized = parse(b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabcGET")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(sized.body, "abc");
        let chunked = parse(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1;x=y\r\nc\r\n0\r\n\r\n");
        assert_eq!(chunked.await.unwrap().unwrap().body, "abc");
    }

    #[tokio::test]
    async fn two_requests_in_one_packet_are_read_one_after_the_other() {
        let mut text: &[u8] =
            b"GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\nConnection: close\r\n\r\n";
        let mut buffer = BytesMut::new();
        let first = read(&mut text, &mut buffer, PEER).await.unwrap().unwrap();
        let second = read(&mut text, &mut buffer, PEER).await.unwrap().unwrap();
        assert_eq!((first.path.as_str(), second.path.as_str()), ("/a", "/b"));
        assert!(!second.keep_alive);
        assert!(read(&mut text, &mut buffer, PEER).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn what_is_no_request_is_an_error() {
        assert!(matches!(
            parse(b"HELLO\r\n\r\n").await,
            Err(ReadError::Malformed(_))
        ));
        assert!(matches!(
            parse(b"GET / HTTP/1.1\r\nHost").await,
            Err(ReadError::Malformed(_))
        ));
        let long = [b"GET / HTTP/1.1\r\nX: ".as_slice(), &[b'a'; 70_000]].concat();
        assert!(matches!(parse(&long).await, Err(ReadError::HeadTooLong)));
    }
}
