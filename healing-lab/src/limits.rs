//! Counting requests against the sources' real limits.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

/// Whether the sources keep their limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Limits {
    /// FRED 120 a minute and key, Alpha Vantage 25 a day and 1 a second and key, Polygon 5 a minute and key, Yahoo 2,000
    /// an hour and 20 at once an address; those of the others stand in the README.
    #[default]
    Real,
    /// None; for runs that are about something else.
    Off,
}

/// So many requests in so long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    pub(crate) calls: usize,
    pub(crate) per: SignedDuration,
}

/// Keys that are remembered at most; a caller that invents keys must not fill the memory.
const MOST_KEYS: usize = 10_000;

/// The counts of one source.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    recent: Mutex<HashMap<String, VecDeque<Timestamp>>>,
    days: Mutex<HashMap<String, (Date, u32)>>,
    in_flight: Arc<Mutex<HashMap<IpAddr, u32>>>,
}

impl Meter {
    /// Counts a request of `key` unless `rate` is reached: then it is refused and not counted.
    pub(crate) fn admit(&self, key: &str, rate: Rate, now: Timestamp) -> bool {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() >= MOST_KEYS {
            recent.retain(|_, calls| {
                calls
                    .back()
                    .is_some_and(|last| now.duration_since(*last) < rate.per)
            });
        }
        let calls = recent.entry(key.to_owned()).or_default();
        while calls
            .front()
            .is_some_and(|first| now.duration_since(*first) >= rate.per)
        {
            calls.pop_front();
        }
        let free = calls.len() < rate.calls;
        if free {
            calls.push_back(now);
        }
        free
    }

    /// Counts a request of `key` on `today` unless `limit` is reached.
    pub(crate) fn admit_today(&self, key: &str, limit: u32, today: Date) -> bool {
        let mut days = self.days.lock().unwrap_or_else(PoisonError::into_inner);
        if days.len() >= MOST_KEYS {
            days.retain(|_, (day, _)| *day == today);
        }
        let (day, count) = days.entry(key.to_owned()).or_insert((today, 0));
        if *day != today {
            (*day, *count) = (today, 0);
        }
        let free = *count < limit;
        *count += u32::from(free);
        free
    }

    /// Counts a request in flight until the guard is dropped, and says how many `peer` has now.
    pub(crate) fn enter(&self, peer: IpAddr) -> (InFlight, u32) {
        let mut in_flight = self
            .in_flight
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let count = in_flight.entry(peer).or_default();
        *count += 1;
        (
            InFlight {
                peer,
                counts: Arc::clone(&self.in_flight),
            },
            *count,
        )
    }

    pub(crate) fn forget(&self) {
        self.recent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        self.days
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }
}

/// A request that has not been answered yet.
#[derive(Debug)]
pub(crate) struct InFlight {
    peer: IpAddr,
    counts: Arc<Mutex<HashMap<IpAddr, u32>>>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.peer) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Meter, Rate};
    use jiff::civil::date;
    use jiff::{SignedDuration, Timestamp};
    use std::net::{IpAddr, Ipv4Addr};

    fn second(n: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + n).unwrap()
    }

    #[test]
    fn the_window_slides() {
        let meter = Meter::default();
        let rate = Rate {
            calls: 2,
            per: SignedDuration::from_mins(1),
        };
        let admitted: Vec<bool> = [0, 10, 20, 60, 65, 70]
            .map(|n| meter.admit("k", rate, second(n)))
            .into();
        assert_eq!(admitted, [true, true, false, true, false, true]);
    }

    #[test]
    fn keys_are_counted_apart() {
        let meter = Meter::default();
        let rate = Rate {
            calls: 1,
            per: SignedDuration::from_secs(1),
        };
        assert!(meter.admit("a", rate, second(0)) && meter.admit("b", rate, second(0)));
        assert!(!meter.admit("a", rate, second(0)));
    }

    #[test]
    fn the_day_count_starts_again_on_the_next_day() {
        let meter = Meter::default();
        let (monday, tuesday) = (date(2024, 3, 4), date(2024, 3, 5));
        assert!(meter.admit_today("k", 1, monday));
        assert!(!meter.admit_today("k", 1, monday));
        assert!(meter.admit_today("k", 1, tuesday));
    }

    #[test]
    fn a_request_in_flight_counts_until_its_guard_is_dropped() {
        let meter = Meter::default();
        let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
        let (first, _) = meter.enter(peer);
        let (second, count) = meter.enter(peer);
        assert_eq!(count, 2);
        drop((first, second));
        assert_eq!(meter.enter(peer).1, 1);
    }
}
