//! One walk over a JSON text, with every look of a file taken on the way. No tree is built, and nothing is copied but texts
//! with escapes.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::classify::rules::{
    look::{Found, Look, Seen},
    pointer::{Automaton, State},
};

/// What is looked at in a JSON text.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) automaton: Automaton,
    pub(super) looks: Vec<Look>,
}

impl Plan {
    /// Whether that look is at the whole text, and not at a field of it.
    pub(super) fn is_of_the_whole(&self, look: usize) -> bool {
        let start = self.automaton.start();
        start.is_some_and(|state| state.looks.contains(&look))
    }

    /// Walks a text; `None` where it is no JSON.
    pub(super) fn walk(&self, text: &[u8]) -> Option<Found> {
        let mut found = Found::nothing();
        let mut json = serde_json::Deserializer::from_slice(text);
        let at = At {
            plan: self,
            state: self.automaton.start()?,
            found: &mut found,
        };
        at.deserialize(&mut json).ok()?;
        json.end().ok()?;
        Some(found)
    }
}

/// A place in the text that something is looked at in or below.
struct At<'s> {
    plan: &'s Plan,
    state: &'s State,
    found: &'s mut Found,
}

impl<'s> At<'s> {
    fn look(&mut self, seen: Seen<'_>) {
        for n in &self.state.looks {
            if let Some(look) = self.plan.looks.get(*n) {
                self.found.look(*n, look, seen);
            }
        }
    }

    /// Answers a question that only the end of a container does.
    fn settle(&mut self, state: &State, question: &Look) {
        for n in &state.looks {
            if self.plan.looks.get(*n) == Some(question) {
                self.found.set(*n);
            }
        }
    }

    const fn within<'t>(&'t mut self, state: &'s State) -> At<'t>
    where
        's: 't,
    {
        At {
            plan: self.plan,
            state,
            found: self.found,
        }
    }
}

impl<'de> DeserializeSeed<'de> for At<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for At<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(mut self) -> Result<(), E> {
        self.look(Seen::Null);
        Ok(())
    }

    fn visit_bool<E>(mut self, value: bool) -> Result<(), E> {
        self.look(Seen::Bool(value));
        Ok(())
    }

    fn visit_u64<E>(mut self, value: u64) -> Result<(), E> {
        self.look(Seen::Number(value as f64));
        Ok(())
    }

    fn visit_i64<E>(mut self, value: i64) -> Result<(), E> {
        self.look(Seen::Number(value as f64));
        Ok(())
    }

    fn visit_f64<E>(mut self, value: f64) -> Result<(), E> {
        self.look(Seen::Number(value));
        Ok(())
    }

    fn visit_str<E>(mut self, value: &str) -> Result<(), E> {
        self.look(Seen::Text(value));
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut rows: A) -> Result<(), A::Error> {
        self.look(Seen::Array);
        let mut row = 0;
        loop {
            let more = match self.plan.automaton.row(self.state, row) {
                Some(state) => rows.next_element_seed(self.within(state))?.is_some(),
                None => rows.next_element::<IgnoredAny>()?.is_some(),
            };
            if !more {
                break;
            }
            row += 1;
        }
        if row == 0 {
            self.settle(self.state, &Look::Empty);
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<(), A::Error> {
        self.look(Seen::Object);
        let mut keys = 0_usize;
        let mut last = None;
        loop {
            let step = Step {
                plan: self.plan,
                state: self.state,
            };
            let Some(below) = entries.next_key_seed(step)? else {
                break;
            };
            keys += 1;
            last = below;
            match below {
                Some(state) => entries.next_value_seed(self.within(state))?,
                None => drop(entries.next_value::<IgnoredAny>()?),
            }
        }
        match (keys, last) {
            (0, _) => self.settle(self.state, &Look::Empty),
            (1, Some(only)) => self.settle(only, &Look::Only),
            _ => {}
        }
        Ok(())
    }
}

/// A step from an object to the value of one of its keys.
struct Step<'s> {
    plan: &'s Plan,
    state: &'s State,
}

impl<'de, 's> DeserializeSeed<'de> for Step<'s> {
    type Value = Option<&'s State>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'s> Visitor<'_> for Step<'s> {
    type Value = Option<&'s State>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.plan.automaton.key(self.state, key))
    }
}

#[cfg(test)]
mod tests;
