//! Listeners and connections.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::answer::Answer;
use crate::control;
use crate::injections::DownUntil;
use crate::lab::Shared;
use crate::limits::InFlight;
use crate::request::{self, ReadError, Request};
use crate::source_name::SourceName;
use crate::visit::visit;
use crate::wire::{self, After};

const BACKLOG: u32 = 1_024;

/// What a listener serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    Control,
    Source(SourceName),
}

/// The tasks of a lab and the word that ends them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Home {
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

/// A socket that holds a port without listening: connections to it are refused, and nobody else gets it.
fn hold(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

pub(crate) fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    hold(address)?.listen(BACKLOG)
}

/// Serves a door until the lab stops; a source that is `down` refuses connections meanwhile.
pub(crate) async fn serve(shared: Arc<Shared>, door: Door, mut listener: TcpListener, home: Home) {
    let Ok(address) = listener.local_addr() else {
        return;
    };
    loop {
        let open = home.stop.child_token();
        let until = tokio::select! {
            () = home.stop.cancelled() => return,
            until = goes_down(&shared, door) => until,
            () = accept_all(&shared, door, &listener, (&home.tasks, &open)) => return,
        };
        // Connections from before would go on answering.
        open.cancel();
        drop(listener);
        let holder = held_again(address).await;
        set_listening(&shared, door, false);
        tokio::select! {
            () = home.stop.cancelled() => return,
            () = comes_up(&shared, door, until) => {}
        }
        let Ok(again) = holder.listen(BACKLOG) else {
            return;
        };
        listener = again;
        set_listening(&shared, door, true);
    }
}

async fn held_again(address: SocketAddr) -> TcpSocket {
    loop {
        match hold(address) {
            Ok(socket) => return socket,
            // Another program can have taken the port in between; it is waited for.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

fn set_listening(shared: &Shared, door: Door, listening: bool) {
    if let Door::Source(source) = door {
        shared.listening.of(source).send_replace(listening);
    }
}

async fn goes_down(shared: &Shared, door: Door) -> DownUntil {
    let Door::Source(source) = door else {
        return std::future::pending().await;
    };
    let mut down = shared.injections.of(source).watch_down();
    let until = match down.wait_for(Option::is_some).await {
        Ok(until) => *until,
        Err(_) => None,
    };
    until.flatten()
}

async fn comes_up(shared: &Shared, door: Door, until: DownUntil) {
    let Door::Source(source) = door else { return };
    let injections = shared.injections.of(source);
    let mut down = injections.watch_down();
    let mut until = until;
    loop {
        let end = async {
            match until {
                Some(end) => tokio::time::sleep_until(end).await,
                None => std::future::pending().await,
            }
        };
        let ended = tokio::select! {
            () = end => true,
            _ = down.changed() => false,
        };
        if ended {
            injections.up_again(until);
        }
        // Another `down` may have come meanwhile, with another end.
        let now = *down.borrow_and_update();
        match now {
            None => return,
            Some(other) => until = other,
        }
    }
}

async fn accept_all(
    shared: &Arc<Shared>,
    door: Door,
    listener: &TcpListener,
    (tasks, open): (&TaskTracker, &CancellationToken),
) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                tasks.spawn(connection(
                    Arc::clone(shared),
                    door,
                    (stream, peer.ip()),
                    open.clone(),
                ));
            }
            // Out of file descriptors, most likely: a pause lets others be closed.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn connection(
    shared: Arc<Shared>,
    door: Door,
    (mut stream, peer): (TcpStream, IpAddr),
    open: CancellationToken,
) {
    // A lost option costs speed only.
    let _nodelay = stream.set_nodelay(true);
    let mut buffer = BytesMut::with_capacity(4 * 1_024);
    let talk = async {
        while let Some(request) = next_request(&mut stream, &mut buffer, peer).await {
            let (answer, _in_flight) = tokio::select! {
                biased;
                answer = respond(&shared, door, &request) => answer,
                () = leaves(&mut stream, &mut buffer) => return,
            };
            match wire::deliver(&mut stream, &answer, &request).await {
                Ok(After::Keep) => {}
                Ok(After::Close) | Err(_) => return,
            }
        }
    };
    tokio::select! {
        () = open.cancelled() => {}
        () = talk => {}
    }
}

async fn next_request(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
    peer: IpAddr,
) -> Option<Request> {
    let error = match request::read(stream, buffer, peer).await {
        Ok(request) => return request,
        Err(ReadError::Lost(_)) => return None,
        Err(
            error @ (ReadError::HeadTooLong | ReadError::BodyTooLong | ReadError::Malformed(_)),
        ) => error,
    };
    let answer = Answer::text(400, error.to_string());
    let refused = Request::refused(peer);
    // The connection is given up either way.
    let _sent = wire::deliver(stream, &answer, &refused).await;
    None
}

async fn respond(shared: &Shared, door: Door, request: &Request) -> (Answer, Option<InFlight>) {
    match door {
        Door::Source(source) => {
            let (answer, in_flight) = visit(shared, source, request).await;
            (answer, Some(in_flight))
        }
        Door::Control => (control::answer(shared, request), None),
    }
}

/// Ends when the caller does; what it sends meanwhile is kept for the next request.
async fn leaves(stream: &mut TcpStream, buffer: &mut BytesMut) {
    while matches!(stream.read_buf(buffer).await, Ok(count) if count > 0) {}
}
