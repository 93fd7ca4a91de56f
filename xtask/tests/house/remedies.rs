//! Which test shows a remedy act, and which shows it not act: every strategy has its row in `docs/src/remedies-tests.md`, and
//! every test that a row names is there.

use std::{collections::BTreeSet, fs};

use anyhow::Context;
use syn::Item;

use crate::{
    sources::{Source, Violation, assert_none, root, rust_files},
    test_code::{attributes_of, is_test_function},
};

/// Where the strategies are named.
const STRATEGIES: &str = "docs/src/strategies.md";

/// Where their names are in code.
const NAMES: &str = "healing-core/src/vocabulary/provenance.rs";

/// Where their tests are named.
const TESTS: &str = "docs/src/remedies-tests.md";

/// Where these tests are: those that ask through the proxy.
const FOLDER: &str = "healing-proxy/tests/it/";

/// Names that are no remedies: the first call, and nothing.
const NO_REMEDIES: [&str; 2] = ["direct", "none"];

/// A row of a table in Markdown, with its line.
type Row<'a> = (usize, Vec<&'a str>);

fn cells(line: &str) -> Option<Vec<&str>> {
    let inside = line.trim().strip_prefix('|')?.strip_suffix('|')?;
    Some(inside.split('|').map(str::trim).collect())
}

/// The rows of all tables.
fn rows(page: &str) -> Vec<Row<'_>> {
    let lines = page.lines().zip(1..);
    lines
        .filter_map(|(line, n)| cells(line).map(|cells| (n, cells)))
        .collect()
}

/// What stands between backticks.
fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The names of strategies in the first column of the first table of the page, with their lines.
fn strategies(page: &str) -> Vec<(usize, &str)> {
    let rows = rows(page).into_iter();
    let rows = rows.skip_while(|(_, cells)| cells.first() != Some(&"strategy"));
    let mut last = None;
    let together = rows.take_while(|(n, _)| {
        let follows = last.is_none_or(|last| last + 1 == *n);
        last = Some(*n);
        follows
    });
    together
        .flat_map(|(n, cells)| {
            let first = cells.first().copied().unwrap_or_default();
            names(first).map(move |name| (n, name))
        })
        .collect()
}

/// The name that a line such as `pub const DIRECT: Self = Self("direct");` has.
fn name_in(line: &str) -> Option<&str> {
    let rest = line.trim().strip_prefix("pub const ")?;
    rest.split_once("Self(\"")?.1.strip_suffix("\");")
}

/// The names of strategies in code, with their lines.
fn names_in_code(code: &str) -> Vec<(usize, &str)> {
    let lines = code.lines().zip(1..);
    let named = lines.filter_map(|(line, n)| name_in(line).map(|name| (n, name)));
    named
        .filter(|(_, name)| !NO_REMEDIES.contains(name))
        .collect()
}

/// The tests of a file, as `file::name`.
fn tests_of(source: &Source) -> Vec<String> {
    let module = source.path.strip_prefix(FOLDER).unwrap_or(&source.path);
    let module = module.trim_end_matches(".rs").replace('/', "::");
    let Ok(tree) = syn::parse_file(&source.text) else {
        return Vec::new(); // the tidy rules say so
    };
    let test = |item: &Item| {
        let Item::Fn(own) = item else {
            return None;
        };
        let is_test = is_test_function(attributes_of(item));
        is_test.then(|| format!("{module}::{}", own.sig.ident))
    };
    tree.items.iter().filter_map(test).collect()
}

/// What is wrong with the page of tests.
fn violations(
    known: &[(&str, Vec<(usize, &str)>)],
    page: &str,
    tests: &BTreeSet<String>,
) -> Vec<Violation> {
    let rows = rows(page);
    let named: BTreeSet<&str> = rows
        .iter()
        .flat_map(|(_, cells)| cells.first().into_iter().flat_map(|cell| names(cell)))
        .collect();
    let mut found = Vec::new();
    for (path, strategies) in known {
        for (line, name) in strategies {
            if !named.contains(name) {
                found.push(Violation {
                    path: (*path).to_owned(),
                    line: *line,
                    rule: format!(
                        "strategy {name} has no row in {TESTS}: | `{name}` | its fault | `file::test` that shows it act | `file::test` that shows it not act |"
                    ),
                });
            }
        }
    }
    for (line, cells) in &rows {
        let wrong = |rule| Violation {
            path: TESTS.to_owned(),
            line: *line,
            rule,
        };
        let Some(name) = cells.first().and_then(|cell| names(cell).next()) else {
            continue; // the head
        };
        let [_, fault, acts, rests] = cells.as_slice() else {
            found.push(wrong(format!("the row of {name} has not four columns")));
            continue;
        };
        if fault.is_empty() {
            found.push(wrong(format!("no fault is named for {name}")));
        }
        for (cell, what) in [(acts, "act"), (rests, "not act")] {
            if names(cell).next().is_none() {
                found.push(wrong(format!("no test shows {name} {what}")));
            }
            let missing = names(cell).filter(|test| !tests.contains(*test));
            found.extend(missing.map(|test| wrong(format!("{FOLDER} has no test {test}"))));
        }
    }
    found
}

fn text(path: &str) -> anyhow::Result<String> {
    fs::read_to_string(root().join(path)).with_context(|| path.to_owned())
}

#[test]
fn every_remedy_has_a_test_that_shows_it_act_and_one_that_shows_it_not_act() {
    let (page, code) = (text(STRATEGIES).unwrap(), text(NAMES).unwrap());
    let (strategies, in_code) = (strategies(&page), names_in_code(&code));
    assert!(strategies.len() >= 18 && in_code.len() >= 17);
    let sources = rust_files(FOLDER).unwrap();
    let tests = sources.iter().flat_map(tests_of).collect();
    let known = [(STRATEGIES, strategies), (NAMES, in_code)];
    assert_none(&violations(&known, &text(TESTS).unwrap(), &tests));
}

/// Checks that a page of tests breaks exactly the rules whose words are given, each as `line: words`.
#[track_caller]
fn check(page: &str, expected: &[&str]) {
    let strategies = "| strategy | layer |\n|---|---|\n| `one`, `two` | `L` |\n\n| option |\n|---|\n| `three` |\n";
    let code = "    pub const DIRECT: Self = Self(\"direct\");\n    pub const TWO: Self = Self(\"two\");\n";
    let file = Source {
        path: format!("{FOLDER}a.rs"),
        text: "#[test]\nfn acts() {}\n#[tokio::test]\nasync fn rests() {}\nfn helps() {}\n".into(),
    };
    let tests = tests_of(&file).into_iter().collect();
    let known = [
        ("s.md", self::strategies(strategies)),
        ("p.rs", names_in_code(code)),
    ];
    let found = violations(&known, page, &tests);
    let found: Vec<String> = found
        .iter()
        .map(|found| format!("{}:{}: {}", found.path, found.line, found.rule))
        .collect();
    let alike = found.len() == expected.len()
        && found
            .iter()
            .zip(expected)
            .all(|(found, expected)| found.contains(expected));
    assert!(alike, "expected {expected:#?}\nfound {found:#?}");
}

const HEAD: &str = "| remedy | fault | acts | does not act |\n|---|---|---|---|\n";

#[test]
fn a_page_with_a_row_for_each_is_fine() {
    let row = "| `one`, `two` | 503 | `a::acts` | `a::rests`, `a::acts` |\n";
    check(&format!("{HEAD}{row}"), &[]);
}

#[test]
fn a_strategy_without_a_row_is_found_where_it_is_named() {
    let row = "| `one` | 503 | `a::acts` | `a::rests` |\n";
    check(
        &format!("{HEAD}{row}"),
        &["s.md:3: strategy two has no row", "p.rs:2: strategy two"],
    );
}

#[test]
fn a_test_that_is_not_there_and_a_function_that_is_none_are_found() {
    let row = "| `one`, `two` | | `a::acts`, `a::gone` | `a::helps` |\n";
    check(
        &format!("{HEAD}{row}"),
        &[
            "3: no fault is named for one",
            "has no test a::gone",
            "has no test a::helps",
        ],
    );
}

#[test]
fn a_row_without_a_test_or_a_column_is_found() {
    let rows = "| `one` | 503 | `a::acts` | |\n| `two` | 503 | `a::acts` |\n";
    check(
        &format!("{HEAD}{rows}"),
        &[
            "3: no test shows one not act",
            "4: the row of two has not four columns",
        ],
    );
}
