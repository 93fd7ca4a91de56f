//! Length of files and of functions.
//!
//! A file holds one idea and a function fits on a screen. Tests may be longer: a table of cases is long and simple.

use syn::{
    Block, File, ImplItemFn, ItemFn, ItemMod, TraitItemFn,
    visit::{self, Visit},
};

use super::check;
use crate::{
    sources::{Source, Violation},
    test_code::{is_for_tests_only, is_test_function},
};

const FILE: usize = 500;
const TEST_FILE: usize = 800;
const FUNCTION: usize = 60;
const TEST_FUNCTION: usize = 100;

/// A file has at most 500 lines, a file of tests 800.
pub(super) fn file_length(source: &Source, _: &File) -> Vec<Violation> {
    let limit = if source.is_test() { TEST_FILE } else { FILE };
    let lines = source.text.lines().count();
    if lines <= limit {
        return Vec::new();
    }
    let rule = format!("the file has {lines} lines, more than {limit}: split it by idea");
    vec![Violation {
        path: source.path.clone(),
        line: limit + 1,
        rule,
    }]
}

/// The body of a function has at most 60 lines between its braces, that of a test 100.
pub(super) fn function_length(source: &Source, tree: &File) -> Vec<Violation> {
    let mut bodies = Bodies {
        path: &source.path,
        in_tests: source.is_test(),
        found: Vec::new(),
    };
    bodies.visit_file(tree);
    bodies.found
}

struct Bodies<'a> {
    path: &'a str,
    in_tests: bool,
    found: Vec<Violation>,
}

impl Bodies<'_> {
    fn measure(&mut self, name: &syn::Ident, body: &Block, is_test: bool) {
        let limit = if is_test || self.in_tests {
            TEST_FUNCTION
        } else {
            FUNCTION
        };
        let braces = body.brace_token.span;
        let opened = braces.open().start().line;
        let lines = (braces.close().start().line - opened).saturating_sub(1);
        if lines > limit {
            let rule = format!(
                "the body of `{name}` has {lines} lines, more than {limit}: name its parts"
            );
            self.found.push(Violation {
                path: self.path.to_owned(),
                line: name.span().start().line,
                rule,
            });
        }
    }
}

impl<'ast> Visit<'ast> for Bodies<'_> {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let outside = self.in_tests;
        self.in_tests |= is_for_tests_only(&module.attrs);
        visit::visit_item_mod(self, module);
        self.in_tests = outside;
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        let is_test = is_test_function(&function.attrs) || is_for_tests_only(&function.attrs);
        self.measure(&function.sig.ident, &function.block, is_test);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.measure(
            &function.sig.ident,
            &function.block,
            is_for_tests_only(&function.attrs),
        );
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast TraitItemFn) {
        if let Some(body) = &function.default {
            self.measure(&function.sig.ident, body, false);
        }
        visit::visit_trait_item_fn(self, function);
    }
}

/// Returns a text with this head and tail and `lines` lines between them.
fn padded(head: &str, lines: usize, tail: &str) -> String {
    format!("{head}\n{}{tail}\n", "    let _a = 1;\n".repeat(lines))
}

#[test]
fn a_long_file_is_found_and_a_file_of_tests_may_be_longer() {
    let text = |lines: usize| format!("//! A.\n{}", "\n".repeat(lines - 1));
    check("a/src/b.rs", &text(500), &[]);
    check(
        "a/src/b.rs",
        &text(501),
        &["501: the file has 501 lines, more than 500"],
    );
    check("a/src/b/tests.rs", &text(800), &[]);
    check(
        "a/tests/it/main.rs",
        &text(801),
        &["801: the file has 801 lines, more than 800"],
    );
}

#[test]
fn a_long_function_is_found_wherever_it_stands() {
    check("a/src/b.rs", &padded("//! A.\nfn f() {", 60, "}"), &[]);
    check(
        "a/src/b.rs",
        &padded("//! A.\nfn f() {", 61, "}"),
        &["2: the body of `f` has 61 lines, more than 60"],
    );
    check(
        "a/src/b.rs",
        &padded("//! A.\nimpl A { fn g() {", 61, "} }"),
        &["2: the body of `g`"],
    );
    check(
        "a/src/b.rs",
        &padded("//! A.\ntrait A { fn h() {", 61, "} }"),
        &["2: the body of `h`"],
    );
    check(
        "a/src/b.rs",
        &padded("//! A.\nmod m { fn i() {", 61, "} }"),
        &["2: the body of `i`"],
    );
}

#[test]
fn a_test_may_have_a_hundred_lines() {
    check(
        "a/src/b.rs",
        &padded("//! A.\n#[tokio::test] async fn f() {", 100, "}"),
        &[],
    );
    check(
        "a/src/b.rs",
        &padded("//! A.\n#[cfg(test)] mod tests { fn f() {", 100, "} }"),
        &[],
    );
    check(
        "a/src/b/tests.rs",
        &padded("//! A.\nfn f() {", 100, "}"),
        &[],
    );
    check(
        "a/src/b.rs",
        &padded("//! A.\n#[test] fn f() {", 101, "}"),
        &["2: the body of `f` has 101 lines, more than 100"],
    );
}
