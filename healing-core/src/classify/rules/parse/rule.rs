//! Reads the part `rules` of a file.

use std::collections::BTreeMap;

use crate::{
    classify::rules::{
        Rule,
        look::Look,
        parse::{Draft, Said, fields::Fields},
        wait::{WaitRule, WaitUnit},
    },
    vocabulary::fault::{Domain, FaultClass},
    written::{Node, unknown},
};

impl Draft<'_> {
    pub(super) fn rules(&mut self, nodes: &[Node], slug: &str, explained: bool) -> Vec<Rule> {
        let mut names: BTreeMap<Box<str>, u64> = BTreeMap::new();
        let mut rules = Vec::new();
        for node in nodes {
            let Some((name, rule)) = self.rule(node, slug, explained) else {
                continue;
            };
            if let Some(line) = names.insert(name.clone(), node.at.line) {
                let message = format!("name: {name:?} is taken by the rule of line {line}");
                self.mistakes.say(node.at, message);
            }
            rules.push(rule);
        }
        rules
    }

    fn rule(&mut self, node: &Node, slug: &str, explained: bool) -> Option<(Box<str>, Rule)> {
        const KEYS: [&str; 8] = [
            "name",
            "class",
            "doc",
            "when",
            "retryable",
            "domain",
            "wait",
            "anywhere",
        ];
        let fields = Fields::of(node, "rule", &KEYS, &mut self.mistakes)?;
        let name = fields.require("name", &mut self.mistakes);
        let name = name.and_then(|node| self.name(node, "name"));
        let class = fields.require("class", &mut self.mistakes);
        let class = class.and_then(|node| self.class(node).ok());
        let doc = if explained {
            fields.require("doc", &mut self.mistakes)
        } else {
            fields.find("doc")
        };
        let doc = doc.and_then(|node| self.text(node, "doc").map(str::to_owned));
        if doc.is_some_and(|doc| doc.trim().is_empty()) {
            self.mistakes.say(node.at, "doc: say in a line what it is");
        }
        let when = fields.require("when", &mut self.mistakes);
        let when = when.and_then(|node| self.condition(node));
        let retryable = fields
            .find("retryable")
            .and_then(|node| self.bool(node, "retryable"));
        let domain = fields.find("domain").and_then(|node| self.domain(node));
        let wait = fields.find("wait").and_then(|node| self.wait(node));
        let anywhere = fields
            .find("anywhere")
            .and_then(|node| self.bool(node, "anywhere"));
        let name = name?;
        let rule = Rule {
            name: format!("{slug}/{name}").into(),
            class: class?,
            when: when?,
            retryable,
            domain,
            wait,
            anywhere: anywhere.unwrap_or(false),
        };
        Some((name, rule))
    }

    /// `None` where it is a good answer.
    fn class(&mut self, node: &Node) -> Result<Option<FaultClass>, Said> {
        let word = self.text(node, "class").ok_or(Said)?;
        if word == "ok" {
            return Ok(None);
        }
        let mut classes = FaultClass::ALL.into_iter();
        if let Some(class) = classes.find(|class| class.as_str() == word) {
            return Ok(Some(class));
        }
        let mut known = FaultClass::ALL.map(FaultClass::as_str).to_vec();
        known.push("ok");
        self.mistakes.say(node.at, unknown("class", word, &known));
        Err(Said)
    }

    fn domain(&mut self, node: &Node) -> Option<Domain> {
        const KNOWN: [(&str, Domain); 6] = [
            ("key", Domain::Key),
            ("address", Domain::Upstream),
            ("endpoint", Domain::Endpoint),
            ("object", Domain::Object),
            ("source", Domain::Source),
            ("network", Domain::Network),
        ];
        self.one_of(node, "domain", &KNOWN)
    }

    fn wait(&mut self, node: &Node) -> Option<WaitRule> {
        if node.text().is_some() {
            return self.span(node, "wait").map(WaitRule::Fixed);
        }
        let fields = Fields::of(node, "wait", &["json", "unit"], &mut self.mistakes)?;
        let pointer = fields.require("json", &mut self.mistakes);
        let pointer = pointer.and_then(|node| self.pointer(node, "json"));
        let unit = fields
            .find("unit")
            .map_or(Some(WaitUnit::Seconds), |node| {
                self.one_of(node, "unit", &WaitUnit::ALL)
            })?;
        let slot = self.amounts;
        self.amounts += 1;
        self.look(&pointer?, Look::Amount(slot));
        Some(WaitRule::Field(slot, unit))
    }
}
