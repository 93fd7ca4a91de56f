//! Reads the part `freshness` of a file.

use jiff::tz::TimeZone;

use crate::{
    classify::{
        freshness::{Allowed, Frequency, Unit},
        rules::{
            age::{Age, Field, Reading},
            look::Look,
            parse::{Draft, fields::Fields},
        },
    },
    written::{Node, unknown},
};

const FREQUENCIES: [(&str, Frequency); 5] = [
    ("daily", Frequency::Daily),
    ("weekly", Frequency::Weekly),
    ("monthly", Frequency::Monthly),
    ("quarterly", Frequency::Quarterly),
    ("annual", Frequency::Annual),
];

impl Draft<'_> {
    pub(super) fn age(&mut self, node: &Node) -> Option<Age> {
        const KEYS: [&str; 10] = [
            "when",
            "json",
            "csv",
            "unit",
            "zone",
            "max_age",
            "sessions",
            "frequency",
            "calendar",
            "retryable",
        ];
        let fields = Fields::of(node, "item of freshness", &KEYS, &mut self.mistakes)?;
        let when = fields.find("when").map(|node| self.condition(node));
        let unit = fields.require("unit", &mut self.mistakes);
        let unit = unit.and_then(|node| self.one_of(node, "unit", &Unit::NAMES));
        let zone = fields
            .find("zone")
            .map_or(Some(TimeZone::UTC), |node| self.zone(node));
        let calendar = fields.find("calendar");
        let calendar = calendar.map_or(Some("always"), |node| self.calendar(node));
        let allowed = self.allowed(fields, node);
        let retryable = fields
            .find("retryable")
            .and_then(|node| self.bool(node, "retryable"));
        let reading = Reading {
            unit: unit?,
            zone: zone?,
        };
        let field = self.field(fields, node, &reading)?;
        Some(Age {
            when: when.map_or(Some(None), |when| when.map(Some))?,
            field,
            reading,
            allowed: allowed?,
            calendar: calendar?.into(),
            retryable,
        })
    }

    fn field(&mut self, fields: Fields<'_>, node: &Node, reading: &Reading) -> Option<Field> {
        match (fields.find("json"), fields.find("csv")) {
            (Some(json), None) => {
                let pointer = self.pointer(json, "json")?;
                let slot = self.newest;
                self.newest += 1;
                self.look(&pointer, Look::Newest(slot, reading.clone()));
                Some(Field::Json(slot, pointer.text))
            }
            (None, Some(csv)) => self
                .text(csv, "csv")
                .map(|column| Field::Csv(column.into())),
            (Some(_), Some(_)) | (None, None) => {
                let message = "an item of freshness needs one of \"json\" and \"csv\"";
                self.mistakes.say(node.at, message);
                None
            }
        }
    }

    fn allowed(&mut self, fields: Fields<'_>, node: &Node) -> Option<Allowed> {
        let age = fields.find("max_age");
        let sessions = fields.find("sessions");
        let frequency = fields.find("frequency");
        if age.is_none() && sessions.is_none() && frequency.is_none() {
            let message = "an item of freshness needs \"max_age\", \"sessions\" or \"frequency\"";
            self.mistakes.say(node.at, message);
            return None;
        }
        if let Some(node) = frequency {
            return self
                .one_of(node, "frequency", &FREQUENCIES)
                .map(Frequency::allowed);
        }
        Some(Allowed {
            max_age: age.and_then(|node| self.span(node, "max_age")),
            sessions: sessions.and_then(|node| self.count(node)),
        })
    }

    fn calendar<'n>(&mut self, node: &'n Node) -> Option<&'n str> {
        let name = self.text(node, "calendar")?;
        if self.calendars.named(name).is_none() {
            let known: Vec<&str> = self.calendars.names().collect();
            self.mistakes
                .say(node.at, unknown("calendar", name, &known));
            return None;
        }
        Some(name)
    }

    fn count(&mut self, node: &Node) -> Option<u32> {
        let number = node.number().and_then(whole);
        if number.is_none() {
            let message = format!("sessions: must be a whole number, and is {}", node.value);
            self.mistakes.say(node.at, message);
        }
        number.map(u32::from)
    }

    fn zone(&mut self, node: &Node) -> Option<TimeZone> {
        let name = self.text(node, "zone")?;
        let zone = TimeZone::get(name).ok();
        if zone.is_none() {
            let message = format!("zone: {name:?} is no zone, such as UTC or America/New_York");
            self.mistakes.say(node.at, message);
        }
        zone
    }
}

/// A number of a file as a small whole one.
pub(super) fn whole(number: f64) -> Option<u16> {
    (0..=u16::MAX).find(|whole| (f64::from(*whole) - number).abs() < f64::EPSILON)
}
