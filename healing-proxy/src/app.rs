//! Puts the parts together, and takes them apart in the right order.

mod outlets;
mod plan;
mod ports;
mod shared;

use std::{
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicU64},
    time::Duration,
};

use anyhow::{Context, Result};
use healing_core::{
    Caching, Clock, Expose, HealLayer, Healer, Identity, MemoryStore, Settings, Sink, SqliteStore,
    Store, StoreWriter, WriterSettings,
};
use jiff::SignedDuration;
use tokio::{
    net::TcpListener,
    sync::mpsc,
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;
use tower::Layer;

pub(crate) use crate::app::plan::{AdminTrusts, Plan};
use crate::{
    admin::{self, AdminSettings, Insight},
    agents::{
        Board, Watcher, WatcherParts,
        copies::{self, Shelf},
        lessons,
        monitor::Monitor,
        shapes,
    },
    app::{
        outlets::Outlets,
        ports::{bind_admin, port_error},
    },
    forward::Hop,
    places::Places,
    probes::Probes,
    reload::Reload,
    serve::{self, WorkerParts, Workers},
    upstream::{Origin, Upstream},
    warm,
};

/// Events that may wait for the watcher.
const WATCHER_QUEUE: usize = 4_096;

/// How often older ones are taken out.
const PRUNE: Duration = Duration::from_hours(1);

/// How long requests under way may take to end.
const GRACE: Duration = Duration::from_secs(10);

/// The running whole.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) proxy: SocketAddr,
    pub(crate) admin: Option<SocketAddr>,
    pub(crate) database: Option<PathBuf>,
    workers: Workers,
    stop_workers: CancellationToken,
    control: Control,
}

/// The control plane: everything that is not a request.
#[derive(Debug)]
struct Control {
    healer: Healer,
    board: Board,
    probes: Arc<Probes>,
    tasks: JoinSet<()>,
    stop: CancellationToken,
}

/// Where events are kept.
struct Kept {
    store: Arc<dyn Store>,
    /// Where they wait while the database is away.
    spill: Option<PathBuf>,
}

// === impl App ===

impl App {
    /// Starts everything; requests are answered when this returns.
    ///
    /// # Errors
    /// When a port is taken, the state folder or the database is not usable, or the name is no token.
    pub(crate) async fn start(plan: Plan) -> Result<Self> {
        let (proxy, listeners) = serve::bind(plan.listen, plan.workers)
            .map_err(|error| port_error("--listen", plan.listen, &error))?;
        let admin_listener = bind_admin(plan.admin, plan.admin_trusts.token.is_some()).await?;
        let admin = admin_listener
            .as_ref()
            .and_then(|listener| listener.local_addr().ok());
        let kept = open_store(plan.database.as_deref()).await?;
        let store = Arc::clone(&kept.store);
        let mut control = Control::start(kept, &plan).await?;
        shapes::recall(&control.healer, store.as_ref()).await;
        if plan.database.is_some() {
            let shelf = Shelf::in_store(&store, plan.copies);
            control.keep_copies(shelf).await;
            lessons::recall(&control.healer, store.as_ref()).await;
        }
        control.keep(store, plan.database.is_some());

        let name = plan.name.unwrap_or_else(|| pseudonym(proxy));
        let expose = plan.expose.unwrap_or_else(|| default_exposure(proxy));
        let stop_workers = CancellationToken::new();
        let is_near = plan.origin.as_ref().is_some_and(Origin::is_near);
        let places = Arc::new(plan.places);
        let parts = WorkerParts {
            healer: control.healer.clone(),
            identity: Identity::new(&name, expose)?,
            hop: Arc::new(Hop::new(&name, is_near)?.trusting(plan.trusted)),
            origin: plan.origin,
            trust: plan.trust,
            places: Arc::clone(&places),
            stop: stop_workers.clone(),
            grace: GRACE,
        };
        let workers =
            Workers::start(listeners, &parts).context("the worker threads could not be started")?;
        control.probe(&parts)?;
        control.board.set_ready();
        if let Some(listener) = admin_listener {
            control.serve_admin(listener, (name, proxy, places), plan.admin_trusts)?;
        }
        if let Some(file) = plan.warm {
            control.warm(file, proxy);
        }
        Ok(Self {
            proxy,
            admin,
            database: plan.database,
            workers,
            stop_workers,
            control,
        })
    }

    /// Follows the configuration from now on.
    ///
    /// # Errors
    /// When it cannot be followed.
    pub(crate) fn follow(
        &mut self,
        reload: impl FnOnce((Healer, Board, Arc<Probes>)) -> Result<Reload>,
    ) -> Result<()> {
        let control = &mut self.control;
        let reload = reload((
            control.healer.clone(),
            control.board.clone(),
            Arc::clone(&control.probes),
        ))?;
        control.tasks.spawn(reload.run(control.stop.clone()));
        Ok(())
    }

    /// Stops: no new requests, those under way end, then events are written.
    ///
    /// # Errors
    /// When a worker had failed.
    pub(crate) async fn stop(mut self) -> Result<()> {
        self.control.board.drain();
        self.stop_workers.cancel();
        let workers = self.workers;
        let stopped = tokio::task::spawn_blocking(move || workers.join()).await;
        self.control.stop.cancel();
        while self.control.tasks.join_next().await.is_some() {}
        stopped
            .context("a worker could not be waited for")?
            .context("a worker failed")
    }
}

// === impl Control ===

impl Control {
    /// Starts what is not a request: the writer of the store, the watcher, the broom.
    async fn start(kept: Kept, plan: &Plan) -> Result<Self> {
        let clock = Clock::started_now();
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        let settings = kept
            .spill
            .map_or_else(WriterSettings::default, WriterSettings::spilling_to);
        let (writer, writing) = StoreWriter::new(Arc::clone(&kept.store), settings, stop.clone());
        tasks.spawn(writing);
        let (watcher, events) = mpsc::channel(WATCHER_QUEUE);
        let outlets = Arc::new(Outlets {
            writer,
            watcher,
            tap: plan.tap.clone(),
            log_dropped: plan.log_dropped.clone(),
            missed: AtomicU64::new(0),
        });
        let sink: Arc<dyn Sink> = Arc::clone(&outlets) as Arc<dyn Sink>;
        let mut builder = Healer::builder();
        if let Some(shared) = &plan.shared {
            let (level, work) = shared.open(stop.clone()).await?;
            tasks.spawn(work);
            builder = builder.second_level(Arc::new(level));
        }
        let healer = builder
            .clock(clock)
            .sink(sink)
            .answer_errors()
            .judge_up_to(plan.body.judge_up_to)
            .replay_up_to(plan.body.replay_up_to)
            .hold_at_most(plan.body.memory)
            .copies(plan.copies)
            .budget(plan.budget)
            .build();
        if plan.http_cache {
            healer.configure(&as_http_cache(&plan.settings))?;
        } else {
            healer.configure(&plan.settings)?;
        }
        let (snapshots, counted) = (healer.clone(), healer.clone());
        let probes = Arc::new(Probes::default());
        probes.set(plan.probes.clone());
        let probed = Arc::clone(&probes);
        let (watcher, board) = Watcher::new(WatcherParts {
            clock,
            snapshots: Arc::new(move || snapshots.snapshot()),
            counters: Arc::new(move || outlets.counters(&counted, &probed)),
            events,
            store: Some(Arc::clone(&kept.store)),
        });
        tasks.spawn(watcher.run(stop.clone()));
        tasks.spawn(prune(kept.store, clock, plan.retention, stop.clone()));
        Ok(Self {
            healer,
            board,
            probes,
            tasks,
            stop,
        })
    }

    /// Takes in what an earlier process kept, and keeps it for the next one.
    async fn keep_copies(&mut self, shelf: Shelf) {
        let log = copies::recall(&self.healer, &shelf).await;
        let (healer, stop) = (self.healer.clone(), self.stop.clone());
        self.tasks.spawn(copies::keep((healer, log), shelf, stop));
    }

    /// Once what an earlier process kept was taken in: what answers look like and, where there is a disk, what was learned.
    fn keep(&mut self, store: Arc<dyn Store>, on_disk: bool) {
        let (healer, stop) = (self.healer.clone(), self.stop.clone());
        if on_disk {
            let lessons = lessons::keep(healer.clone(), Arc::clone(&store), stop.clone());
            self.tasks.spawn(lessons);
        }
        self.tasks.spawn(shapes::keep(healer, store, stop));
    }

    /// Probes quiet routes, by connections of its own.
    fn probe(&mut self, parts: &WorkerParts) -> Result<()> {
        let upstream = Upstream::new(parts.origin.clone(), parts.places.ways(), &parts.trust)?;
        let client = HealLayer::new(self.healer.clone()).layer(upstream);
        let monitor = Monitor::new(Arc::clone(&self.probes), self.board.clone(), client);
        self.tasks.spawn(monitor.run(self.stop.clone()));
        Ok(())
    }

    /// Asks once for what stands in a file, as a caller.
    fn warm(&mut self, file: PathBuf, proxy: SocketAddr) {
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            stop.run_until_cancelled(warm::at_start(&file, proxy)).await;
        });
    }

    fn serve_admin(
        &mut self,
        listener: TcpListener,
        (name, proxy, places): (String, SocketAddr, Arc<Places>),
        trusts: AdminTrusts,
    ) -> io::Result<()> {
        let version = env!("CARGO_PKG_VERSION");
        let mut settings = AdminSettings::new(listener.local_addr()?, version, name);
        settings.allowed_hosts = trusts.hosts;
        settings.allowed_origins = trusts.origins;
        settings.token = trusts.token;
        settings.proxy = Some(proxy);
        let insight = Insight::new(self.healer.clone(), places);
        let (board, stop) = (self.board.clone(), self.stop.clone());
        self.tasks.spawn(async move {
            if let Err(error) = admin::serve(listener, (board, insight), settings, stop).await {
                tracing::error!(%error, "the admin port failed; the proxy goes on without it");
            }
        });
        Ok(())
    }
}

/// The same for an HTTP cache that heals with stale copies and no more.
fn as_http_cache(settings: &Settings) -> Settings {
    let mut treatment = (*settings.otherwise).clone();
    treatment.strategies.clear();
    treatment.rests = false;
    treatment.caching = Caching::as_http_has_it();
    let mut settings = settings.clone();
    settings.otherwise = Arc::new(treatment);
    settings
}

async fn open_store(database: Option<&Path>) -> Result<Kept> {
    let Some(database) = database else {
        return Ok(Kept {
            store: Arc::new(MemoryStore::default()),
            spill: None,
        });
    };
    let folder = database.parent().unwrap_or_else(|| Path::new(""));
    std::fs::create_dir_all(folder)
        .with_context(|| format!("the folder {} cannot be made", folder.display()))?;
    Ok(Kept {
        store: Arc::new(SqliteStore::open(database).await?),
        spill: Some(folder.join("spill.ndjson")),
    })
}

async fn prune(
    store: Arc<dyn Store>,
    clock: Clock,
    retention: SignedDuration,
    stop: CancellationToken,
) {
    let mut due = interval(PRUNE);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(due.tick()).await.is_some() {
        let Ok(before) = clock.timestamp(clock.now()).checked_sub(retention) else {
            continue;
        };
        match store.prune(before).await {
            Ok(0) => {}
            Ok(events) => tracing::info!(events, "events older than the retention were taken out"),
            Err(error) => {
                tracing::warn!(%error, "old events could not be taken out; the next try is in an hour");
            }
        }
    }
}

/// On this machine everything may be told; elsewhere, not what is behind the proxy.
fn default_exposure(address: SocketAddr) -> Expose {
    if address.ip().is_loopback() {
        Expose::Full
    } else {
        Expose::Errors
    }
}

/// A name for this deployment that stays the same as long as its address does.
fn pseudonym(address: SocketAddr) -> String {
    // FNV-1a: four hexadecimal digits to tell two proxies apart, not to hide anything.
    let hash = address
        .to_string()
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        });
    format!("heal-{:04x}", hash & 0xffff)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_token_and_stays_the_same() {
        let name = pseudonym("127.0.0.1:8080".parse().unwrap());
        assert_eq!(name, pseudonym("127.0.0.1:8080".parse().unwrap()));
        assert!(Identity::new(&name, Expose::Full).is_ok());
    }

    #[tokio::test]
    async fn a_taken_port_is_named_with_the_way_out() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let error = serve::bind(address, 2)
            .map_err(|error| port_error("--listen", address, &error))
            .unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains(&address.to_string()) && text.contains("--listen 127.0.0.1:0"),
            "{text}"
        );
    }
}
