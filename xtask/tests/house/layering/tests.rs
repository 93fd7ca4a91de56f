//! Planted violations: each way of naming a room is found, and each honest way is let through.

use super::{judge::violations, rooms::House};
use crate::sources::Source;

const HOUSE: House = House {
    folder: "a/src/",
    root: "lib",
    folders_of_rooms: &["words"],
    floors: &[
        ("words::low", 1),
        ("words::next", 1),
        ("words::high", 2),
        ("middle", 3),
        ("neighbour", 3),
        ("top", 4),
        ("top::attic", 5),
        ("lib", 6),
    ],
};

/// A small crate that keeps the rules.
const SOUND: &[(&str, &str)] = &[
    (
        "lib.rs",
        "mod middle; mod neighbour; mod top; mod words; pub use top::Top; pub use words::{Low, high::High};",
    ),
    (
        "words.rs",
        "pub mod low; pub mod next; pub mod high; pub use low::Low; pub use next::*;",
    ),
    ("words/low.rs", "pub struct Low; pub enum Side { Left }"),
    ("words/next.rs", "pub struct Next;"),
    (
        "words/high.rs",
        "use super::low::Low; pub struct High(Low);",
    ),
    (
        "middle.rs",
        "mod part; use crate::words::Low; pub struct Middle(Low, part::Part);",
    ),
    (
        "middle/part.rs",
        "use super::Middle; use crate::High; pub struct Part; fn f(_: Middle, _: High) {}",
    ),
    (
        "neighbour.rs",
        "pub use crate::words::low::Side; pub struct Neighbour;",
    ),
    (
        "top.rs",
        "mod attic; use crate::{middle::Middle, neighbour::{self, Neighbour as N}}; pub struct Top(Middle, N);",
    ),
    ("top/attic.rs", "use super::Top; pub struct Attic(Top);"),
];

/// Returns the sound crate with one file's text replaced or added to.
fn with(file: &str, text: &str) -> Vec<Source> {
    let mut files: Vec<(&str, &str)> = SOUND
        .iter()
        .copied()
        .filter(|(name, _)| *name != file)
        .collect();
    files.push((file, text));
    files
        .into_iter()
        .map(|(name, text)| Source {
            path: format!("a/src/{name}"),
            text: text.to_owned(),
        })
        .collect()
}

/// Checks that a file with this text breaks one rule, in the words given.
#[track_caller]
fn finds(file: &str, text: &str, expected: &str) {
    let found: Vec<String> = violations(&HOUSE, &with(file, text))
        .iter()
        .map(ToString::to_string)
        .collect();
    let alike = matches!(found.as_slice(), [only] if only.starts_with(&format!("a/src/{file}:")) && only.contains(expected));
    assert!(
        alike,
        "expected only {expected:?} in {file}, found {found:#?}"
    );
}

#[track_caller]
fn lets_through(file: &str, text: &str) {
    let found: Vec<String> = violations(&HOUSE, &with(file, text))
        .iter()
        .map(ToString::to_string)
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

const LOW_USES_HIGH: &str = "`words::low` on floor 1 may not use `words::high` on floor 2";
const MIDDLE_USES_TOP: &str = "`middle` on floor 3 may not use `top` on floor 4";
const MIDDLE_USES_NEIGHBOUR: &str = "`middle` on floor 3 may not use `neighbour` on floor 3";
const MIDDLE_USES_LIB: &str = "`middle` on floor 3 may not use `lib` on floor 6";

#[test]
fn the_sound_crate_breaks_nothing() {
    lets_through("lib.rs", SOUND[0].1);
}

#[test]
fn an_arrow_up_is_found_through_crate_super_and_self() {
    finds(
        "words/low.rs",
        "use crate::words::high::High; pub struct Low;",
        LOW_USES_HIGH,
    );
    finds(
        "words/low.rs",
        "use super::high::High; pub struct Low;",
        LOW_USES_HIGH,
    );
    finds(
        "words/low.rs",
        "use super::super::words::high::High; pub struct Low;",
        LOW_USES_HIGH,
    );
    finds(
        "words/low.rs",
        "use self::super::high; pub struct Low;",
        LOW_USES_HIGH,
    );
}

#[test]
fn an_arrow_up_is_found_in_groups_renames_and_selves() {
    finds(
        "middle.rs",
        "use crate::{words::Low, top::Top};",
        MIDDLE_USES_TOP,
    );
    finds("middle.rs", "use crate::top::{self};", MIDDLE_USES_TOP);
    finds("middle.rs", "use crate::top as ground;", MIDDLE_USES_TOP);
    finds("middle.rs", "use crate::top::Top as _;", MIDDLE_USES_TOP);
    finds(
        "middle.rs",
        "fn f() { use crate::top::Top; }",
        MIDDLE_USES_TOP,
    );
}

#[test]
fn an_arrow_up_is_found_through_a_re_export_of_the_root() {
    finds("middle.rs", "use crate::Top;", MIDDLE_USES_TOP);
    finds("middle.rs", "fn f(_: crate::Top) {}", MIDDLE_USES_TOP);
    finds(
        "words/low.rs",
        "use crate::High; pub struct Low;",
        LOW_USES_HIGH,
    );
}

#[test]
fn an_arrow_up_is_found_through_a_re_export_of_a_folder() {
    let words =
        "pub mod low; pub mod next; pub mod high; pub use low::Low; pub use high::{High as Tall};";
    let mut sources = with("words.rs", words);
    for source in sources
        .iter_mut()
        .filter(|source| source.path == "a/src/words/low.rs")
    {
        "use super::Tall; pub struct Low; pub enum Side { Left }".clone_into(&mut source.text);
    }
    let found = violations(&HOUSE, &sources);
    assert!(
        matches!(found.as_slice(), [only] if only.rule.contains(LOW_USES_HIGH)),
        "{found:#?}"
    );
}

#[test]
fn a_neighbour_is_found_even_where_it_only_hands_on_something_lower() {
    finds(
        "middle.rs",
        "use crate::neighbour::Neighbour;",
        MIDDLE_USES_NEIGHBOUR,
    );
    finds(
        "middle.rs",
        "use crate::neighbour::Side;",
        MIDDLE_USES_NEIGHBOUR,
    );
    finds(
        "words/low.rs",
        "use super::next::Next; pub struct Low;",
        "may not use `words::next` on floor 1",
    );
    finds(
        "words/low.rs",
        "use super::Next; pub struct Low;",
        "may not use `words::next` on floor 1",
    );
}

#[test]
fn a_glob_is_found_by_what_it_brings() {
    finds(
        "middle.rs",
        "use crate::top::*; pub struct Middle;",
        MIDDLE_USES_TOP,
    );
    finds(
        "middle.rs",
        "use crate::*; pub struct Middle;",
        MIDDLE_USES_TOP,
    );
    finds(
        "words/low.rs",
        "use super::*; pub struct Low;",
        "may not use `words::next` on floor 1",
    );
    finds(
        "words/low.rs",
        "use crate::words::high::High::*; pub struct Low;",
        LOW_USES_HIGH,
    );
}

#[test]
fn a_path_in_place_is_found_in_types_expressions_and_bounds() {
    finds(
        "middle.rs",
        "pub struct Middle(crate::top::Top);",
        MIDDLE_USES_TOP,
    );
    finds(
        "middle.rs",
        "fn f() { let _ = crate::top::Top::new(); }",
        MIDDLE_USES_TOP,
    );
    finds(
        "middle.rs",
        "fn f<T: crate::top::Climb>(_: T) {}",
        MIDDLE_USES_TOP,
    );
    finds(
        "middle.rs",
        "fn f(_: Option<Vec<super::top::Top>>) {}",
        MIDDLE_USES_TOP,
    );
    finds(
        "middle.rs",
        "fn f() { <u8 as crate::top::Climb>::up(); }",
        MIDDLE_USES_TOP,
    );
    finds(
        "middle.rs",
        "use crate::words; fn f(_: words::Low) { crate::top::climb(); }",
        MIDDLE_USES_TOP,
    );
    finds(
        "words/low.rs",
        "use crate::words; pub struct Low(words::high::High);",
        LOW_USES_HIGH,
    );
}

#[test]
fn a_path_in_a_macro_or_an_attribute_is_found() {
    finds(
        "middle.rs",
        "fn f() { log!(a, x = [crate::top::Top::new()]); }",
        MIDDLE_USES_TOP,
    );
    finds(
        "middle.rs",
        "fn f() { crate::top::climb!(); }",
        MIDDLE_USES_TOP,
    );
    finds(
        "middle.rs",
        "#[derive(crate::top::Climb)] struct Middle;",
        MIDDLE_USES_TOP,
    );
    finds(
        "middle.rs",
        "struct Middle { #[serde(with = \"crate::top\")] a: u8 }",
        MIDDLE_USES_TOP,
    );
}

#[test]
fn a_child_is_held_to_the_floor_of_its_room() {
    finds(
        "middle/part.rs",
        "use crate::top::Top; pub struct Part;",
        MIDDLE_USES_TOP,
    );
    finds(
        "top.rs",
        "mod attic; use attic::Attic; pub struct Top;",
        "may not use `top::attic` on floor 5",
    );
    finds(
        "middle.rs",
        "mod inner { use crate::top::Top; }",
        MIDDLE_USES_TOP,
    );
}

#[test]
fn the_root_is_a_room_for_what_it_defines_itself() {
    let lib = format!("{} pub fn start() {{}}", SOUND[0].1);
    let mut sources = with("lib.rs", &lib);
    for source in sources
        .iter_mut()
        .filter(|source| source.path == "a/src/middle.rs")
    {
        "fn f() { crate::start(); }".clone_into(&mut source.text);
    }
    let found = violations(&HOUSE, &sources);
    assert!(
        matches!(found.as_slice(), [only] if only.rule.contains(MIDDLE_USES_LIB)),
        "{found:#?}"
    );
}

#[test]
fn an_unknown_room_is_found() {
    finds(
        "cellar.rs",
        "pub struct Cellar;",
        "`cellar` is no known room: add it to the table",
    );
    finds(
        "words/new.rs",
        "pub struct New;",
        "`words::new` is no known room",
    );
    finds("main.rs", "fn main() {}", "`main` is no known room");
}

#[test]
fn a_folder_of_rooms_that_defines_something_or_looks_outside_is_found() {
    let words = |more: &str| format!("{} {more}", SOUND[1].1);
    finds(
        "words.rs",
        &words("pub struct Word;"),
        "`words` only holds rooms: move `Word` into one",
    );
    finds(
        "words.rs",
        &words("pub use crate::middle::Middle;"),
        "`words` may name its own rooms only",
    );
}

#[test]
fn a_file_that_is_no_rust_is_found() {
    finds("top/broken.rs", "fn f( {}", "the file cannot be parsed");
}

#[test]
fn test_code_may_use_every_room() {
    lets_through(
        "middle.rs",
        "use crate::words::Low; #[cfg(test)] mod tests { use crate::top::Top; }",
    );
    lets_through("middle.rs", "#[cfg(test)] use crate::top::Top;");
    lets_through("middle.rs", "#[cfg(test)] mod staged;");
    lets_through("middle/tests.rs", "use crate::top::Top;");
    let mut sources = with("middle.rs", "#[cfg(test)] mod staged;");
    sources.push(Source {
        path: "a/src/middle/staged.rs".to_owned(),
        text: "use crate::top::Top;".to_owned(),
    });
    assert_eq!(violations(&HOUSE, &sources), []);
}

#[test]
fn paths_that_only_look_alike_are_let_through() {
    lets_through(
        "middle.rs",
        "use top::Layer; fn f(neighbour: u8) -> u8 { neighbour }",
    );
    lets_through("middle.rs", "pub(in crate::top) struct Middle;");
    lets_through("middle.rs", "fn f() { log!(\"crate::top\"); }");
    lets_through(
        "middle.rs",
        "use ::top::Layer; fn f<top: Climb>(_: top::Next) {}",
    );
}

#[test]
fn re_exports_in_a_circle_come_to_an_end() {
    lets_through(
        "middle.rs",
        "pub use self::again as once; pub use self::once as again; fn f() { self::once::x(); }",
    );
}
