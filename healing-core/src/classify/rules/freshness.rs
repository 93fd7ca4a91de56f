//! How old the answers of a route may be, where it is set for the route and not read from its source's file.

use std::time::Duration;

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    classify::{
        exchange::Exchange,
        finding::Finding,
        freshness::{Allowed, Moment, Unit},
        rules::{
            age::{Age, Field, Reading},
            condition::Scene,
            look::Look,
            pointer::{Pointer, Tree},
            walk::Plan,
        },
        sources,
    },
    written::unknown,
};

/// Which field of an answer says how old it is, and how old it may be.
///
/// ```
/// use std::time::Duration;
/// use healing_core::Freshness;
///
/// let fresh = Freshness::of("/quotes/*/time", "s")?
///     .max_age(Duration::from_secs(15 * 60))
///     .calendar("us_equities")?; // nights, weekends and holidays make nothing old
/// let error = fresh.calendar("us_equity").unwrap_err().to_string();
/// assert!(error.contains("did you mean \"us_equities\"?"));
/// # Ok::<(), healing_core::FreshnessError>(())
/// ```
#[derive(Debug)]
pub struct Freshness {
    age: Age,
    plan: Plan,
}

/// Why a [`Freshness`] cannot be had.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FreshnessError {
    /// The field is no JSON pointer (RFC 6901), or one that leads too many ways.
    #[error("{0}; write it as in /quotes/*/time")]
    Field(String),
    /// The unit is none of those that are known.
    #[error("{0}")]
    Unit(String),
    /// The calendar is none of those that are known.
    #[error("{0}")]
    Calendar(String),
    /// The zone is not known.
    #[error("the zone {0:?} is not known; name one such as UTC or America/New_York")]
    Zone(String),
}

// === impl Freshness ===

impl Freshness {
    /// The time stands where that pointer leads (RFC 6901; `*` is any row or key, and the newest counts), in that unit: `s`,
    /// `ms`, `us` or `ns` since 1970, `date` or `datetime`. Nothing is too old before a limit is set.
    ///
    /// # Errors
    /// When the pointer or the unit is none.
    pub fn of(field: &str, unit: &str) -> Result<Self, FreshnessError> {
        let no_field = |error: String| FreshnessError::Field(error);
        let pointer = Pointer::parse(field).map_err(|error| no_field(error.to_string()))?;
        let known = Unit::NAMES.iter().find(|(name, _)| *name == unit);
        let unit = known.map(|(_, unit)| *unit).ok_or_else(|| {
            let names = Unit::NAMES.map(|(name, _)| name);
            FreshnessError::Unit(unknown("unit", unit, &names))
        })?;
        let reading = Reading {
            unit,
            zone: TimeZone::UTC,
        };
        let mut tree = Tree::default();
        tree.look_at(&pointer, 0);
        let automaton = tree
            .into_automaton()
            .ok_or_else(|| no_field(format!("the pointer {field:?} has too many `*`")))?;
        Ok(Self {
            plan: Plan {
                automaton,
                looks: vec![Look::Newest(0, reading.clone())],
            },
            age: Age {
                when: None,
                field: Field::Json(0, pointer.text),
                reading,
                allowed: Allowed::default(),
                calendar: "always".into(),
                retryable: None,
            },
        })
    }

    /// It may be that old, in time in which the calendar is open.
    #[must_use]
    pub const fn max_age(mut self, age: Duration) -> Self {
        self.age.allowed.max_age = Some(age);
        self
    }

    /// That many whole sessions of the calendar may lie between the day that it names and now.
    #[must_use]
    pub const fn sessions(mut self, sessions: u32) -> Self {
        self.age.allowed.sessions = Some(sessions);
        self
    }

    /// Age is counted by that calendar: `us_equities`, `us_rates`, `fx`, `crypto`, or `always`, which is meant without it.
    ///
    /// # Errors
    /// When no calendar has that name.
    pub fn calendar(mut self, name: &str) -> Result<Self, FreshnessError> {
        let calendars = sources::calendars();
        if calendars.named(name).is_none() {
            let known: Vec<&str> = calendars.names().collect();
            return Err(FreshnessError::Calendar(unknown("calendar", name, &known)));
        }
        self.age.calendar = name.into();
        Ok(self)
    }

    /// Dates and times without an offset are of that zone, such as `America/New_York`; without it, of UTC.
    ///
    /// # Errors
    /// When no zone has that name.
    pub fn zone(mut self, name: &str) -> Result<Self, FreshnessError> {
        let zone = TimeZone::get(name).map_err(|_| FreshnessError::Zone(name.to_owned()))?;
        self.age.reading.zone = zone;
        self.plan.looks = vec![Look::Newest(0, self.age.reading.clone())];
        Ok(self)
    }

    /// The newest moment that an answer names.
    pub(crate) fn newest(&self, exchange: Exchange<'_>) -> Option<Moment> {
        self.age.newest(&Scene::new(exchange, &self.plan))
    }

    /// What is wrong where that is the newest.
    pub(crate) fn stale(&self, newest: &Moment, now: Timestamp) -> Option<Finding> {
        let found = self.age.stale(newest, now, sources::calendars())?;
        let rule = "route/freshness".into();
        Some(Finding { rule, ..found })
    }
}
