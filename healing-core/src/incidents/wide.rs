//! The incident that is everybody's: half of the sources or more have failed.
//!
//! One of two sources is a half, but not a system that is down: it takes two failed ones, or all of them.

use uuid::Uuid;

use crate::{
    health::{HealthStatus, Snapshot},
    incidents::{
        Alert, AlertChange, AlertLevel, HealingState, ResolveReason,
        track::{Flaps, resolution},
        words,
    },
};

/// So many snapshots in a row without it close it; one opens it.
const CALM_TO_CLOSE: u32 = 2;
/// The same when it flaps: as many seconds as there are in ten minutes.
const CALM_TO_CLOSE_FLAPPING: u32 = 600;

/// Whether the system as a whole has failed.
#[derive(Debug)]
pub(super) struct Wide {
    alert: Option<Alert>,
    calm: u32,
    flaps: Flaps,
}

// === impl Wide ===

impl Wide {
    pub(super) const fn new() -> Self {
        Self {
            alert: None,
            calm: 0,
            flaps: Flaps::new(),
        }
    }

    pub(super) const fn alert(&self) -> Option<&Alert> {
        self.alert.as_ref()
    }

    /// Looks at all sources. `id` is asked for when it opens.
    pub(super) fn look(
        &mut self,
        snapshot: &Snapshot,
        id: impl FnOnce() -> Uuid,
    ) -> Option<AlertChange> {
        let all = snapshot.sources.len();
        let failed = snapshot
            .sources
            .iter()
            .filter(|health| health.status == HealthStatus::Failed)
            .count();
        if failed > 0 && failed * 2 >= all && (failed > 1 || failed == all) {
            self.calm = 0;
            self.failed(snapshot, words::wide_title(failed, all), id)
        } else {
            self.calm = self.calm.saturating_add(1);
            self.calm(snapshot)
        }
    }

    fn failed(
        &mut self,
        snapshot: &Snapshot,
        title: String,
        id: impl FnOnce() -> Uuid,
    ) -> Option<AlertChange> {
        if let Some(alert) = &mut self.alert {
            if alert.title == title {
                return None;
            }
            alert.title = title;
            return Some(AlertChange::Updated(alert.clone()));
        }
        let alert = Alert {
            id: id(),
            level: AlertLevel::Critical,
            healing: HealingState::Failed,
            title,
            source: None,
            class: None,
            detail: None,
            route: None,
            recommendation: words::WIDE_RECOMMENDATION,
            started_at: snapshot.time,
            flapping: self.flaps.change(snapshot.time),
            explain_id: None,
            events: 0,
        };
        Some(AlertChange::Opened(self.alert.insert(alert).clone()))
    }

    fn calm(&mut self, snapshot: &Snapshot) -> Option<AlertChange> {
        let flapping = self.alert.as_ref()?.flapping;
        if self.calm
            < if flapping {
                CALM_TO_CLOSE_FLAPPING
            } else {
                CALM_TO_CLOSE
            }
        {
            return None;
        }
        let alert = self.alert.take()?;
        self.flaps.change(snapshot.time);
        Some(AlertChange::Resolved(resolution(
            &alert,
            ResolveReason::Recovered,
            snapshot.time,
        )))
    }
}
