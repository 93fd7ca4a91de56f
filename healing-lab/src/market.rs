//! What every source knows of the market at a moment.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::assets::Asset;
use crate::calendar::{Calendar, Hours, Session};
use crate::prices::Bar;

/// More bars than this are never computed for one answer.
pub(crate) const MOST_BARS: usize = 5_000;

/// Seed, hours and zones: all that prices depend on beside the time.
#[derive(Clone, Debug)]
pub(crate) struct Market {
    pub(crate) seed: u64,
    pub(crate) hours: Hours,
    pub(crate) calendar: Calendar,
}

/// One instrument at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tick {
    pub(crate) at: Timestamp,
    pub(crate) price: f64,
    pub(crate) previous_close: f64,
    pub(crate) session: Session,
    pub(crate) day: Bar,
}

/// A span of time cut in bars.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Span {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

impl Market {
    pub(crate) fn new(seed: u64, hours: Hours) -> Self {
        Self {
            seed,
            hours,
            calendar: Calendar::new(),
        }
    }

    pub(crate) fn asset(&self, symbol: &str) -> Option<Asset> {
        Asset::find(self.seed, symbol)
    }

    pub(crate) fn tick(&self, asset: &Asset, now: Timestamp) -> Tick {
        let hours = asset.hours(self.hours);
        let mut sessions = self.calendar.sessions_back(now, hours);
        let session = sessions
            .next()
            .unwrap_or_else(|| self.calendar.latest_session(now, hours));
        let before = sessions.next().unwrap_or(session);
        let at = session.last_trade(now);
        Tick {
            at,
            price: asset.walk.at(at.as_millisecond()),
            previous_close: asset.walk.at(before.close.as_millisecond()),
            session,
            day: day_bar(asset, session, now),
        }
    }

    /// Daily bars of sessions that have begun at `now`, newest first.
    pub(crate) fn days_back(
        &self,
        asset: &Asset,
        now: Timestamp,
    ) -> impl Iterator<Item = (Session, Bar)> {
        let asset = asset.clone();
        self.calendar
            .sessions_back(now, asset.hours(self.hours))
            .map(move |session| (session, day_bar(&asset, session, now)))
    }

    /// Daily bars from `first` to `last`, oldest first, at most [`MOST_BARS`].
    pub(crate) fn days(
        &self,
        asset: &Asset,
        (first, last): (Date, Date),
        now: Timestamp,
    ) -> Vec<(Session, Bar)> {
        let mut bars: Vec<_> = self
            .days_back(asset, now)
            .skip_while(|(session, _)| session.date > last)
            .take_while(|(session, _)| session.date >= first && session.date > Date::ZERO)
            .take(MOST_BARS)
            .collect();
        bars.reverse();
        bars
    }

    /// Bars of `step` milliseconds inside sessions, oldest first, the newest [`MOST_BARS`] of the span.
    pub(crate) fn bars(&self, asset: &Asset, span: Span, step: i64) -> Vec<Bar> {
        let step = step.max(1_000);
        let mut bars = Vec::new();
        for session in self
            .calendar
            .sessions_back(span.to, asset.hours(self.hours))
        {
            if session.close <= span.from || bars.len() >= MOST_BARS {
                break;
            }
            let open = session.open.as_millisecond();
            let first = open.max(span.from.as_millisecond());
            let last = session.last_trade(span.to).as_millisecond();
            // Bars are counted from the opening, so that a bar's edges do not depend on when it is asked for.
            let mut start = open + (last - open).div_euclid(step) * step;
            while start >= first && bars.len() < MOST_BARS {
                if start < last {
                    bars.push(asset.walk.bar(start, (start + step).min(last)));
                }
                start -= step;
            }
        }
        bars.reverse();
        bars
    }
}

fn day_bar(asset: &Asset, session: Session, now: Timestamp) -> Bar {
    let end = session.last_trade(now);
    asset
        .walk
        .bar(session.open.as_millisecond(), end.as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::{Market, Span};
    use crate::calendar::Hours;
    use jiff::Timestamp;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn after_the_close_the_last_trade_stands_still() {
        let market = Market::new(7, Hours::Exchange);
        let asset = market.asset("AAPL").unwrap();
        let friday = market.tick(&asset, at("2024-03-01T22:00:00Z"));
        let sunday = market.tick(&asset, at("2024-03-03T15:00:00Z"));
        assert_eq!(friday.at, at("2024-03-01T21:00:00Z"));
        assert_eq!(
            (friday.at, friday.price.to_bits()),
            (sunday.at, sunday.price.to_bits())
        );
        assert!(!sunday.session.holds(at("2024-03-03T15:00:00Z")));
    }

    #[test]
    fn a_coin_trades_on_a_sunday() {
        let market = Market::new(7, Hours::Exchange);
        let asset = market.asset("BTC-USD").unwrap();
        let sunday = at("2024-03-03T15:00:00Z");
        assert_eq!(market.tick(&asset, sunday).at, sunday);
    }

    #[test]
    fn the_last_daily_bar_closes_at_the_price_of_the_tick() {
        let market = Market::new(7, Hours::Exchange);
        let asset = market.asset("AAPL").unwrap();
        let now = at("2024-03-01T18:00:00Z");
        let (_, bar) = market.days_back(&asset, now).next().unwrap();
        assert_eq!(
            bar.close.to_bits(),
            market.tick(&asset, now).price.to_bits()
        );
    }

    #[test]
    fn intraday_bars_are_ascending_and_inside_the_span() {
        let market = Market::new(7, Hours::Exchange);
        let asset = market.asset("AAPL").unwrap();
        let span = Span {
            from: at("2024-02-29T00:00:00Z"),
            to: at("2024-03-01T16:00:00Z"),
        };
        let bars = market.bars(&asset, span, 300_000);
        assert!(bars.is_sorted_by(|a, b| a.start < b.start));
        // 78 of the whole Thursday, 18 of the first ninety minutes of the Friday.
        assert_eq!(bars.len(), 96);
    }
}
