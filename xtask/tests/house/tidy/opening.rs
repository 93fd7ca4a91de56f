//! How a file begins, and notes left for later.

use syn::File;

use super::check;
use crate::sources::{Source, Violation};

/// Put together here, so that this file holds no such note itself.
const NOTES: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];

/// A file starts with `//!`: what it is and the reason that it is so.
pub(super) fn starts_with_its_idea(source: &Source, _: &File) -> Vec<Violation> {
    let first = source.text.lines().next().unwrap_or_default();
    if first
        .strip_prefix("//!")
        .is_some_and(|idea| !idea.trim().is_empty())
    {
        return Vec::new();
    }
    let rule = "a file starts with `//!` and its idea".to_owned();
    vec![Violation {
        path: source.path.clone(),
        line: 1,
        rule,
    }]
}

/// A note for later carries the number of its issue (`#12`), else nobody finds it again.
pub(super) fn notes_have_a_number(source: &Source, _: &File) -> Vec<Violation> {
    let lines = source.text.lines().zip(1..);
    let notes = lines.filter(|(text, _)| has_a_note(text) && !has_a_number(text));
    notes
        .map(|(_, line)| Violation {
            path: source.path.clone(),
            line,
            rule: "a note for later carries the number of its issue, as in `#12`".to_owned(),
        })
        .collect()
}

fn has_a_note(line: &str) -> bool {
    line.split(|letter: char| !letter.is_alphanumeric() && letter != '_')
        .any(|word| NOTES.contains(&word))
}

fn has_a_number(line: &str) -> bool {
    line.split('#')
        .skip(1)
        .any(|rest| rest.starts_with(|letter: char| letter.is_ascii_digit()))
}

#[test]
fn a_file_without_an_opening_is_found() {
    check(
        "a/src/b.rs",
        "fn f() {}\n",
        &["1: a file starts with `//!`"],
    );
    check("a/src/b.rs", "// A.\n", &["1: a file starts with `//!`"]);
    check(
        "a/src/b.rs",
        "//!\n//! Late.\n",
        &["1: a file starts with `//!`"],
    );
    check("a/src/b.rs", "", &["1: a file starts with `//!`"]);
    check("a/src/b.rs", "//! What it is.\n", &[]);
}

#[test]
fn a_note_without_a_number_is_found() {
    for note in NOTES {
        let rule = "2: a note for later carries the number";
        check(
            "a/src/b.rs",
            &format!("//! A.\n// {note}: later\n"),
            &[rule],
        );
        check(
            "a/src/b.rs",
            &format!("//! A.\n// {note}(name) # later\n"),
            &[rule],
        );
        check(
            "a/src/b.rs",
            &format!("//! A.\n// {note} #12: later\n"),
            &[],
        );
        check(
            "a/src/b.rs",
            &format!("//! A.\nconst {note}_LIST: u8 = 1;\n"),
            &[],
        );
    }
}
