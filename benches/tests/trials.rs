//! What must never happen: a part of what `cargo xtask long` tries in full.

use benches::trials::{early, labels, twice};

#[test]
fn nothing_is_sent_before_the_time_that_a_source_named_nor_tried_that_could_not_come_in_time() {
    let trial = early::tried(3_000, 1);
    assert!(trial.is_passed(), "{trial}");
}

#[test]
fn nothing_that_must_not_be_repeated_is_delivered_twice() {
    let trial = twice::tried(10_000, 1);
    assert!(trial.is_passed(), "{trial}");
}

#[test]
fn no_label_is_false_and_no_answer_is_below_the_floor() {
    let trial = labels::tried(5_000, 1);
    assert!(trial.is_passed(), "{trial}");
}
