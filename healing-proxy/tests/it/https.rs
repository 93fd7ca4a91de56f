//! Upstreams over TLS: certificates of an authority of the test's own, and what is made of those that nobody vouches for.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, Mutex},
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::{Duration, Instant, sleep},
};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::ring::default_provider,
        pki_types::{CertificateDer, PrivateKeyDer},
    },
};

use crate::{
    forms::GOOD,
    stage::{PATIENCE, Proxy, Running},
};

/// An authority that issues certificates.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// An API that is spoken to over TLS only. It closes each connection after its answer.
struct Origin {
    address: SocketAddr,
    shows: Arc<Mutex<TlsAcceptor>>,
    _serving: JoinSet<()>,
}

// === impl Authority ===

impl Authority {
    fn called(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("names");
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("an authority");
        Self {
            pem: certificate.pem(),
            issuer: Issuer::new(params, key),
        }
    }

    /// Where others find it.
    fn file(&self, folder: &Path) -> PathBuf {
        let file = folder.join("authority.pem");
        fs::write(&file, &self.pem).expect("a file");
        file
    }

    /// What a server of that name shows. It speaks HTTP/2, too, and would rather.
    fn for_name(&self, name: &str) -> TlsAcceptor {
        let params = CertificateParams::new([name.to_owned()]).expect("a name");
        self.with(&params)
    }

    /// What one of localhost shows that was good for the last day of 2020.
    fn long_over(&self) -> TlsAcceptor {
        let mut params = CertificateParams::new(["localhost".to_owned()]).expect("a name");
        params.not_before = rcgen::date_time_ymd(2020, 12, 30);
        params.not_after = rcgen::date_time_ymd(2020, 12, 31);
        self.with(&params)
    }

    fn with(&self, params: &CertificateParams) -> TlsAcceptor {
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(default_provider()));
        let config = config.with_safe_default_protocol_versions().expect("ring");
        let shown: Vec<CertificateDer<'static>> = vec![certificate.der().clone()];
        let config = config.with_no_client_auth().with_single_cert(shown, key);
        let mut config = config.expect("a pair");
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        TlsAcceptor::from(Arc::new(config))
    }
}

// === impl Origin ===

impl Origin {
    async fn showing(first: TlsAcceptor) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let shows = Arc::new(Mutex::new(first));
        let shown = Arc::clone(&shows);
        let mut serving = JoinSet::new();
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.expect("a caller");
                let acceptor = shown.lock().expect("whole").clone();
                connections.spawn(answer(acceptor, stream));
            }
        });
        Self {
            address,
            shows,
            _serving: serving,
        }
    }

    /// From now on it shows that.
    fn shows(&self, other: TlsAcceptor) {
        *self.shows.lock().expect("whole") = other;
    }

    /// A proxy before it, with these variables in its environment.
    async fn proxied(&self, variables: &[(&str, &str)]) -> Proxy {
        let url = format!("https://localhost:{}", self.address.port());
        let any = "127.0.0.1:0";
        let args = ["--upstream", &url, "--listen", any, "--admin", any];
        Proxy::of(Running::start_with(&args, variables)).await
    }
}

/// Answers one request, where a caller likes what it is shown.
async fn answer(acceptor: TlsAcceptor, stream: TcpStream) {
    let Ok(mut stream) = acceptor.accept(stream).await else {
        return;
    };
    assert_eq!(stream.get_ref().1.alpn_protocol(), None);
    let mut asked = Vec::new();
    while !asked.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else {
            return; // it was a caller that only looked
        };
        asked.push(byte);
    }
    let text = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{GOOD}",
        GOOD.len()
    );
    stream.write_all(text.as_bytes()).await.expect("a caller");
    stream.shutdown().await.expect("a caller");
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_where_it_is_named() {
    let (authority, folder) = (Authority::called("ours"), TempDir::new().unwrap());
    let origin = Origin::showing(authority.for_name("localhost")).await;
    let file = authority.file(folder.path()).display().to_string();
    let proxy = origin.proxied(&[("SSL_CERT_FILE", &file)]).await;
    for _ in 0..3 {
        let answer = proxy.get("/a").await;
        assert_eq!((answer.status, answer.text()), (200, GOOD.to_owned()));
        assert_eq!(answer.get("healing"), "");
    }
}

/// Waits until the log says that a certificate is refused, for that reason and with the way out: it is written beside the answers.
async fn until_said(proxy: &Proxy, reason: &str) {
    let until = Instant::now() + PATIENCE;
    let is_it = |line: &str| {
        let parts = ["the certificate is refused", reason, "SSL_CERT_FILE"];
        parts.iter().all(|part| line.contains(part))
    };
    while !proxy.err().lines().any(is_it) {
        assert!(Instant::now() < until, "{reason}: {}", proxy.err());
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_healed_and_told() {
    let (authority, folder) = (Authority::called("ours"), TempDir::new().unwrap());
    let origin = Origin::showing(authority.for_name("localhost")).await;
    let file = authority.file(folder.path()).display().to_string();
    let proxy = origin.proxied(&[("SSL_CERT_FILE", &file)]).await;
    assert_eq!(proxy.get("/a").await.status, 200);
    for (shown, reason) in [
        (
            Authority::called("another").for_name("localhost"),
            "UnknownIssuer",
        ),
        (authority.for_name("other.example"), "not valid for name"),
        (authority.for_name("127.0.0.1"), "not valid for name"),
        (authority.long_over(), "expired"),
    ] {
        origin.shows(shown);
        let copy = proxy.get("/a").await;
        assert_eq!(
            (copy.status, copy.text()),
            (200, GOOD.to_owned()),
            "{reason}"
        );
        let told = copy.get("healing");
        assert!(
            told.starts_with("stale") && told.contains("connection_error"),
            "{told}"
        );
        let told = copy.get("proxy-status");
        assert!(
            told.contains("error=tls_certificate_error"),
            "{reason}: {told}"
        );
        until_said(&proxy, reason).await;
        origin.shows(authority.for_name("localhost"));
        assert_eq!(until_exact(&proxy).await, GOOD);
    }
    let said = proxy.err().matches("the certificate is refused").count();
    assert!((4..=8).contains(&said), "it is said when it begins: {said}");
    assert!(!proxy.err().contains("panicked"), "{}", proxy.err());
}

/// Asks until the answer is the source's own again.
async fn until_exact(proxy: &Proxy) -> String {
    for _ in 0..200 {
        let answer = proxy.get("/a").await;
        if answer.get("healing").is_empty() {
            return answer.text();
        }
        sleep(Duration::from_millis(50)).await;
    }
    panic!("it does not come back: {}", proxy.err())
}

#[tokio::test]
async fn an_unknown_authority_is_an_honest_error_where_nothing_is_kept() {
    let origin = Origin::showing(Authority::called("another").for_name("localhost")).await;
    let proxy = origin.proxied(&[]).await;
    let answer = proxy.get("/a").await;
    assert_eq!(answer.status, 502, "{answer:?}");
    let told: Value = serde_json::from_str(&answer.text()).unwrap();
    assert_eq!(told["class"], "connection_error");
    assert_eq!(told["fault"], "tls_certificate");
    // What is no TLS at all is told from that.
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", plain.local_addr().unwrap());
    let mut serving = JoinSet::new();
    serving.spawn(async move {
        while let Ok((mut stream, _)) = plain.accept().await {
            let refusal = b"HTTP/1.1 400 Plain\r\nConnection: close\r\n\r\n";
            stream.write_all(refusal).await.expect("a caller");
        }
    });
    let any = "127.0.0.1:0";
    let args = ["--upstream", &url, "--listen", any, "--admin", any];
    let proxy = Proxy::of(Running::start(&args)).await;
    let answer = proxy.get("/a").await;
    let told: Value = serde_json::from_str(&answer.text()).unwrap();
    assert_eq!((answer.status, &told["fault"]), (502, &Value::from("tls")));
}

#[test]
fn a_file_of_authorities_that_cannot_be_used_is_told_at_the_start_and_by_check() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("none.pem").display().to_string();
    let config = folder.path().join("healing.yaml");
    fs::write(&config, "upstream: https://localhost:1\n").unwrap();
    for command in ["run", "check"] {
        let ended = Command::new(env!("CARGO_BIN_EXE_healing-proxy"))
            .args([command, "-c"])
            .arg(&config)
            .env_clear()
            .env("SSL_CERT_FILE", &file)
            .output()
            .unwrap();
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        let said = [ended.stdout, ended.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        for part in ["SSL_CERT_FILE", "none.pem", "cannot be read"] {
            assert!(said.contains(part), "{said}");
        }
    }
}
