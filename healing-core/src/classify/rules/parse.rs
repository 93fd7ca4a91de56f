//! Reads a file of rules, and says all that is wrong with it at once.

mod age;
mod condition;
mod fields;
mod rule;
mod values;

use std::collections::BTreeMap;

use crate::{
    classify::{
        calendar::Calendars,
        rules::{
            Host, Rules, RulesError,
            complete::Completeness,
            look::{Look, MAX_LOOKS, MAX_SLOTS},
            parse::fields::Fields,
            pointer::Tree,
            walk::Plan,
        },
    },
    written::{Mistakes, Node, read},
};

/// What was read so far.
#[derive(Debug)]
pub(super) struct Draft<'c> {
    calendars: &'c Calendars,
    mistakes: Mistakes,
    tree: Tree,
    looks: Vec<Look>,
    /// The looks that were asked for, so that the same one is taken once.
    asked: BTreeMap<(Box<str>, String), usize>,
    newest: usize,
    amounts: usize,
    counts: usize,
}

/// A mistake that was said already.
#[derive(Clone, Copy, Debug)]
struct Said;

/// Reads a file.
pub(super) fn parse(text: &str, calendars: &Calendars) -> Result<Rules, RulesError> {
    let mut mistakes = Mistakes::default();
    let file = read(text, &mut mistakes);
    let rules = file.and_then(|file| Draft::new(calendars).rules_of(None, &file, &mut mistakes));
    rules
        .filter(|_| mistakes.is_empty())
        .ok_or_else(|| RulesError::of(mistakes))
}

impl<'c> Draft<'c> {
    pub(super) fn new(calendars: &'c Calendars) -> Self {
        Self {
            calendars,
            mistakes: Mistakes::default(),
            tree: Tree::default(),
            looks: Vec::new(),
            asked: BTreeMap::new(),
            newest: 0,
            amounts: 0,
            counts: 0,
        }
    }

    /// Reads rules. Those of a source with a name stand in a larger file, and need no sentence about themselves.
    pub(super) fn rules_of(
        mut self,
        source: Option<&str>,
        file: &Node,
        mistakes: &mut Mistakes,
    ) -> Option<Rules> {
        let before = mistakes.len();
        self.mistakes = std::mem::take(mistakes);
        let rules = self.file(source, file);
        if self.looks.len() > MAX_LOOKS
            || self.newest.max(self.amounts).max(self.counts) > MAX_SLOTS
        {
            self.mistakes.say(
                file.at,
                format!("too much to look at; at most {MAX_LOOKS} tests of json, {MAX_SLOTS} fields of freshness, {MAX_SLOTS} of wait and {MAX_SLOTS} of complete"),
            );
        }
        let automaton = self.tree.into_automaton();
        if automaton.is_none() {
            let message = "too many pointers with `*` in different places";
            self.mistakes.say(file.at, message);
        }
        *mistakes = self.mistakes;
        let (rules, automaton) = (rules?, automaton?);
        let plan = Plan {
            automaton,
            looks: self.looks,
        };
        (mistakes.len() == before).then_some(Rules { plan, ..rules })
    }
}

impl Draft<'_> {
    fn file(&mut self, source: Option<&str>, file: &Node) -> Option<Rules> {
        const KEYS: [&str; 6] = [
            "source",
            "aliases",
            "hosts",
            "rules",
            "freshness",
            "complete",
        ];
        let fields = Fields::of(file, "file of rules", &KEYS, &mut self.mistakes)?;
        let alone = source.is_none();
        let source = source.map(Box::from).or_else(|| {
            let node = fields.require("source", &mut self.mistakes)?;
            self.name(node, "source")
        });
        let aliases = fields.each("aliases");
        let aliases = aliases.iter().filter_map(|node| self.name(node, "aliases"));
        let aliases = aliases.collect();
        let hosts = fields
            .each("hosts")
            .iter()
            .filter_map(|node| self.host(node));
        let hosts = hosts.collect();
        let slug = source.clone().unwrap_or_default();
        let rules = self.rules(fields.each("rules"), &slug, alone);
        let ages = fields
            .each("freshness")
            .iter()
            .filter_map(|node| self.age(node));
        let ages = ages.collect();
        let complete = fields.each("complete").iter();
        let complete = complete
            .filter_map(|node| self.completeness(node))
            .collect();
        Some(Rules {
            source: source?,
            aliases,
            hosts,
            rules,
            ages,
            complete,
            plan: Plan::default(),
        })
    }

    fn host(&mut self, node: &Node) -> Option<Host> {
        let text = self.text(node, "hosts")?.to_ascii_lowercase();
        let name = text.strip_prefix("*.").unwrap_or(&text);
        if name.is_empty() || name.contains(['*', '/', ':', ' ']) {
            let message = format!("hosts: {text:?} must be a host's name alone, or `*.` and one");
            self.mistakes.say(node.at, message);
            return None;
        }
        Some(if text.starts_with("*.") {
            Host::Below(name.into())
        } else {
            Host::Is(name.into())
        })
    }

    fn completeness(&mut self, node: &Node) -> Option<Completeness> {
        let fields = Fields::of(
            node,
            "item of complete",
            &["ask", "got"],
            &mut self.mistakes,
        )?;
        let ask = fields.require("ask", &mut self.mistakes)?;
        let got = fields.require("got", &mut self.mistakes)?;
        let ask = Fields::of(ask, "ask", &["query", "split"], &mut self.mistakes)?;
        let got = Fields::of(got, "got", &["json"], &mut self.mistakes)?;
        let query = ask.require("query", &mut self.mistakes);
        let query = query.and_then(|node| self.text(node, "query"));
        let split = ask.find("split").and_then(|node| self.text(node, "split"));
        let pointer = got.require("json", &mut self.mistakes);
        let pointer = pointer.and_then(|node| self.pointer(node, "json"))?;
        let slot = self.counts;
        self.counts += 1;
        self.look(&pointer, Look::Count(slot));
        Some(Completeness {
            query: query?.into(),
            split: split.unwrap_or(",").into(),
            slot,
            pointer: pointer.text,
        })
    }
}

#[cfg(test)]
mod tests;
