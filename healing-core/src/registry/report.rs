//! What is told of sources and routes: how they are doing, once a second.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use jiff::Timestamp;
use tokio::time::Instant;

use crate::{
    health::{
        EndpointHealth, HealthStatus, Signs, Snapshot, SourceHealth, Thresholds, percentage,
        tally::{self, Reading},
        tuning::{Seen, Threshold},
    },
    lock::lock,
    registry::{Registry, RouteState, SourceState},
    vocabulary::source::Source,
};

/// An answer that was healed this lately means that healing is at work.
const HEALING_ACTIVE: Duration = Duration::from_secs(10);

// === impl Registry ===

impl Registry {
    /// Takes a reading of every route; call it about once a second.
    pub(crate) fn snapshot(&self, now: Instant) -> Snapshot {
        let since_start = self.clock.since_start(now);
        let mut by_source: HashMap<Source, Vec<Arc<RouteState>>> = HashMap::new();
        for state in self.all_routes() {
            let reading = state.tally.reading();
            lock(&state.windows).note(since_start, reading);
            if lock(&state.tuning).note(since_start, reading) {
                state.tune(self.clock.timestamp(now));
            }
            if reading.requests() > 0 {
                by_source
                    .entry(state.route.source().clone())
                    .or_default()
                    .push(state);
            }
        }
        let mut sources: Vec<SourceHealth> = by_source
            .values()
            .filter_map(|routes| self.source_health(routes, now))
            .collect();
        sources.sort_by(|a, b| a.source.cmp(&b.source));
        Snapshot {
            time: self.clock.timestamp(now),
            sources,
        }
    }

    fn source_health(&self, routes: &[Arc<RouteState>], now: Instant) -> Option<SourceHealth> {
        let source = &routes.first()?.source;
        let mut rows: Vec<EndpointHealth> = routes
            .iter()
            .map(|route| self.endpoint_health(route, now))
            .collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.total_requests));
        let sum = |pick: fn(&RouteState) -> Reading| {
            routes
                .iter()
                .map(|route| pick(route))
                .fold(Reading::default(), Reading::plus)
        };
        let (minutes, day) = (sum(RouteState::last_minutes), sum(RouteState::last_day));
        let quantile = |share| tally::quantile_of(routes.iter().map(|route| &route.tally), share);
        let status = rows.iter().map(|row| row.status).max()?;
        Some(SourceHealth {
            source: source.source.clone(),
            status,
            requests: day.requests(),
            uptime_percentage: percentage(day.direct + day.healed, day.requests()),
            actual_success_percentage: percentage(
                day.direct.saturating_sub(day.slow),
                day.requests(),
            ),
            error_rate: minutes.error_rate(),
            latency: quantile(0.5).zip(quantile(0.95)),
            resting: routes.iter().any(|route| route.is_resting(now)),
            healing_active: routes.iter().any(|route| self.is_healing(route, now)),
            since: source.since(status, self.clock.timestamp(now)),
            last_fault: lock(&source.last_fault).clone(),
            routes: rows,
        })
    }

    fn endpoint_health(&self, state: &RouteState, now: Instant) -> EndpointHealth {
        let tally = &state.tally;
        let (total, day) = (tally.reading(), state.last_day());
        let error_rate = state.last_minutes().error_rate();
        let signs = Signs {
            error_rate,
            resting: state.is_resting(now),
            healing: self.is_healing(state, now),
        };
        let time = |stamp: &AtomicU64| {
            tally::moment(stamp.load(Relaxed)).map(|since_start| self.clock.at(since_start))
        };
        EndpointHealth {
            route: state.route.clone(),
            status: HealthStatus::of(signs, state.thresholds()),
            total_requests: total.requests(),
            failed_requests: total.failed(),
            error_rate,
            avg_response_time: tally.mean_seconds(),
            last_success: time(&tally.last_success_ms),
            last_failure: time(&tally.last_failure_ms),
            consecutive_failures: tally.failures_in_a_row.load(Relaxed),
            consecutive_successes: tally.successes_in_a_row.load(Relaxed),
            uptime_percentage: percentage(day.direct + day.healed, day.requests()),
            shape_changed: state.path_names.changed(),
            moved: lock(&state.tuning).moves(),
        }
    }

    fn is_healing(&self, state: &RouteState, now: Instant) -> bool {
        let healed = tally::moment(state.tally.last_healed_ms.load(Relaxed));
        healed.is_some_and(|healed| {
            self.clock.since_start(now).saturating_sub(healed) <= HEALING_ACTIVE
        })
    }
}

// === impl RouteState ===

impl RouteState {
    fn last_minutes(&self) -> Reading {
        lock(&self.windows).last_minutes(self.tally.reading())
    }

    fn last_day(&self) -> Reading {
        lock(&self.windows).last_day(self.tally.reading())
    }

    /// Moves its thresholds with what its past shows, and leaves a receipt.
    fn tune(&self, time: Timestamp) {
        let seen = Seen {
            time,
            set: self.treatment.load().thresholds,
            calls: self.tally.good_calls(),
            usual: self.tally.quantile(0.99),
        };
        let moves = lock(&self.tuning).tune(&seen);
        for made in moves {
            tracing::info!(
                route = %self.route, threshold = made.threshold.as_str(), from = made.from, to = made.to, seen = made.seen,
                of = made.of, "a threshold was moved"
            );
            if made.threshold == Threshold::Slow {
                let millis =
                    Duration::try_from_secs_f64(made.to).map_or(0, |slow| slow.as_millis());
                self.slow_ms
                    .store(u64::try_from(millis).unwrap_or(0), Relaxed);
            }
        }
    }

    /// From where on it is called ill now.
    fn thresholds(&self) -> Thresholds {
        lock(&self.tuning).hold(self.treatment.load().thresholds)
    }

    fn is_resting(&self, now: Instant) -> bool {
        self.gate.is_resting(now)
            || self.upstream.is_resting(now)
            || self.source.anonymous.is_resting(now)
    }
}

// === impl SourceState ===

impl SourceState {
    /// Since when the status is what it is.
    fn since(&self, status: HealthStatus, now: Timestamp) -> Timestamp {
        let mut known = lock(&self.status);
        match *known {
            Some((same, since)) if same == status => since,
            _ => {
                *known = Some((status, now));
                now
            }
        }
    }
}
