//! Reads an answer's body whole, within bounds, keeping the chunks as they came.

use std::{
    future::Future,
    pin::pin,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use crate::{
    attempt::fault_of_chain,
    body::{Body, BoxError, Chunks, declared_length},
    vocabulary::{
        exchange::TransportFault,
        fault::{Fault, FaultClass},
    },
};

/// What reading came to.
#[derive(Debug)]
pub(crate) enum Read {
    /// All of it is here.
    Whole(Chunks),
    /// It is too long, or took too long, to be read whole: what came, and the rest as it comes.
    Streaming(Body),
    /// It broke off, after that much.
    Broken(Fault, Chunks),
}

/// How far to read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// Bytes of one body.
    pub(crate) up_to: u64,
    /// Bytes of all bodies that are read at the same time.
    pub(crate) together: u64,
    /// Until when a body of unknown length is held back; `None` while there is something else to give.
    pub(crate) hold_until: Option<Instant>,
    /// How long a body that is passed on may stay silent.
    pub(crate) silence: Duration,
}

/// Bytes that count against the bound of all bodies, given back when dropped.
struct Held<'a> {
    total: &'a AtomicU64,
    bytes: u64,
}

/// Reads a body.
pub(crate) async fn read<R>(body: R, headers: &HeaderMap, bounds: Bounds, held: &AtomicU64) -> Read
where
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    let declared = declared_length(headers).or_else(|| body.size_hint().exact());
    let mut held = Held {
        total: held,
        bytes: 0,
    };
    if declared.is_some_and(|length| length > bounds.up_to)
        || !held.take(declared.unwrap_or(0), bounds.together)
    {
        return Read::Streaming(Body::streaming(Chunks::None, body, Some(bounds.silence)));
    }
    match declared {
        Some(length) => read_declared(body, length).await,
        None => read_unknown(body, bounds, &mut held).await,
    }
}

/// The length is known and within the bound: the body stays where it is, on the stack.
async fn read_declared<R>(body: R, length: u64) -> Read
where
    R: http_body::Body<Data = Bytes>,
    R::Error: Into<BoxError>,
{
    let mut body = pin!(body);
    let mut chunks = Chunks::None;
    loop {
        match body.frame().await {
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    chunks.push(data);
                }
            }
            Some(Err(error)) => return Read::Broken(fault_in_body(&error.into()), chunks),
            None if u64::try_from(chunks.len()).is_ok_and(|read| read == length) => {
                return Read::Whole(chunks);
            }
            None => return Read::Broken(TransportFault::Closed.fault_in_body(), chunks),
        }
    }
}

/// Nobody knows how long it is: it is read whole if it ends soon, and is passed on otherwise.
async fn read_unknown<R>(body: R, bounds: Bounds, held: &mut Held<'_>) -> Read
where
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    let mut body = Box::pin(body);
    let mut chunks = Chunks::None;
    loop {
        let Some(frame) = before(bounds.hold_until, body.frame()).await else {
            return Read::Streaming(Body::streaming(chunks, body, Some(bounds.silence)));
        };
        match frame {
            Some(Ok(frame)) => {
                let Ok(data) = frame.into_data() else {
                    continue;
                };
                let more = u64::try_from(data.len()).unwrap_or(u64::MAX);
                chunks.push(data);
                if held.bytes.saturating_add(more) > bounds.up_to
                    || !held.take(more, bounds.together)
                {
                    return Read::Streaming(Body::streaming(chunks, body, Some(bounds.silence)));
                }
            }
            Some(Err(error)) => return Read::Broken(fault_in_body(&error.into()), chunks),
            None => return Read::Whole(chunks),
        }
    }
}

async fn before<F: Future>(until: Option<Instant>, work: F) -> Option<F::Output> {
    match until {
        Some(until) => timeout_at(until, work).await.ok(),
        None => Some(work.await),
    }
}

fn fault_in_body(error: &BoxError) -> Fault {
    if error.downcast_ref::<crate::body::Silent>().is_some() {
        return Fault::new(FaultClass::Timeout, "timeout_body");
    }
    fault_of_chain(error.as_ref()).fault_in_body()
}

impl Held<'_> {
    fn take(&mut self, bytes: u64, bound: u64) -> bool {
        if bytes == 0 {
            return true;
        }
        if self.total.fetch_add(bytes, Relaxed).saturating_add(bytes) > bound {
            self.total.fetch_sub(bytes, Relaxed);
            return false;
        }
        self.bytes += bytes;
        true
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.total.fetch_sub(self.bytes, Relaxed);
        }
    }
}
