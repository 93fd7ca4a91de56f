//! Mistakes that were planted, each in a file of its own: the line is the one marked with `#!`, and the message is the one of
//! the snapshot.

use crate::{check, cli::ReportForm};

use super::*;

const MARK: &str = "#!";

/// The files, each after a line with a sentence about it.
fn files() -> impl Iterator<Item = (&'static str, &'static str)> {
    let sections = include_str!("planted.txt").split("## ").skip(1);
    sections.map(|section| section.split_once('\n').expect("a file after its sentence"))
}

#[test]
fn every_planted_mistake_is_told_with_its_line_and_a_way_out() {
    let mut shown = String::new();
    for (sentence, text) in files() {
        let mut reading = of(text);
        reading.notes.clear();
        let marked = text
            .lines()
            .zip(1_u64..)
            .filter(|(line, _)| line.contains(MARK));
        let marked: Vec<u64> = marked.map(|(_, number)| number).collect();
        let lines: Vec<u64> = reading
            .mistakes
            .iter()
            .map(|mistake| mistake.place.line)
            .collect();
        assert_eq!(lines, marked, "{sentence}: {:?}", reading.mistakes);
        let report = check::of_config("healing.yaml", text, &reading, check::Strictness::Check);
        let report = report.show(ReportForm::Text, false);
        assert!(!report.contains("hunter2secret"), "{report}");
        let mut messages = reading.mistakes.iter().map(|mistake| &mistake.message);
        assert!(
            messages.all(|message| message.contains("; ")),
            "{sentence}: no way out"
        );
        shown += &format!("## {sentence}\n{report}\n");
    }
    insta::assert_snapshot!(shown);
}

#[test]
fn there_are_more_than_thirty_of_them() {
    assert!(files().count() > 30);
}

#[test]
fn all_mistakes_of_a_file_are_told_at_once_in_the_order_of_their_lines() {
    let text = "upstream: nowhere\nlisen: x\nroutes:\n  - { match: a, floor: best }\n  - { match: /b, source: nobody }\n";
    let lines: Vec<u64> = of(text)
        .mistakes
        .iter()
        .map(|mistake| mistake.place.line)
        .collect();
    assert_eq!(lines, [1, 2, 4, 4, 5]);
}
