//! What the whole is made of, and how a configuration says it.

use std::{net::SocketAddr, path::PathBuf};

use healing_core::{BudgetRules, ErrorEvent, Expose, Settings};
use ipnet::IpNet;
use jiff::SignedDuration;
use secrecy::SecretString;
use tokio::sync::mpsc;
use tracing_appender::non_blocking::ErrorCounter;

use crate::{
    app::shared::Shared,
    config::{Body, Meant},
    places::Places,
    probes::Probe,
    trust::Trust,
    upstream::Origin,
};

/// What the whole is made of.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The API, where there is one: all may go to sources with addresses of their own.
    pub(crate) origin: Option<Origin>,
    /// Who may vouch for https addresses.
    pub(crate) trust: Trust,
    pub(crate) listen: SocketAddr,
    pub(crate) admin: Option<SocketAddr>,
    pub(crate) admin_trusts: AdminTrusts,
    /// The proxies before this one that are believed.
    pub(crate) trusted: Vec<IpNet>,
    /// The file of the database; nothing for memory.
    pub(crate) database: Option<PathBuf>,
    pub(crate) retention: SignedDuration,
    pub(crate) workers: usize,
    pub(crate) name: Option<String>,
    pub(crate) expose: Option<Expose>,
    /// How much may be held of bodies and of copies, in bytes.
    pub(crate) body: Body,
    pub(crate) copies: u64,
    /// The URLs that are asked for at the start.
    pub(crate) warm: Option<PathBuf>,
    /// Where copies are shared with other proxies.
    pub(crate) shared: Option<Shared>,
    pub(crate) settings: Settings,
    /// Which requests go elsewhere than to the API.
    pub(crate) places: Places,
    /// What is probed while nobody asks it.
    pub(crate) probes: Vec<Probe>,
    /// What healing may cost.
    pub(crate) budget: BudgetRules,
    /// Whether it is an HTTP cache and no more.
    pub(crate) http_cache: bool,
    /// The lines that the files of the log lack, where there are some.
    pub(crate) log_dropped: Option<ErrorCounter>,
    /// Who else is told of events.
    pub(crate) tap: Option<mpsc::Sender<ErrorEvent>>,
}

/// Whom the admin port trusts.
#[derive(Clone, Debug, Default)]
pub(crate) struct AdminTrusts {
    /// Names by which it may be asked.
    pub(crate) hosts: Vec<String>,
    /// Pages that may read its feed.
    pub(crate) origins: Vec<String>,
    /// What readers have to know.
    pub(crate) token: Option<SecretString>,
}

// === impl Plan ===

impl Plan {
    /// The plan of a configuration before that API.
    pub(crate) fn new(meant: &Meant, origin: Option<Origin>, workers: usize) -> Self {
        let config = &meant.config;
        let retention = SignedDuration::try_from(config.store.retention);
        let places = meant.places();
        Self {
            origin,
            trust: meant.trust.clone(),
            listen: config.listen,
            admin: config.admin.listen,
            admin_trusts: AdminTrusts {
                hosts: config.admin.allowed_hosts.clone(),
                origins: config.admin.allowed_origins.clone(),
                token: meant.admin_token.clone(),
            },
            trusted: config.trusted_proxies.clone(),
            database: config.store.url.strip_prefix("sqlite:").map(PathBuf::from),
            retention: retention.unwrap_or(SignedDuration::MAX),
            workers,
            name: config.identity.name.clone(),
            expose: config.identity.expose,
            body: config.body,
            copies: config.cache.memory,
            warm: config.cache.warm.clone(),
            shared: config.cache.redis.clone().map(|url| Shared {
                url,
                password: meant.redis_password.clone(),
            }),
            settings: meant.settings(&places),
            probes: meant.probes(&places),
            budget: meant.budget(),
            places,
            http_cache: false,
            log_dropped: None,
            tap: None,
        }
    }
}
