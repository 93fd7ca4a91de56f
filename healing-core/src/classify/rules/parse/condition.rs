//! Reads conditions.

use http::HeaderName;

use crate::{
    classify::{
        exchange::Kind,
        rules::{
            about::About,
            condition::{Condition, Test},
            look::{Look, Type},
            parse::{Draft, age::whole, fields::Fields},
            words::Words,
        },
    },
    written::{Node, Value, unknown},
};

/// The tests that a pointer, a field or a parameter may have beside it.
const TESTS: [&str; 10] = [
    "equals", "differs", "contains", "starts", "empty", "absent", "is", "above", "below", "only",
];

/// All that a condition may say.
const KEYS: [&str; 21] = [
    "status", "json", "body", "kind", "header", "path", "query", "host", "method", "any", "all",
    "not", "equals", "differs", "contains", "starts", "empty", "absent", "is", "above", "below",
];

const KINDS: [(&str, Kind); 7] = [
    ("json", Kind::Json),
    ("ndjson", Kind::Ndjson),
    ("html", Kind::Html),
    ("xml", Kind::Xml),
    ("csv", Kind::Csv),
    ("text", Kind::Text),
    ("empty", Kind::Empty),
];

impl Draft<'_> {
    pub(super) fn condition(&mut self, node: &Node) -> Option<Condition> {
        let mut known = KEYS.to_vec();
        known.push("only");
        let fields = Fields::of(node, "condition", &known, &mut self.mistakes)?;
        if fields.is_empty() {
            self.mistakes.say(
                node.at,
                "an empty condition always holds; say what it tests",
            );
            return None;
        }
        let before = self.mistakes.len();
        let beside = self.tests_beside(fields, node);
        let mut parts = Vec::new();
        parts.extend(fields.find("status").and_then(|node| self.status(node)));
        parts.extend(fields.find("kind").and_then(|node| self.kind(node)));
        parts.extend(fields.find("method").and_then(|node| self.method(node)));
        parts.extend(fields.find("host").and_then(|node| self.hosts(node)));
        parts.extend(fields.find("path").and_then(|node| self.path(node)));
        parts.extend(
            fields
                .find("header")
                .and_then(|node| self.header(node, &beside)),
        );
        parts.extend(
            fields
                .find("query")
                .and_then(|node| self.query(node, &beside)),
        );
        parts.extend(
            fields
                .find("json")
                .and_then(|node| self.json(node, &beside)),
        );
        parts.extend(fields.find("body").and_then(|node| self.body(node)));
        if let Some(node) = fields.find("any") {
            parts.push(Condition::Any(self.conditions(node, "any")));
        }
        if let Some(node) = fields.find("all") {
            parts.push(Condition::all(self.conditions(node, "all")));
        }
        if let Some(part) = fields.find("not").and_then(|node| self.condition(node)) {
            parts.push(Condition::Not(Box::new(part)));
        }
        (self.mistakes.len() == before).then(|| Condition::all(parts))
    }

    fn conditions(&mut self, node: &Node, key: &str) -> Vec<Condition> {
        let Value::List(items) = &node.value else {
            let message = format!("{key}: must be a list of conditions, and is {}", node.value);
            self.mistakes.say(node.at, message);
            return Vec::new();
        };
        self.some(node, key);
        items
            .iter()
            .filter_map(|item| self.condition(item))
            .collect()
    }

    /// The tests of a condition, which must have one thing that they can be of.
    fn tests_beside<'n>(
        &mut self,
        fields: Fields<'n>,
        node: &Node,
    ) -> Vec<(&'static str, &'n Node)> {
        let tests = TESTS.into_iter();
        let tests: Vec<_> = tests
            .filter_map(|name| Some((name, fields.find(name)?)))
            .collect();
        let subjects = ["json", "header", "query"].into_iter();
        let subjects = subjects.filter(|name| fields.find(name).is_some()).count();
        if let Some((test, _)) = tests.first() {
            match subjects {
                0 => self.mistakes.say(
                    node.at,
                    format!("{test}: of what? needs \"json\", \"header\" or \"query\" beside it; for the body write body: {{ {test}: ... }}"),
                ),
                1 => {}
                _ => self.mistakes.say(
                    node.at,
                    format!("{test}: of which? put each of \"json\", \"header\" and \"query\" in a condition of its own, under all: [...]"),
                ),
            }
        }
        let alone = tests.iter().filter(|(name, _)| *name != "only").count();
        if alone > 1 {
            let names: Vec<_> = tests.iter().map(|(name, _)| *name).collect();
            let message = format!(
                "{}: one test for each; put them under all: [...]",
                names.join(", ")
            );
            self.mistakes.say(node.at, message);
        }
        tests
    }

    fn status(&mut self, node: &Node) -> Option<Condition> {
        self.some(node, "status")?;
        let ranges: Vec<_> = node
            .each()
            .iter()
            .filter_map(|item| self.status_range(item))
            .collect();
        Some(Condition::Test(
            Test::Status(ranges),
            About::of("status", node),
        ))
    }

    fn status_range(&mut self, node: &Node) -> Option<(u16, u16)> {
        let exact = node
            .number()
            .and_then(whole)
            .filter(|status| (100..1000).contains(status));
        let hundred = node.text().and_then(|text| match text.as_bytes() {
            [digit @ b'1'..=b'9', b'x' | b'X', b'x' | b'X'] => Some(u16::from(digit - b'0') * 100),
            _ => None,
        });
        let found = exact
            .map(|status| (status, status))
            .or_else(|| hundred.map(|first| (first, first + 99)));
        if found.is_none() {
            let message = format!("status: must be such as 429 or 4xx, and is {}", node.value);
            self.mistakes.say(node.at, message);
        }
        found
    }

    fn kind(&mut self, node: &Node) -> Option<Condition> {
        self.some(node, "kind")?;
        let items = node.each().iter();
        let kinds: Vec<_> = items
            .filter_map(|item| self.one_of(item, "kind", &KINDS))
            .collect();
        Some(Condition::Test(
            Test::Kind(kinds),
            About::of("body is", node),
        ))
    }

    fn method(&mut self, node: &Node) -> Option<Condition> {
        let methods = self.texts(node, "method")?;
        Some(Condition::Test(
            Test::Method(methods),
            About::of("method", node),
        ))
    }

    fn hosts(&mut self, node: &Node) -> Option<Condition> {
        let words = Words::Contains(self.lower_texts(node, "host")?);
        Some(Condition::Test(
            Test::Host(words),
            About::of("host with", node),
        ))
    }

    fn path(&mut self, node: &Node) -> Option<Condition> {
        let parts = self.texts(node, "path")?;
        Some(Condition::Test(
            Test::Path(parts),
            About::of("path with", node),
        ))
    }

    fn header(&mut self, node: &Node, beside: &[(&'static str, &Node)]) -> Option<Condition> {
        let name = self.text(node, "header")?;
        let Ok(header) = HeaderName::try_from(name) else {
            let message = format!("header: {name:?} can be no field's name");
            self.mistakes.say(node.at, message);
            return None;
        };
        let (words, about) = self.words_beside(node, beside, &format!("field {header}"))?;
        Some(Condition::Test(Test::Header(header, words), about))
    }

    fn query(&mut self, node: &Node, beside: &[(&'static str, &Node)]) -> Option<Condition> {
        let name = self.text(node, "query")?;
        let what = format!("parameter {name}");
        let (words, about) = self.words_beside(node, beside, &what)?;
        Some(Condition::Test(Test::Query(name.into(), words), about))
    }

    /// The test of a field or a parameter: `None` inside is that it is not there.
    fn words_beside(
        &mut self,
        node: &Node,
        beside: &[(&'static str, &Node)],
        what: &str,
    ) -> Option<(Option<Words>, About)> {
        let Some((name, test)) = beside.first() else {
            return Some((Some(Words::Any), About::plain(what)));
        };
        if *name == "absent" {
            self.yes(test, "absent")?;
            return Some((None, About::plain(format!("{what} absent"))));
        }
        let Some(words) = self.words(name, test).ok()? else {
            let known = ["equals", "contains", "starts", "above", "below", "absent"];
            let message = unknown("test of a text", name, &known);
            self.mistakes.say(node.at, message);
            return None;
        };
        Some((Some(words), About::of(format!("{what} {name}"), test)))
    }

    fn body(&mut self, node: &Node) -> Option<Condition> {
        let known = ["starts", "contains", "equals"];
        let fields = Fields::of(node, "test of the body", &known, &mut self.mistakes)?;
        let mut parts = Vec::new();
        for name in known {
            let Some(test) = fields.find(name) else {
                continue;
            };
            let words = self.words(name, test).ok()??;
            let about = About::of(format!("body {name}"), test);
            parts.push(Condition::Test(Test::Body(words), about));
        }
        if parts.is_empty() {
            let message = "body: needs one of \"starts\", \"contains\" and \"equals\"";
            self.mistakes.say(node.at, message);
            return None;
        }
        Some(Condition::all(parts))
    }

    fn json(&mut self, node: &Node, beside: &[(&'static str, &Node)]) -> Option<Condition> {
        let pointer = self.pointer(node, "json")?;
        let place = if pointer.text.is_empty() {
            "the whole"
        } else {
            &pointer.text
        };
        let mut parts = Vec::new();
        let tests = if beside.is_empty() {
            &[("", node)]
        } else {
            beside
        };
        for (name, test) in tests {
            let about = match *name {
                "" => About::plain(place),
                "empty" | "absent" | "only" => About::plain(format!("{place} {name}")),
                name => About::of(format!("{place} {name}"), test),
            };
            let (look, is) = match *name {
                "" => (Look::Present, true),
                "absent" => (self.yes(test, name).map(|()| Look::There)?, false),
                "only" => (self.yes(test, name).map(|()| Look::Only)?, true),
                "empty" => {
                    self.yes(test, name)?;
                    let look = self.look(&pointer, Look::There);
                    let there = Test::Json { look, is: false };
                    let look = self.look(&pointer, Look::Empty);
                    let empty = Test::Json { look, is: true };
                    parts.push(Condition::Any(vec![
                        Condition::Test(empty, about.clone()),
                        Condition::Test(there, About::plain(format!("{place} absent"))),
                    ]));
                    continue;
                }
                "equals" => (Look::Equals(self.scalars(test, name)?), true),
                "differs" => (Look::Differs(self.scalars(test, name)?), true),
                "is" => (Look::Is(self.json_type(test)?), true),
                name => (Look::Words(self.words(name, test).ok()??), true),
            };
            let look = self.look(&pointer, look);
            parts.push(Condition::Test(Test::Json { look, is }, about));
        }
        Some(Condition::all(parts))
    }

    fn json_type(&mut self, node: &Node) -> Option<Type> {
        if matches!(node.value, Value::Null) {
            return Some(Type::Null); // `is: null` without quotes
        }
        self.one_of(node, "is", &Type::ALL)
    }
}
