//! What can go wrong at a source, and how often.

use std::time::Duration;

/// One way for a source to fail. The names in JSON are those of [`Fault::name`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An error status, with the body and the wait that go with it.
    Status {
        /// The status, 100 to 999.
        code: u16,
        /// A `Retry-After` field.
        retry_after: Option<RetryAfter>,
        /// What the body is.
        body: ErrorBody,
    },
    /// The source's own throttle note inside a 200.
    Note,
    /// The source's own error envelope inside a 200.
    ErrorObject,
    /// A 200 without body.
    EmptyBody,
    /// A 200 with `{}`.
    EmptyObject,
    /// A 200 with an HTML page.
    HtmlInstead,
    /// A named answer of [`forms`](crate::forms()).
    Form(String),
    /// The right answer, this much later.
    Delay(Duration),
    /// The connection is accepted, the request read, nothing written.
    HangHead,
    /// The head and half of the body, then nothing.
    HangBody,
    /// Closed before the content length is reached.
    CutBody,
    /// A chunked body without its last chunk.
    CutChunked,
    /// A TCP reset instead of an answer.
    Reset,
    /// A TCP reset after half of the body.
    ResetBody,
    /// The right answer, then a close that was not announced: the next request on this connection fails.
    CloseAfter,
    /// Two content lengths that differ.
    TwoLengths,
    /// A second answer nobody asked for on the same connection.
    Surplus,
    /// The body one byte at a time, with this pause after each.
    Drip(Duration),
    /// A gzip body that does not inflate.
    BrokenGzip,
    /// A small gzip body that inflates to this many bytes.
    GzipBomb(u64),
    /// A JSON body of this many bytes.
    Flood(u64),
    /// This many bytes of extra header fields.
    WideHead(usize),
    /// The right body under another content type.
    WrongType,
    /// The right body with wrong values in it.
    Garble(Garble),
    /// The source's clock stands still from the injection on. Does nothing at the built-in API, which has no clock.
    Freeze,
    /// The source's clock is this far behind. Does nothing at the built-in API.
    Lag(Duration),
    /// Keys stop working: this one, or all. At Yahoo the crumbs given so far stop, and new ones work.
    RevokeKey {
        /// The key; every key without one.
        key: Option<String>,
    },
    /// The quota is spent: of this key, or of all.
    QuotaSpent {
        /// The key; every key without one.
        key: Option<String>,
    },
    /// Connections are refused. Takes no path, times or every.
    Down,
}

/// The value of a `Retry-After` field (RFC 9110, section 10.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// Seconds.
    Seconds(u64),
    /// An HTTP date so many seconds from the moment of the answer; negative in the past.
    Date(i64),
}

/// The body of an error status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ErrorBody {
    /// No body.
    Empty,
    /// An HTML page.
    Html,
    /// The source's own JSON envelope.
    #[default]
    Json,
    /// A line of text.
    Text,
}

/// A way to spoil the values of a sound answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Garble {
    /// JSON cut in the middle, with the right length for the cut.
    Cut,
    /// Currency codes changed to another.
    Currency,
    /// Prices a hundred times too big.
    Hundredfold,
    /// Every third element of the lists dropped.
    Missing,
    /// Numbers written as `NaN` and `1e999`, which JSON does not have.
    NotNumbers,
    /// All values null.
    Null,
    /// Fields renamed.
    Renamed,
    /// Lists in reverse order.
    Reversed,
    /// All prices zero.
    Zero,
}

impl Garble {
    /// Every way.
    pub const ALL: [Self; 9] = [
        Self::Cut,
        Self::Currency,
        Self::Hundredfold,
        Self::Missing,
        Self::NotNumbers,
        Self::Null,
        Self::Renamed,
        Self::Reversed,
        Self::Zero,
    ];

    /// The name in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Currency => "currency",
            Self::Hundredfold => "hundredfold",
            Self::Missing => "missing",
            Self::NotNumbers => "not_numbers",
            Self::Null => "null",
            Self::Renamed => "renamed",
            Self::Reversed => "reversed",
            Self::Zero => "zero",
        }
    }
}

impl Fault {
    /// Every name that a script or the control endpoint may use.
    pub const NAMES: [&'static str; 29] = [
        "status",
        "note",
        "error_object",
        "empty_body",
        "empty_object",
        "html_instead",
        "form",
        "delay",
        "hang_head",
        "hang_body",
        "cut_body",
        "cut_chunked",
        "reset",
        "reset_body",
        "close_after",
        "two_lengths",
        "surplus",
        "drip",
        "broken_gzip",
        "gzip_bomb",
        "flood",
        "wide_head",
        "wrong_type",
        "garble",
        "freeze",
        "lag",
        "revoke_key",
        "quota_spent",
        "down",
    ];

    /// The name in JSON and in the log.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Status { .. } => "status",
            Self::Note => "note",
            Self::ErrorObject => "error_object",
            Self::EmptyBody => "empty_body",
            Self::EmptyObject => "empty_object",
            Self::HtmlInstead => "html_instead",
            Self::Form(_) => "form",
            Self::Delay(_) => "delay",
            Self::HangHead => "hang_head",
            Self::HangBody => "hang_body",
            Self::CutBody => "cut_body",
            Self::CutChunked => "cut_chunked",
            Self::Reset => "reset",
            Self::ResetBody => "reset_body",
            Self::CloseAfter => "close_after",
            Self::TwoLengths => "two_lengths",
            Self::Surplus => "surplus",
            Self::Drip(_) => "drip",
            Self::BrokenGzip => "broken_gzip",
            Self::GzipBomb(_) => "gzip_bomb",
            Self::Flood(_) => "flood",
            Self::WideHead(_) => "wide_head",
            Self::WrongType => "wrong_type",
            Self::Garble(_) => "garble",
            Self::Freeze => "freeze",
            Self::Lag(_) => "lag",
            Self::RevokeKey { .. } => "revoke_key",
            Self::QuotaSpent { .. } => "quota_spent",
            Self::Down => "down",
        }
    }

    /// An error status with the source's own JSON body and no `Retry-After`.
    #[must_use]
    pub const fn status(code: u16) -> Self {
        Self::Status {
            code,
            retry_after: None,
            body: ErrorBody::Json,
        }
    }

    /// A named answer of [`forms`](crate::forms()).
    #[must_use]
    pub fn form(name: impl Into<String>) -> Self {
        Self::Form(name.into())
    }

    /// No key works any more.
    #[must_use]
    pub const fn revoke_keys() -> Self {
        Self::RevokeKey { key: None }
    }

    /// Every quota is spent.
    #[must_use]
    pub const fn quota_spent() -> Self {
        Self::QuotaSpent { key: None }
    }
}

/// A fault with the requests it meets: all, until it is cleared, unless narrowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injection {
    /// What goes wrong.
    pub fault: Fault,
    /// Only requests whose path (without query) starts so.
    pub path_prefix: Option<String>,
    /// Ends after so many requests were met.
    pub times: Option<u32>,
    /// Ends after this long.
    pub for_time: Option<Duration>,
    /// Meets only every n-th request.
    pub every: Option<u32>,
}

impl Injection {
    /// A fault that meets every request until it is cleared.
    #[must_use]
    pub const fn new(fault: Fault) -> Self {
        Self {
            fault,
            path_prefix: None,
            times: None,
            for_time: None,
            every: None,
        }
    }

    /// Only requests whose path starts with `prefix`.
    #[must_use]
    pub fn on_path(mut self, prefix: impl Into<String>) -> Self {
        self.path_prefix = Some(prefix.into());
        self
    }

    /// Only the next `count` requests.
    #[must_use]
    pub const fn times(mut self, count: u32) -> Self {
        self.times = Some(count);
        self
    }

    /// Only for `time`.
    #[must_use]
    pub const fn lasting(mut self, time: Duration) -> Self {
        self.for_time = Some(time);
        self
    }

    /// Only every `n`-th request: with 2 the second, the fourth and so on.
    #[must_use]
    pub const fn every(mut self, n: u32) -> Self {
        self.every = Some(n);
        self
    }
}

impl From<Fault> for Injection {
    fn from(fault: Fault) -> Self {
        Self::new(fault)
    }
}
