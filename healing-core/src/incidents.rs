//! Incidents: faults of one cause from first to last, and what an alert says about them.
//!
//! A state machine for each source and fault class, fed with error events as they come and with a snapshot once a second.
//! One fault that was healed wakes nobody. Three in a row that were not healed are an error; three that were healed within
//! ten seconds are a degraded mode, which is a warning. It opens fast and closes slowly: two good answers of the upstream
//! have to follow, and the events that opened it must have stopped. Numbers and reasons are in `docs/src/feed.md`.
//!
//! Pure: time comes in as an argument and ids grow from a seed.

mod track;
mod wide;
mod words;

use std::{borrow::Cow, collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use uuid::Uuid;

use crate::{
    health::Snapshot,
    incidents::{track::Track, wide::Wide},
    vocabulary::{fault::FaultClass, observation::ErrorEvent, route::Route, source::Source},
};

/// How bad an incident is. The specification's `info` (one fault, healed) opens no incident.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum AlertLevel {
    /// Degraded mode: answers come from healing. Shown, never sent.
    Warning,
    /// Healing failed.
    Error,
    /// Half of the sources or more have failed.
    Critical,
}

/// What healing has to do with an incident.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum HealingState {
    /// Nothing beyond the first call was permitted or possible.
    NotAttempted,
    /// Callers get healed answers.
    Running,
    /// It was tried, and callers got an error.
    Failed,
}

/// Why an incident is over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ResolveReason {
    /// The upstream answers well again.
    Recovered,
    /// Nothing was asked for so long that nobody can say.
    Expired,
}

/// An open incident. Every text in it is built from our own words, checked slugs and route templates, never from a text of
/// an upstream.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// A UUID of version 7, the same from opening to resolution.
    pub id: Uuid,
    /// How bad it is now.
    pub level: AlertLevel,
    /// What healing has to do with it now.
    pub healing: HealingState,
    /// One line.
    pub title: String,
    /// Whose it is; `None` when it is everybody's.
    pub source: Option<Source>,
    /// What is wrong; `None` when it is everybody's.
    pub class: Option<FaultClass>,
    /// The finer word of the latest event.
    pub detail: Option<Cow<'static, str>>,
    /// The route of the latest event.
    pub route: Option<Route>,
    /// What to do about it.
    pub recommendation: &'static str,
    /// When it opened.
    pub started_at: Timestamp,
    /// Whether it came and went so often that it now stays open.
    pub flapping: bool,
    /// The request of the latest event, to be explained.
    pub explain_id: Option<Uuid>,
    /// Events since it opened.
    pub events: u64,
}

/// The end of an incident.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Resolution {
    /// The alert's id.
    pub id: Uuid,
    /// Why.
    pub reason: ResolveReason,
    /// When.
    pub time: Timestamp,
    /// From opening to now.
    pub duration: Duration,
}

/// What became of an incident. Each id is opened once and resolved at most once.
#[derive(Clone, Debug, PartialEq)]
pub enum AlertChange {
    /// It opened.
    Opened(Alert),
    /// Its level, its title or the state of healing changed.
    Updated(Alert),
    /// It is over.
    Resolved(Resolution),
}

/// The incidents of all sources.
///
/// ```
/// use healing_core::Incidents;
/// let incidents = Incidents::new(7);
/// assert_eq!(incidents.open().count(), 0);
/// ```
#[derive(Debug)]
pub struct Incidents {
    tracks: BTreeMap<(Source, FaultClass), Track>,
    wide: Wide,
    ids: Ids,
    unlisted: u64,
}

/// Makes UUIDs of version 7 from the time and a seed, so that this room needs no source of randomness.
#[derive(Debug)]
struct Ids {
    state: u64,
}

// === impl Incidents ===

impl Incidents {
    /// The most incidents that are open at once; further ones are counted in [`Incidents::unlisted`].
    pub const MAX_OPEN: usize = 256;

    /// The most causes that are remembered, open or not.
    const MAX_TRACKS: usize = 1024;

    /// None, with ids that grow from a seed; two proxies need different ones.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self {
            tracks: BTreeMap::new(),
            wide: Wide::new(),
            ids: Ids { state: seed },
            unlisted: 0,
        }
    }

    /// Takes an error event. What is the caller's own mistake wakes nobody.
    pub fn event(&mut self, event: &ErrorEvent) -> Option<AlertChange> {
        if event.class.is_the_callers() {
            return None;
        }
        let key = (event.route.source().clone(), event.class);
        if !self.tracks.contains_key(&key) && self.tracks.len() >= Self::MAX_TRACKS {
            self.unlisted += 1;
            return None;
        }
        let track = self
            .tracks
            .entry(key.clone())
            .or_insert_with(|| Track::new(event.time));
        let level = track.note(event)?;
        if track.is_open() {
            track.level_is(level, event.time);
            return None;
        }
        let has_room = self.open().count() < Self::MAX_OPEN;
        let track = self.tracks.get_mut(&key)?;
        if !has_room {
            self.unlisted += u64::from(track.refuse());
            return None;
        }
        Some(AlertChange::Opened(track.open(
            event,
            level,
            self.ids.next(event.time),
        )))
    }

    /// Takes a snapshot: closes what is over, tells what has changed, and looks at all sources together.
    pub fn snapshot(&mut self, snapshot: &Snapshot) -> Vec<AlertChange> {
        let now = snapshot.time;
        let mut changes = Vec::new();
        for ((name, _), track) in &mut self.tracks {
            let health = snapshot
                .sources
                .iter()
                .find(|health| health.source == *name);
            changes.extend(track.look(health, now));
        }
        self.tracks.retain(|_, track| !track.is_forgotten(now));
        let ids = &mut self.ids;
        changes.extend(self.wide.look(snapshot, || ids.next(now)));
        changes
    }

    /// The open ones: everybody's first, then by source and class.
    pub fn open(&self) -> impl Iterator<Item = &Alert> {
        self.wide
            .alert()
            .into_iter()
            .chain(self.tracks.values().filter_map(Track::alert))
    }

    /// Incidents and causes that were not listed because there were too many.
    #[must_use]
    pub const fn unlisted(&self) -> u64 {
        self.unlisted
    }
}

// === impl Ids ===

impl Ids {
    fn next(&mut self, now: Timestamp) -> Uuid {
        let mut random = [0; 10];
        for (byte, new) in random.iter_mut().zip(
            self.word()
                .to_le_bytes()
                .into_iter()
                .chain(self.word().to_le_bytes()),
        ) {
            *byte = new;
        }
        let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }

    /// `SplitMix64` (Steele, Lea and Flood 2014).
    const fn word(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests;
