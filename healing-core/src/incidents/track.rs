//! One cause: a source and a fault class, open or not.
//!
//! It stays in memory for a while after it closed, since only its past tells whether it flaps.

use std::{collections::VecDeque, time::Duration};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use crate::{
    health::{EndpointHealth, SourceHealth},
    incidents::{Alert, AlertChange, AlertLevel, HealingState, Resolution, ResolveReason, words},
    vocabulary::{observation::ErrorEvent, route::Route},
};

/// So many unhealed events in a row are an error, and so many healed ones within [`HEALED_WITHIN`] a warning.
const TO_OPEN: usize = 3;
/// Within this time healing counts as active, as on the dashboard.
const HEALED_WITHIN: SignedDuration = SignedDuration::from_secs(10);
/// So many good upstream answers in a row close an incident.
const GOOD_TO_CLOSE: u32 = 2;
/// A route that has had no event for so long no longer holds an incident open by itself: nobody may ask it again.
const ROUTE_HOLDS: SignedDuration = SignedDuration::from_secs(60);
/// Without any event for so long an incident is over even if nothing good was seen.
const EXPIRES: SignedDuration = SignedDuration::from_mins(15);
/// More than [`FLAPS_ALLOWED`] changes within this time are flapping.
const FLAP_WINDOW: SignedDuration = SignedDuration::from_mins(10);
const FLAPS_ALLOWED: usize = 4;
/// The most routes whose recovery is waited for.
const MAX_ROUTES: usize = 16;

/// One cause.
#[derive(Debug)]
pub(super) struct Track {
    failed_in_a_row: usize,
    healed_in_a_row: usize,
    /// The last moments of healed events, at most [`TO_OPEN`].
    healed: VecDeque<Timestamp>,
    /// The last moments of events of any kind, at most [`TO_OPEN`].
    events: VecDeque<Timestamp>,
    last_event: Timestamp,
    /// The routes that it struck, each with its last event.
    routes: Vec<(Route, Timestamp)>,
    flaps: Flaps,
    alert: Option<Alert>,
    changed: bool,
    refused: bool,
}

/// The moments of the last changes.
#[derive(Debug)]
pub(super) struct Flaps(VecDeque<Timestamp>);

// === impl Track ===

impl Track {
    pub(super) const fn new(now: Timestamp) -> Self {
        Self {
            failed_in_a_row: 0,
            healed_in_a_row: 0,
            healed: VecDeque::new(),
            events: VecDeque::new(),
            last_event: now,
            routes: Vec::new(),
            flaps: Flaps::new(),
            alert: None,
            changed: false,
            refused: false,
        }
    }

    pub(super) const fn alert(&self) -> Option<&Alert> {
        self.alert.as_ref()
    }

    pub(super) const fn is_open(&self) -> bool {
        self.alert.is_some()
    }

    /// Whether nothing of it is worth remembering.
    pub(super) fn is_forgotten(&self, now: Timestamp) -> bool {
        !self.is_open() && now.duration_since(self.last_event) >= FLAP_WINDOW
    }

    /// Counts an event and answers the level that the last ones call for, if any.
    pub(super) fn note(&mut self, event: &ErrorEvent) -> Option<AlertLevel> {
        self.last_event = self.last_event.max(event.time);
        keep_last(&mut self.events, event.time);
        self.struck(event);
        if event.healed() {
            self.failed_in_a_row = 0;
            self.healed_in_a_row = self.healed_in_a_row.saturating_add(1);
            keep_last(&mut self.healed, event.time);
        } else {
            self.healed_in_a_row = 0;
            self.failed_in_a_row = self.failed_in_a_row.saturating_add(1);
        }
        if let Some(alert) = &mut self.alert {
            alert.detail = Some(event.detail.clone());
            alert.route = Some(event.route.clone());
            alert.explain_id = Some(event.id);
            alert.events = alert.events.saturating_add(1);
            if alert.healing == HealingState::NotAttempted && !event.healed() && event.retries > 0 {
                alert.healing = HealingState::Failed;
                self.changed = true;
            }
        }
        if self.failed_in_a_row >= TO_OPEN {
            Some(AlertLevel::Error)
        } else {
            all_within(&self.healed, event.time).then_some(AlertLevel::Warning)
        }
    }

    /// Says that it was not opened for lack of room; true the first time.
    pub(super) const fn refuse(&mut self) -> bool {
        !std::mem::replace(&mut self.refused, true)
    }

    /// Opens it.
    pub(super) fn open(&mut self, event: &ErrorEvent, level: AlertLevel, id: Uuid) -> Alert {
        let flapping = self.flaps.change(event.time);
        let source = event.route.source();
        let alert = Alert {
            id,
            level,
            healing: healing_at(level, event.retries > 0),
            title: words::title(source, event.class, level, flapping),
            source: Some(source.clone()),
            class: Some(event.class),
            detail: Some(event.detail.clone()),
            route: Some(event.route.clone()),
            recommendation: words::recommendation(event.class),
            started_at: event.time,
            flapping,
            explain_id: Some(event.id),
            events: u64::try_from(self.events.len()).unwrap_or(1),
        };
        self.changed = false;
        self.alert.insert(alert).clone()
    }

    /// Takes the level to that of the last events: up at once, down after as many healed ones in a row as open a warning.
    /// What flaps only gets worse.
    pub(super) fn level_is(&mut self, level: AlertLevel, now: Timestamp) {
        let Some(alert) = &mut self.alert else { return };
        let may_fall = !alert.flapping && self.healed_in_a_row >= TO_OPEN;
        if alert.level == level || (level < alert.level && !may_fall) {
            return;
        }
        let flapping = self.flaps.change(now);
        alert.flapping |= flapping;
        // The fifth change must not be the one that plays it down.
        alert.level = if alert.flapping {
            alert.level.max(level)
        } else {
            level
        };
        alert.healing = healing_at(alert.level, true);
        if let (Some(source), Some(class)) = (&alert.source, alert.class) {
            alert.title = words::title(source, class, alert.level, alert.flapping);
        }
        self.changed = true;
    }

    /// Looks at the source as of now: closes the incident if it is over, tells a change if there was one.
    pub(super) fn look(
        &mut self,
        health: Option<&SourceHealth>,
        now: Timestamp,
    ) -> Option<AlertChange> {
        let good = health.is_some_and(|health| self.is_good(&health.routes, now));
        if good {
            self.failed_in_a_row = 0;
        }
        if let Some(reason) = self.over(good, now) {
            let alert = self.alert.take()?;
            self.flaps.change(now);
            self.routes.clear();
            self.healed.clear();
            self.refused = false;
            self.failed_in_a_row = 0;
            return Some(AlertChange::Resolved(resolution(&alert, reason, now)));
        }
        if std::mem::take(&mut self.changed) {
            self.alert.clone().map(AlertChange::Updated)
        } else {
            None
        }
    }

    /// Why it is over, if it is open and over.
    fn over(&self, good: bool, now: Timestamp) -> Option<ResolveReason> {
        let alert = self.alert.as_ref()?;
        let quiet = now.duration_since(self.last_event);
        let waits = if alert.flapping {
            FLAP_WINDOW
        } else {
            SignedDuration::ZERO
        };
        if good && quiet >= waits && !all_within(&self.events, now) {
            return Some(ResolveReason::Recovered);
        }
        (quiet >= EXPIRES).then_some(ResolveReason::Expired)
    }

    /// Whether a struck route has answered well twice in a row since its last event, and no other one still fails.
    fn is_good(&self, health: &[EndpointHealth], now: Timestamp) -> bool {
        let recovered = |(route, last): &(Route, Timestamp)| {
            health.iter().any(|health| {
                health.route == *route
                    && health.consecutive_successes >= GOOD_TO_CLOSE
                    && health.last_success.is_some_and(|success| success > *last)
            })
        };
        self.routes.iter().any(recovered)
            && self
                .routes
                .iter()
                .all(|struck| recovered(struck) || now.duration_since(struck.1) >= ROUTE_HOLDS)
    }

    fn struck(&mut self, event: &ErrorEvent) {
        if let Some((_, last)) = self
            .routes
            .iter_mut()
            .find(|(route, _)| *route == event.route)
        {
            *last = event.time.max(*last);
            return;
        }
        if self.routes.len() >= MAX_ROUTES {
            let oldest = self
                .routes
                .iter()
                .enumerate()
                .min_by_key(|(_, (_, last))| *last)
                .map(|(index, _)| index);
            self.routes.swap_remove(oldest.unwrap_or(0));
        }
        self.routes.push((event.route.clone(), event.time));
    }
}

// === impl Flaps ===

impl Flaps {
    pub(super) const fn new() -> Self {
        Self(VecDeque::new())
    }

    /// Counts a change and answers whether there were too many lately.
    pub(super) fn change(&mut self, now: Timestamp) -> bool {
        self.0
            .retain(|change| now.duration_since(*change) < FLAP_WINDOW);
        if self.0.len() > FLAPS_ALLOWED {
            self.0.pop_front();
        }
        self.0.push_back(now);
        self.0.len() > FLAPS_ALLOWED
    }
}

/// The end of that alert.
pub(super) fn resolution(alert: &Alert, reason: ResolveReason, now: Timestamp) -> Resolution {
    let duration = Duration::try_from(now.duration_since(alert.started_at)).unwrap_or_default();
    Resolution {
        id: alert.id,
        reason,
        time: now,
        duration,
    }
}

const fn healing_at(level: AlertLevel, attempted: bool) -> HealingState {
    match (level, attempted) {
        (AlertLevel::Warning, _) => HealingState::Running,
        (AlertLevel::Error | AlertLevel::Critical, true) => HealingState::Failed,
        (AlertLevel::Error | AlertLevel::Critical, false) => HealingState::NotAttempted,
    }
}

fn keep_last(moments: &mut VecDeque<Timestamp>, now: Timestamp) {
    if moments.len() >= TO_OPEN {
        moments.pop_front();
    }
    moments.push_back(now);
}

/// Whether there are as many as it takes, all of them within the last ten seconds.
fn all_within(moments: &VecDeque<Timestamp>, now: Timestamp) -> bool {
    moments.len() >= TO_OPEN
        && moments
            .iter()
            .all(|moment| now.duration_since(*moment) <= HEALED_WITHIN)
}
