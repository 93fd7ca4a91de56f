//! Requests that wait for the answer to another just like them.
//!
//! The first to ask leads: its call is everybody's. Who comes while it is under way waits and is given a copy of what it came
//! to, a failure too; who finds that the answer was not for others asks for itself.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use http::{HeaderMap, Response, StatusCode};
use tokio::{
    sync::watch::{self, Receiver, Sender},
    time::Instant,
};

use crate::{
    beyond::Lease,
    body::{Body, Chunks},
    kept::{
        directives::{self, Directives},
        target::UrlKey,
    },
    lock::lock,
    vocabulary::{
        fidelity::{Fidelity, Floor},
        provenance::{CacheUse, Provenance},
    },
};

/// The calls that others wait for. As many as there are requests under way that others could share.
#[derive(Clone, Default)]
pub(crate) struct Flights(Table);

type Table = Arc<Mutex<HashMap<FlightKey, Receiver<Word>>>>;

/// Requests that one call can answer.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct FlightKey {
    pub(crate) key: UrlKey,
    /// What the request said in the fields that the last answer varied by.
    pub(crate) varies_by: u64,
    /// What the caller takes: those who take less do not wait with those who take more.
    pub(crate) floor: Option<Floor>,
    /// When the URL was changed last: what was asked before does not answer who comes after.
    pub(crate) changed: Option<Instant>,
}

/// What is known of a call.
#[derive(Clone, Debug, Default)]
pub(crate) enum Word {
    /// It is under way.
    #[default]
    None,
    /// Its answer is for one caller only.
    Alone,
    /// It came to this, for all.
    Came(Arc<Outcome>),
}

/// An answer that others may be given too.
pub(crate) struct Outcome {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Chunks,
    pub(crate) truth: Provenance,
    /// What the leader's request said in the fields that the answer varies by; `None` where it is for nobody else.
    pub(crate) varies_by: Option<u64>,
    /// When it was told.
    pub(crate) at: Instant,
}

/// The call that leads. Nobody joins it any more once it has come to something or is dropped.
pub(crate) struct Flight {
    table: Table,
    key: FlightKey,
    tell: Sender<Word>,
    is_over: AtomicBool,
    /// The right to be the only one who asks, among those who share a second level.
    lease: Option<Box<Lease>>,
}

/// How to come by an answer.
#[derive(Debug)]
pub(crate) enum Joined {
    /// By asking, for all who come after.
    Leads(Flight),
    /// By waiting.
    Waits(Receiver<Word>),
}

// === impl Flights ===

impl Flights {
    /// Joins the call for such a request, or begins it.
    pub(crate) fn join(&self, key: FlightKey) -> Joined {
        let mut table = lock(&self.0);
        if let Some(under_way) = table.get(&key) {
            return Joined::Waits(under_way.clone());
        }
        let (tell, hear) = watch::channel(Word::None);
        table.insert(key, hear);
        Joined::Leads(Flight {
            table: Arc::clone(&self.0),
            key,
            tell,
            is_over: AtomicBool::new(false),
            lease: None,
        })
    }
}

impl fmt::Debug for Flights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flights")
            .field("under_way", &lock(&self.0).len())
            .finish()
    }
}

// === impl Flight ===

impl Flight {
    /// The same, with a right that is given back when its call has come to its end.
    pub(crate) fn holding(self, lease: Lease) -> Self {
        let mut flight = self;
        flight.lease = Some(Box::new(lease));
        flight
    }

    /// Whether anybody waits for it beside the leader.
    pub(crate) fn is_awaited(&self) -> bool {
        let of_the_table = usize::from(!self.is_over.load(Relaxed));
        self.tell.receiver_count() > of_the_table
    }

    /// Tells what the call came to. Who comes later asks anew: what was true for those who waited need not be any more.
    pub(crate) fn came(&self, outcome: Option<Outcome>) {
        self.leave();
        let word = outcome.map_or(Word::Alone, |outcome| Word::Came(Arc::new(outcome)));
        self.tell.send_replace(word);
    }
}

impl Flight {
    fn leave(&self) {
        if !self.is_over.swap(true, Relaxed) {
            lock(&self.table).remove(&self.key);
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.leave();
    }
}

impl fmt::Debug for Flight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Flight").finish_non_exhaustive()
    }
}

// === impl Outcome ===

impl Outcome {
    /// What others may be given of this answer, if anything: what could be kept, what was kept before, what stands in for
    /// the upstream's own, and failures.
    pub(crate) fn of(
        response: &Response<Body>,
        truth: &Provenance,
        varies_by: Option<u64>,
        at: Instant,
    ) -> Option<Self> {
        let stands_in = || {
            let said = Directives::of_answer(response.headers());
            let is_own =
                said.says(directives::Word::NoStore) || said.says(directives::Word::Private);
            truth.fidelity != Some(Fidelity::Exact) && !is_own
        };
        let is_for_all = match truth.cache {
            CacheUse::Missed { stored }
            | CacheUse::Asked { stored }
            | CacheUse::Refused { stored }
            | CacheUse::Revalidated { stored } => stored || truth.fidelity.is_none() || stands_in(),
            CacheUse::AfterFault
            | CacheUse::Rested
            | CacheUse::Fresh { .. }
            | CacheUse::WhileRevalidating { .. }
            | CacheUse::Generated => true,
            CacheUse::Bypass => false,
        };
        let body = response.body().whole().filter(|_| is_for_all)?;
        Some(Self {
            status: response.status(),
            headers: response.headers().clone(),
            body: body.clone(),
            truth: truth.clone(),
            varies_by,
            at,
        })
    }

    /// The answer once more, with the age that it has by now.
    pub(crate) fn response(&self, now: Instant) -> (Response<Body>, Provenance) {
        let mut response = Response::new(Body::of(self.body.clone()));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers.clone();
        let since = now.saturating_duration_since(self.at);
        let truth = Provenance {
            age: self.truth.age.map(|age: Duration| age + since),
            collapsed: true,
            ..self.truth.clone()
        };
        (response, truth)
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("status", &self.status)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}
