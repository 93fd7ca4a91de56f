//! Reads the values of keys, and says what they should be.

use std::time::Duration;

use crate::{
    classify::rules::{
        look::{Look, Scalar},
        parse::{Draft, Said},
        pointer::Pointer,
        words::Words,
    },
    written::{Node, Value, span, unknown},
};

impl Draft<'_> {
    /// Has a look taken, and tells its number.
    pub(super) fn look(&mut self, pointer: &Pointer, look: Look) -> usize {
        let new = self.looks.len();
        let asked = (pointer.text.clone(), format!("{look:?}"));
        let number = *self.asked.entry(asked).or_insert(new);
        if number == new {
            self.looks.push(look);
            self.tree.look_at(pointer, number);
        }
        number
    }

    pub(super) fn pointer(&mut self, node: &Node, key: &str) -> Option<Pointer> {
        let text = self.text(node, key)?;
        match Pointer::parse(text) {
            Ok(pointer) => Some(pointer),
            Err(error) => {
                self.mistakes.say(node.at, format!("{key}: {error}"));
                None
            }
        }
    }

    /// A name of lower case letters, digits and `_`.
    pub(super) fn name(&mut self, node: &Node, key: &str) -> Option<Box<str>> {
        let text = self.text(node, key)?;
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        if text.is_empty() || !text.bytes().all(fits) {
            let message = format!("{key}: {text:?} must be of lower case letters, digits and `_`");
            self.mistakes.say(node.at, message);
            return None;
        }
        Some(text.into())
    }

    pub(super) fn text<'n>(&mut self, node: &'n Node, key: &str) -> Option<&'n str> {
        if node.text().is_none() {
            let message = format!(
                "{key}: must be a text, and is {}; put it in quotes",
                node.value
            );
            self.mistakes.say(node.at, message);
        }
        node.text()
    }

    pub(super) fn bool(&mut self, node: &Node, key: &str) -> Option<bool> {
        if node.bool().is_none() {
            let message = format!("{key}: must be true or false, and is {}", node.value);
            self.mistakes.say(node.at, message);
        }
        node.bool()
    }

    pub(super) fn span(&mut self, node: &Node, key: &str) -> Option<Duration> {
        let found = node.text().and_then(span).filter(|time| !time.is_zero());
        if found.is_none() {
            let message = format!(
                "{key}: must be a time such as 90s, 15m, 1h 30m or 2d, and is {}",
                node.value
            );
            self.mistakes.say(node.at, message);
        }
        found
    }

    pub(super) fn one_of<T: Copy>(
        &mut self,
        node: &Node,
        key: &str,
        known: &[(&str, T)],
    ) -> Option<T> {
        let word = self.text(node, key)?;
        let found = known.iter().find(|(name, _)| *name == word);
        if found.is_none() {
            let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
            self.mistakes.say(node.at, unknown(key, word, &names));
        }
        found.map(|(_, value)| *value)
    }

    /// The test of a text by its name; `None` where the name is another.
    pub(super) fn words(&mut self, name: &str, test: &Node) -> Result<Option<Words>, Said> {
        let words = match name {
            "equals" => self.lower_texts(test, name).map(Words::Equals),
            "contains" => self.lower_texts(test, name).map(Words::Contains),
            "starts" => self.lower_texts(test, name).map(Words::Starts),
            "above" => self.number(test, name).map(Words::Above),
            "below" => self.number(test, name).map(Words::Below),
            _ => return Ok(None),
        };
        words.map(Some).ok_or(Said)
    }

    /// Nothing where a list has no item.
    pub(super) fn some(&mut self, node: &Node, key: &str) -> Option<()> {
        if node.each().is_empty() {
            let message = format!("{key}: the list is empty");
            self.mistakes.say(node.at, message);
            return None;
        }
        Some(())
    }

    pub(super) fn scalars(&mut self, node: &Node, key: &str) -> Option<Vec<Scalar>> {
        self.some(node, key)?;
        let items = node.each().iter().map(|item| match &item.value {
            Value::Bool(bool) => Some(Scalar::Bool(*bool)),
            Value::Number(number) => Some(Scalar::Number(*number)),
            Value::Text(text) => Some(Scalar::Text(text.as_str().into())),
            Value::Null | Value::List(_) | Value::Map(_) => {
                let message = format!(
                    "{key}: must be texts, numbers or bools, and has {}; for null write is: null",
                    item.value
                );
                self.mistakes.say(item.at, message);
                None
            }
        });
        let items: Vec<_> = items.collect();
        items.into_iter().collect::<Option<Vec<_>>>()
    }

    pub(super) fn texts(&mut self, node: &Node, key: &str) -> Option<Vec<Box<str>>> {
        self.some(node, key)?;
        let items: Vec<_> = node
            .each()
            .iter()
            .map(|item| self.text(item, key).map(Box::from))
            .collect();
        items.into_iter().collect()
    }

    pub(super) fn lower_texts(&mut self, node: &Node, key: &str) -> Option<Vec<Box<str>>> {
        let texts = self.texts(node, key)?.into_iter();
        Some(texts.map(|text| text.to_ascii_lowercase().into()).collect())
    }

    pub(super) fn number(&mut self, node: &Node, key: &str) -> Option<f64> {
        if node.number().is_none() {
            let message = format!("{key}: must be a number, and is {}", node.value);
            self.mistakes.say(node.at, message);
        }
        node.number()
    }

    /// A test that can only be `true`.
    pub(super) fn yes(&mut self, node: &Node, key: &str) -> Option<()> {
        if node.bool() == Some(true) {
            return Some(());
        }
        let message = format!(
            "{key}: can only be true, and is {}; for the opposite write not: {{ ... }}",
            node.value
        );
        self.mistakes.say(node.at, message);
        None
    }
}
