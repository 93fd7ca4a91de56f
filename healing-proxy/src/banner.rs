//! What people read first.

use std::{fmt, net::SocketAddr, time::Duration};

use futures_util::future::join_all;
use tokio::{
    net::TcpStream,
    time::{Instant, timeout},
};

use crate::{places::Places, upstream::Origin};

/// Sources that are told of in a line each.
const TOLD: usize = 12;

/// Paths of one source that are told.
const PATHS: usize = 3;

/// What is running where.
#[derive(Debug)]
pub(crate) struct Banner<'a> {
    pub(crate) proxy: SocketAddr,
    pub(crate) admin: Option<SocketAddr>,
    /// The API, where there is one.
    pub(crate) api: Option<Reached<'a>>,
    /// The sources with addresses of their own.
    pub(crate) sources: Vec<Served<'a>>,
    /// Where events are kept, or nothing for memory.
    pub(crate) state: Option<&'a str>,
}

/// A source with addresses of its own.
#[derive(Clone, Debug)]
pub(crate) struct Served<'a> {
    source: &'a str,
    /// The paths of this proxy that lead there.
    paths: Vec<&'a str>,
    /// The first of its addresses.
    reached: Reached<'a>,
}

/// An address, and how long a connection to it took, or that there is none.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reached<'a> {
    pub(crate) origin: &'a Origin,
    pub(crate) took: Option<Duration>,
}

// === impl Reached ===

impl<'a> Reached<'a> {
    /// Tries a connection to an address.
    pub(crate) async fn by(origin: &'a Origin) -> Self {
        let took = reach(origin).await;
        Self { origin, took }
    }
}

impl fmt::Display for Reached<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}   ", self.origin)?;
        match self.took {
            Some(took) => write!(f, "(reachable, {} ms)", took.as_millis()),
            None => f.write_str("(NOT reachable now: requests are answered as soon as it is)"),
        }
    }
}

// === impl Served ===

impl<'a> Served<'a> {
    /// Tries a connection to the first address of each source, to all at once.
    pub(crate) async fn all(places: &'a Places) -> Vec<Self> {
        let each = places.each().filter_map(|(place, paths)| {
            let origin = place.origins.first()?;
            Some(async move {
                Self {
                    source: &place.source,
                    paths,
                    reached: Reached::by(origin).await,
                }
            })
        });
        join_all(each).await
    }
}

impl fmt::Display for Served<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told: Vec<&str> = self.paths.iter().take(PATHS).copied().collect();
        write!(f, "{}  {}", self.source, told.join(", "))?;
        if let more @ 1.. = self.paths.len().saturating_sub(PATHS) {
            write!(f, " and {more} more")?;
        }
        write!(f, "  ->  {}", self.reached)
    }
}

// === impl Banner ===

impl Banner<'_> {
    /// The addresses to which there is no connection now.
    pub(crate) fn unreached(&self) -> impl Iterator<Item = &Origin> {
        let sources = self.sources.iter().map(|served| served.reached);
        let all = self.api.into_iter().chain(sources);
        all.filter(|reached| reached.took.is_none())
            .map(|reached| reached.origin)
    }

    /// A path to begin with.
    fn first(&self) -> &str {
        let paths = self.sources.iter().flat_map(|served| &served.paths);
        let own = paths.copied().find(|path| !path.contains('{'));
        own.filter(|_| self.api.is_none()).unwrap_or("/")
    }
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.state.map_or_else(
            || "nothing is written to disk".to_owned(),
            |file| format!("events in {file}"),
        );
        writeln!(
            f,
            "  healing-proxy {}    (Ctrl-C stops; {kept})",
            env!("CARGO_PKG_VERSION")
        )?;
        match self.api {
            Some(api) => writeln!(f, "  proxy      http://{}  ->  {api}", self.proxy)?,
            None => writeln!(
                f,
                "  proxy      http://{}  ->  its sources; all else is answered with 404",
                self.proxy
            )?,
        }
        for served in self.sources.iter().take(TOLD) {
            writeln!(f, "  source     {served}")?;
        }
        if let more @ 1.. = self.sources.len().saturating_sub(TOLD) {
            writeln!(f, "             and {more} more sources")?;
        }
        if let Some(admin) = self.admin {
            writeln!(f, "  dashboard  http://{admin}/health-dashboard")?;
            writeln!(
                f,
                "  feed       ws://{admin}/ws/health    status  http://{admin}/api/v1/status"
            )?;
        }
        writeln!(
            f,
            "  healing    on for GET and HEAD: retry, kept copy (15 min).  substitution: off.  alerts: dashboard only."
        )?;
        write!(
            f,
            "  next       curl -i http://{}{}",
            self.proxy,
            self.first()
        )
    }
}

/// How long a connection to the upstream takes, if one can be had at all.
async fn reach(origin: &Origin) -> Option<Duration> {
    let begun = Instant::now();
    let host = origin
        .authority()
        .host()
        .trim_matches(['[', ']'])
        .to_owned();
    let connect = TcpStream::connect((host, origin.port()));
    timeout(Duration::from_secs(1), connect).await.ok()?.ok()?;
    Some(begun.elapsed())
}
