//! Data that is old although what is new was asked for, where no source's file names the field that tells its time.
//!
//! Asked is for the words of the question that mean now. Four days and two sessions of the New York exchanges hold any weekend
//! with a holiday beside it; what trades less often than that is called stale, too, which is what it is.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::{
    classify::{
        exchange::{Exchange, Kind},
        finding::Finding,
        freshness::{Allowed, Moment, is_stale},
        general::request,
        sources, times,
    },
    vocabulary::fault::FaultClass,
};

const DAYS: SignedDuration = SignedDuration::from_hours(4 * 24);
const SESSIONS: u32 = 2;

/// What is wrong with a good answer by the newest moment that it names.
pub(super) fn judge(exchange: &Exchange<'_>, now: Timestamp) -> Option<Finding> {
    if !request::asks_for_now(exchange) {
        return None;
    }
    let in_table = || {
        let is_one = exchange.kind() == Kind::Csv;
        is_one.then(|| times::newest_in_table(exchange.text(), now))
    };
    let newest = times::newest(exchange.body, now).or_else(|| in_table().flatten())?;
    let day = match newest {
        Moment::Day(day) => day,
        Moment::At(at) => TimeZone::UTC.to_datetime(at).date(),
    };
    let begins = day.to_zoned(TimeZone::UTC).ok()?.timestamp();
    let allowed = Allowed {
        max_age: None::<Duration>,
        sessions: Some(SESSIONS),
    };
    let market = sources::calendars().named("us_equities")?;
    let is_old =
        now.duration_since(begins) > DAYS && is_stale(&Moment::Day(day), now, market, &allowed);
    is_old.then(|| {
        Finding::of(
            FaultClass::StaleData,
            "old_news",
            "the newest time that the body names",
        )
    })
}
