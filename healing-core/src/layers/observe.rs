//! The one place that counts, logs and reports an exchange.
//!
//! On the healthy path it adds to counters and formats nothing. What failed or was healed becomes a line at info and an
//! event for whoever listens.

use std::{
    sync::{Arc, atomic::Ordering::Relaxed},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    attempt::Ask,
    clock::Clock,
    health::LastFault,
    lock::lock,
    redact::redacted_params,
    registry::RouteState,
    vocabulary::{
        fault::Fault,
        observation::{ErrorEvent, Sink},
        provenance::{Provenance, StrategyId},
    },
};

/// Counts, logs and reports.
#[derive(Clone, Debug)]
pub(crate) struct Observer {
    clock: Clock,
    sink: Option<Arc<dyn Sink>>,
}

/// One upstream call that came to its end.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) route: &'a RouteState,
    pub(crate) took: Duration,
    /// `None` for a good answer, or one that says that the caller made a mistake.
    pub(crate) fault: Option<&'a Fault>,
}

/// A caller that was answered.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answered<'a> {
    pub(crate) route: &'a RouteState,
    pub(crate) ask: &'a Ask,
    pub(crate) truth: &'a Provenance,
    /// How long the primary attempt took.
    pub(crate) response_time: Duration,
    /// Longer is too slow.
    pub(crate) slow: Duration,
}

// === impl Observer ===

impl Observer {
    pub(crate) const fn new(clock: Clock, sink: Option<Arc<dyn Sink>>) -> Self {
        Self { clock, sink }
    }

    /// An upstream call ended.
    pub(crate) fn called(&self, call: Call<'_>, now: Instant) {
        let since_start = self.clock.since_start(now);
        match call.fault {
            None => {
                call.route.tally.good_call(call.took, since_start);
                tracing::debug!(route = %call.route.route, took = ?call.took, "upstream answered");
            }
            Some(fault) => {
                call.route.tally.bad_call(call.took, since_start);
                tracing::debug!(route = %call.route.route, took = ?call.took, %fault, "upstream failed");
            }
        }
    }

    /// A caller was given what another one's call came to, or what was kept of it.
    pub(crate) fn joined(&self, route: &RouteState, truth: &Provenance) {
        if truth.fault.is_none() {
            route.tally.direct.fetch_add(1, Relaxed);
        } else if truth.fidelity.is_some() {
            route.tally.healed(self.clock.since_start(self.clock.now()));
        } else {
            route.tally.unhealed.fetch_add(1, Relaxed);
        }
    }

    /// A caller was answered.
    pub(crate) fn answered(&self, answered: Answered<'_>) {
        let Answered {
            route,
            ask,
            truth,
            response_time,
            slow,
        } = answered;
        let Some(fault) = &truth.fault else {
            route.tally.direct.fetch_add(1, Relaxed);
            if truth.took > slow {
                route.tally.slow.fetch_add(1, Relaxed);
            }
            return;
        };
        let now = self.clock.now();
        // Data that stands still is given as what it is: nothing healed it.
        let healed = truth
            .fidelity
            .filter(|_| truth.strategy != StrategyId::DIRECT);
        let healed_by = healed.map(|_| truth.strategy);
        let took_ms = truth.took.as_millis();
        if let Some(strategy) = healed_by {
            route.tally.healed(self.clock.since_start(now));
            let age = truth.age.map(|age| age.as_secs());
            tracing::info!(id = %truth.id, route = %route.route, %fault, %strategy, age, took_ms, "healed");
        } else {
            route.tally.unhealed.fetch_add(1, Relaxed);
            let would = truth.observed.would();
            tracing::info!(id = %truth.id, route = %route.route, %fault, took_ms, would, "not healed");
        }
        let time = self.clock.timestamp(now);
        let last = LastFault {
            class: fault.class,
            detail: fault.detail.clone(),
            healed_by,
            time,
        };
        *lock(&route.source.last_fault) = Some(last);
        if let Some(sink) = &self.sink {
            sink.event(ErrorEvent {
                id: truth.id,
                time,
                route: route.route.clone(),
                class: fault.class,
                detail: fault.detail.clone(),
                status: fault.status.map(|status| status.as_u16()),
                response_time,
                params: redacted_params(ask.uri.query()),
                retries: truth.attempts.saturating_sub(1),
                healed_by,
                fidelity: truth.fidelity,
                age: truth.age,
                took: truth.took,
                instead: truth.instead.clone(),
            });
        }
    }
}
