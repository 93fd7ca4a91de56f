//! An answer before it is written: status, fields, body, and how it is put on the wire.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;

/// How an answer is put on the wire. Everything but `Whole` is a fault.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Delivery {
    #[default]
    Whole,
    /// Whole, then the connection is closed without having said so.
    CloseAfter,
    /// The request is read and nothing is ever written.
    HangHead,
    /// The head and half of the body, then nothing.
    HangBody,
    /// The connection is closed after half of the body.
    CutBody,
    /// The connection is closed after the body, of which more was promised.
    CutAfter { promised: u64 },
    /// A chunked body without its last chunk.
    CutChunked,
    /// A TCP reset instead of an answer.
    Reset,
    /// A TCP reset after half of the body.
    ResetBody,
    /// Two content lengths that differ.
    TwoLengths,
    /// One byte of the body each time.
    Drip(Duration),
    /// A second answer nobody asked for, after the first.
    Surplus,
    /// A header section of this many bytes more.
    WideHead(usize),
    /// A body of this many bytes instead.
    Flood(u64),
}

/// One answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) content_type: Option<Cow<'static, str>>,
    pub(crate) body: Bytes,
    pub(crate) delivery: Delivery,
}

impl Answer {
    pub(crate) fn new(
        status: u16,
        content_type: impl Into<Cow<'static, str>>,
        body: impl Into<Bytes>,
    ) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content_type: Some(content_type.into()),
            body: body.into(),
            delivery: Delivery::Whole,
        }
    }

    /// An answer without body and content type.
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            content_type: None,
            ..Self::new(status, "", Bytes::new())
        }
    }

    pub(crate) fn html(status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(status, "text/html; charset=utf-8", body)
    }

    pub(crate) fn text(status: u16, body: impl Into<Bytes>) -> Self {
        Self::new(status, "text/plain", body)
    }

    pub(crate) fn json(status: u16, body: &impl Serialize) -> Self {
        Self::new(status, "application/json", json_bytes(body))
    }

    /// No answer at all: the connection misbehaves instead.
    pub(crate) fn broken(delivery: Delivery) -> Self {
        Self {
            delivery,
            ..Self::empty(200)
        }
    }

    pub(crate) fn typed(mut self, content_type: &'static str) -> Self {
        self.content_type = Some(Cow::Borrowed(content_type));
        self
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn bodiless(mut self) -> Self {
        self.body = Bytes::new();
        self
    }

    pub(crate) fn delivered(mut self, delivery: Delivery) -> Self {
        self.delivery = delivery;
        self
    }

    /// Whether a content coding was already applied.
    pub(crate) fn is_coded(&self) -> bool {
        self.headers
            .iter()
            .any(|(name, _)| *name == "content-encoding")
    }
}

/// JSON text; `null` where a value cannot be written, which no value here does.
pub(crate) fn json_bytes(body: &impl Serialize) -> Bytes {
    serde_json::to_vec(body).map_or_else(|_| Bytes::from_static(b"null"), Bytes::from)
}
