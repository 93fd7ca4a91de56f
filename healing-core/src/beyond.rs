//! The second level of the cache, as the layers use it.
//!
//! It is asked only where an upstream would be asked otherwise, and told only of what was kept here: good answers, on their own
//! terms. Whoever asks an upstream for something that others wait for claims that first, for a short time, so that of many
//! healers one does.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, header};
use tokio::time::{Instant, sleep};

use crate::{
    clock::Clock,
    kept::{
        Address, Kept,
        copy::Copy,
        parcel::{self, Opening, Parcel},
        title::{FarName, Title, varying},
    },
    second_level::{Claim, Question, SecondLevel, Told, Written},
};

/// How long a change of a URL is known there: as long as any copy lasts.
const CHANGED_FOR: Duration = Duration::from_hours(24);

/// Under which name it stands when everything was thrown away.
const ALL_CHANGED: &str = "v:*";

/// Between two looks at another's claim.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(50));

/// A second level, and what became of what was asked there.
#[derive(Debug)]
pub(crate) struct Beyond {
    level: Arc<dyn SecondLevel>,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    hits: AtomicU64,
    misses: AtomicU64,
    useless: AtomicU64,
    offered: AtomicU64,
    changes: AtomicU64,
    claims: AtomicU64,
    waits: AtomicU64,
}

/// How a second level is doing.
///
/// ```
/// assert!(healing_core::Healer::builder().build().second_level().is_none());
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct SecondLevelHealth {
    /// Whether it did not answer the last time.
    pub is_away: bool,
    /// What became of questions and writes so far, by name.
    pub counts: Vec<(&'static str, u64)>,
}

/// What is looked for, and where it goes.
#[derive(Clone, Copy)]
pub(crate) struct Sought<'a> {
    pub(crate) kept: &'a Kept,
    pub(crate) clock: &'a Clock,
    pub(crate) title: &'a Title,
    pub(crate) address: Address,
    pub(crate) request: &'a HeaderMap,
}

/// What looking came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Reached {
    /// Whether something was taken in that is newer than what was here.
    pub(crate) took: bool,
    pub(crate) claim: Claimed,
}

/// Whose it is to ask the upstream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Claimed {
    Ours,
    AnOthers,
    /// That cannot be told, or was not asked.
    Unknown,
}

/// A claim of ours, given back when it is dropped.
pub(crate) struct Lease {
    level: Arc<dyn SecondLevel>,
    claim: Option<Claim>,
}

// === impl Beyond ===

impl Beyond {
    pub(crate) fn new(level: Arc<dyn SecondLevel>) -> Self {
        Self {
            level,
            counts: Counts::default(),
        }
    }

    pub(crate) fn health(&self) -> SecondLevelHealth {
        let own = &self.counts;
        let mut counts: Vec<_> = [
            ("shared_cache_hits", &own.hits),
            ("shared_cache_misses", &own.misses),
            ("shared_cache_useless", &own.useless),
            ("shared_cache_offered", &own.offered),
            ("shared_cache_changes", &own.changes),
            ("shared_cache_claims", &own.claims),
            ("shared_cache_waits", &own.waits),
        ]
        .map(|(name, count)| (name, count.load(Relaxed)))
        .into();
        counts.extend(self.level.counts());
        SecondLevelHealth {
            is_away: self.level.is_away(),
            counts,
        }
    }

    /// A claim of what is sought, to be made with [`reach`](Self::reach); `last` are the fields of its last answer.
    pub(crate) fn lease(
        &self,
        sought: Sought<'_>,
        last: Option<&HeaderMap>,
        lasts: Duration,
    ) -> Lease {
        let variant = last.filter(|last| last.contains_key(header::VARY));
        let variant = variant.and_then(|last| parcel::variant_of(last, sought.request));
        let name = format!("l:{:x}", sought.title.own);
        let name = variant
            .iter()
            .fold(name, |name, variant| format!("{name}:{variant}"));
        Lease {
            level: Arc::clone(&self.level),
            claim: Some(Claim {
                name,
                token: rand::random(),
                lasts,
            }),
        }
    }

    /// Takes in what is there, and makes a claim where one is given.
    pub(crate) async fn reach(&self, sought: Sought<'_>, lease: Option<&Lease>) -> Reached {
        let title = sought.title;
        let of_url = change_name(title.of_all);
        let mut names = vec![ALL_CHANGED.to_owned(), of_url, copy_name(title.own)];
        if title.own != title.of_all {
            names.push(copy_name(title.of_all));
        }
        let claim = lease.and_then(|lease| lease.claim.clone());
        let asks = claim.is_some();
        let told = self.level.find(Question { names, claim }).await;
        let Some(Told { values, is_claimed }) = told else {
            return Reached {
                took: false,
                claim: Claimed::Unknown,
            };
        };
        let mut values = values.into_iter();
        let changes = values.by_ref().take(2).flatten();
        let changed = changes
            .map(|value| parcel::change(&value, sought.clock))
            .max();
        let mut took = false;
        for (value, name) in values.zip([title.own, title.of_all]) {
            if let Some(value) = value {
                took |= self.take(sought, (value, name), changed).await;
            }
        }
        let count = if took {
            &self.counts.hits
        } else {
            &self.counts.misses
        };
        count.fetch_add(1, Relaxed);
        self.counts.claims.fetch_add(u64::from(is_claimed), Relaxed);
        let claim = match (asks, is_claimed) {
            (false, _) => Claimed::Unknown,
            (true, true) => Claimed::Ours,
            (true, false) => Claimed::AnOthers,
        };
        Reached { took, claim }
    }

    /// Takes in what was found under a name.
    async fn take(
        &self,
        sought: Sought<'_>,
        (value, name): (Bytes, FarName),
        changed: Option<i64>,
    ) -> bool {
        let opening = Opening {
            clock: sought.clock,
            request: sought.request,
            changed,
        };
        let parcel = match sought.kept.open(&value, opening) {
            Some(Parcel::Varies(names)) => {
                let Some(value) = self.variant(sought, &names, name).await else {
                    return false;
                };
                sought.kept.open(&value, opening)
            }
            parcel => parcel,
        };
        match parcel {
            Some(Parcel::Copy(copy)) => sought.kept.take_in(sought.address, *copy),
            Some(Parcel::Varies(_)) | None => {
                self.counts.useless.fetch_add(1, Relaxed);
                false
            }
        }
    }

    /// The variant that is sought, of what varies by those fields.
    async fn variant(&self, sought: Sought<'_>, names: &str, name: FarName) -> Option<Bytes> {
        let answer = varying(names)?;
        let variant = parcel::variant_of(&answer, sought.request)?;
        let question = Question {
            names: vec![format!("{}:{variant}", copy_name(name))],
            claim: None,
        };
        self.level.find(question).await?.values.pop()?
    }

    /// Waits until another one's claim is given back or runs out, or time is up, and takes in what has come of it.
    pub(crate) async fn wait(&self, sought: Sought<'_>, lease: &Lease, until: Instant) -> bool {
        self.counts.waits.fetch_add(1, Relaxed);
        let Some(claim) = &lease.claim else {
            return false;
        };
        let (mut pause, longest) = PAUSES;
        while sought.clock.now() + pause < until {
            sleep(pause).await;
            pause = (pause * 2).min(longest);
            let question = Question {
                names: vec![claim.name.clone()],
                claim: None,
            };
            match self.level.find(question).await {
                None => return false,
                Some(told) if told.values.iter().any(Option::is_some) => {}
                Some(_) => return self.reach(sought, None).await.took,
            }
        }
        false
    }

    /// Gives others what was kept here, where it is of use to them.
    pub(crate) fn offer(
        &self,
        (title, copy): (&Title, &Arc<Copy>),
        (request, heal_for): (&HeaderMap, Duration),
        clock: Clock,
    ) {
        let lasts = parcel::lasts(copy, heal_for);
        if copy.fault.is_some() || lasts.is_zero() {
            return;
        }
        let varies = parcel::varies(&copy.headers);
        let variant = match &varies {
            None => None,
            Some(_) => match parcel::variant_of(&copy.headers, request) {
                Some(variant) => Some(variant),
                None => return,
            },
        };
        let is_for_all = copy.terms.is_shared && copy.terms.lifetime.is_some();
        let also = (is_for_all && title.own != title.of_all).then_some(title.of_all);
        for name in [Some(title.own), also].into_iter().flatten() {
            let name = copy_name(name);
            if let Some(varies) = varies.clone() {
                let weight = varies.len();
                let value = Box::new(move || parcel::pack_varies(&varies));
                self.level.write(Written {
                    name: name.clone(),
                    lasts,
                    weight,
                    value,
                });
            }
            let name = variant
                .iter()
                .fold(name, |name, variant| format!("{name}:{variant}"));
            let packed = Arc::clone(copy);
            self.level.write(Written {
                name,
                lasts,
                weight: copy.weight,
                value: Box::new(move || parcel::pack(&packed, &clock)),
            });
        }
        self.counts.offered.fetch_add(1, Relaxed);
    }

    /// Tells others that a URL was changed: what was asked for before is no answer any more.
    pub(crate) fn changed(&self, name: FarName, clock: Clock) {
        self.note_change(change_name(name), clock);
    }

    /// Tells others that nothing that was asked for before is an answer any more.
    pub(crate) fn all_changed(&self, clock: Clock) {
        self.note_change(ALL_CHANGED.to_owned(), clock);
    }

    fn note_change(&self, name: String, clock: Clock) {
        let at = clock.timestamp(clock.now());
        self.counts.changes.fetch_add(1, Relaxed);
        self.level.must_write(Written {
            name,
            lasts: CHANGED_FOR,
            weight: 0,
            value: Box::new(move || parcel::pack_change(at)),
        });
    }
}

/// Under which name it stands when a URL was changed.
fn change_name(name: FarName) -> String {
    format!("v:{name:x}")
}

/// Under which name the copy of a URL is.
fn copy_name(name: FarName) -> String {
    format!("c:{name:x}")
}

// === impl Lease ===

impl Lease {
    /// It is not ours.
    pub(crate) fn forget(&mut self) {
        self.claim = None;
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        if let Some(claim) = self.claim.take() {
            self.level.release(claim);
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").finish_non_exhaustive()
    }
}
