//! A Redis of a test's own, on a free port, gone with the test.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    time::{Duration, Instant, sleep},
};

use crate::{
    stage::{PATIENCE, Running},
    wire::Wire,
};

/// A server. It is stopped by its id when this is dropped.
#[derive(Debug)]
pub(crate) struct Redis {
    pub(crate) address: SocketAddr,
    password: Option<String>,
    running: Running,
    folder: TempDir,
}

impl Redis {
    pub(crate) async fn start() -> Self {
        Self::on(free_port(), None).await
    }

    /// One that wants to be told that password.
    pub(crate) async fn guarded(password: &str) -> Self {
        Self::on(free_port(), Some(password.to_owned())).await
    }

    /// One that is spoken to over TLS, too, on that port of its own; and the file of the authority that vouches for it.
    pub(crate) async fn over_tls(tls: SocketAddr) -> (Self, PathBuf) {
        let folder = TempDir::new().expect("a folder");
        let authority = certify(folder.path());
        let path = |name: &str| folder.path().join(name).display().to_string();
        let arguments = [
            ("--tls-port", tls.port().to_string()),
            ("--tls-cert-file", path("server.pem")),
            ("--tls-key-file", path("server.key")),
            ("--tls-ca-cert-file", path("authority.pem")),
            ("--tls-auth-clients", "no".to_owned()),
        ];
        let redis = Self::with(free_port(), None, (folder, &arguments)).await;
        (redis, authority)
    }

    pub(crate) async fn on(address: SocketAddr, password: Option<String>) -> Self {
        Self::with(address, password, (TempDir::new().expect("a folder"), &[])).await
    }

    async fn with(
        address: SocketAddr,
        password: Option<String>,
        (folder, more): (TempDir, &[(&str, String)]),
    ) -> Self {
        let port = address.port().to_string();
        let mut command = Command::new("redis-server");
        command.args(["--port", &port, "--bind", "127.0.0.1", "--save", ""]);
        command
            .args(["--appendonly", "no"])
            .arg("--dir")
            .arg(folder.path());
        if let Some(password) = &password {
            command.args(["--requirepass", password]);
        }
        for (name, value) in more {
            command.args([name, value.as_str()]);
        }
        let redis = Self {
            address,
            password,
            running: Running::run(&mut command),
            folder,
        };
        let until = Instant::now() + PATIENCE;
        while redis
            .says("PING")
            .await
            .is_none_or(|said| !said.contains("PONG"))
        {
            assert!(Instant::now() < until, "{}", redis.running.out());
            sleep(Duration::from_millis(10)).await;
        }
        redis
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://{}", self.address)
    }

    pub(crate) fn signal(&self, name: &str) {
        self.running.signal(name);
    }

    /// Kills it; another one may take its place.
    pub(crate) async fn dies(mut self) -> SocketAddr {
        self.running.signal("KILL");
        self.running.end(PATIENCE).await;
        self.folder.close().expect("its folder");
        self.address
    }

    /// What it answers to a command, as it stands on the wire.
    pub(crate) async fn says(&self, command: &str) -> Option<String> {
        let mut wire = Wire::new(TcpStream::connect(self.address).await.ok()?);
        let auth = self
            .password
            .iter()
            .map(|password| format!("AUTH {password}\r\n"));
        let line: String = auth
            .chain([format!("{command}\r\n"), "QUIT\r\n".to_owned()])
            .collect();
        wire.send(line.as_bytes()).await.ok()?;
        while wire.more().await.ok()? > 0 {}
        Some(String::from_utf8_lossy(&wire.unread).into_owned())
    }
}

/// An authority of the test's own, and what a server at 127.0.0.1 shows of it; returns the authority's file.
fn certify(folder: &Path) -> PathBuf {
    let mut names = CertificateParams::new(Vec::new()).expect("names");
    names.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let authority = folder.join("authority.pem");
    let certificate = names.self_signed(&key).expect("an authority");
    fs::write(&authority, certificate.pem()).expect("its file");
    let issuer = Issuer::new(names, key);
    let key = KeyPair::generate().expect("a key");
    let names = CertificateParams::new(["127.0.0.1".to_owned()]).expect("names");
    let certificate = names.signed_by(&key, &issuer).expect("a certificate");
    fs::write(folder.join("server.pem"), certificate.pem()).expect("its file");
    fs::write(folder.join("server.key"), key.serialize_pem()).expect("its file");
    authority
}

pub(crate) fn free_port() -> SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address")
}
