//! Lab, application and proxy, started and stopped together.

use std::{
    fs::{self, File},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use flask_api::FlaskApi;
use healing_lab::{Asked, Lab, LabSettings, Limits, SourceName, keys};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

use crate::{faults::Way, tap::Tap};

/// The configurations of the example.
pub(crate) const IN_FRONT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../examples/flask-api/healing.yaml"
);
pub(crate) const BEHIND: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../examples/flask-api/behind.yaml"
);
/// The hosts of the sources in the second one, their mounts, and the variables of their keys.
const BEHIND_WHICH: [(&str, SourceName, &str, &str); 4] = [
    (
        "https://query1.finance.yahoo.com",
        SourceName::YahooFinance,
        "/yahoo",
        "",
    ),
    (
        "https://api.stlouisfed.org",
        SourceName::FredApi,
        "/fred",
        "FRED_KEY",
    ),
    (
        "https://api.polygon.io",
        SourceName::PolygonIo,
        "/polygon",
        "POLYGON_KEY",
    ),
    (
        "https://www.alphavantage.co",
        SourceName::AlphaVantage,
        "/alpha",
        "ALPHA_KEY",
    ),
];
/// The other host of Yahoo's.
const QUERY2: &str = "https://query2.finance.yahoo.com";
const PATIENCE: Duration = Duration::from_secs(20);

/// A lab with the application before it, and perhaps a proxy.
#[derive(Debug)]
pub(crate) struct Deployment {
    pub(crate) lab: Lab,
    /// Where the sources have their other addresses.
    pub(crate) other: Option<Lab>,
    pub(crate) api: FlaskApi,
    pub(crate) proxy: Option<Proxy>,
    /// What the application is given, where the proxy is behind it.
    pub(crate) tap: Option<Tap>,
}

/// A proxy at work. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Proxy {
    child: Child,
    said: TempDir,
    pub(crate) url: String,
    /// Where its operator asks.
    pub(crate) admin: String,
}

// === impl Deployment ===

impl Deployment {
    /// The application alone, as callers have it without a proxy.
    pub(crate) async fn bare() -> Self {
        let lab = lab().await;
        let api = FlaskApi::start(&lab).await.expect("the application");
        Self {
            lab,
            other: None,
            api,
            proxy: None,
            tap: None,
        }
    }

    /// The application behind a proxy with the configuration of the example.
    pub(crate) async fn behind_a_proxy() -> Self {
        let mut made = Self::bare().await;
        let args = ["-c", IN_FRONT, "--upstream", &made.api.url()];
        made.proxy = Some(Proxy::start(&args, &[]).await);
        made
    }

    /// The application without keys before a proxy that has them, before the sources, Yahoo's at two addresses. It takes what
    /// that floor allows.
    pub(crate) async fn before_a_proxy(floor: Option<&'static str>) -> Self {
        let (lab, other) = (lab().await, lab().await);
        let text = fs::read_to_string(BEHIND).expect("the configuration");
        let mut text = text.replace(QUERY2, &other.url(SourceName::YahooFinance));
        let mut variables = Vec::new();
        for (host, source, _, variable) in BEHIND_WHICH {
            text = text.replace(host, &lab.url(source));
            if let [first, second, ..] = keys(source) {
                variables.push((variable.to_owned(), *first));
                variables.push((format!("{variable}_2"), *second));
            }
        }
        let folder = TempDir::new().expect("a folder");
        let file = folder.path().join("behind.yaml");
        fs::write(&file, text).expect("a file");
        let file = file.display().to_string();
        let args = ["-c", &*file];
        let proxy = Proxy::start(&args, &variables).await;
        let tap = Tap::start(proxy.url.clone(), floor, lab.started()).await;
        let base = |source| {
            let which = BEHIND_WHICH.iter().find(|(_, its, ..)| *its == source);
            which.map_or_else(|| lab.url(source), |(_, _, mount, _)| tap.url() + mount)
        };
        let api = FlaskApi::asking_with_keys(base, |_| "").await;
        Self {
            api: api.expect("the application"),
            lab,
            other: Some(other),
            proxy: Some(proxy),
            tap: Some(tap),
        }
    }

    /// Breaks a source at all its addresses, or only at the first where the way says so.
    pub(crate) async fn inject(&self, source: SourceName, way: Way) {
        let other = self.other.iter().filter(|_| way != Way::HostDown);
        for lab in other.chain([&self.lab]) {
            for fault in way.faults(source) {
                lab.inject(source, fault);
            }
            lab.settled().await;
        }
    }

    /// Mends a source.
    pub(crate) async fn clear(&self, source: SourceName) {
        for lab in self.other.iter().chain([&self.lab]) {
            lab.clear(source);
            lab.settled().await;
        }
    }

    /// What a source was asked for at all its addresses, by the clock of the lab.
    pub(crate) fn asked_of(&self, source: SourceName) -> Vec<Asked> {
        let mut all = self.lab.asked_of(source);
        if let Some(other) = &self.other {
            let later = self.lab.millis().saturating_sub(other.millis());
            all.extend(other.asked_of(source).into_iter().map(|asked| Asked {
                millis: asked.millis + later,
                ..asked
            }));
        }
        all
    }

    /// Where callers ask.
    pub(crate) fn url(&self) -> String {
        let proxy = self.proxy.as_ref().filter(|_| self.tap.is_none());
        proxy.map_or_else(|| self.api.url(), |proxy| proxy.url.clone())
    }

    pub(crate) async fn stop(self) {
        drop(self.proxy);
        self.api.stop().await.expect("its end");
        self.lab.stop().await;
        if let Some(other) = self.other {
            other.stop().await;
        }
    }
}

/// The path at the proxy under which a source is.
pub(crate) fn mount(source: SourceName) -> &'static str {
    let which = BEHIND_WHICH.iter().find(|(_, its, ..)| *its == source);
    which.expect("a source behind the proxy").2
}

async fn lab() -> Lab {
    let settings = LabSettings {
        limits: Limits::Off,
        ..LabSettings::default()
    };
    Lab::start(settings).await.expect("a lab")
}

// === impl Proxy ===

impl Proxy {
    /// Starts it with that configuration and those variables, and waits until it says where it listens.
    pub(crate) async fn start(args: &[&str], variables: &[(String, &str)]) -> Self {
        let said = TempDir::new().expect("a folder");
        let file = |name| File::create(said.path().join(name)).expect("a file");
        let any = "127.0.0.1:0";
        let child = Command::new(env!("CARGO_BIN_EXE_healing-proxy"))
            .arg("run")
            .args(args)
            .args(["--listen", any, "--admin", any])
            .env_clear()
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(file("out"))
            .stderr(file("err"))
            .spawn()
            .expect("the program");
        let mut proxy = Self {
            child,
            said,
            url: String::new(),
            admin: String::new(),
        };
        let until = Instant::now() + PATIENCE;
        while !proxy.read("out").contains("\n  next ") {
            let ended = proxy.child.try_wait().expect("a child");
            let late = Instant::now() >= until;
            assert!(ended.is_none() && !late, "{ended:?} {}", proxy.read("err"));
            sleep(Duration::from_millis(5)).await;
        }
        let banner = proxy.read("out");
        let address = |begin: &str| {
            let mut lines = banner.lines();
            let line = lines.find_map(|line| line.strip_prefix(begin));
            let url = line.and_then(|line| line.split_whitespace().next());
            url.expect("its address").to_owned()
        };
        proxy.url = address("  proxy ");
        let dashboard = address("  dashboard ");
        let admin = dashboard.trim_end_matches("/health-dashboard");
        admin.clone_into(&mut proxy.admin);
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
