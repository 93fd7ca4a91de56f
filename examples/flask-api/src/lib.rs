//! The Flask application of this folder as a stage of tests.
//!
//! ```no_run
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use flask_api::FlaskApi;
//! use healing_lab::{Lab, LabSettings};
//!
//! let lab = Lab::start(LabSettings::default()).await?;
//! let api = FlaskApi::start(&lab).await?;
//! println!("{}/api/yahoo/quote/AAPL", api.url());
//! # Ok(())
//! # }
//! ```

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use healing_lab::{Lab, SourceName, key};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// The script that makes the virtual environment and serves.
const RUN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/run");
/// How long the first start may take, which downloads the packages.
const PATIENCE: Duration = Duration::from_mins(5);

/// A running application on a free port. Dropping it kills its process.
#[derive(Debug)]
pub struct FlaskApi {
    address: SocketAddr,
    child: Child,
    /// Held open: the application ends when it is closed, so also when the test is killed.
    _stdin: Option<ChildStdin>,
    /// Held open, so that the application may go on to write there.
    _stdout: BufReader<ChildStdout>,
}

/// Why the application did not start.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// Python could not be started.
    #[error("`python3 {RUN}` cannot be started; install python3 and python3-venv")]
    Spawn(#[source] io::Error),
    /// It ended, or said something else than where it listens; its own words are on standard error.
    #[error("`python3 {RUN}` did not say where it listens but {0:?}; see its standard error")]
    NoAddress(String),
    /// It did not listen in time.
    #[error("`python3 {RUN}` did not listen within {PATIENCE:?}")]
    TimedOut,
}

impl FlaskApi {
    /// Starts the application on the sources of a lab. The first start of a checkout makes a virtual environment in
    /// `target/flask-api`; others wait for it.
    ///
    /// # Errors
    ///
    /// [`StageError`] when Python or its packages are not to be had.
    pub async fn start(lab: &Lab) -> Result<Self, StageError> {
        Self::asking(|source| lab.url(source)).await
    }

    /// Starts the application on the base addresses that `base` names, each with or without a path: of a proxy that stands
    /// before the sources, say. The keys are the lab's.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub async fn asking(base: impl Fn(SourceName) -> String) -> Result<Self, StageError> {
        Self::asking_with_keys(base, key).await
    }

    /// The same with keys of the caller's choice; an empty one is left out of requests, for a proxy to put one in.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub async fn asking_with_keys(
        base: impl Fn(SourceName) -> String,
        key: impl Fn(SourceName) -> &'static str,
    ) -> Result<Self, StageError> {
        let mut command = Command::new("python3");
        command.args([RUN, "--port", "0", "--end-with-stdin"]);
        for source in SourceName::ALL {
            let Some(name) = variable(source) else {
                continue;
            };
            command.env(format!("{name}_BASE"), base(source));
            command.env(format!("{name}_KEY"), key(source));
        }
        let spawned = command
            .env("NO_PROXY", "127.0.0.1")
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        let mut child = spawned.map_err(StageError::Spawn)?;
        let stdout = child.stdout.take();
        let mut stdout =
            BufReader::new(stdout.ok_or_else(|| StageError::NoAddress(String::new()))?);
        let address = tokio::time::timeout(PATIENCE, read_address(&mut stdout));
        let address = address.await.map_err(|_| StageError::TimedOut)??;
        Ok(Self {
            address,
            _stdin: child.stdin.take(),
            child,
            _stdout: stdout,
        })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address as a URL without a slash at its end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Kills it and waits until it is gone.
    ///
    /// # Errors
    ///
    /// When the process can be neither killed nor waited for.
    pub async fn stop(mut self) -> io::Result<()> {
        self.child.kill().await
    }
}

/// The first part of the variables that tell the application of a source; none for the lab's own API.
#[must_use]
pub const fn variable(source: SourceName) -> Option<&'static str> {
    Some(match source {
        SourceName::YahooFinance => "YAHOO",
        SourceName::FredApi => "FRED",
        SourceName::PolygonIo => "POLYGON",
        SourceName::AlphaVantage => "ALPHA",
        SourceName::Coingecko => "COINGECKO",
        SourceName::Binance => "BINANCE",
        SourceName::Coinbase => "COINBASE",
        SourceName::Kraken => "KRAKEN",
        SourceName::Treasury => "TREASURY",
        SourceName::Bls => "BLS",
        SourceName::Eia => "EIA",
        SourceName::WorldBank => "WORLD_BANK",
        SourceName::NewsApi => "NEWS",
        SourceName::OpenMeteo => "OPEN_METEO",
        SourceName::OpenWeather => "OPENWEATHER",
        SourceName::Frankfurter => "FRANKFURTER",
        SourceName::SecEdgar => "SEC",
        SourceName::Stooq => "STOOQ",
        SourceName::Finnhub => "FINNHUB",
        SourceName::Api => return None,
    })
}

/// Reads `flask-api listens on http://127.0.0.1:5002`.
async fn read_address(stdout: &mut BufReader<ChildStdout>) -> Result<SocketAddr, StageError> {
    let mut line = String::new();
    if let Err(error) = stdout.read_line(&mut line).await {
        return Err(StageError::NoAddress(error.to_string()));
    }
    let address = line.trim().strip_prefix("flask-api listens on http://");
    address
        .and_then(|address| address.parse().ok())
        .ok_or(StageError::NoAddress(line))
}
