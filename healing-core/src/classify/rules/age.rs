//! How old an answer's content may be.

use jiff::{Timestamp, tz::TimeZone};

use crate::{
    classify::{
        calendar::Calendars,
        finding::Finding,
        freshness::{self, Allowed, Moment, Unit},
        rules::{
            condition::{Condition, Scene},
            csv,
            look::Seen,
        },
    },
    vocabulary::fault::FaultClass,
};

/// Which field says how old an answer is, and how old it may be.
#[derive(Debug)]
pub(super) struct Age {
    pub(super) when: Option<Condition>,
    pub(super) field: Field,
    pub(super) reading: Reading,
    pub(super) allowed: Allowed,
    pub(super) calendar: Box<str>,
    pub(super) retryable: Option<bool>,
}

/// How a field is read as a moment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Reading {
    pub(super) unit: Unit,
    /// Of a text without an offset.
    pub(super) zone: TimeZone,
}

#[derive(Debug)]
pub(super) enum Field {
    /// The newest of the values that a pointer leads to: its slot, and the pointer.
    Json(usize, Box<str>),
    /// The newest of a column.
    Csv(Box<str>),
}

// === impl Age ===

impl Age {
    /// The newest moment that the answer names; `None` where this says nothing about the answer.
    pub(super) fn newest(&self, scene: &Scene<'_>) -> Option<Moment> {
        if self.when.as_ref().is_some_and(|when| !when.holds(scene)) {
            return None;
        }
        match &self.field {
            Field::Json(slot, _) => scene.found()?.newest(*slot),
            Field::Csv(column) => {
                let values = csv::column(scene.exchange.text(), column)?;
                let moments = values.filter_map(|value| self.reading.read(Seen::Text(value)));
                moments.reduce(Moment::later)
            }
        }
    }

    /// Whether that is too old at `now`. A calendar that is not known is always open.
    fn is_over(&self, newest: &Moment, now: Timestamp, calendars: &Calendars) -> bool {
        let calendar = calendars
            .named(&self.calendar)
            .or_else(|| calendars.named("always"));
        calendar.is_some_and(|calendar| freshness::is_stale(newest, now, calendar, &self.allowed))
    }

    /// What is wrong where that is the newest, by a rule that has no name yet.
    pub(super) fn stale(
        &self,
        newest: &Moment,
        now: Timestamp,
        calendars: &Calendars,
    ) -> Option<Finding> {
        self.is_over(newest, now, calendars).then(|| Finding {
            class: Some(FaultClass::StaleData),
            evidence: self.evidence(newest).into(),
            retryable: self.retryable,
            ..Finding::default()
        })
    }

    /// What was looked at and what it said.
    fn evidence(&self, newest: &Moment) -> String {
        let (kind, field) = match &self.field {
            Field::Json(_, pointer) => ("", pointer),
            Field::Csv(column) => ("column ", column),
        };
        match newest {
            Moment::Day(day) => format!("{kind}{field} is {day}"),
            Moment::At(at) => format!("{kind}{field} is {at}"),
        }
    }
}

// === impl Reading ===

impl Reading {
    pub(super) fn read(&self, seen: Seen<'_>) -> Option<Moment> {
        match seen {
            Seen::Number(number) => self.unit.read_number(number).map(Moment::At),
            Seen::Text(text) => self.unit.read_text(text, &self.zone),
            Seen::Object | Seen::Array | Seen::Null | Seen::Bool(_) => None,
        }
    }
}

#[cfg(test)]
mod tests;
