//! Rules that one file keeps or breaks by itself.

mod names;
mod opening;
mod size;

use crate::sources::{Source, Violation, assert_none, rust_files};

/// A rule: reads one file and its syntax tree.
type Rule = fn(&Source, &syn::File) -> Vec<Violation>;

const RULES: &[Rule] = &[
    size::file_length,
    size::function_length,
    names::files,
    names::items,
    names::functions,
    opening::starts_with_its_idea,
    opening::notes_have_a_number,
];

/// Returns what a file breaks. A file that is no Rust breaks a rule too: nothing else could be read from it.
fn violations(source: &Source) -> Vec<Violation> {
    match syn::parse_file(&source.text) {
        Ok(tree) => RULES.iter().flat_map(|rule| rule(source, &tree)).collect(),
        Err(fault) => vec![Violation {
            path: source.path.clone(),
            line: fault.span().start().line,
            rule: format!("the file cannot be parsed: {fault}"),
        }],
    }
}

/// Checks that a file with this text breaks exactly the rules whose words are given, each as `line: words`.
#[track_caller]
fn check(path: &str, text: &str, expected: &[&str]) {
    let source = Source {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let found: Vec<String> = violations(&source)
        .iter()
        .map(|v| format!("{}: {}", v.line, v.rule))
        .collect();
    let alike = found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(found, expected)| found.contains(expected));
    assert!(alike, "expected {expected:#?}\nfound {found:#?}");
}

#[test]
fn the_workspace_is_tidy() {
    let sources = rust_files("").unwrap();
    assert!(!sources.is_empty());
    assert_none(&sources.iter().flat_map(violations).collect::<Vec<_>>());
}

#[test]
fn a_file_that_is_no_rust_is_found() {
    check(
        "a/src/b.rs",
        "//! B.\nfn f( {}\n",
        &["2: the file cannot be parsed"],
    );
}
