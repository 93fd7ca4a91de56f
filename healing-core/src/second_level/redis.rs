//! Redis or Valkey as the second level.
//!
//! One task of the control plane has the connection; requests hand it their questions through bounded channels and wait for
//! milliseconds. When the server does not answer once, it counts as away: nobody asks it any more until a watch, twice a
//! second, has heard from it. So an outage of the cache costs a few requests one patience each, and nobody else anything.

mod counts;
mod work;

use std::{
    fmt,
    future::Future,
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use ::redis::{
    Client, ConnectionAddr, IntoConnectionInfo,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use futures_util::future::BoxFuture;
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_util::sync::CancellationToken;

use crate::{
    keys::Secret,
    second_level::{
        Claim, Question, SecondLevel, Told, Written,
        redis::{
            counts::State,
            work::{Asked, Order, Work},
        },
    },
};

/// How long a question is waited for.
pub(super) const PATIENCE: Duration = Duration::from_millis(50);

/// How long the start waits for the first word of the server.
const AT_START: Duration = Duration::from_millis(500);

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_millis(250);

/// Questions on their way.
const QUESTIONS: usize = 1_024;

/// Writes that wait, by number; by weight [`counts::MAX_WEIGHT`] holds.
const WRITES: usize = 4_096;

/// Copies that several healers share, in Redis or Valkey (feature `redis`).
///
/// ```no_run
/// # #[tokio::main] async fn main() -> Result<(), healing_core::RedisUrlError> {
/// use std::sync::Arc;
/// use healing_core::{Healer, RedisLevel, Secret};
/// use tokio_util::sync::CancellationToken;
///
/// let stop = CancellationToken::new();
/// let (level, work) = RedisLevel::open("redis://127.0.0.1:6379", None, stop.clone()).await?;
/// let working = tokio::task::JoinSet::from_iter([work]); // in a runtime that outlives the requests
/// let healer = Healer::builder().second_level(Arc::new(level)).build();
/// # Ok(()) }
/// ```
pub struct RedisLevel {
    state: Arc<State>,
    questions: mpsc::Sender<Asked>,
    orders: mpsc::Sender<Order>,
}

/// Why a URL is none of a Redis. It does not repeat the URL, in which a password may stand.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "the URL of the Redis is none; give one such as redis://127.0.0.1:6379, or rediss://cache.example:6380/1"
)]
pub struct RedisUrlError;

// === impl RedisLevel ===

impl RedisLevel {
    /// The level at that URL, and the future that does its work until `stop`. A password that is given here stands over one in
    /// the URL. A server that is not there is waited for half a second, and watched for after that.
    ///
    /// # Errors
    /// When the URL is none.
    pub async fn open(
        url: &str,
        password: Option<&Secret>,
        stop: CancellationToken,
    ) -> Result<(Self, impl Future<Output = ()> + Send + 'static), RedisUrlError> {
        let client = client(url, password)?;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(0) // the watch tries again
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(work::WRITE_PATIENCE));
        let connection =
            ConnectionManager::new_lazy_with_config(client, config).map_err(|_| RedisUrlError)?;
        let state = Arc::new(State::default());
        let (questions, asked) = mpsc::channel(QUESTIONS);
        let (orders, ordered) = mpsc::channel(WRITES);
        let work = Work {
            connection,
            state: Arc::clone(&state),
        };
        if timeout(AT_START, work.look()).await.is_err() || state.is_away() {
            tracing::warn!("the shared cache does not answer; copies are shared once it does");
        }
        let level = Self {
            state,
            questions,
            orders,
        };
        Ok((level, work.run((asked, ordered), stop)))
    }

    fn order(&self, order: Order) {
        let weight = order.weight();
        if !self.state.admits(weight) {
            return;
        }
        if self.orders.try_send(order).is_err() {
            self.state.done(weight);
            self.state.dropped_full.fetch_add(1, Relaxed);
        }
    }

    async fn ask(&self, question: Question) -> Option<Told> {
        let state = &self.state;
        if state.is_away() {
            state.skipped.fetch_add(1, Relaxed);
            return None;
        }
        let (reply, told) = oneshot::channel();
        if self.questions.try_send(Asked { question, reply }).is_err() {
            state.busy.fetch_add(1, Relaxed);
            return None;
        }
        state.asked.fetch_add(1, Relaxed);
        let told = timeout(PATIENCE, told).await.ok().and_then(Result::ok);
        if told.is_none() {
            state.unanswered.fetch_add(1, Relaxed);
        }
        told
    }
}

impl SecondLevel for RedisLevel {
    fn find(&self, question: Question) -> BoxFuture<'_, Option<Told>> {
        Box::pin(self.ask(question))
    }

    fn write(&self, written: Written) {
        if self.state.is_away() {
            self.state.dropped_away.fetch_add(1, Relaxed);
            return;
        }
        self.order(Order::Write(written));
    }

    fn must_write(&self, written: Written) {
        self.state.remember(written);
        // Full: the watch writes it.
        let _full = self.orders.try_send(Order::WriteRemembered);
    }

    fn release(&self, claim: Claim) {
        // Where it cannot be given back it runs out.
        if !self.state.is_away() {
            self.order(Order::Release(claim));
        }
    }

    fn is_away(&self) -> bool {
        self.state.is_away()
    }

    fn counts(&self) -> Vec<(&'static str, u64)> {
        self.state.by_name()
    }
}

impl fmt::Debug for RedisLevel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLevel")
            .field("is_away", &self.is_away())
            .finish_non_exhaustive()
    }
}

fn client(url: &str, password: Option<&Secret>) -> Result<Client, RedisUrlError> {
    let given = url.into_connection_info().map_err(|_| RedisUrlError)?;
    if matches!(given.addr(), ConnectionAddr::TcpTls { .. }) {
        // The client takes the provider of the process, which others may have set.
        let _is_set = rustls::crypto::ring::default_provider().install_default();
    }
    let mut settings = given.redis_settings().clone();
    if let Some(password) = password {
        settings = settings.set_password(password.expose());
    }
    Client::open(given.set_redis_settings(settings)).map_err(|_| RedisUrlError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_that_is_none_is_not_repeated() {
        for url in ["", "redis:", "http://:s3cret@a", "redis://:s3cret@a:port"] {
            let error = client(url, None).unwrap_err().to_string();
            assert!(!error.contains("s3cret") && error.contains("redis://127.0.0.1"));
        }
    }

    #[test]
    fn a_password_from_elsewhere_stands_over_that_of_the_url() {
        let password = Secret::new("from elsewhere".to_owned());
        let client = client("redis://:of-the-url@127.0.0.1/2", Some(&password)).unwrap();
        let settings = client.get_connection_info().redis_settings();
        assert_eq!(settings.password(), Some("from elsewhere"));
        assert_eq!(settings.db(), 2);
        assert!(!format!("{client:?}").contains("from elsewhere"));
    }
}
