//! What is missed, what comes and goes, and what lasts.

use proptest::prelude::*;

use super::*;

const USUAL: Amount = Amount {
    values: 1000,
    types: 7,
};

fn shape(paths: &[u64]) -> Shape {
    Shape::of_parts("json", paths.to_vec(), paths.len()).unwrap()
}

fn same(amount: Amount) -> Came<'static> {
    Came {
        amount,
        before: None,
        now: None,
        is_believed: false,
    }
}

fn other<'a>(before: &'a Shape, now: &'a Shape) -> Came<'a> {
    Came {
        before: Some(before),
        now: Some(now),
        ..same(USUAL)
    }
}

fn habit() -> Habits {
    let habits = Habits::default();
    for _ in 0..=ENOUGH + 1 {
        assert_eq!(habits.note(same(USUAL)), Remark::Nothing);
    }
    habits
}

#[test]
fn a_field_that_is_gone_is_odd_twice_and_then_how_it_is() {
    let (before, now) = (shape(&[1, 2, 3]), shape(&[1, 2, 4]));
    let habits = habit();
    let odd = Remark::Odd(Suspect::Changed);
    assert_eq!(habits.note(other(&before, &now)), odd);
    assert_eq!(habits.note(same(USUAL)), odd);
    let lasts = Change {
        gone: vec![3],
        came: vec![4],
        ..Change::default()
    };
    assert_eq!(habits.note(same(USUAL)), Remark::Lasts(lasts));
    assert_eq!(habits.note(same(USUAL)), Remark::Nothing);
}

#[test]
fn what_comes_and_goes_is_odd_once() {
    let (with, without) = (shape(&[1, 2, 3]), shape(&[1, 2]));
    let habits = habit();
    assert_eq!(
        habits.note(other(&with, &without)),
        Remark::Odd(Suspect::Changed)
    );
    assert_eq!(habits.note(other(&without, &with)), Remark::Nothing);
    for _ in 0..3 {
        for _ in 0..=ENOUGH {
            assert_eq!(habits.note(same(USUAL)), Remark::Nothing);
        }
        assert_eq!(habits.note(other(&with, &without)), Remark::Nothing);
        assert_eq!(habits.note(other(&without, &with)), Remark::Nothing);
    }
}

#[test]
fn few_values_where_many_were_are_odd_until_they_last() {
    let few = Amount { values: 6, ..USUAL };
    let habits = habit();
    let odd = Remark::Odd(Suspect::Shrunk);
    assert_eq!(habits.note(same(few)), odd);
    assert_eq!(habits.note(same(few)), odd);
    let lasts = Change {
        values: Some((1000, 6)),
        ..Change::default()
    };
    assert_eq!(habits.note(same(few)), Remark::Lasts(lasts));
    assert_eq!(habits.note(same(few)), Remark::Nothing);
    assert_eq!(habits.note(same(USUAL)), Remark::Nothing, "more is no loss");
}

#[test]
fn another_type_is_odd_and_so_is_nothing_that_was_no_habit() {
    let retyped = Amount { types: 8, ..USUAL };
    let habits = habit();
    assert_eq!(habits.note(same(retyped)), Remark::Odd(Suspect::Changed));
    assert_eq!(habits.note(same(USUAL)), Remark::Nothing);
    let habits = Habits::default();
    let (before, now) = (shape(&[1, 2]), shape(&[1]));
    for came in [
        same(USUAL),
        other(&before, &now),
        same(retyped),
        same(Amount {
            values: 1,
            types: 8,
        }),
    ] {
        assert_eq!(habits.note(came), Remark::Nothing);
    }
}

#[test]
fn a_shape_that_is_believed_already_lasts_at_once() {
    let (before, now) = (shape(&[1, 2]), shape(&[8, 9]));
    let habits = habit();
    let believed = Came {
        is_believed: true,
        ..other(&before, &now)
    };
    let Remark::Lasts(change) = habits.note(believed) else {
        panic!("it is how it is");
    };
    assert_eq!((change.gone, change.came), (vec![1, 2], vec![8, 9]));
}

proptest! {
    #[test]
    fn an_odd_row_ends_after_three(
        steps in proptest::collection::vec((0_u64..4, 0_u32..2000, 0_u64..3), 1..80),
    ) {
        let habits = habit();
        let mut before = shape(&[1, 2, 3]);
        let mut odd = 0;
        for (paths, values, types) in steps {
            let now = shape(&(1..=paths).collect::<Vec<_>>());
            let came = Came {
                amount: Amount { values, types },
                before: (now != before).then_some(&before),
                now: (now != before).then_some(&now),
                is_believed: false,
            };
            odd = match habits.note(came) {
                Remark::Odd(_) => odd + 1,
                Remark::Nothing | Remark::Lasts(_) => 0,
            };
            before = now;
            prop_assert!(odd < u32::from(LASTS), "an odd answer is no state");
        }
    }
}
