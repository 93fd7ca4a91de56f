//! Connections to the upstream, kept by the worker that opened them.
//!
//! One list a worker, touched when a request leaves. A connection goes back on it as soon as the head of its answer is in,
//! and is taken again when it says that it is ready. A request that meets a closing connection before a byte of it left
//! takes another one; whether anything else is sent again is not decided here.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use healing_core::{Body, BoxError, Sent, TransportError, TransportFault};
use http::{Request, Response, Uri};
use hyper::{
    body::Incoming,
    client::conn::{
        TrySendError,
        http1::{self, SendRequest},
    },
    rt::{Read, Write},
};
use tokio::{
    task::JoinSet,
    time::{Instant, timeout},
};
use tower::{Service, ServiceExt};

use rustls::CertificateError;

/// How long a connection may take to be set up.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Idle connections are given up before most servers close them: a request that meets a closing one is lost.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);

/// The most connections that wait to be used again.
const MAX_IDLE: usize = 256;

/// The most that is read ahead of a caller that does not take it; a head may be as long.
const MAX_BUFFER: usize = 128 * 1024;

/// Connections looked at for one that is ready before another is opened.
const MAX_LOOKED_AT: usize = 8;

/// Connections to one upstream.
pub(crate) struct Pool<C> {
    connect: C,
    to: Uri,
    idle: Mutex<VecDeque<(SendRequest<Body>, Instant)>>,
    /// The tasks that drive the connections, and end with the pool.
    driving: Mutex<JoinSet<()>>,
}

/// A request on its way. The request and what may give it back are large: they stay where they are.
pub(crate) enum Begun {
    /// It was given to that connection.
    Sent(SendRequest<Body>, BoxFuture<'static, Tried>),
    /// No connection was ready.
    Waiting(Box<Request<Body>>),
}

/// What came of a request on a kept connection.
type Tried = Result<Response<Incoming>, TrySendError<Request<Body>>>;

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
pub(crate) enum UpstreamError {
    /// No connection could be had.
    #[error("no connection to the upstream")]
    Connect(#[source] BoxError),
    /// None could be had in time.
    #[error("no connection to the upstream within {CONNECT_TIMEOUT:?}")]
    ConnectTimeout,
    /// It is for no address of ours.
    #[error("there is no upstream for this path")]
    Nowhere,
    /// The connection broke before the answer came.
    #[error("the connection to the upstream broke")]
    Broke(#[source] hyper::Error),
}

// === impl Pool ===

impl<C> Pool<C>
where
    C: Service<Uri> + Clone,
    C::Response: Read + Write + Unpin + Send + 'static,
    C::Error: Into<BoxError>,
{
    /// A pool without a connection yet.
    pub(crate) fn new(connect: C, to: Uri) -> Self {
        Self {
            connect,
            to,
            idle: Mutex::default(),
            driving: Mutex::default(),
        }
    }

    /// Sends a request, where a connection is ready.
    pub(crate) fn begin(&self, request: Request<Body>) -> Begun {
        match self.ready() {
            Some(mut kept) => {
                let answer = Box::pin(kept.try_send_request(request));
                Begun::Sent(kept, answer)
            }
            None => Begun::Waiting(Box::new(request)),
        }
    }

    /// Waits for the head of its answer.
    pub(crate) async fn answer(&self, begun: Begun) -> Result<Response<Incoming>, UpstreamError> {
        let request = match begun {
            Begun::Waiting(request) => request,
            Begun::Sent(kept, answer) => match answer.await {
                Ok(answer) => {
                    self.put_back(kept);
                    return Ok(answer);
                }
                Err(error) => Box::new(unsent(error)?),
            },
        };
        // Rare, and large: in a box of its own it does not make the others large.
        Box::pin(self.send(*request)).await
    }

    async fn send(&self, mut request: Request<Body>) -> Result<Response<Incoming>, UpstreamError> {
        while let Some(mut kept) = self.ready() {
            match kept.try_send_request(request).await {
                Ok(answer) => {
                    self.put_back(kept);
                    return Ok(answer);
                }
                Err(error) => request = unsent(error)?,
            }
        }
        let mut fresh = timeout(CONNECT_TIMEOUT, self.open())
            .await
            .map_err(|_| UpstreamError::ConnectTimeout)??;
        let answer = fresh
            .send_request(request)
            .await
            .map_err(UpstreamError::Broke)?;
        self.put_back(fresh);
        Ok(answer)
    }

    async fn open(&self) -> Result<SendRequest<Body>, UpstreamError> {
        let failed = |error: C::Error| UpstreamError::Connect(error.into());
        let stream = self
            .connect
            .clone()
            .oneshot(self.to.clone())
            .await
            .map_err(failed)?;
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(MAX_BUFFER)
            .handshake(stream)
            .await
            .map_err(|error| UpstreamError::Connect(error.into()))?;
        let mut driving = lock(&self.driving);
        while driving.try_join_next().is_some() {}
        driving.spawn(async move {
            // How a connection ends is told to whoever waits for an answer on it.
            let _ended = connection.with_upgrades().await;
        });
        Ok(sender)
    }

    /// A connection that takes a request now: the one that was used last, for it is the least likely to be closing.
    fn ready(&self) -> Option<SendRequest<Body>> {
        let mut idle = lock(&self.idle);
        let now = Instant::now();
        while idle
            .front()
            .is_some_and(|(kept, used)| kept.is_closed() || now - *used > IDLE_TIMEOUT)
        {
            idle.pop_front();
        }
        let last = idle.len().checked_sub(1)?;
        let newest = (0..MAX_LOOKED_AT.min(idle.len())).map(|n| last - n);
        let found = newest
            .into_iter()
            .find(|n| idle.get(*n).is_some_and(|(kept, _)| kept.is_ready()))?;
        idle.remove(found).map(|(kept, _)| kept)
    }

    fn put_back(&self, used: SendRequest<Body>) {
        if used.is_closed() {
            return;
        }
        let mut idle = lock(&self.idle);
        if idle.len() >= MAX_IDLE {
            idle.pop_front();
        }
        idle.push_back((used, Instant::now()));
    }
}

impl<C> fmt::Debug for Pool<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("to", &self.to)
            .finish_non_exhaustive()
    }
}

/// What is wrong with a certificate, where that is why a connection could not be had.
pub(crate) fn refused_certificate<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> Option<&'e CertificateError> {
    let below = |error: &&'e (dyn std::error::Error + 'static)| {
        let made_of = error.downcast_ref::<std::io::Error>();
        match made_of.and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn std::error::Error + 'static)),
            None => error.source(),
        }
    };
    let mut chain = std::iter::successors(Some(error), below);
    chain.find_map(|error| {
        let error = error.downcast_ref::<rustls::Error>()?;
        if let rustls::Error::InvalidCertificate(wrong) = error {
            return Some(wrong);
        }
        None
    })
}

/// The request back, where not a byte of it left: the connection was closing.
fn unsent(mut error: TrySendError<Request<Body>>) -> Result<Request<Body>, UpstreamError> {
    let unsent = error.take_message();
    unsent.ok_or_else(|| UpstreamError::Broke(error.into_error()))
}

/// Locks, also after a panic elsewhere: what is guarded here is never left half-changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

// === impl UpstreamError ===

impl TransportError for UpstreamError {
    fn fault(&self) -> (TransportFault, Sent) {
        match self {
            Self::Connect(error) if refused_certificate(error.as_ref()).is_some() => {
                (TransportFault::Certificate, Sent::Nothing)
            }
            Self::Connect(error) => (
                TransportFault::while_connecting(error.as_ref()),
                Sent::Nothing,
            ),
            Self::ConnectTimeout => (TransportFault::ConnectTimeout, Sent::Nothing),
            Self::Nowhere => (TransportFault::Unreachable, Sent::Nothing),
            Self::Broke(error) => error.fault(),
        }
    }
}
