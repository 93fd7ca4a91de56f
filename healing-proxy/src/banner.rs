//! What people read first.

use std::{fmt, net::SocketAddr, time::Duration};

use crate::upstream::Origin;

/// What is running where.
#[derive(Debug)]
pub(crate) struct Banner<'a> {
    pub(crate) proxy: SocketAddr,
    pub(crate) admin: Option<SocketAddr>,
    pub(crate) origin: &'a Origin,
    /// How long a connection to the upstream took, or that there is none.
    pub(crate) reached: Option<Duration>,
    /// Where events are kept, or nothing for memory.
    pub(crate) state: Option<&'a str>,
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
        let reached = match self.reached {
            Some(took) => format!("reachable, {} ms", took.as_millis()),
            None => "NOT reachable now: requests are answered as soon as it is".to_owned(),
        };
        writeln!(
            f,
            "  proxy      http://{}  ->  {}   ({reached})",
            self.proxy, self.origin
        )?;
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
        write!(f, "  next       curl -i http://{}/", self.proxy)
    }
}
