//! An API of bare sockets: it sends just the bytes that it was told to, and remembers what it was asked.

use std::{
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use bytes::Bytes;
use tokio::{
    io::copy,
    net::{TcpListener, TcpSocket, TcpStream},
    task::JoinSet,
    time::sleep,
};

use crate::wire::{End, Head, Length, Wire};

/// A request as the API saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) head: Head,
    pub(crate) body: Vec<u8>,
    /// Whether its body came to its end.
    pub(crate) end: End,
    /// Counts the API's connections.
    pub(crate) connection: usize,
}

/// What the API does with a request.
#[derive(Clone, Debug)]
pub(crate) struct Act {
    steps: Vec<Step>,
    after: After,
}

#[derive(Clone, Debug)]
enum Step {
    Send(Bytes, usize),
    Pause(Duration),
}

#[derive(Clone, Copy, Debug)]
enum After {
    KeepOpen,
    Close,
    Reset,
    Hang,
    Echo,
}

type Script = Arc<Mutex<Arc<dyn Fn(&Seen) -> Act + Send + Sync>>>;

/// The API. It can go away and come back at the same address, which stays its own meanwhile.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    stage: Stage,
    serving: JoinSet<()>,
    /// Bound, but not listening: whoever connects while nothing else listens there is refused.
    _reserved: TcpSocket,
}

#[derive(Clone)]
struct Stage {
    script: Script,
    seen: Arc<Mutex<Vec<Seen>>>,
    bytes: Arc<AtomicUsize>,
    connections: Arc<AtomicUsize>,
}

// === impl Seen ===

impl Seen {
    pub(crate) fn path(&self) -> &str {
        self.head.first.split(' ').nth(1).expect("a target")
    }

    pub(crate) fn method(&self) -> &str {
        self.head.first.split(' ').next().expect("a method")
    }
}

// === impl Act ===

impl Act {
    pub(crate) fn send(bytes: impl Into<Bytes>) -> Self {
        Self {
            steps: vec![Step::Send(bytes.into(), 1)],
            after: After::KeepOpen,
        }
    }

    /// A whole answer: status line and fields without `Content-Length`, and a body.
    pub(crate) fn answer(head: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let length = body.len();
        let mut bytes = format!("{head}\r\nContent-Length: {length}\r\n\r\n").into_bytes();
        bytes.extend_from_slice(body);
        Self::send(bytes)
    }

    /// A whole JSON answer with status 200.
    pub(crate) fn json(body: impl AsRef<[u8]>) -> Self {
        Self::answer("HTTP/1.1 200 OK\r\nContent-Type: application/json", body)
    }

    pub(crate) fn then(mut self, bytes: impl Into<Bytes>) -> Self {
        self.steps.push(Step::Send(bytes.into(), 1));
        self
    }

    pub(crate) fn then_times(mut self, bytes: impl Into<Bytes>, times: usize) -> Self {
        self.steps.push(Step::Send(bytes.into(), times));
        self
    }

    pub(crate) fn pause(mut self, time: Duration) -> Self {
        self.steps.push(Step::Pause(time));
        self
    }

    /// Does that after a pause.
    pub(crate) fn late(mut self, time: Duration) -> Self {
        self.steps.insert(0, Step::Pause(time));
        self
    }

    pub(crate) fn closes(self) -> Self {
        self.ends(After::Close)
    }

    pub(crate) fn resets(self) -> Self {
        self.ends(After::Reset)
    }

    pub(crate) fn hangs(self) -> Self {
        self.ends(After::Hang)
    }

    /// From now on it sends back what it is sent.
    pub(crate) fn echoes(self) -> Self {
        self.ends(After::Echo)
    }

    fn ends(mut self, after: After) -> Self {
        self.after = after;
        self
    }
}

// === impl Upstream ===

impl Upstream {
    /// An API that does the same with every request.
    pub(crate) fn that(act: Act) -> Self {
        Self::with(move |_| act.clone())
    }

    /// An API that does with a request what the script says.
    pub(crate) fn with(script: impl Fn(&Seen) -> Act + Send + Sync + 'static) -> Self {
        let mut upstream = Self::away();
        upstream.plays(script);
        upstream.comes();
        upstream
    }

    /// An API that is not there yet.
    pub(crate) fn away() -> Self {
        let reserved = nobody();
        let stage = Stage {
            script: Arc::new(Mutex::new(Arc::new(|_: &Seen| Act::json(r#"{"value":1}"#)))),
            seen: Arc::default(),
            bytes: Arc::default(),
            connections: Arc::default(),
        };
        Self {
            address: reserved.local_addr().expect("it is bound"),
            stage,
            serving: JoinSet::new(),
            _reserved: reserved,
        }
    }

    /// From now on it does that.
    pub(crate) fn plays(&self, script: impl Fn(&Seen) -> Act + Send + Sync + 'static) {
        *self.stage.script.lock().unwrap() = Arc::new(script);
    }

    /// From now on it does the same with every request.
    pub(crate) fn always(&self, act: Act) {
        self.plays(move |_| act.clone());
    }

    /// It listens.
    pub(crate) fn comes(&mut self) {
        let listener = socket(self.address).listen(1024).expect("its own port");
        self.serving.spawn(serve(listener, self.stage.clone()));
    }

    /// It closes everything; connections are refused.
    pub(crate) async fn goes(&mut self) {
        self.serving.shutdown().await;
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.stage.seen.lock().unwrap().clone()
    }

    /// Requests so far.
    pub(crate) fn calls(&self) -> usize {
        self.stage.seen.lock().unwrap().len()
    }

    /// The only request so far.
    pub(crate) fn only(&self) -> Seen {
        let [seen] = <[Seen; 1]>::try_from(self.seen()).expect("one request");
        seen
    }

    /// Bytes that came so far, over all connections.
    pub(crate) fn bytes(&self) -> usize {
        self.stage.bytes.load(SeqCst)
    }
}

/// An address of its own where nobody listens while this is kept.
pub(crate) fn nobody() -> TcpSocket {
    socket("127.0.0.1:0".parse().expect("an address"))
}

fn socket(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("an option");
    socket.set_reuseport(true).expect("an option");
    socket.bind(address).expect("a free port");
    socket
}

async fn serve(listener: TcpListener, stage: Stage) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let number = stage.connections.fetch_add(1, SeqCst);
        connections.spawn(connection(stream, number, stage.clone()));
    }
}

async fn connection(stream: TcpStream, number: usize, stage: Stage) {
    stream.set_nodelay(true).expect("an option");
    let mut wire = Wire::new(stream);
    while let Some(seen) = request(&mut wire, number, &stage).await {
        let script = Arc::clone(&stage.script.lock().unwrap());
        let act = script(&seen);
        stage.seen.lock().unwrap().push(seen);
        for step in act.steps {
            let sent = match step {
                Step::Pause(time) => {
                    sleep(time).await;
                    Ok(())
                }
                Step::Send(bytes, times) => send_times(&mut wire, &bytes, times).await,
            };
            if sent.is_err() {
                return;
            }
        }
        match act.after {
            After::KeepOpen => {}
            After::Close => return,
            After::Reset => {
                wire.stream.set_zero_linger().expect("an option");
                return;
            }
            // Until the other side has enough of it.
            After::Hang => while wire.more().await.is_ok_and(|read| read > 0) {},
            After::Echo => {
                let early = std::mem::take(&mut wire.unread);
                let (mut from, mut to) = wire.stream.split();
                if tokio::io::AsyncWriteExt::write_all(&mut to, &early)
                    .await
                    .is_ok()
                {
                    let _bytes = copy(&mut from, &mut to).await;
                }
                return;
            }
        }
    }
}

async fn send_times(wire: &mut Wire, bytes: &[u8], times: usize) -> std::io::Result<()> {
    for _ in 0..times {
        wire.send(bytes).await?;
    }
    Ok(())
}

/// The next request; nothing when the connection ends.
async fn request(wire: &mut Wire, connection: usize, stage: &Stage) -> Option<Seen> {
    let before = wire.unread.len();
    let head = wire.head().await.ok()??;
    stage
        .bytes
        .fetch_add(wire.unread.len() - before.min(wire.unread.len()), SeqCst);
    let (body, end) = match head.length(Length::Known(0)) {
        Length::Known(length) => counted(wire, length, stage).await,
        other @ (Length::Chunked | Length::UntilClosed) => wire.body(other).await,
    };
    Some(Seen {
        head,
        body,
        end,
        connection,
    })
}

/// A body of that length, counted as it comes.
async fn counted(wire: &mut Wire, length: usize, stage: &Stage) -> (Vec<u8>, End) {
    while wire.unread.len() < length {
        match wire.more().await {
            Ok(0) => return (std::mem::take(&mut wire.unread), End::Cut),
            Ok(read) => stage.bytes.fetch_add(read, SeqCst),
            Err(_) => return (std::mem::take(&mut wire.unread), End::Reset),
        };
    }
    (wire.unread.drain(..length).collect(), End::Whole)
}
