//! The lab: its settings, its parts, and its life.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::api::Front;
use crate::calendar::Hours;
use crate::clock::Clock;
use crate::fault::{Fault, Injection};
use crate::injections::{InForce, Injections};
use crate::limits::{Limits, Meter};
use crate::listen::{self, Door, Home};
use crate::log::{Asked, Log};
use crate::market::Market;
use crate::script::Script;
use crate::source_name::{PerSource, SourceName};
use crate::sources::yahoo;

/// How a lab is set up.
#[derive(Clone, Debug)]
pub struct LabSettings {
    /// What prices and identifiers depend on, beside the time. Default 7.
    pub seed: u64,
    /// Whether the sources keep their limits. Default [`Limits::Real`].
    pub limits: Limits,
    /// When the exchange trades. Default [`Hours::Always`].
    pub hours: Hours,
    /// The time the lab's clock starts at. Default the wall's.
    pub start_at: Option<Timestamp>,
    /// The address of every listener. Default 127.0.0.1.
    pub listen: IpAddr,
    /// The ports of the listeners. Default [`Ports::Free`].
    pub ports: Ports,
    /// Faults by script. Default none.
    pub script: Option<Script>,
}

/// The ports of a lab's listeners.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ports {
    /// Any free port each.
    #[default]
    Free,
    /// This one and those after it: the doors in the order of [`SourceName::ALL`], then the control endpoint.
    From(u16),
}

/// Why a lab did not start.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// An address could not be listened on.
    #[error("cannot listen on {address} for {door}; free the port or choose another")]
    Bind {
        /// The address.
        address: SocketAddr,
        /// What should be served there.
        door: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The ports of [`Ports::From`] go past 65535.
    #[error("ports from {0} go past 65535; {needed} are needed", needed = SourceName::ALL.len() + 1)]
    PortRange(u16),
}

/// A running market. Dropping it ends it too, without waiting for its connections.
#[derive(Debug)]
pub struct Lab {
    shared: Arc<Shared>,
    home: Home,
}

/// What all listeners of a lab share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) limits: Limits,
    pub(crate) clock: Clock,
    pub(crate) market: Market,
    pub(crate) injections: PerSource<Injections>,
    pub(crate) listening: PerSource<watch::Sender<bool>>,
    pub(crate) meters: PerSource<Meter>,
    pub(crate) log: Log,
    pub(crate) addresses: PerSource<SocketAddr>,
    pub(crate) control: SocketAddr,
    pub(crate) front: Front,
    crumb_age: AtomicU64,
    started: Instant,
}

impl Default for LabSettings {
    fn default() -> Self {
        Self {
            seed: 7,
            limits: Limits::Real,
            hours: Hours::Always,
            start_at: None,
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            ports: Ports::Free,
            script: None,
        }
    }
}

impl Lab {
    /// Binds a listener a source, one for the built-in API and one for control, and serves them until
    /// [`stop`](Self::stop).
    ///
    /// # Errors
    ///
    /// [`LabError`] when an address cannot be bound or the ports do not fit.
    #[expect(
        clippy::unused_async,
        reason = "binding needs a runtime, and only an async caller has one"
    )]
    pub async fn start(settings: LabSettings) -> Result<Self, LabError> {
        let mut listeners = Vec::new();
        for (number, door) in doors().enumerate() {
            let address = SocketAddr::new(settings.listen, port(settings.ports, number)?);
            let bind_error = |source| LabError::Bind {
                address,
                door: door_name(door),
                source,
            };
            let listener = listen::bind(address).map_err(bind_error)?;
            let bound = listener.local_addr().map_err(bind_error)?;
            listeners.push((door, listener, bound));
        }
        let bound_at = |wanted: Door| {
            let found = listeners.iter().find(|(door, ..)| *door == wanted);
            found.map_or_else(|| SocketAddr::new(settings.listen, 0), |(.., bound)| *bound)
        };
        let shared = Arc::new(Shared {
            limits: settings.limits,
            clock: Clock::starting_at(settings.start_at),
            market: Market::new(settings.seed, settings.hours),
            injections: PerSource::default(),
            listening: PerSource::from_fn(|_| watch::Sender::new(true)),
            meters: PerSource::default(),
            log: Log::default(),
            addresses: PerSource::from_fn(|source| bound_at(Door::Source(source))),
            control: bound_at(Door::Control),
            front: Front::new(),
            crumb_age: AtomicU64::new(0),
            started: Instant::now(),
        });
        let home = Home::default();
        for (door, listener, _) in listeners {
            home.tasks.spawn(listen::serve(
                Arc::clone(&shared),
                door,
                listener,
                home.clone(),
            ));
        }
        if let Some(script) = settings.script {
            home.tasks
                .spawn(follow(Arc::clone(&shared), script, home.clone()));
        }
        Ok(Self { shared, home })
    }

    /// Where a source listens.
    #[must_use]
    pub fn address(&self, source: SourceName) -> SocketAddr {
        *self.shared.addresses.of(source)
    }

    /// The address of a source as a URL without a slash at its end.
    #[must_use]
    pub fn url(&self, source: SourceName) -> String {
        format!("http://{}", self.address(source))
    }

    /// Where the control endpoint listens.
    #[must_use]
    pub fn control_address(&self) -> SocketAddr {
        self.shared.control
    }

    /// Breaks a source from now on. No request that is sent after this call is answered as if it were whole; a listener
    /// that goes [`Down`](Fault::Down) refuses connections after [`settled`](Self::settled).
    pub fn inject(&self, source: SourceName, injection: impl Into<Injection>) {
        self.shared.inject(source, injection.into());
    }

    /// Ends every fault of a source.
    pub fn clear(&self, source: SourceName) {
        self.shared.injections.of(source).clear();
    }

    /// Ends every fault.
    pub fn clear_all(&self) {
        for source in SourceName::ALL {
            self.clear(source);
        }
    }

    /// Waits until every listener refuses or accepts as its faults say.
    pub async fn settled(&self) {
        for source in SourceName::ALL {
            let mut listening = self.shared.listening.of(source).subscribe();
            let injections = self.shared.injections.of(source);
            let wanted = |listening: &bool| *listening != injections.is_down(Instant::now());
            // The sender lives as long as the lab, so this cannot fail.
            let _settled = listening.wait_for(wanted).await;
        }
    }

    /// The faults in force at a source.
    #[must_use]
    pub fn in_force(&self, source: SourceName) -> Vec<InForce> {
        self.shared.injections.of(source).in_force()
    }

    /// Forgets what was counted against the limits, as if every window were over.
    pub fn forget_counts(&self) {
        for source in SourceName::ALL {
            self.shared.meters.of(source).forget();
        }
    }

    /// What all sources were asked, oldest first, at most [`LOG_LENGTH`](crate::LOG_LENGTH) entries.
    #[must_use]
    pub fn asked(&self) -> Vec<Asked> {
        self.shared.log.entries(None)
    }

    /// What one source was asked, oldest first.
    #[must_use]
    pub fn asked_of(&self, source: SourceName) -> Vec<Asked> {
        self.shared.log.entries(Some(source))
    }

    /// Entries that the log has dropped.
    #[must_use]
    pub fn log_dropped(&self) -> u64 {
        self.shared.log.dropped()
    }

    /// How many requests a source has seen.
    #[must_use]
    pub fn count(&self, source: SourceName) -> u64 {
        self.shared.log.count(source)
    }

    /// A `Cookie` field and the crumb that goes with it, good until the next [`Fault::RevokeKey`] at Yahoo.
    #[must_use]
    pub fn yahoo_pass(&self) -> (String, String) {
        let pass = yahoo::pass(self.shared.market.seed, self.shared.crumb_age());
        (pass.cookie, pass.crumb)
    }

    /// Milliseconds since the start, the clock of [`Asked::millis`].
    #[must_use]
    pub fn millis(&self) -> u64 {
        self.shared.millis()
    }

    /// The start from which [`millis`](Self::millis) counts, for what has to count from just there as well.
    #[must_use]
    pub fn started(&self) -> Instant {
        self.shared.started
    }

    /// Ends every listener and connection, and waits for them.
    pub async fn stop(self) {
        self.home.stop.cancel();
        self.home.tasks.close();
        self.home.tasks.wait().await;
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.home.stop.cancel();
    }
}

impl Shared {
    pub(crate) fn inject(&self, source: SourceName, injection: Injection) {
        if (source, matches!(injection.fault, Fault::RevokeKey { .. }))
            == (SourceName::YahooFinance, true)
        {
            self.crumb_age.fetch_add(1, Ordering::Relaxed);
        }
        self.injections
            .of(source)
            .inject(injection, self.clock.now());
    }

    pub(crate) fn crumb_age(&self) -> u64 {
        self.crumb_age.load(Ordering::Relaxed)
    }

    pub(crate) fn millis(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

fn doors() -> impl Iterator<Item = Door> {
    SourceName::ALL
        .into_iter()
        .map(Door::Source)
        .chain([Door::Control])
}

fn door_name(door: Door) -> &'static str {
    match door {
        Door::Control => "control",
        Door::Source(source) => source.slug(),
    }
}

fn port(ports: Ports, number: usize) -> Result<u16, LabError> {
    match ports {
        Ports::Free => Ok(0),
        Ports::From(first) => u16::try_from(number)
            .ok()
            .and_then(|number| first.checked_add(number))
            .ok_or(LabError::PortRange(first)),
    }
}

/// Injects the entries of a script at their times, round after round.
async fn follow(shared: Arc<Shared>, script: Script, home: Home) {
    let mut entries = script.entries().to_vec();
    entries.sort_by_key(|entry| entry.at);
    let mut start = Instant::now();
    let rounds = async {
        loop {
            for entry in &entries {
                tokio::time::sleep_until(start + entry.at).await;
                shared.inject(entry.source, entry.injection.clone());
            }
            let Some(round) = script.round() else { return };
            start += round;
            tokio::time::sleep_until(start).await;
        }
    };
    tokio::select! {
        () = home.stop.cancelled() => {}
        () = rounds => {}
    }
}
