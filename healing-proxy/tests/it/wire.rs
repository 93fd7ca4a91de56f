//! HTTP/1.1 read from a bare connection, byte by byte as it came.

use std::io;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// One end of a connection, and what was read of it but not used yet.
#[derive(Debug)]
pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
    pub(crate) unread: Vec<u8>,
}

/// A start line and its fields.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) first: String,
    pub(crate) fields: Vec<(String, String)>,
}

/// How a body ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// As long as its length said, or after its last chunk.
    Whole,
    /// There was no length and no chunk: it lasted as long as the connection.
    WithTheConnection,
    /// The connection was closed too early.
    Cut,
    /// The connection was reset.
    Reset,
}

/// How long a body is.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Length {
    Known(usize),
    Chunked,
    UntilClosed,
}

// === impl Wire ===

impl Wire {
    pub(crate) const fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            unread: Vec::new(),
        }
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await
    }

    /// Reads more; how much, 0 at the end.
    pub(crate) async fn more(&mut self) -> io::Result<usize> {
        self.unread.reserve(64 * 1024);
        self.stream.read_buf(&mut self.unread).await
    }

    /// The next head; nothing when the connection ends before one is whole.
    pub(crate) async fn head(&mut self) -> io::Result<Option<Head>> {
        loop {
            if let Some(end) = find(&self.unread, b"\r\n\r\n") {
                let head: Vec<u8> = self.unread.drain(..end + 4).collect();
                return Ok(Some(Head::of(&String::from_utf8_lossy(&head[..end]))));
            }
            if self.more().await? == 0 {
                return Ok(None);
            }
        }
    }

    /// What comes of a body, and how it ends.
    pub(crate) async fn body(&mut self, length: Length) -> (Vec<u8>, End) {
        let mut body = Vec::new();
        let end = match length {
            Length::Known(length) => self.take(length, &mut body).await,
            Length::Chunked => self.chunks(&mut body).await,
            Length::UntilClosed => match self.take(usize::MAX, &mut body).await {
                End::Cut => End::WithTheConnection,
                end @ (End::Whole | End::WithTheConnection | End::Reset) => end,
            },
        };
        (body, end)
    }

    /// Takes that many bytes.
    async fn take(&mut self, length: usize, into: &mut Vec<u8>) -> End {
        let mut left = length;
        loop {
            let here = left.min(self.unread.len());
            into.extend(self.unread.drain(..here));
            left -= here;
            if left == 0 {
                return End::Whole;
            }
            match self.more().await {
                Ok(0) => return End::Cut,
                Ok(_) => {}
                Err(_) => return End::Reset,
            }
        }
    }

    async fn chunks(&mut self, body: &mut Vec<u8>) -> End {
        loop {
            let size = match self.line().await {
                Ok(Some(line)) => usize::from_str_radix(line.trim(), 16).expect("a chunk's size"),
                Ok(None) => return End::Cut,
                Err(_) => return End::Reset,
            };
            let end = self.take(size, body).await;
            if end != End::Whole {
                return end;
            }
            match self.line().await {
                Ok(Some(_)) if size == 0 => return End::Whole,
                Ok(Some(_)) => {}
                Ok(None) => return End::Cut,
                Err(_) => return End::Reset,
            }
        }
    }

    async fn line(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(end) = find(&self.unread, b"\r\n") {
                let line: Vec<u8> = self.unread.drain(..end + 2).collect();
                return Ok(Some(String::from_utf8_lossy(&line).into_owned()));
            }
            if self.more().await? == 0 {
                return Ok(None);
            }
        }
    }
}

// === impl Head ===

impl Head {
    fn of(text: &str) -> Self {
        let mut lines = text.split("\r\n");
        let first = lines.next().unwrap_or_default().to_owned();
        let field = |line: &str| {
            let (name, value) = line.split_once(':').expect("a field");
            (name.to_ascii_lowercase(), value.trim().to_owned())
        };
        Self {
            first,
            fields: lines.map(field).collect(),
        }
    }

    /// The value of a field, its members joined; empty without it.
    pub(crate) fn get(&self, name: &str) -> String {
        let values: Vec<&str> = self
            .fields
            .iter()
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .collect();
        values.join(", ")
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.fields.iter().any(|(known, _)| known == name)
    }

    /// How long the body after this head is; `otherwise` where the head does not say.
    pub(crate) fn length(&self, otherwise: Length) -> Length {
        if self.get("transfer-encoding").contains("chunked") {
            return Length::Chunked;
        }
        self.get("content-length")
            .parse()
            .map_or(otherwise, Length::Known)
    }
}

/// Where `part` begins.
pub(crate) fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}
