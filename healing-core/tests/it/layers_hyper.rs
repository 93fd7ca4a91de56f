//! The layers around hyper's client and a real socket: what breaks on the wire, and what the caller gets. Real time, bounded.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use healing_core::{
    AlternateEndpoint, AlternateLayer, Body, FaultClass, Heal, HealLayer, Healer, Provenance,
    StrategyId,
};
use http::{Request, Response};
use http_body_util::BodyExt;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::Instant,
};
use tower::{Layer, ServiceExt};

use crate::layers_support::{SERIES, seconds};

/// What the server does with a connection after it has read a request.
#[derive(Clone, Debug)]
enum Wire {
    /// Says that, and closes.
    Says(String),
    /// Says that, and resets.
    Resets(String),
    /// Says that, and keeps the connection open.
    Hangs(String),
}

/// A server that speaks as told, word by word.
struct Server {
    address: SocketAddr,
    wire: Arc<Mutex<Wire>>,
    connections: JoinSet<()>,
}

impl Server {
    async fn start(wire: Wire) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let wire = Arc::new(Mutex::new(wire));
        let mut connections = JoinSet::new();
        let words = Arc::clone(&wire);
        connections.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let wire = words.lock().unwrap().clone();
                open.spawn(async move { speak(stream, wire).await.unwrap_or_default() });
            }
        });
        Self {
            address,
            wire,
            connections,
        }
    }

    fn becomes(&self, wire: Wire) {
        *self.wire.lock().unwrap() = wire;
    }

    /// Nobody listens there any more.
    async fn stop(&mut self) {
        self.connections.shutdown().await;
    }

    fn get(&self) -> Request<Body> {
        let url = format!("http://{}/fred/series?series_id=DGS10", self.address);
        Request::get(url).body(Body::empty()).unwrap()
    }
}

async fn speak(mut stream: TcpStream, wire: Wire) -> std::io::Result<()> {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut read).await? == 0 {
            return Ok(());
        }
    }
    match wire {
        Wire::Says(words) => stream.write_all(words.as_bytes()).await,
        Wire::Resets(words) => {
            stream.write_all(words.as_bytes()).await?;
            stream.flush().await?;
            tokio::time::sleep(Duration::from_millis(20)).await;
            stream.set_zero_linger()
        }
        Wire::Hangs(words) => {
            stream.write_all(words.as_bytes()).await?;
            std::future::pending().await
        }
    }
}

fn page(fields: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n{fields}\r\n{body}"
    )
}

fn good() -> Wire {
    Wire::Says(page(
        &format!("content-length: {}\r\n", SERIES.len()),
        SERIES,
    ))
}

type HyperClient = Client<HttpConnector, Body>;

fn client(healer: Healer) -> Heal<HyperClient> {
    HealLayer::new(healer).layer(Client::builder(TokioExecutor::new()).build_http())
}

fn quick() -> Heal<HyperClient> {
    client(
        Healer::builder()
            .deadline(Duration::from_millis(700))
            .build(),
    )
}

async fn ask(client: &Heal<HyperClient>, server: &Server) -> (Provenance, String) {
    let response = client.clone().oneshot(server.get()).await.unwrap();
    assert_eq!(response.status(), 200);
    let truth = response.extensions().get::<Provenance>().unwrap().clone();
    (truth, text(response).await)
}

async fn text(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test]
async fn what_breaks_on_the_wire_becomes_the_last_good_answer() {
    let long = format!("content-length: {}\r\n", SERIES.len());
    let (half, _) = SERIES.split_at(40);
    let chunk = format!("28\r\n{half}\r\n");
    let chunked = "transfer-encoding: chunked\r\n";
    let cases = [
        (Wire::Says(page(&long, half)), FaultClass::MalformedBody),
        (Wire::Says(page(chunked, &chunk)), FaultClass::MalformedBody),
        (Wire::Says(String::new()), FaultClass::ConnectionError),
        (
            Wire::Says("SMTP ready\r\n\r\n".to_owned()),
            FaultClass::MalformedBody,
        ),
        (Wire::Resets(page(&long, half)), FaultClass::ConnectionError),
        (Wire::Hangs(page(&long, half)), FaultClass::Timeout),
        (Wire::Hangs(page(chunked, &chunk)), FaultClass::Timeout),
        (Wire::Hangs(String::new()), FaultClass::Timeout),
    ];
    for (wire, class) in cases {
        let server = Server::start(good()).await;
        let client = quick();
        assert!(ask(&client, &server).await.0.is_direct());
        server.becomes(wire.clone());
        let asked = Instant::now();
        let (truth, text) = ask(&client, &server).await;
        assert!(asked.elapsed() < seconds(3), "{wire:?}");
        assert_eq!(
            (truth.strategy, text.as_str()),
            (StrategyId::USE_CACHED_DATA, SERIES)
        );
        assert_eq!(
            truth.fault.map(|fault| fault.class),
            Some(class),
            "{wire:?}"
        );
    }
}

#[tokio::test]
async fn a_server_that_is_gone_is_healed_and_its_error_is_passed_where_there_is_no_copy() {
    let mut server = Server::start(good()).await;
    let client = quick();
    ask(&client, &server).await;
    server.stop().await;
    let (truth, text) = ask(&client, &server).await;
    assert_eq!(
        (truth.strategy, text.as_str()),
        (StrategyId::USE_CACHED_DATA, SERIES)
    );
    assert_eq!(truth.fault.unwrap().detail, "connect_refused");
    let error = quick().oneshot(server.get()).await.unwrap_err();
    assert!(error.is_connect(), "hyper's own error: {error}");
}

#[tokio::test]
async fn a_connection_that_breaks_once_is_healed_exactly() {
    let server = Server::start(Wire::Says(String::new())).await;
    let client = quick();
    let mends = async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        server.becomes(good());
    };
    let ((truth, text), ()) = tokio::join!(ask(&client, &server), mends);
    assert_eq!(
        (truth.strategy, text.as_str()),
        (StrategyId::EXPONENTIAL_BACKOFF_RETRY, SERIES)
    );
}

#[tokio::test]
async fn an_event_stream_reaches_its_reader_while_it_goes_on() {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    let server = Server::start(Wire::Hangs(format!("{head}data: 1\n\n"))).await;
    let response = quick().oneshot(server.get()).await.unwrap();
    let frame = response.into_body().frame().await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "data: 1\n\n");
}

#[tokio::test]
async fn a_body_of_no_length_that_breaks_after_the_hold_breaks_for_its_reader() {
    let words = page("transfer-encoding: chunked\r\n", "5\r\n[1,2,\r\n");
    let server = Server::start(Wire::Hangs(words)).await;
    let healer = Healer::builder()
        .deadline(Duration::from_millis(200))
        .timeout(Duration::from_millis(600));
    let response = client(healer.build()).oneshot(server.get()).await.unwrap();
    assert_eq!(
        response.status(),
        200,
        "held for the deadline and passed on"
    );
    assert!(
        response.into_body().collect().await.is_err(),
        "no clean end"
    );
}

#[tokio::test]
async fn an_address_that_is_gone_is_answered_by_another_one_on_the_wire() {
    let (mut gone, other) = (Server::start(good()).await, Server::start(good()).await);
    let address = format!("http://{}", other.address).parse().unwrap();
    let layer = AlternateLayer::new(AlternateEndpoint::at([address]));
    let client = layer.layer(Client::builder(TokioExecutor::new()).build_http());
    gone.stop().await;
    let (truth, text) = ask(&client, &gone).await;
    assert_eq!(
        (truth.strategy, text.as_str()),
        (StrategyId::ALTERNATE_ENDPOINT, SERIES)
    );
    assert_eq!(truth.fault.unwrap().detail, "connect_refused");
}
