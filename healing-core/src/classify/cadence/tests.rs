//! Feeds of all frequencies and markets, good and frozen.

use jiff::{SignedDuration, civil::date};
use proptest::prelude::*;

use super::*;

const MINUTE: i64 = 60;
const DAY: i64 = 24 * 60 * MINUTE;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn later(moment: Timestamp, seconds: i64) -> Timestamp {
    moment + SignedDuration::from_secs(seconds)
}

/// A source of good data: what is the newest that it names at a moment.
#[derive(Clone, Copy, Debug)]
enum Feed {
    /// Quotes while a market is open, dated to the second.
    Quotes(Market),
    /// One value a trading day, dated by its day, that many hours after midnight UTC of the next day.
    Daily(Market, i64),
    /// Daily values that come once a week.
    Batches,
    /// A value for each month, quarter or year, dated by its first day, some days after it is over.
    Periods { months: i8, lag: i64 },
    /// All day, every day, each so many seconds.
    Always(i64),
}

#[derive(Clone, Copy, Debug)]
enum Market {
    NewYork,
    /// New York's hours, with holidays of its own: two weekdays in a row each spring, and each summer one.
    Toronto,
    /// Hours of the night in New York, and a week and a half off twice a year.
    Shanghai,
    London,
}

// === impl Market ===

impl Market {
    fn is_day(self, day: Date) -> bool {
        if matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday) {
            return false;
        }
        let within = |from: (i8, i8), to: (i8, i8)| {
            ((from.0, from.1)..=(to.0, to.1)).contains(&(day.month(), day.day()))
        };
        match self {
            Self::NewYork => Named::of(Moment::Day(day)).is_in_session(),
            Self::Toronto => !within((2, 19), (2, 20)) && !within((7, 1), (7, 1)),
            Self::Shanghai => !within((1, 28), (2, 5)) && !within((11, 5), (11, 14)),
            Self::London => !within((12, 24), (12, 28)) && !within((5, 4), (5, 7)),
        }
    }

    /// The hours of a day, in minutes of UTC.
    const fn hours(self) -> (i64, i64) {
        match self {
            Self::NewYork | Self::Toronto => (15 * 60, 20 * 60),
            Self::Shanghai => (60, 7 * 60),
            Self::London => (8 * 60, 16 * 60 + 30),
        }
    }
}

// === impl Feed ===

impl Feed {
    fn newest(self, now: Timestamp) -> Moment {
        let today = TimeZone::UTC.to_datetime(now).date();
        let midnight = today.to_zoned(TimeZone::UTC).unwrap().timestamp();
        let of_day = (now.as_second() - midnight.as_second()) / MINUTE;
        let days_back = |from: Date| std::iter::successors(Some(from), |day| day.yesterday().ok());
        match self {
            Self::Quotes(market) => {
                let (open, close) = market.hours();
                if market.is_day(today) && of_day >= open {
                    return Moment::At(later(midnight, of_day.min(close) * MINUTE));
                }
                let day = days_back(today)
                    .skip(1)
                    .find(|day| market.is_day(*day))
                    .unwrap();
                let start = day.to_zoned(TimeZone::UTC).unwrap().timestamp();
                Moment::At(later(start, close * MINUTE))
            }
            Self::Daily(market, hours) => {
                let ready = |day: &Date| {
                    let end = day
                        .tomorrow()
                        .unwrap()
                        .to_zoned(TimeZone::UTC)
                        .unwrap()
                        .timestamp();
                    later(end, hours * 60 * MINUTE) <= now
                };
                Moment::Day(
                    days_back(today)
                        .find(|day| market.is_day(*day) && ready(day))
                        .unwrap(),
                )
            }
            Self::Batches => {
                let monday = days_back(today)
                    .find(|day| day.weekday() == Weekday::Monday)
                    .unwrap();
                Moment::Day(
                    days_back(monday)
                        .skip(1)
                        .find(|day| Market::NewYork.is_day(*day))
                        .unwrap(),
                )
            }
            Self::Periods { months, lag } => {
                let known = later(now, -lag * DAY);
                let day = TimeZone::UTC.to_datetime(known).date();
                let period = (day.month() - 1) / months * months + 1;
                let first = date(day.year(), period, 1);
                Moment::Day(first - jiff::Span::new().months(months))
            }
            Self::Always(each) => Moment::At(later(now, -(now.as_second() % each))),
        }
    }
}

fn feed() -> impl Strategy<Value = Feed> {
    let market = prop_oneof![
        Just(Market::NewYork),
        Just(Market::Toronto),
        Just(Market::Shanghai),
        Just(Market::London)
    ];
    prop_oneof![
        market.clone().prop_map(Feed::Quotes),
        (market, 0_i64..60).prop_map(|(market, hours)| Feed::Daily(market, hours)),
        Just(Feed::Batches),
        (prop_oneof![Just(1_i8), Just(3), Just(12)], 1_i64..250)
            .prop_map(|(months, lag)| Feed::Periods { months, lag }),
        (MINUTE..30 * DAY).prop_map(Feed::Always),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn good_traffic_of_any_frequency_and_market_never_stands_still(
        feed in feed(),
        year in 2022_i16..2026,
        day in 1_i64..365,
        // Seconds between two looks, most of them of one kind.
        usual in prop_oneof![DAY / 24..DAY / 3, DAY / 3..3 * DAY],
        has_breaks: bool,
        looks in proptest::collection::vec((0_i64..1000, 0_u8..40), 400..900),
    ) {
        let start = date(year, 1, 1).to_zoned(TimeZone::UTC).unwrap().timestamp();
        let mut now = later(start, day * DAY);
        let mut cadence = Cadence::begin(feed.newest(now), now);
        for (share, kind) in looks {
            // Now and then nobody asks for days, or for hours.
            let pause = match kind {
                0 if has_breaks => 9 * DAY,
                1..=3 if has_breaks => DAY,
                _ => MINUTE + usual * share / 500,
            };
            now = later(now, pause);
            let newest = feed.newest(now);
            cadence.note(newest, now);
            prop_assert!(!cadence.stands_still(now), "{feed:?} at {now}: {cadence:?}");
        }
    }

    #[test]
    fn what_is_written_down_is_read_again(moves in proptest::collection::vec(0_i64..DAY * 40, 0..30)) {
        let mut now = at("2025-03-03T15:00:00Z");
        let mut cadence = Cadence::begin(Moment::At(now), now);
        for step in moves {
            now = later(now, step);
            cadence.note(Moment::At(now), now);
        }
        let text = serde_json::to_string(&cadence).unwrap();
        prop_assert_eq!(serde_json::from_str::<Cadence>(&text).unwrap(), cadence);
    }
}

/// The feeds that are looked at each `step` seconds for two years, and whether any was missed.
fn assert_never_missed(feeds: &[Feed], step: i64) {
    for feed in feeds {
        let mut now = at("2024-01-10T00:10:00Z");
        let mut cadence = Cadence::begin(feed.newest(now), now);
        for _ in 0..730 * DAY / step {
            now = later(now, step);
            cadence.note(feed.newest(now), now);
            assert!(!cadence.stands_still(now), "{feed:?} at {now}: {cadence:?}");
        }
    }
}

#[test]
fn who_looks_often_misses_no_holiday_of_any_market() {
    use Market::{London, NewYork, Shanghai, Toronto};
    let markets = [NewYork, Toronto, Shanghai, London];
    assert_never_missed(&markets.map(Feed::Quotes), 30 * MINUTE);
    assert_never_missed(&markets.map(|market| Feed::Daily(market, 9)), DAY / 3);
    assert_never_missed(&markets.map(|market| Feed::Daily(market, 40)), DAY);
    let monthly = |lag| Feed::Periods { months: 1, lag };
    let quarterly = Feed::Periods { months: 3, lag: 60 };
    assert_never_missed(&[Feed::Batches, monthly(14), monthly(55), quarterly], DAY);
    assert_never_missed(&[Feed::Always(MINUTE), Feed::Always(7 * DAY)], DAY / 4);
}

/// What was learned of a feed that was looked at each `step` seconds for that many days, and when that was.
fn learned(feed: Feed, step: i64, days: i64) -> (Cadence, Timestamp) {
    let mut now = at("2025-03-03T15:00:00Z");
    let mut cadence = Cadence::begin(feed.newest(now), now);
    for _ in 0..days * DAY / step {
        now = later(now, step);
        cadence.note(feed.newest(now), now);
    }
    (cadence, now)
}

#[test]
fn quotes_that_stop_are_missed_after_three_sessions_and_no_weekend_is_counted() {
    let (mut cadence, _) = learned(Feed::Quotes(Market::NewYork), 10 * MINUTE, 11);
    // It is Friday evening, and nothing moves from then on.
    let friday = at("2025-03-14T19:50:00Z");
    cadence.note(Moment::At(friday), friday);
    assert!(
        !cadence.stands_still(at("2025-03-17T13:00:00Z")),
        "a weekend"
    );
    assert!(
        !cadence.stands_still(at("2025-03-19T19:00:00Z")),
        "within three sessions"
    );
    assert!(cadence.stands_still(at("2025-03-20T15:00:00Z")));
}

#[test]
fn on_a_first_visit_and_while_little_is_known_nothing_is_missed() {
    let now = at("2025-03-03T15:00:00Z");
    let old = Moment::Day(date(2001, 1, 1));
    let mut cadence = Cadence::begin(old, now);
    assert!(!cadence.stands_still(now));
    assert!(!cadence.stands_still(later(now, 4000 * DAY)));
    // A burst of moves is no cadence.
    for minute in 1..100 {
        let moment = later(now, minute * MINUTE);
        cadence.note(Moment::At(moment), moment);
    }
    assert!(!cadence.stands_still(later(now, 4000 * DAY)));
}

#[test]
fn a_series_is_missed_after_four_of_its_own_pauses() {
    let monthly = Feed::Periods { months: 1, lag: 20 };
    let (cadence, now) = learned(monthly, DAY, 300);
    assert!(!cadence.stands_still(later(now, 100 * DAY)));
    assert!(cadence.stands_still(later(now, 160 * DAY)));
    let (cadence, now) = learned(Feed::Daily(Market::NewYork, 10), DAY / 4, 40);
    assert!(!cadence.stands_still(later(now, 9 * DAY)));
    assert!(cadence.stands_still(later(now, 18 * DAY)));
    let (cadence, now) = learned(Feed::Always(60 * MINUTE), 30 * MINUTE, 20);
    assert!(!cadence.stands_still(later(now, 2 * DAY)));
    assert!(cadence.stands_still(later(now, 4 * DAY)));
}

#[test]
fn what_goes_back_and_forth_is_no_clock() {
    let start = at("2025-03-03T15:00:00Z");
    let mut cadence = Cadence::begin(Moment::At(start), start);
    for day in 1..60 {
        let now = later(start, day * DAY);
        cadence.note(Moment::At(now), now);
        cadence.note(Moment::At(later(now, -30 * DAY)), now);
    }
    assert!(!cadence.stands_still(later(start, 4000 * DAY)));
}
