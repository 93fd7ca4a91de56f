//! Probes what callers rarely ask for, so that it is known to work before they do.
//!
//! Passive first: the requests of callers are the best probes. A route is probed when nobody has asked it for as long as its
//! priority says, within a tenth of its source's quota; a failure brings the next probe forward.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use healing_core::{Body, Heal, Probed, Route};
use http::{HeaderValue, Request, Uri, header};
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::{agents::Board, probes::Probes, upstream::Upstream};

/// How often it is looked which routes are quiet.
const BEAT: Duration = Duration::from_secs(1);
/// How soon after a failure it is asked again; each further one doubles it.
const AFTER_FAILURE: Duration = Duration::from_secs(5);
/// Probes under way at a time; what is due beyond them waits for a later beat.
const MAX_UNDER_WAY: usize = 16;
/// How a probe names itself to the upstream.
const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!(
    "healing-proxy/",
    env!("CARGO_PKG_VERSION"),
    " (probe)"
));

/// Probes quiet routes.
pub(crate) struct Monitor {
    probes: Arc<Probes>,
    board: Board,
    client: Heal<Upstream>,
    quiet: HashMap<Route, Quiet>,
    under_way: JoinSet<(Route, Probed)>,
}

/// How a route has fared.
#[derive(Debug)]
struct Quiet {
    /// The requests of callers, when it was last looked.
    requests: u64,
    due: Instant,
    failures: u32,
    is_under_way: bool,
}

// === impl Monitor ===

impl Monitor {
    /// Probes those through that client, unless the board shows that callers ask.
    pub(crate) fn new(probes: Arc<Probes>, board: Board, client: Heal<Upstream>) -> Self {
        Self {
            probes,
            board,
            client,
            quiet: HashMap::new(),
            under_way: JoinSet::new(),
        }
    }

    /// Works until it is told to stop.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = beat.tick() => self.look(),
                Some(ended) = self.under_way.join_next() => {
                    if let Ok((route, probed)) = ended {
                        self.note(&route, &probed);
                    }
                }
            }
        }
    }

    /// Sends what is due.
    fn look(&mut self) {
        let probes = self.probes.routes();
        if probes.is_empty() {
            return self.quiet.clear();
        }
        let now = Instant::now();
        let asked = self.asked();
        self.quiet
            .retain(|route, _| probes.iter().any(|probe| probe.route == *route));
        let many = u32::try_from(probes.len()).unwrap_or(u32::MAX);
        for (n, probe) in (1..).zip(probes.iter()) {
            let requests = asked.get(&probe.route).copied().unwrap_or_default();
            // The first probes of all routes are spread over their intervals.
            let begin = || Quiet::new(requests, now + probe.every * n / many);
            let quiet = self.quiet.entry(probe.route.clone()).or_insert_with(begin);
            if quiet.requests != requests {
                *quiet = Quiet::new(requests, now + probe.every);
            }
            if now < quiet.due || quiet.is_under_way || self.under_way.len() >= MAX_UNDER_WAY {
                continue;
            }
            quiet.is_under_way = true;
            quiet.due = now + probe.every;
            let (mut client, probe) = (self.client.clone(), probe.clone());
            self.under_way
                .spawn(async move { (probe.route, client.probe(request(probe.uri)).await) });
        }
    }

    /// The requests of callers so far, by route.
    fn asked(&self) -> HashMap<Route, u64> {
        let seen = self.board.seen();
        let sources = seen.snapshot.sources.iter();
        let rows = sources.flat_map(|source| &source.routes);
        rows.map(|row| (row.route.clone(), row.total_requests))
            .collect()
    }

    fn note(&mut self, route: &Route, probed: &Probed) {
        let Some(quiet) = self.quiet.get_mut(route) else {
            return; // it is not probed any more
        };
        quiet.is_under_way = false;
        let now = Instant::now();
        match probed {
            Probed::Good => {
                self.probes.sent.fetch_add(1, Relaxed);
                if quiet.failures > 0 {
                    tracing::info!(%route, failures = quiet.failures, "a quiet route answers its probes again");
                }
                quiet.failures = 0;
            }
            Probed::Bad(fault) => {
                self.probes.sent.fetch_add(1, Relaxed);
                self.probes.failed.fetch_add(1, Relaxed);
                if quiet.failures == 0 {
                    tracing::warn!(%route, %fault, "a quiet route does not answer its probes");
                }
                let soon = AFTER_FAILURE * 2_u32.saturating_pow(quiet.failures.min(16));
                quiet.failures = quiet.failures.saturating_add(1);
                quiet.due = quiet.due.min(now + soon);
            }
            Probed::Rests(wait) => {
                self.probes.held_back.fetch_add(1, Relaxed);
                quiet.due = quiet.due.min(now + (*wait).max(AFTER_FAILURE));
            }
            Probed::HeldBack(_) | _ => {
                self.probes.held_back.fetch_add(1, Relaxed);
            }
        }
    }
}

fn request(uri: Uri) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.uri_mut() = uri;
    let headers = request.headers_mut();
    headers.insert(header::USER_AGENT, USER_AGENT);
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    request
}

// === impl Quiet ===

impl Quiet {
    const fn new(requests: u64, due: Instant) -> Self {
        Self {
            requests,
            due,
            failures: 0,
            is_under_way: false,
        }
    }
}
