//! A bare hyper server that answers every request with the same JSON: the floor under a fresh hit of a cache.
//!
//! `bare 127.0.0.1:9500 1024` listens there on one thread until it is stopped, and answers with rows of at least so many
//! bytes and the fields that an origin's answer has.

use std::{convert::Infallible, error::Error, future::ready, io, net::SocketAddr};

use bytes::Bytes;
use http::{HeaderValue, Response, header};
use http_body_util::Full;
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{net::TcpListener, task::JoinSet};

const USAGE: &str = "usage: bare ADDRESS BYTES, such as bare 127.0.0.1:9500 1024";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address: SocketAddr = arguments.next().ok_or(USAGE)?.parse()?;
    let bytes: usize = arguments.next().ok_or(USAGE)?.parse()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(listen(address, Bytes::from(rows(bytes))))?;
    Ok(())
}

async fn listen(address: SocketAddr, body: Bytes) -> io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    let mut connections = JoinSet::new();
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let body = body.clone();
        let answers = service_fn(move |_| ready(Ok::<_, Infallible>(answer(&body))));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), answers);
        connections.spawn(connection);
        while connections.try_join_next().is_some() {}
    }
}

/// A table of prices that is at least so long.
fn rows(bytes: usize) -> String {
    let mut rows = String::from(r#"{"symbol": "AAPL", "rows": ["#);
    let mut n = 0;
    while rows.len() < bytes {
        let comma = if n == 0 { "" } else { ", " };
        let time = 1_763_500_000 + 60 * n;
        rows.push_str(&format!(r#"{comma}{{"t": {time}, "o": {n}.1, "v": {n}}}"#));
        n += 1;
    }
    rows + "]}"
}

fn answer(body: &Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.clone()));
    let fields = response.headers_mut();
    fields.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    fields.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("public, max-age=3600"),
    );
    fields.insert(header::ETAG, HeaderValue::from_static("\"691dc8f0-400\""));
    fields.insert(
        header::LAST_MODIFIED,
        HeaderValue::from_static("Wed, 19 Nov 2025 13:40:00 GMT"),
    );
    response
}
