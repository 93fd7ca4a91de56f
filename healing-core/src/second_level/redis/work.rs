//! The task that has the connection.

use std::{
    sync::{Arc, LazyLock, atomic::Ordering::Relaxed},
    time::Duration,
};

use ::redis::{Cmd, RedisError, Script, aio::ConnectionManager, cmd, pipe};
use bytes::Bytes;
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

use crate::second_level::{
    Claim, Question, Told, Written,
    redis::{PATIENCE, counts::State},
};

/// Before every name. The number is that of the form of what is kept.
const PREFIX: &str = "healing-proxy:1:";

/// How long a write may take.
pub(super) const WRITE_PATIENCE: Duration = Duration::from_secs(1);

/// How often the server is looked for while it is away.
const WATCH: Duration = Duration::from_millis(500);

/// How long the server may take to say that it is there.
const SIGN_OF_LIFE: Duration = Duration::from_millis(250);

/// How long writing may go on after the stop.
const DRAIN: Duration = Duration::from_secs(1);

/// Questions that are put at a time.
const AT_A_TIME: usize = 256;

/// Gives back what is one's own still.
static RELEASE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0",
    )
});

/// A question, and who waits.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) question: Question,
    pub(super) reply: oneshot::Sender<Told>,
}

/// What is to be done in order.
#[derive(Debug)]
pub(super) enum Order {
    Write(Written),
    /// Something must be written that [`State`] remembers.
    WriteRemembered,
    Release(Claim),
}

/// The connection, and what is known of it.
#[derive(Clone)]
pub(super) struct Work {
    pub(super) connection: ConnectionManager,
    pub(super) state: Arc<State>,
}

// === impl Order ===

impl Order {
    /// What it takes of the room for what waits.
    pub(super) const fn weight(&self) -> usize {
        match self {
            Self::Write(written) => written.weight,
            Self::WriteRemembered | Self::Release(_) => 0,
        }
    }
}

// === impl Work ===

impl Work {
    /// Works until it is told to stop, then writes what waits.
    pub(super) async fn run(
        self,
        (asked, mut orders): (mpsc::Receiver<Asked>, mpsc::Receiver<Order>),
        stop: CancellationToken,
    ) {
        let answering = self.clone().answer_all(asked);
        let watching = self.clone().watch();
        tokio::select! {
            () = stop.cancelled() => {}
            () = answering => {}
            () = watching => {}
            () = self.obey_all(&mut orders) => {}
        }
        orders.close();
        if timeout(DRAIN, self.obey_all(&mut orders)).await.is_err() {
            tracing::warn!(
                "not all copies were written to the shared cache in time while stopping"
            );
        }
    }

    /// Puts questions, many at a time.
    async fn answer_all(self, mut asked: mpsc::Receiver<Asked>) {
        let mut under_way = JoinSet::new();
        while let Some(next) = asked.recv().await {
            while under_way.try_join_next().is_some() {}
            if under_way.len() >= AT_A_TIME {
                under_way.join_next().await;
            }
            under_way.spawn(self.clone().answer(next));
        }
    }

    async fn answer(mut self, Asked { question, reply }: Asked) {
        if reply.is_closed() {
            return; // it came too late to be put
        }
        match timeout(PATIENCE, put(&mut self.connection, question)).await {
            Ok(Ok(told)) => {
                // Whoever does not wait any more has counted that.
                let _late = reply.send(told);
            }
            Ok(Err(error)) => self.state.lost(error.category()),
            Err(_) => self.state.lost("no answer in time"),
        }
    }

    /// Writes and gives back, in order.
    async fn obey_all(&self, orders: &mut mpsc::Receiver<Order>) {
        while let Some(order) = orders.recv().await {
            let weight = order.weight();
            match order {
                Order::Write(written) => self.write(written).await,
                // The watch writes it when the server is there again.
                Order::WriteRemembered if self.state.is_away() => {}
                Order::WriteRemembered => {
                    self.write_remembered().await;
                }
                Order::Release(claim) => self.release(&claim).await,
            }
            self.state.done(weight);
        }
    }

    async fn write(&self, written: Written) {
        if self.state.is_away() {
            self.state.dropped_away.fetch_add(1, Relaxed);
            return;
        }
        let is_written = self
            .do_now(set(&written.name, (written.value)(), written.lasts))
            .await;
        let count = if is_written {
            &self.state.written
        } else {
            &self.state.failed
        };
        count.fetch_add(1, Relaxed);
    }

    /// Writes all that must be. Returns whether the server took it.
    async fn write_remembered(&self) -> bool {
        while let Some(written) = self.state.next_remembered() {
            let Written {
                name,
                lasts,
                weight,
                value,
            } = written;
            let value = value();
            if !self.do_now(set(&name, value.clone(), lasts)).await {
                let value = Box::new(move || value);
                self.state.remember_again(Written {
                    name,
                    lasts,
                    weight,
                    value,
                });
                return false;
            }
            self.state.written.fetch_add(1, Relaxed);
        }
        true
    }

    async fn release(&self, claim: &Claim) {
        let mut connection = self.connection.clone();
        let mut release = RELEASE.prepare_invoke();
        release.key(place(&claim.name)).arg(claim.token);
        let released = release.invoke_async::<i64>(&mut connection);
        self.heard(
            timeout(WRITE_PATIENCE, released)
                .await
                .map(|said| said.map(drop)),
        );
    }

    async fn do_now(&self, command: Cmd) -> bool {
        let mut connection = self.connection.clone();
        let done = command.exec_async(&mut connection);
        self.heard(timeout(WRITE_PATIENCE, done).await)
    }

    /// Takes note of what the server said, or that it said nothing.
    fn heard<E>(&self, said: Result<Result<(), RedisError>, E>) -> bool {
        match said {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                self.state.lost(error.category());
                false
            }
            Err(_) => {
                self.state.lost("no answer in time");
                false
            }
        }
    }

    /// Looks for the server while it is away.
    async fn watch(self) {
        let mut due = interval(WATCH);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            due.tick().await;
            if self.state.is_away() {
                self.look().await;
            }
        }
    }

    /// Finds out whether the server is there, and writes what it has to know before it is believed.
    pub(super) async fn look(&self) {
        let mut connection = self.connection.clone();
        let ping = cmd("PING");
        let said = timeout(SIGN_OF_LIFE, ping.exec_async(&mut connection)).await;
        if matches!(said, Ok(Ok(()))) && self.write_remembered().await {
            self.state.found();
        }
    }
}

async fn put(connection: &mut ConnectionManager, question: Question) -> Result<Told, RedisError> {
    let mut commands = pipe();
    if let Some(claim) = &question.claim {
        let set = commands.cmd("SET").arg(place(&claim.name)).arg(claim.token);
        set.arg("NX").arg("PX").arg(millis(claim.lasts));
    }
    let get = commands.cmd("MGET");
    for name in &question.names {
        get.arg(place(name));
    }
    let (claimed, values): (Option<String>, Vec<Option<Vec<u8>>>) = if question.claim.is_some() {
        commands.query_async(connection).await?
    } else {
        let (values,) = commands.query_async(connection).await?;
        (None, values)
    };
    Ok(Told {
        values: values
            .into_iter()
            .map(|value| value.map(Bytes::from))
            .collect(),
        is_claimed: claimed.is_some(),
    })
}

fn set(name: &str, value: Vec<u8>, lasts: Duration) -> Cmd {
    let mut set = cmd("SET");
    set.arg(place(name)).arg(value).arg("PX").arg(millis(lasts));
    set
}

fn place(name: &str) -> String {
    format!("{PREFIX}{name}")
}

/// A time of zero is none to the server.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX).max(1)
}
