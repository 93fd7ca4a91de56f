//! Lab, application and proxy, started and stopped together.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use flask_api::FlaskApi;
use healing_lab::{Lab, LabSettings, Limits};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// The configuration of the example.
pub(crate) const CONFIGURATION: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../examples/flask-api/healing.yaml"
);
const PATIENCE: Duration = Duration::from_secs(20);

/// A lab with the application before it, and perhaps a proxy.
#[derive(Debug)]
pub(crate) struct Deployment {
    pub(crate) lab: Lab,
    pub(crate) api: FlaskApi,
    pub(crate) proxy: Option<Proxy>,
}

/// A proxy at work. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    child: Child,
    said: TempDir,
    url: String,
}

// === impl Deployment ===

impl Deployment {
    /// The application alone, as callers have it without a proxy.
    pub(crate) async fn bare() -> Self {
        let settings = LabSettings {
            limits: Limits::Off,
            ..LabSettings::default()
        };
        let lab = Lab::start(settings).await.expect("a lab");
        let api = FlaskApi::start(&lab).await.expect("the application");
        Self {
            lab,
            api,
            proxy: None,
        }
    }

    /// The application behind a proxy with the configuration of the example.
    pub(crate) async fn behind_a_proxy() -> Self {
        let mut made = Self::bare().await;
        made.proxy = Some(Proxy::start(CONFIGURATION, &made.api.url()).await);
        made
    }

    /// Where callers ask.
    pub(crate) fn url(&self) -> String {
        self.proxy
            .as_ref()
            .map_or_else(|| self.api.url(), |proxy| proxy.url.clone())
    }

    pub(crate) async fn stop(self) {
        drop(self.proxy);
        self.api.stop().await.expect("its end");
        self.lab.stop().await;
    }
}

// === impl Proxy ===

impl Proxy {
    /// Starts it with that configuration, and waits until it says where it listens.
    pub(crate) async fn start(configuration: &str, upstream: &str) -> Self {
        let said = TempDir::new().expect("a folder");
        let file = |name| File::create(said.path().join(name)).expect("a file");
        let any = "127.0.0.1:0";
        let child = Command::new(env!("CARGO_BIN_EXE_healing-proxy"))
            .args(["run", "-c", configuration, "--upstream", upstream])
            .args(["--listen", any, "--admin", any])
            .env_clear()
            .stdin(Stdio::null())
            .stdout(file("out"))
            .stderr(file("err"))
            .spawn()
            .expect("the program");
        let url = String::new();
        let mut proxy = Self { child, said, url };
        let until = Instant::now() + PATIENCE;
        while !proxy.read("out").contains("\n  next ") {
            let ended = proxy.child.try_wait().expect("a child");
            let late = Instant::now() >= until;
            assert!(ended.is_none() && !late, "{ended:?} {}", proxy.read("err"));
            sleep(Duration::from_millis(5)).await;
        }
        let banner = proxy.read("out");
        let line = banner
            .lines()
            .find_map(|line| line.strip_prefix("  proxy "));
        let url = line.and_then(|line| line.split_whitespace().next());
        url.expect("its address").clone_into(&mut proxy.url);
        proxy
    }

    fn read(&self, name: &str) -> String {
        let path: PathBuf = self.said.path().join(name);
        let bytes = fs::read(path).expect("its file");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Fails when it has ended already.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}
