//! The data plane: one thread, one runtime, one listener, one pool of connections a core.
//!
//! Nothing is handed between threads on a request's way. The kernel spreads connections over the listeners
//! (`SO_REUSEPORT`).

use std::{
    future::{Future, poll_fn},
    io,
    net::{Ipv6Addr, SocketAddr},
    pin::pin,
    sync::Arc,
    thread::JoinHandle,
    time::Duration,
};

use healing_core::{Background, CacheLayer, HealLayer, Healer, Identity, LabelLayer};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Layer;

use crate::{
    forward::{Forward, Hop},
    head_timer::HeadTimer,
    hop::Caller,
    places::Places,
    trust::Trust,
    upstream::{Origin, Upstream},
};

/// Connections of one worker at a time; more wait in the kernel's queue.
const MAX_CONNECTIONS: usize = 16_384;

/// The kernel's queue of connections that were not accepted yet.
const BACKLOG: i32 = 4_096;

/// A caller that does not send the head of its request within this is let go.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// Probes and late answers of one worker at a time.
const MAX_BACKGROUND: usize = 256;

/// After an accept that failed for want of something (file descriptors), give it time to come back.
const AFTER_FAILED_ACCEPT: Duration = Duration::from_millis(50);

/// What every worker is given.
#[derive(Clone, Debug)]
pub(crate) struct WorkerParts {
    pub(crate) healer: Healer,
    pub(crate) identity: Identity,
    /// The API, where there is one.
    pub(crate) origin: Option<Origin>,
    pub(crate) trust: Trust,
    pub(crate) places: Arc<Places>,
    pub(crate) hop: Arc<Hop>,
    pub(crate) stop: CancellationToken,
    /// How long requests under way may take to end once it stops.
    pub(crate) grace: Duration,
}

/// The threads of the data plane.
#[derive(Debug)]
pub(crate) struct Workers(Vec<JoinHandle<io::Result<()>>>);

/// Binds one listener a worker, all at the same address.
///
/// # Errors
/// When the address is taken or is none of this machine.
pub(crate) fn bind(
    address: SocketAddr,
    workers: usize,
) -> io::Result<(SocketAddr, Vec<std::net::TcpListener>)> {
    // Sharing a port is for our own workers only: another program on it, even another proxy, is an error.
    drop(socket(address, false)?);
    let first = socket(address, true)?;
    let bound = first.local_addr()?;
    let mut listeners = vec![first];
    for _ in 1..workers {
        listeners.push(socket(bound, true)?);
    }
    Ok((bound, listeners))
}

fn socket(address: SocketAddr, shared: bool) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(shared)?;
    if address.ip() == Ipv6Addr::UNSPECIFIED {
        socket.set_only_v6(false)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

// === impl Workers ===

impl Workers {
    /// Starts a worker for each listener.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub(crate) fn start(
        listeners: Vec<std::net::TcpListener>,
        parts: &WorkerParts,
    ) -> io::Result<Self> {
        let start = |(n, listener)| {
            let parts = parts.clone();
            std::thread::Builder::new()
                .name(format!("worker-{n}"))
                .spawn(move || work(listener, parts))
        };
        listeners
            .into_iter()
            .enumerate()
            .map(start)
            .collect::<io::Result<Vec<_>>>()
            .map(Self)
    }

    /// Waits until all have stopped.
    ///
    /// # Errors
    /// When one could not begin its work, or panicked.
    pub(crate) fn join(self) -> io::Result<()> {
        self.0.into_iter().try_for_each(|worker| {
            worker
                .join()
                .unwrap_or_else(|_| Err(io::Error::other("a worker panicked")))
        })
    }
}

fn work(listener: std::net::TcpListener, parts: WorkerParts) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async move {
        let upstream = Upstream::new(parts.origin.clone(), parts.places.ways(), &parts.trust)
            .map_err(io::Error::other)?;
        let background = Background::new(MAX_BACKGROUND);
        let heal = HealLayer::new(parts.healer.clone()).background(background.clone());
        let forward = Arc::new(Forward {
            stack: LabelLayer::new(parts.identity.clone())
                .layer(CacheLayer::new().layer(heal.layer(upstream))),
            hop: Arc::clone(&parts.hop),
            places: Arc::clone(&parts.places),
            has_api: parts.origin.is_some(),
            tunnels: TaskTracker::new(),
            stop: parts.stop.clone(),
        });
        accept(TcpListener::from_std(listener)?, &forward, &parts).await;
        background.stop().await;
        forward.tunnels.close();
        forward.tunnels.wait().await;
        Ok(())
    })
}

async fn accept(listener: TcpListener, forward: &Arc<Forward>, parts: &WorkerParts) {
    let places = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let next = async {
            let place = Arc::clone(&places).acquire_owned().await.ok()?;
            Some((listener.accept().await, place))
        };
        let Some(Some((accepted, place))) = parts.stop.run_until_cancelled(next).await else {
            break;
        };
        match accepted {
            Ok((stream, caller)) => {
                connections.spawn(connection(stream, caller, Arc::clone(forward), place));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(AFTER_FAILED_ACCEPT).await;
            }
        }
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    if timeout(parts.grace, ended).await.is_err() {
        tracing::warn!(
            left = connections.len(),
            "requests were still under way when the time to stop was over"
        );
    }
    connections.shutdown().await;
}

async fn connection(
    stream: TcpStream,
    caller: SocketAddr,
    forward: Arc<Forward>,
    place: OwnedSemaphorePermit,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection was gone before it began");
    }
    let stop = forward.stop.clone();
    let Some(caller) = Caller::of(caller.ip(), &forward.hop.trusted).map(Arc::new) else {
        return;
    };
    let answers =
        service_fn(move |request| Arc::clone(&forward).answer(request, Arc::clone(&caller)));
    let connection = http1::Builder::new()
        .timer(HeadTimer::new(HEAD_TIMEOUT))
        .header_read_timeout(HEAD_TIMEOUT)
        .serve_connection(TokioIo::new(stream), answers)
        .with_upgrades();
    let mut connection = pin!(connection);
    let mut stopping = pin!(stop.cancelled());
    let (mut is_awaited, mut is_told) = (false, false);
    let ended = poll_fn(|cx| {
        // Once it has been asked it wakes this task, and a look whether it is time is enough.
        if !is_told && (!is_awaited || stop.is_cancelled()) {
            is_awaited = true;
            is_told = stopping.as_mut().poll(cx).is_ready();
            if is_told {
                connection.as_mut().graceful_shutdown();
            }
        }
        connection.as_mut().poll(cx)
    })
    .await;
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
    drop(place);
}
