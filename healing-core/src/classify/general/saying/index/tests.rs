//! The pass over a text beside a search for each phrase by itself.

use proptest::{prelude::*, sample::select};

use super::{super::Plain, *};

/// What a search for each phrase by itself finds.
fn searched(text: &Plain) -> Held {
    let mut held = Held::default();
    for (place, phrase) in index().phrases.iter().enumerate() {
        if text.places(phrase).next().is_some() {
            held.insert(place);
        }
    }
    held
}

#[test]
fn each_phrase_has_a_place() {
    assert!(index().phrases.len() <= 64 * PARTS);
    let all = LINES.iter().map(|line| line.words.len() + line.near.len());
    let placed = |line: &Placing| line.words.len() + line.near.len();
    let all: usize = all.sum();
    assert_eq!(index().lines.iter().map(placed).sum::<usize>(), all);
}

/// A search goes on behind what it found, so it would miss a phrase that begins within itself.
#[test]
fn no_phrase_begins_within_itself() {
    for phrase in &index().phrases {
        let mut rest = *phrase;
        while let Some((_, after)) = rest.split_once(' ') {
            assert!(after.is_empty() || !phrase.starts_with(after), "{phrase}");
            rest = after;
        }
    }
}

#[test]
fn a_phrase_alone_is_held() {
    for (place, phrase) in index().phrases.iter().enumerate() {
        let plain = Plain::of(phrase);
        let held = index().held_by(&plain.0);
        assert!(held.has(place), "{phrase}");
        assert_eq!(held, searched(&plain), "{phrase}");
    }
}

proptest! {
    #[test]
    fn one_pass_finds_what_a_search_for_each_finds(
        parts in prop::collection::vec(
            prop_oneof![select(index().phrases.clone()).prop_map(str::to_owned), "[a-zA-Z0-9 '._é-]{0,12}"],
            0..12,
        ),
        between in select(vec![" ", "", ". "]),
    ) {
        let plain = Plain::of(&parts.join(between));
        prop_assert_eq!(index().held_by(&plain.0), searched(&plain));
    }
}
