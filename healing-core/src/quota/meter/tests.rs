//! What is counted, and when a call is free again.

use super::*;
use crate::quota::QuotaScope;

const MINUTE: Duration = Duration::from_mins(1);

fn meter(quotas: &[(u32, Per)], wall: &str) -> Meter {
    let quotas = quotas
        .iter()
        .map(|(calls, per)| Quota::new(*calls, per.clone(), QuotaScope::Key).unwrap());
    Meter::new(quotas, Clock::anchored_at(wall.parse().unwrap())).unwrap()
}

fn new_york() -> jiff::tz::TimeZone {
    jiff::tz::TimeZone::get("America/New_York").unwrap()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Takes a call whose answer comes at once.
fn take(meter: &Meter, now: Duration) -> Result<(), u64> {
    match meter.take(Errand::Caller, now) {
        Ok(taken) => {
            meter.ended(taken, now);
            Ok(())
        }
        Err(spent) => Err(spent.wait.as_secs()),
    }
}

const NOON: &str = "2026-11-24T17:00:00Z"; // 12:00 in New York

#[tokio::test(start_paused = true)]
async fn a_window_lets_so_many_through_in_any_stretch() {
    let meter = meter(&[(3, Per::Window(MINUTE))], NOON);
    for at in [0, 10, 20] {
        assert_eq!(take(&meter, seconds(at)), Ok(()));
    }
    assert_eq!(take(&meter, seconds(20)), Err(40));
    assert_eq!(meter.left(seconds(20)), Some(0));
    assert_eq!(take(&meter, seconds(60)), Ok(()));
    assert_eq!(take(&meter, seconds(60)), Err(10));
}

#[tokio::test(start_paused = true)]
async fn a_call_counts_from_the_moment_that_its_answer_came() {
    let meter = meter(&[(1, Per::Window(MINUTE))], NOON);
    let taken = meter.take(Errand::Caller, seconds(0)).unwrap();
    assert_eq!(take(&meter, seconds(65)), Err(60), "it is still under way");
    meter.ended(taken, seconds(70));
    assert_eq!(take(&meter, seconds(129)), Err(1));
    assert_eq!(take(&meter, seconds(130)), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_day_ends_at_midnight_where_the_source_is_also_when_clocks_change() {
    for (wall, hours) in [
        (NOON, 12),
        ("2026-11-01T04:30:00Z", 24), // half an hour into a day of 25 hours
        ("2026-03-08T05:00:00Z", 23), // midnight of a day of 23 hours
    ] {
        let meter = meter(&[(25, Per::Day(new_york()))], wall);
        let left = if wall.contains("11-01") {
            hours * 3600 + 1800
        } else {
            hours * 3600
        };
        for _ in 0..25 {
            assert_eq!(take(&meter, seconds(0)), Ok(()));
        }
        let spent = meter.take(Errand::Caller, seconds(0)).unwrap_err();
        assert_eq!(
            (spent.wait, spent.for_long),
            (seconds(left), true),
            "{wall}"
        );
        assert_eq!(take(&meter, seconds(left - 1)), Err(1));
        assert_eq!(take(&meter, seconds(left)), Ok(()), "{wall}");
        assert_eq!(meter.left(seconds(left)), Some(24));
    }
}

#[tokio::test(start_paused = true)]
async fn a_month_ends_with_its_last_day() {
    let meter = meter(
        &[(1, Per::Month(jiff::tz::TimeZone::UTC))],
        "2027-02-27T00:00:00Z",
    );
    assert_eq!(take(&meter, seconds(0)), Ok(()));
    assert_eq!(take(&meter, seconds(0)), Err(2 * 24 * 3600));
    assert_eq!(take(&meter, seconds(2 * 24 * 3600)), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn an_even_rate_lets_a_burst_through_and_then_one_at_a_time() {
    let meter = meter(&[(2, Per::Even(seconds(10)))], NOON);
    assert_eq!(
        (take(&meter, seconds(0)), take(&meter, seconds(0))),
        (Ok(()), Ok(()))
    );
    assert_eq!(take(&meter, seconds(0)), Err(5));
    tokio::time::sleep(seconds(5)).await;
    assert_eq!(take(&meter, seconds(5)), Ok(()));
    assert_eq!(take(&meter, seconds(5)), Err(5));
}

#[tokio::test(start_paused = true)]
async fn all_quotas_are_kept_and_the_longest_wait_is_named() {
    let meter = meter(
        &[(1, Per::Window(seconds(1))), (3, Per::Day(new_york()))],
        NOON,
    );
    for at in 0..3 {
        assert_eq!(take(&meter, seconds(at)), Ok(()));
    }
    assert_eq!(take(&meter, seconds(3)), Err(12 * 3600 - 3));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_not_made_is_given_back() {
    let meter = meter(&[(1, Per::Window(MINUTE)), (1, Per::Day(new_york()))], NOON);
    let taken = meter.take(Errand::Caller, seconds(0)).unwrap();
    meter.give_back(taken);
    assert_eq!(take(&meter, seconds(0)), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_tenth_is_kept_for_callers() {
    let meter = meter(&[(20, Per::Window(MINUTE))], NOON);
    let extra = || meter.take(Errand::Extra, seconds(0)).is_ok();
    assert_eq!((0..20).filter(|_| extra()).count(), 18);
    assert_eq!(
        (0..20).filter(|_| take(&meter, seconds(0)).is_ok()).count(),
        2
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_source_says_is_left_counts_where_it_is_less() {
    let meter = meter(&[(100, Per::Window(MINUTE))], NOON);
    meter.told(2, Some(seconds(30)), seconds(0));
    assert_eq!(meter.left(seconds(0)), Some(2));
    assert_eq!(
        (take(&meter, seconds(1)), take(&meter, seconds(1))),
        (Ok(()), Ok(()))
    );
    assert_eq!(take(&meter, seconds(1)), Err(29));
    assert_eq!(take(&meter, seconds(30)), Ok(()));
    meter.told(1_000, None, seconds(30));
    assert_eq!(
        meter.left(seconds(30)),
        Some(97),
        "more than we count is not believed"
    );
}

#[tokio::test(start_paused = true)]
async fn a_turn_is_told_for_each_place_in_the_line() {
    let meter = meter(&[(2, Per::Window(MINUTE))], NOON);
    assert_eq!(
        (take(&meter, seconds(0)), take(&meter, seconds(10))),
        (Ok(()), Ok(()))
    );
    for (n, at) in [(1, 60), (2, 70), (3, 120)] {
        assert_eq!(meter.turn(n, seconds(20)), seconds(at), "{n}");
    }
}

#[test]
fn a_quota_that_cannot_be_counted_is_refused_with_the_way_out() {
    let new = |calls, per| {
        Quota::new(calls, per, QuotaScope::Key)
            .unwrap_err()
            .to_string()
    };
    for (error, way) in [
        (new(0, Per::Window(MINUTE)), "1 or more"),
        (new(1, Per::Even(Duration::ZERO)), "1ms"),
        (new(10_001, Per::Window(MINUTE)), "10000"),
    ] {
        assert!(error.contains(way), "{error}");
    }
}

proptest::proptest! {
    #[test]
    fn no_order_of_calls_puts_more_than_so_many_in_any_stretch(
        calls in 1_u32..6, steps: Vec<(u16, u16, bool)>,
    ) {
        let meter = meter(&[(calls, Per::Window(seconds(10)))], NOON);
        let (mut now, mut made) = (Duration::ZERO, Vec::new());
        for (gap, took, sent) in steps {
            now += Duration::from_millis(u64::from(gap % 7_000));
            let Ok(taken) = meter.take(Errand::Caller, now) else {
                continue;
            };
            if !sent {
                meter.give_back(taken);
                continue;
            }
            // The source counts it at some moment until its answer comes.
            made.push((now, now + Duration::from_millis(u64::from(took % 3_000))));
            now += Duration::from_millis(u64::from(took % 3_000));
            meter.ended(taken, now);
        }
        for (sent, _) in &made {
            let before = made.iter().filter(|(other, counted)| other <= sent && *counted + seconds(10) > *sent);
            proptest::prop_assert!(before.count() <= usize::try_from(calls).unwrap());
        }
    }
}
