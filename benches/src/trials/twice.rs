//! Whether anything that must not be repeated reaches an origin twice: hyper's client with its pool, over connections in
//! memory to an origin that counts the bytes of each request, and fails in every way that a connection can.

use std::{
    collections::HashMap,
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use healing_core::{AlternateEndpoint, Body, HealLayer, Healer};
use http::{Method, Request, Uri};
use http_body_util::BodyExt;
use hyper_util::{
    client::legacy::{
        Client,
        connect::{Connected, Connection},
    },
    rt::{TokioExecutor, TokioIo},
};
use rand::{RngExt, SeedableRng, rngs::ChaCha8Rng};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex},
    task::JoinSet,
};
use tower::{Layer, Service, ServiceExt};

use crate::trials::{Trial, origin::lived};

/// So many runs share a healer and its connections.
const OF_ONE_WORLD: u64 = 500;

/// What the pipe between client and origin holds.
const PIPE: usize = 16 * 1024;

/// The methods that are tried, and whether a request of it must not be repeated.
const METHODS: [(Method, bool); 5] = [
    (Method::POST, true),
    (Method::PATCH, true),
    (Method::PUT, true),
    (Method::DELETE, true),
    (Method::GET, false),
];

/// What becomes of a request that has come, or of its connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Act {
    Well,
    WellAndCloses,
    Status(u16),
    /// Closes after the head.
    HeadOnly,
    /// Closes in the middle of the body.
    HalfRead,
    /// Reads all, and closes without a word.
    Closes,
    HalfHead,
    HalfBody,
    Nonsense,
    Html,
    Silence,
}

const ACTS: [Act; 16] = [
    Act::Well,
    Act::WellAndCloses,
    Act::Status(500),
    Act::Status(503),
    Act::Status(429),
    Act::Status(408),
    Act::Status(425),
    Act::Status(401),
    Act::HeadOnly,
    Act::HalfRead,
    Act::Closes,
    Act::HalfHead,
    Act::HalfBody,
    Act::Nonsense,
    Act::Html,
    Act::Silence,
];

/// What came of one request.
#[derive(Clone, Copy, Debug, Default)]
struct Came {
    /// How often its head did.
    heads: u32,
    /// How often all of it did.
    whole: u32,
    bytes: u64,
}

/// The origin's book, by the number of the run.
#[derive(Debug)]
struct Origin {
    random: ChaCha8Rng,
    came: HashMap<u64, Came>,
    connections: JoinSet<()>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    twice: u64,
    in_part_twice: u64,
    too_many_bytes: u64,
    unsafe_runs: u64,
    delivered: u64,
    repeated: u64,
}

type Shared = Arc<Mutex<Origin>>;

/// Lives so many runs, each of which meets some fault or other.
#[must_use]
pub fn tried(runs: u64, seed: u64) -> Trial {
    let mut counts = Counts::default();
    let mut left = runs;
    let mut world = 0;
    while left > 0 {
        let some = left.min(OF_ONE_WORLD);
        lived(lives(some, seed << 20 | world, &mut counts));
        left -= some;
        world += 1;
    }
    Trial {
        name: "delivered once",
        runs: (runs, "runs"),
        never: vec![
            ("came twice", counts.twice),
            ("came a second time in part", counts.in_part_twice),
            ("more bytes than one request has", counts.too_many_bytes),
        ],
        seen: vec![
            ("runs of POST, PATCH, PUT, DELETE", counts.unsafe_runs),
            ("of which came whole", counts.delivered),
            ("GETs that were repeated", counts.repeated),
        ],
    }
}

/// One healer's life, and that of its connections.
async fn lives(runs: u64, seed: u64, counts: &mut Counts) {
    let origin = Arc::new(Mutex::new(Origin {
        random: ChaCha8Rng::seed_from_u64(seed),
        came: HashMap::new(),
        connections: JoinSet::new(),
    }));
    let addresses = ["http://a.test", "http://b.test"].map(str::parse::<Uri>);
    let addresses = addresses.into_iter().filter_map(Result::ok);
    let healer = Healer::builder().never_rest();
    let healer = healer.strategy(AlternateEndpoint::at(addresses)).build();
    let client = Client::builder(TokioExecutor::new()).build(Dial(Arc::clone(&origin)));
    let client = HealLayer::new(healer).layer(client);
    let mut random = ChaCha8Rng::seed_from_u64(seed ^ 0x7_1ce);
    for run in 0..runs {
        let (method, is_unsafe) = &METHODS[random.random_range(0..METHODS.len())];
        let length = [0, 10, 300, 40_000][random.random_range(0..4)];
        let body = vec![b'x'; if *is_unsafe { length } else { 0 }];
        let sent = body.len();
        let request = Request::builder()
            .method(method)
            .uri("http://a.test/orders/7")
            .header("x-run", run)
            .body(Body::from(body));
        let Ok(request) = request else { continue };
        if let Ok(response) = client.clone().oneshot(request).await {
            let _whole_or_broken = response.into_body().collect().await;
        }
        let origin = origin.lock().unwrap_or_else(PoisonError::into_inner);
        let came = origin.came.get(&run).copied().unwrap_or_default();
        drop(origin);
        counts.take(came, *is_unsafe, sent);
    }
    let mut origin = origin.lock().unwrap_or_else(PoisonError::into_inner);
    origin.connections.abort_all();
}

// === impl Counts ===

impl Counts {
    fn take(&mut self, came: Came, is_unsafe: bool, sent: usize) {
        // A head has no more than this.
        let most = u64::try_from(sent).unwrap_or(u64::MAX) + 500;
        if is_unsafe {
            self.unsafe_runs += 1;
            self.delivered += u64::from(came.whole > 0);
            self.twice += u64::from(came.whole > 1);
            self.in_part_twice += u64::from(came.heads > 1);
            self.too_many_bytes += u64::from(came.bytes > most);
        } else {
            self.repeated += u64::from(came.heads > 1);
        }
    }
}

/// Opens connections to the origin.
#[derive(Clone, Debug)]
struct Dial(Shared);

/// The client's end of one.
struct Wire(TokioIo<DuplexStream>);

impl Service<Uri> for Dial {
    type Response = Wire;
    type Error = io::Error;
    type Future = std::future::Ready<io::Result<Wire>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let mut origin = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::future::ready(if origin.random.random_bool(0.08) {
            Err(io::Error::from(io::ErrorKind::ConnectionRefused))
        } else {
            let (near, far) = duplex(PIPE);
            let book = Arc::clone(&self.0);
            origin.connections.spawn(async move {
                let _closed = serve(far, &book).await;
            });
            Ok(Wire(TokioIo::new(near)))
        })
    }
}

/// Reads requests, writes down what came of each, and does something with it.
async fn serve(mut wire: DuplexStream, book: &Shared) -> io::Result<()> {
    let mut read = Vec::new();
    loop {
        let Some(head) = head(&mut wire, &mut read).await? else {
            return Ok(());
        };
        let (run, length) = (field(&head, "x-run"), field(&head, "content-length"));
        let (run, length) = (run.unwrap_or(u64::MAX), length.unwrap_or(0));
        let act = {
            let mut origin = book.lock().unwrap_or_else(PoisonError::into_inner);
            let n = origin.random.random_range(0..ACTS.len());
            let came = origin.came.entry(run).or_default();
            came.heads += 1;
            came.bytes += u64::try_from(head.len()).unwrap_or(u64::MAX);
            ACTS[n]
        };
        let wanted = match act {
            Act::HeadOnly => 0,
            Act::HalfRead => length / 2,
            Act::Well
            | Act::WellAndCloses
            | Act::Status(_)
            | Act::Closes
            | Act::HalfHead
            | Act::HalfBody
            | Act::Nonsense
            | Act::Html
            | Act::Silence => length,
        };
        let mut came = 0;
        while came < wanted {
            if read.is_empty() && wire.read_buf(&mut read).await? == 0 {
                break;
            }
            let some = read.len().min(usize::try_from(wanted - came).unwrap_or(0));
            read.drain(..some);
            came += u64::try_from(some).unwrap_or(u64::MAX);
        }
        {
            let mut origin = book.lock().unwrap_or_else(PoisonError::into_inner);
            let entry = origin.came.entry(run).or_default();
            entry.bytes += came;
            entry.whole += u32::from(came == length);
        }
        if !answer(&mut wire, act).await? {
            return Ok(());
        }
    }
}

/// The next head, with its end; `None` where the connection ended.
async fn head(wire: &mut DuplexStream, read: &mut Vec<u8>) -> io::Result<Option<String>> {
    loop {
        if let Some(end) = read.windows(4).position(|four| four == b"\r\n\r\n") {
            let head: Vec<u8> = read.drain(..end + 4).collect();
            return Ok(Some(String::from_utf8_lossy(&head).into_owned()));
        }
        if wire.read_buf(read).await? == 0 {
            return Ok(None);
        }
    }
}

fn field(head: &str, name: &str) -> Option<u64> {
    let lines = head.lines().filter_map(|line| line.split_once(':'));
    let mut values = lines.filter(|(own, _)| own.eq_ignore_ascii_case(name));
    values.next()?.1.trim().parse().ok()
}

/// Answers, or does not. Returns whether the connection stays.
async fn answer(wire: &mut DuplexStream, act: Act) -> io::Result<bool> {
    const GOOD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 15\r\n\r\n{\"price\": 1.25}";
    let text = match act {
        Act::Well | Act::WellAndCloses => GOOD.to_owned(),
        Act::Status(code) => format!("HTTP/1.1 {code} No\r\ncontent-length: 2\r\n\r\nno"),
        Act::HeadOnly | Act::HalfRead | Act::Closes => String::new(),
        Act::HalfHead => GOOD.get(..30).unwrap_or_default().to_owned(),
        Act::HalfBody => GOOD.get(..GOOD.len() - 6).unwrap_or_default().to_owned(),
        Act::Nonsense => "\u{1}\u{2} what?\r\n\r\n".to_owned(),
        Act::Html => {
            let page = "<html>Sign in</html>";
            let length = page.len();
            format!(
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {length}\r\n\r\n{page}"
            )
        }
        Act::Silence => {
            tokio::time::sleep(Duration::from_mins(1)).await;
            return Ok(false);
        }
    };
    wire.write_all(text.as_bytes()).await?;
    Ok(matches!(act, Act::Well | Act::Status(_) | Act::Html))
}

// === impl Wire ===

impl Connection for Wire {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl hyper::rt::Read for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: hyper::rt::ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl hyper::rt::Write for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
