//! Which items are test code, by their attributes.

use proc_macro2::{TokenStream, TokenTree};
use syn::{Attribute, Item, Meta};

/// Returns whether a function is a test: `#[test]`, `#[tokio::test]` and the like.
pub(crate) fn is_test_function(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute
            .path()
            .segments
            .last()
            .is_some_and(|last| last.ident == "test")
    })
}

/// Returns whether an item is compiled for tests only: `#[cfg(test)]` or `#[cfg(all(test, ..))]`.
pub(crate) fn is_for_tests_only(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) => list.path.is_ident("cfg") && asks_for_tests(list.tokens.clone()),
        Meta::Path(_) | Meta::NameValue(_) => false,
    })
}

/// Reads the inside of a `cfg`. An `any` may hold outside of tests and a `not` does, so they do not count.
fn asks_for_tests(condition: TokenStream) -> bool {
    let tokens: Vec<TokenTree> = condition.into_iter().collect();
    match tokens.as_slice() {
        [TokenTree::Ident(name)] => name == "test",
        [TokenTree::Ident(name), TokenTree::Group(group)] if name == "all" => {
            let parts: Vec<TokenTree> = group.stream().into_iter().collect();
            parts
                .split(|token| matches!(token, TokenTree::Punct(mark) if mark.as_char() == ','))
                .any(|part| asks_for_tests(part.iter().cloned().collect()))
        }
        _ => false,
    }
}

/// Returns the attributes of an item.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "syn's enum is open, and other items carry no code of ours"
)]
pub(crate) fn attributes_of(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::ExternCrate(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::TraitAlias(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

#[test]
fn test_attributes_are_known_by_their_last_word() {
    let is_test = |text| is_test_function(attributes_of(&syn::parse_str(text).unwrap()));
    assert!(is_test("#[test] fn f() {}"));
    assert!(is_test(
        "#[tokio::test(start_paused = true)] async fn f() {}"
    ));
    assert!(!is_test("#[inline] fn f() {}"));
}

#[test]
fn only_a_condition_that_needs_tests_counts() {
    let for_tests_only = |text| is_for_tests_only(attributes_of(&syn::parse_str(text).unwrap()));
    assert!(for_tests_only("#[cfg(test)] mod tests;"));
    assert!(for_tests_only("#[cfg(all(unix, test))] mod tests;"));
    assert!(!for_tests_only("#[cfg(any(test, unix))] mod both;"));
    assert!(!for_tests_only("#[cfg(not(test))] mod real;"));
    assert!(!for_tests_only("#[cfg(feature = \"test\")] mod named;"));
}
