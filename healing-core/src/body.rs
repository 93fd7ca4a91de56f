//! The one body type of the house: nothing, chunks kept as they came, or chunks followed by a stream.

use std::{
    collections::VecDeque,
    fmt, mem,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use http::HeaderMap;
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt, StreamBody, combinators::UnsyncBoxBody};
use tokio::time::Sleep;

/// An error of any kind.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of every request and answer that passes a layer of this crate.
///
/// An answer that was read whole keeps the chunks it came in: they are never copied together.
///
/// ```
/// use healing_core::Body;
/// let body = Body::from("{}");
/// assert_eq!(http_body::Body::size_hint(&body).exact(), Some(2));
/// ```
#[derive(Default)]
pub struct Body {
    chunks: Chunks,
    rest: Option<Rest>,
}

/// What was read whole, in the pieces it came in.
#[derive(Clone, Default)]
pub(crate) enum Chunks {
    #[default]
    None,
    One(Bytes),
    Many(VecDeque<Bytes>),
}

/// What still comes, and how long it may stay silent.
struct Rest {
    stream: UnsyncBoxBody<Bytes, BoxError>,
    silence: Option<(Duration, Pin<Box<Sleep>>)>,
}

/// The upstream fell silent inside a body that was already being passed on.
#[derive(Debug, thiserror::Error)]
#[error("the upstream sent nothing for {0:?} in the middle of a body")]
pub(crate) struct Silent(Duration);

/// The upstream's body broke off, and so does this one.
#[derive(Debug, thiserror::Error)]
#[error("the upstream's body broke off")]
struct BrokenOff;

// === impl Body ===

impl Body {
    /// A body without a byte.
    #[must_use]
    pub fn empty() -> Self {
        Self::default()
    }

    /// Any other body, passed on as it comes.
    #[must_use]
    pub fn wrap<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        if body.is_end_stream() {
            return Self::empty();
        }
        Self::streaming(Chunks::None, body, None)
    }

    /// What was read so far, followed by the rest as it comes.
    pub(crate) fn streaming<B>(read: Chunks, rest: B, silence: Option<Duration>) -> Self
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let silence = silence.map(|limit| (limit, Box::pin(tokio::time::sleep(limit))));
        let stream = rest.map_err(Into::into).boxed_unsync();
        Self {
            chunks: read,
            rest: Some(Rest { stream, silence }),
        }
    }

    /// What was read of a body that broke off, and then the break.
    pub(crate) fn broken(read: Chunks) -> Self {
        let end = futures_util::stream::iter([Err::<Frame<Bytes>, BoxError>(BrokenOff.into())]);
        Self::streaming(read, StreamBody::new(end), None)
    }

    pub(crate) const fn of(chunks: Chunks) -> Self {
        Self { chunks, rest: None }
    }

    /// All of it, where nothing is still to come.
    pub(crate) const fn whole(&self) -> Option<&Chunks> {
        match self.rest {
            None => Some(&self.chunks),
            Some(_) => None,
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(chunk) = self.chunks.pop() {
            return Poll::Ready(Some(Ok(Frame::data(chunk))));
        }
        let Some(rest) = &mut self.rest else {
            return Poll::Ready(None);
        };
        match Pin::new(&mut rest.stream).poll_frame(cx) {
            Poll::Ready(frame) => {
                if let Some((limit, sleep)) = &mut rest.silence {
                    sleep.as_mut().reset(tokio::time::Instant::now() + *limit);
                }
                Poll::Ready(frame)
            }
            Poll::Pending => {
                let Some((limit, sleep)) = &mut rest.silence else {
                    return Poll::Pending;
                };
                ready!(sleep.poll_unpin(cx));
                Poll::Ready(Some(Err(Silent(*limit).into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.chunks.is_empty()
            && self
                .rest
                .as_ref()
                .is_none_or(|rest| rest.stream.is_end_stream())
    }

    fn size_hint(&self) -> SizeHint {
        let read = u64::try_from(self.chunks.len()).unwrap_or(u64::MAX);
        let Some(rest) = &self.rest else {
            return SizeHint::with_exact(read);
        };
        let rest = rest.stream.size_hint();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(read));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(read));
        }
        hint
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        let mut chunks = Chunks::None;
        chunks.push(bytes);
        Self::of(chunks)
    }
}

impl FromIterator<Bytes> for Body {
    /// A body in the chunks that it came in.
    fn from_iter<I: IntoIterator<Item = Bytes>>(pieces: I) -> Self {
        let mut chunks = Chunks::None;
        pieces.into_iter().for_each(|chunk| chunks.push(chunk));
        Self::of(chunks)
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Bytes::from_static(text.as_bytes()).into()
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Bytes::from(bytes).into()
    }
}

impl fmt::Debug for Body {
    /// Shows sizes, never content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body")
            .field("read", &self.chunks.len())
            .field("more", &self.rest.is_some())
            .finish()
    }
}

// === impl Chunks ===

impl Chunks {
    pub(crate) fn push(&mut self, chunk: Bytes) {
        if chunk.is_empty() {
            return;
        }
        *self = match mem::take(self) {
            Self::None => Self::One(chunk),
            Self::One(first) => Self::Many(VecDeque::from([first, chunk])),
            Self::Many(mut chunks) => {
                chunks.push_back(chunk);
                Self::Many(chunks)
            }
        };
    }

    pub(crate) fn len(&self) -> usize {
        self.iter().map(Bytes::len).sum()
    }

    /// The same in memory of its own and no larger than it. A chunk as it came is a slice of the buffer that it was read
    /// into: who keeps it keeps all of that.
    pub(crate) fn compact(&self) -> Self {
        let mut bytes = BytesMut::with_capacity(self.len());
        for chunk in self.iter() {
            bytes.extend_from_slice(chunk);
        }
        let mut compact = Self::None;
        compact.push(bytes.freeze());
        compact
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Bytes> {
        let (one, many) = match self {
            Self::None => (None, None),
            Self::One(chunk) => (Some(chunk), None),
            Self::Many(chunks) => (None, Some(chunks)),
        };
        one.into_iter().chain(many.into_iter().flatten())
    }

    fn pop(&mut self) -> Option<Bytes> {
        match self {
            Self::None => None,
            Self::One(chunk) => {
                let chunk = mem::take(chunk);
                *self = Self::None;
                Some(chunk)
            }
            Self::Many(chunks) => chunks.pop_front(),
        }
    }
}

impl fmt::Debug for Chunks {
    /// Shows the size, never content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

/// The length of a body as its head declares it.
pub(crate) fn declared_length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(http::header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_body_gives_what_was_read_and_then_the_rest() {
        let mut read = Chunks::None;
        read.push("a".into());
        read.push(Bytes::new());
        read.push("b".into());
        let body = Body::streaming(read, Body::from("c"), None);
        assert_eq!(body.collect().await.unwrap().to_bytes(), "abc");
    }

    #[tokio::test(start_paused = true)]
    async fn a_rest_that_falls_silent_is_an_error_and_not_an_end() {
        let silent = StreamBody::new(futures_util::stream::pending::<
            Result<Frame<Bytes>, BoxError>,
        >());
        let body = Body::streaming(
            Chunks::One("a".into()),
            silent,
            Some(Duration::from_secs(10)),
        );
        let error = body.collect().await.unwrap_err();
        assert!(error.to_string().contains("10s"), "{error}");
    }
}
