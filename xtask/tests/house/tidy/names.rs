//! Names that say nothing.
//!
//! `manager` and `data` fit everything, so they tell the reader nothing and invite everything in. The words of
//! `ARCHITECTURE.md` are the names to look for.

use syn::{
    File, Ident, ImplItemFn, ItemEnum, ItemFn, ItemImpl, ItemMod, ItemStruct, ItemTrait, ItemType,
    ItemUnion, TraitItemFn,
    visit::{self, Visit},
};

use super::check;
use crate::{
    sources::{Source, Violation},
    test_code::{is_for_tests_only, is_test_function},
};

/// Banned as a whole name. As a part of one they can be exact: `BaseUrl`, `data_age`.
const AS_A_NAME: &[&str] = &["base", "common", "data", "impl", "info", "types"];

/// Banned as any word of a name: `PodManager` is no better than `Manager`.
const AS_A_WORD: &[&str] = &[
    "engine",
    "helper",
    "helpers",
    "manager",
    "misc",
    "orchestrator",
    "processor",
    "util",
    "utils",
];

/// A file is `foo.rs` beside `foo/`, and no part of its path has a banned name.
pub(super) fn files(source: &Source, _: &File) -> Vec<Violation> {
    let mut found = Vec::new();
    if source.file_name() == "mod.rs" {
        found.push("a module's file is `foo.rs` beside `foo/`, not `mod.rs`".to_owned());
    }
    let parts = source
        .path
        .split('/')
        .map(|part| part.trim_end_matches(".rs"));
    found.extend(
        parts
            .filter(|part| says_nothing(part))
            .map(|part| format!("`{part}` says nothing about what is in the file: name its idea")),
    );
    let at_the_top = |rule| Violation {
        path: source.path.clone(),
        line: 1,
        rule,
    };
    found.into_iter().map(at_the_top).collect()
}

/// No module, type or trait has a banned name, and no type is called just `Error`.
pub(super) fn items(source: &Source, tree: &File) -> Vec<Violation> {
    let mut named = Named::default();
    named.visit_file(tree);
    let nameless = named
        .items
        .iter()
        .filter(|name| says_nothing(&name.to_string()))
        .map(|name| {
            let rule = format!("`{name}` says nothing: take a word of ARCHITECTURE.md");
            violation(source, name, rule)
        });
    let errors = named
        .items
        .iter()
        .filter(|name| *name == "Error")
        .map(|name| {
            let rule = "a type called just `Error`: name what failed, as in `StoreError`";
            violation(source, name, rule.to_owned())
        });
    nameless.chain(errors).collect()
}

/// No function begins with `get_`, but for tests and for what a trait prescribes.
pub(super) fn functions(source: &Source, tree: &File) -> Vec<Violation> {
    if source.is_test() {
        return Vec::new();
    }
    let mut named = Named::default();
    named.visit_file(tree);
    let getters = named
        .functions
        .iter()
        .filter(|name| name.to_string().starts_with("get_"));
    getters
        .map(|name| violation(source, name, format!("function `{name}`: leave out `get_`")))
        .collect()
}

fn violation(source: &Source, name: &Ident, rule: String) -> Violation {
    Violation {
        path: source.path.clone(),
        line: name.span().start().line,
        rule,
    }
}

fn says_nothing(name: &str) -> bool {
    let name = snake(name);
    AS_A_NAME.contains(&name.as_str()) || name.split('_').any(|word| AS_A_WORD.contains(&word))
}

/// Returns a name of any case in lower case with `_` between its words: `PodManager` is `pod_manager`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    let mut after_lower = false;
    for letter in name.trim_start_matches("r#").chars() {
        if letter.is_uppercase() && after_lower {
            snake.push('_');
        }
        after_lower = letter.is_lowercase() || letter.is_numeric();
        snake.push(if letter == '-' {
            '_'
        } else {
            letter.to_ascii_lowercase()
        });
    }
    snake
}

/// The names that the code of a file chose itself.
#[derive(Default)]
struct Named {
    /// Modules, types and traits.
    items: Vec<Ident>,
    /// Functions outside of tests, and methods but for those that a trait prescribes.
    functions: Vec<Ident>,
    in_tests: bool,
    in_trait_impl: bool,
}

impl<'ast> Visit<'ast> for Named {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.items.push(module.ident.clone());
        let outside = self.in_tests;
        self.in_tests |= is_for_tests_only(&module.attrs);
        visit::visit_item_mod(self, module);
        self.in_tests = outside;
    }

    fn visit_item_struct(&mut self, item: &'ast ItemStruct) {
        self.items.push(item.ident.clone());
    }

    fn visit_item_enum(&mut self, item: &'ast ItemEnum) {
        self.items.push(item.ident.clone());
    }

    fn visit_item_union(&mut self, item: &'ast ItemUnion) {
        self.items.push(item.ident.clone());
    }

    fn visit_item_type(&mut self, item: &'ast ItemType) {
        self.items.push(item.ident.clone());
    }

    fn visit_item_trait(&mut self, item: &'ast ItemTrait) {
        self.items.push(item.ident.clone());
        visit::visit_item_trait(self, item);
    }

    fn visit_trait_item_fn(&mut self, method: &'ast TraitItemFn) {
        self.functions.push(method.sig.ident.clone());
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        if !self.in_tests && !is_test_function(&function.attrs) {
            self.functions.push(function.sig.ident.clone());
        }
        visit::visit_item_fn(self, function);
    }

    fn visit_item_impl(&mut self, item: &'ast ItemImpl) {
        let outside = self.in_trait_impl;
        self.in_trait_impl = item.trait_.is_some();
        visit::visit_item_impl(self, item);
        self.in_trait_impl = outside;
    }

    fn visit_impl_item_fn(&mut self, method: &'ast ImplItemFn) {
        if !self.in_tests && !self.in_trait_impl {
            self.functions.push(method.sig.ident.clone());
        }
        visit::visit_impl_item_fn(self, method);
    }
}

#[test]
fn a_file_named_mod_is_found() {
    check(
        "a/src/plan/mod.rs",
        "//! P.\n",
        &["1: a module's file is `foo.rs` beside `foo/`"],
    );
}

#[test]
fn every_banned_word_is_found_as_a_file_a_folder_a_module_and_a_type() {
    for word in AS_A_NAME.iter().chain(AS_A_WORD) {
        let expected = format!("1: `{word}` says nothing");
        check(&format!("a/src/{word}.rs"), "//! A.\n", &[&expected]);
        check(&format!("a/src/{word}/plan.rs"), "//! A.\n", &[&expected]);
    }
    for word in AS_A_NAME
        .iter()
        .chain(AS_A_WORD)
        .filter(|word| **word != "impl")
    {
        let expected = format!("2: `{word}` says nothing");
        check(
            "a/src/b.rs",
            &format!("//! A.\nmod {word} {{}}\n"),
            &[&expected],
        );
    }
    check(
        "a/src/b.rs",
        "//! A.\nstruct Data;\n",
        &["2: `Data` says nothing"],
    );
    check(
        "a/src/b.rs",
        "//! A.\nenum Info {}\n",
        &["2: `Info` says nothing"],
    );
    check(
        "a/src/b.rs",
        "//! A.\ntype Utils = u8;\n",
        &["2: `Utils` says nothing"],
    );
    check(
        "a/src/b.rs",
        "//! A.\ntrait Processor {}\n",
        &["2: `Processor` says nothing"],
    );
    check(
        "a/src/b.rs",
        "//! A.\nunion Base { a: u8 }\n",
        &["2: `Base` says nothing"],
    );
}

#[test]
fn a_banned_word_inside_a_name_is_found_and_an_exact_name_is_not() {
    check(
        "a/src/pod_manager.rs",
        "//! A.\n",
        &["1: `pod_manager` says nothing"],
    );
    check(
        "a/src/b.rs",
        "//! A.\nstruct HealingEngine;\n",
        &["2: `HealingEngine` says nothing"],
    );
    check(
        "a/src/data_age.rs",
        "//! A.\nstruct BaseUrl;\nstruct Managed;\n",
        &[],
    );
}

#[test]
fn a_type_called_just_error_is_found_and_one_that_a_trait_asks_for_is_not() {
    check(
        "a/src/b.rs",
        "//! A.\nenum Error {}\n",
        &["2: a type called just `Error`"],
    );
    check(
        "a/src/b.rs",
        "//! A.\ntype Error = u8;\n",
        &["2: a type called just `Error`"],
    );
    check(
        "a/src/b.rs",
        "//! A.\nimpl Service for A { type Error = u8; }\n",
        &[],
    );
}

#[test]
fn a_getter_is_found_wherever_it_stands() {
    check(
        "a/src/b.rs",
        "//! A.\nfn get_plan() {}\n",
        &["2: function `get_plan`"],
    );
    check(
        "a/src/b.rs",
        "//! A.\nimpl A { fn get_plan() {} }\n",
        &["2: function `get_plan`"],
    );
    check(
        "a/src/b.rs",
        "//! A.\ntrait A { fn get_plan(); }\n",
        &["2: function `get_plan`"],
    );
    check(
        "a/src/b.rs",
        "//! A.\nmod m { fn get_plan() {} }\n",
        &["2: function `get_plan`"],
    );
}

#[test]
fn a_test_about_get_and_a_method_of_a_foreign_trait_are_no_getters() {
    check(
        "a/src/b.rs",
        "//! A.\n#[test] fn get_is_repeated() {}\n",
        &[],
    );
    check(
        "a/src/b.rs",
        "//! A.\n#[cfg(test)] mod tests { fn get_it() {} }\n",
        &[],
    );
    check("a/tests/it/main.rs", "//! A.\nfn get_it() {}\n", &[]);
    check(
        "a/src/b.rs",
        "//! A.\nimpl Store for A { fn get_plan() {} }\n",
        &[],
    );
}
