//! A limit of calls at a time on a clock of its own.

use proptest::prelude::*;

use super::*;

fn good(under_way: u32, slow: f64) -> Sample {
    Sample {
        under_way,
        took: Duration::from_millis(50),
        excess: Some(slow.ln()),
        is_overloaded: false,
        stands_for: 1,
    }
}

fn refused(under_way: u32) -> Sample {
    Sample {
        excess: None,
        is_overloaded: true,
        ..good(under_way, 1.0)
    }
}

/// That many samples in so many seconds from then on. Returns the last limit.
fn goes(gradient: &mut Gradient, from: f64, seconds: u32, sample: impl Fn(u32) -> Sample) -> u32 {
    let mut limit = 0;
    for n in 0..seconds * 100 {
        let now = Duration::from_secs_f64(from + f64::from(n) / 100.0);
        limit = gradient.ended(sample(n), false, now);
    }
    limit
}

#[test]
fn a_well_host_has_no_limit_however_many_calls_are_under_way() {
    let mut gradient = Gradient::default();
    assert_eq!(goes(&mut gradient, 0.0, 60, |_| good(500, 1.0)), 0);
    assert_eq!(
        goes(&mut gradient, 60.0, 60, |n| good(
            500,
            if n.is_multiple_of(20) { 50.0 } else { 0.9 }
        )),
        0
    );
}

#[test]
fn few_that_are_refused_are_no_sign_and_a_tenth_of_them_is() {
    let mut gradient = Gradient::default();
    let some = |n: u32| {
        if n.is_multiple_of(20) {
            refused(40)
        } else {
            good(40, 1.0)
        }
    };
    assert_eq!(goes(&mut gradient, 0.0, 10, some), 0);
    let many = |n: u32| {
        if n.is_multiple_of(5) {
            refused(40)
        } else {
            good(40, 1.0)
        }
    };
    assert!((4..=28).contains(&goes(&mut gradient, 10.0, 2, many)));
    let mut alone = Gradient::default();
    assert_eq!(
        goes(&mut alone, 0.0, 10, |_| refused(LEAST)),
        0,
        "four are not too many"
    );
}

#[test]
fn slow_answers_are_a_sign_at_the_second_look() {
    let mut gradient = Gradient::default();
    assert_eq!(goes(&mut gradient, 0.0, 1, |_| good(40, 3.0)), 0);
    let limit = goes(&mut gradient, 1.0, 5, |_| good(40, 3.0));
    assert!((4..28).contains(&limit), "{limit}");
}

#[test]
fn it_shrinks_while_the_host_is_ill_and_grows_back_and_ends_when_it_is_well() {
    let mut gradient = Gradient::default();
    assert_eq!(goes(&mut gradient, 0.0, 30, |_| refused(40)), LEAST);
    let grown = goes(&mut gradient, 30.0, 9, |_| good(40, 1.0));
    assert!(grown > 15, "{grown}");
    assert_eq!(goes(&mut gradient, 39.0, 3, |_| good(40, 1.0)), 0);
}

proptest! {
    #[test]
    fn no_order_of_calls_makes_a_limit_that_is_none(
        steps in prop::collection::vec((0_u16..900, 0_u32..10_000, prop::option::of(any::<f64>()), any::<bool>(), any::<bool>()), 1..200),
    ) {
        let (mut gradient, mut now) = (Gradient::default(), Duration::ZERO);
        for (ms, under_way, excess, is_overloaded, pressed) in steps {
            now += Duration::from_millis(ms.into());
            let sample = Sample { under_way, took: Duration::from_millis(50), excess, is_overloaded, stands_for: 1 };
            let limit = gradient.ended(sample, pressed, now);
            prop_assert!(limit == 0 || (LEAST..=10_000).contains(&limit), "{limit}");
        }
        for _ in 0..30 {
            now += Duration::from_millis(500);
            gradient.ended(good(5, 1.0), false, now);
        }
        prop_assert_eq!(gradient.ended(good(5, 1.0), false, now), 0);
    }
}
