//! A request as a source sees it, and the gate it must pass.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::answer::Answer;
use crate::assets::Asset;
use crate::calendar::Session;
use crate::injections::Picked;
use crate::limits::{Limits, Meter, Rate};
use crate::market::Market;
use crate::prices;
use crate::request::Request;

/// A request with the source's time and market.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask<'a> {
    pub(crate) request: &'a Request,
    pub(crate) market: &'a Market,
    /// The source's time, which a fault may have stopped or set back.
    pub(crate) now: Timestamp,
    /// The lab's time, which limits are counted by.
    pub(crate) wall: Timestamp,
    /// How often Yahoo's crumbs were revoked.
    pub(crate) crumb_age: u64,
}

/// What stands between a caller and the data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gate<'a> {
    pub(crate) meter: &'a Meter,
    pub(crate) limits: Limits,
    pub(crate) picked: &'a Picked,
    /// Requests of this caller that are being answered, this one counted.
    pub(crate) at_once: u32,
}

/// Why a source gives no data; each source words it its own way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Asked too often.
    Throttled,
    /// An error status with the source's own JSON.
    Failed(u16),
}

/// An answer, or the refusal that stands in its place.
pub(crate) type Outcome = Result<Answer, Answer>;

impl Gate<'_> {
    /// Counts a request of `caller`, a key or an address, and says whether it may pass: neither the rate is reached nor the
    /// quota spent.
    pub(crate) fn admits(&self, caller: &str, rate: Rate, now: Timestamp) -> bool {
        let counted = self.limits == Limits::Off || self.meter.admit(caller, rate, now);
        counted && !self.picked.spent.hold(caller)
    }

    /// The same for a quota of so many a day.
    pub(crate) fn admits_today(&self, caller: &str, limit: u32, today: Date) -> bool {
        let counted = self.limits == Limits::Off || self.meter.admit_today(caller, limit, today);
        counted && !self.picked.spent.hold(caller)
    }
}

impl<'a> Ask<'a> {
    /// Whom a source without keys counts: the address.
    pub(crate) fn peer(&self) -> String {
        self.request.peer.to_string()
    }

    pub(crate) fn param(&self, name: &str) -> Option<&'a str> {
        self.request.param(name)
    }

    /// The newest session of the asset. Depends on the lab's time: a feed that stands still is stale because the exchange goes
    /// on, so a fault must not stop the exchange too.
    pub(crate) fn session(&self, asset: &Asset) -> Session {
        self.market
            .calendar
            .latest_session(self.wall, asset.hours(self.market.hours))
    }

    /// Sixteen bytes in hexadecimal that depend on the request and its time.
    pub(crate) fn request_id(&self) -> String {
        let first = prices::hash(
            self.market.seed ^ self.wall.as_microsecond().unsigned_abs(),
            &self.request.target,
        );
        format!("{first:016x}{:016x}", prices::mix(first))
    }
}

/// The inner answer, whether it is one or a refusal.
pub(crate) fn settle(outcome: Outcome) -> Answer {
    match outcome {
        Ok(answer) | Err(answer) => answer,
    }
}
