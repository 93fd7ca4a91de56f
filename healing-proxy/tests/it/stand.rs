//! A proxy with a configuration of its own, before a lab of sources.

use std::{fs, time::Duration};

use healing_lab::{Hours, Lab, LabSettings, Limits, SourceName};
use serde_json::Value;
use tempfile::TempDir;
use tokio::{
    net::{TcpSocket, TcpStream},
    time::{Instant, sleep},
};

use crate::{
    stage::{PATIENCE, Proxy, Running, get},
    upstream::nobody,
    wire::{Length, Wire},
};

/// Who stands in a configuration by these words.
const PLACES: [(&str, SourceName); 5] = [
    ("ALPHA", SourceName::AlphaVantage),
    ("YAHOO", SourceName::YahooFinance),
    ("FRED", SourceName::FredApi),
    ("POLYGON", SourceName::PolygonIo),
    ("API", SourceName::Api),
];

/// A lab, and the proxy before it.
#[derive(Debug)]
pub(crate) struct Stand {
    pub(crate) lab: Lab,
    pub(crate) proxy: Proxy,
    _gone: TcpSocket,
    _folder: TempDir,
}

/// A lab at the proxy's own time: what is old to one is old to the other.
pub(crate) async fn lab(limits: Limits) -> Lab {
    let settings = LabSettings {
        hours: Hours::Exchange,
        limits,
        ..LabSettings::default()
    };
    Lab::start(settings).await.unwrap()
}

impl Stand {
    /// A proxy with those lines in its configuration, where `ALPHA`, `YAHOO`, `FRED`, `POLYGON` and `API` are the lab's addresses,
    /// `GONE` one where nobody listens, and `FOLDER` a folder of its own with these files.
    pub(crate) async fn of(lab: Lab, lines: &str, files: &[(&str, &str)]) -> Self {
        Self::with(lab, lines, files, &[]).await
    }

    /// The same, with variables in the proxy's environment.
    pub(crate) async fn with(
        lab: Lab,
        lines: &str,
        files: &[(&str, &str)],
        variables: &[(&str, &str)],
    ) -> Self {
        let folder = TempDir::new().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        let mut text = format!("upstream: API\nlisten: 127.0.0.1:0\n{lines}\n");
        if !lines.contains("admin:") {
            text.push_str("admin: 127.0.0.1:0\n");
        }
        for (word, source) in PLACES {
            text = text.replace(word, &lab.url(source));
        }
        let gone = nobody();
        let nowhere = gone.local_addr().unwrap();
        text = text.replace("GONE", &format!("http://{nowhere}"));
        text = text.replace("FOLDER", &folder.path().display().to_string());
        let path = folder.path().join("healing.yaml");
        fs::write(&path, text).unwrap();
        let path = path.display().to_string();
        let args = ["run", "-c", &path, "--log-format", "text"];
        Self {
            proxy: Proxy::of(Running::start_with(&args, variables)).await,
            lab,
            _gone: gone,
            _folder: folder,
        }
    }

    /// The targets that a source was asked for so far.
    pub(crate) fn asked(&self, source: SourceName) -> Vec<String> {
        let asked = self.lab.asked_of(source).into_iter();
        asked.map(|asked| asked.target).collect()
    }

    /// A page of the admin port.
    pub(crate) async fn page(&self, path: &str) -> Value {
        page_of(&self.proxy, path).await
    }

    /// Waits until a page of the admin port holds that text, and gives the page.
    pub(crate) async fn until_told(&self, path: &str, part: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            let page = self.page(path).await.to_string();
            if page.contains(part) {
                return page;
            }
            assert!(Instant::now() < until, "{part} is not in {page}");
            sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A page of a proxy's admin port.
pub(crate) async fn page_of(proxy: &Proxy, path: &str) -> Value {
    let admin = proxy.admin;
    let mut wire = Wire::new(TcpStream::connect(admin).await.unwrap());
    let request = get(path).replace("api.test", &admin.to_string());
    wire.send(request.as_bytes()).await.unwrap();
    let head = wire.head().await.unwrap().unwrap();
    let (body, _) = wire.body(head.length(Length::UntilClosed)).await;
    serde_json::from_slice(&body).unwrap()
}
