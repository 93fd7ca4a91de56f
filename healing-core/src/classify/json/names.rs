//! The names of paths, for people: read where a path comes up that has no name yet, never on the healthy path.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{At, Key, words::word_of};

/// Bytes of a name. What is longer is cut between two keys.
const LONGEST: usize = 120;

/// Bytes of a key that is shown; longer ones are values more often than names.
const LONGEST_KEY: usize = 40;

/// Calls `take` with the number and the name of each path of a JSON text that carries a value, until it says that it has
/// enough. Rows and keys that are values are `*`.
pub(crate) fn names(body: &[u8], take: impl FnMut(u64, &str) -> bool) {
    let mut walk = Walk {
        place: String::new(),
        take,
        has_enough: false,
    };
    let look = Look {
        walk: &mut walk,
        at: At::ROOT,
    };
    // What breaks the grammar has no more names.
    let _whole = look.deserialize(&mut serde_json::Deserializer::from_slice(body));
}

struct Walk<T> {
    place: String,
    take: T,
    has_enough: bool,
}

/// The value that is looked at.
struct Look<'w, T> {
    walk: &'w mut Walk<T>,
    at: At,
}

struct Name;

// === impl Look ===

impl<T: FnMut(u64, &str) -> bool> Look<'_, T> {
    fn leaf(self) {
        if !self.walk.has_enough {
            self.walk.has_enough = !(self.walk.take)(self.at.path, &self.walk.place);
        }
    }
}

impl<'de, T: FnMut(u64, &str) -> bool> DeserializeSeed<'de> for Look<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: FnMut(u64, &str) -> bool> Visitor<'de> for Look<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        self.leaf();
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        self.leaf();
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        self.leaf();
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        self.leaf();
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if !text.is_empty() {
            self.leaf();
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<(), A::Error> {
        let (walk, at) = (self.walk, self.at.row());
        let long = walk.place.len();
        step(&mut walk.place, "*");
        while rows.next_element_seed(Look { walk, at })?.is_some() {}
        walk.place.truncate(long);
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        let (walk, at) = (self.walk, self.at);
        while let Some(name) = entries.next_key_seed(Name)? {
            let mut key = Key::new();
            let words = name.as_bytes().chunks(8).map(word_of);
            words.for_each(|word| key.add(word));
            let long = walk.place.len();
            let is_name = !key.is_value()
                && name.len() <= LONGEST_KEY
                && name
                    .chars()
                    .all(|letter| letter.is_alphanumeric() || "_-. ()".contains(letter));
            step(&mut walk.place, if is_name { &name } else { "*" });
            let at = at.key(&name, key);
            entries.next_value_seed(Look { walk, at })?;
            walk.place.truncate(long);
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Name {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<String, D::Error> {
        serde::Deserialize::deserialize(deserializer)
    }
}

fn step(place: &mut String, key: &str) {
    if place.len() + key.len() < LONGEST {
        place.push('/');
        place.push_str(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        body::Chunks,
        classify::json::{Grammar, scan},
    };

    fn named(text: &str) -> Vec<(u64, String)> {
        let mut all = Vec::new();
        names(text.as_bytes(), |path, name| {
            all.push((path, name.to_owned()));
            true
        });
        all
    }

    #[test]
    fn a_path_has_the_number_that_the_scan_gives_it() {
        let text = r#"{"a":{"b":[{"2024-01-01":{"c":1},"d e":"x","a_long_name_of_a_key":true}]},"\u00e4":2,"n":null,"t":""}"#;
        let scanned = scan(&Chunks::One(text.into()), Grammar::Value, |_| false).unwrap();
        let named = named(text);
        let numbers: Vec<u64> = named.iter().map(|(path, _)| *path).collect();
        assert_eq!(numbers, scanned.paths.all());
        let names: Vec<&str> = named.iter().map(|(_, name)| &**name).collect();
        assert_eq!(
            names,
            [
                "/a/b/*/*/c",
                "/a/b/*/d e",
                "/a/b/*/a_long_name_of_a_key",
                "/ä"
            ]
        );
    }

    #[test]
    fn keys_that_are_values_or_markup_are_not_shown() {
        let text = r#"{"user-12345":{"<b>":1},"abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrst":2}"#;
        let names: Vec<String> = named(text).into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["/*/*", "/*"]);
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_no_name_is_long(text in "\\PC{0,200}", bytes: Vec<u8>) {
            names(&bytes, |_, name| { assert!(name.len() <= LONGEST); true });
            names(text.as_bytes(), |_, _| false);
        }
    }
}
