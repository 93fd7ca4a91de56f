//! A client that shows what was on the wire, also where that is no HTTP.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use healing_lab::{Lab, LabSettings, Limits, SourceName};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longer than any answer takes; a test that waits so long has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// How the bytes of an answer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Closed,
    Refused,
    Reset,
    Silent,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) end: End,
    /// 0 where no head came.
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    fn nothing(end: End) -> Self {
        Self {
            end,
            status: 0,
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    fn parse(bytes: &[u8], end: End) -> Self {
        let Some(split) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Self::nothing(end);
        };
        let head = String::from_utf8(bytes[..split].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines
            .next()
            .unwrap()
            .split(' ')
            .nth(1)
            .unwrap()
            .parse()
            .unwrap();
        let headers = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Self {
            end,
            status,
            headers,
            body: bytes[split + 4..].to_vec(),
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(known, _)| known == name);
        values.next().map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    /// The value at a JSON pointer.
    #[track_caller]
    pub(crate) fn at(&self, pointer: &str) -> Value {
        let body = self.json();
        body.pointer(pointer)
            .unwrap_or_else(|| panic!("no {pointer} in {body}"))
            .clone()
    }

    /// Whether the promised length was reached.
    pub(crate) fn is_whole(&self) -> bool {
        let promised = self
            .header("content-length")
            .map(|length| length.parse().unwrap());
        self.status != 0 && promised == Some(self.body.len())
    }
}

pub(crate) async fn lab() -> Lab {
    with_limits(Limits::Off).await
}

pub(crate) async fn with_limits(limits: Limits) -> Lab {
    let settings = LabSettings {
        limits,
        ..LabSettings::default()
    };
    Lab::start(settings).await.unwrap()
}

pub(crate) async fn get(lab: &Lab, source: SourceName, target: &str) -> Reply {
    send(
        lab.address(source),
        &request("GET", target, &[], ""),
        PATIENCE,
    )
    .await
}

/// Asks Yahoo with cookie and crumb.
pub(crate) async fn get_yahoo(lab: &Lab, target: &str) -> Reply {
    let (cookie, crumb) = lab.yahoo_pass();
    let target = target.replace("{crumb}", &crumb);
    let text = request("GET", &target, &[("cookie", &cookie)], "");
    send(lab.address(SourceName::YahooFinance), &text, PATIENCE).await
}

pub(crate) async fn get_with(
    lab: &Lab,
    source: SourceName,
    target: &str,
    header: (&str, &str),
) -> Reply {
    send(
        lab.address(source),
        &request("GET", target, &[header], ""),
        PATIENCE,
    )
    .await
}

/// Gives up after a moment that is long enough for an answer.
pub(crate) async fn get_briefly(lab: &Lab, source: SourceName, target: &str) -> Reply {
    let text = request("GET", target, &[], "");
    send(lab.address(source), &text, Duration::from_millis(600)).await
}

pub(crate) async fn control(lab: &Lab, method: &str, target: &str, body: &str) -> Reply {
    send(
        lab.control_address(),
        &request(method, target, &[], body),
        PATIENCE,
    )
    .await
}

pub(crate) fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut text = format!("{method} {target} HTTP/1.1\r\nhost: lab\r\nconnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    text
}

pub(crate) async fn send(address: SocketAddr, text: &str, patience: Duration) -> Reply {
    let mut stream = match TcpStream::connect(address).await {
        Ok(stream) => stream,
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            return Reply::nothing(End::Refused);
        }
        // A listener that closes between the two halves of a connection attempt.
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {
            return Reply::nothing(End::Reset);
        }
        Err(error) => panic!("{address}: {error}"),
    };
    if stream.write_all(text.as_bytes()).await.is_err() {
        return Reply::nothing(End::Reset);
    }
    let mut bytes = Vec::new();
    let end = match tokio::time::timeout(patience, stream.read_to_end(&mut bytes)).await {
        Err(_) => End::Silent,
        Ok(Ok(_)) => End::Closed,
        Ok(Err(error)) if error.kind() == ErrorKind::ConnectionReset => End::Reset,
        Ok(Err(error)) => panic!("{error}"),
    };
    Reply::parse(&bytes, end)
}
