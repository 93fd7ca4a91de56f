//! Reads a file of rules, and says all that is wrong with it at once.

mod age;
mod condition;
mod fields;
mod rule;
mod values;

use std::collections::BTreeMap;

use crate::classify::{
    calendar::Calendars,
    rules::{
        Host, Rules, RulesError,
        complete::Completeness,
        look::{Look, MAX_LOOKS, MAX_SLOTS},
        mistake::{Mistakes, Place},
        parse::fields::Fields,
        pointer::Tree,
        walk::Plan,
        yaml::{self, Node},
    },
};

/// What was read so far.
#[derive(Debug)]
struct Draft<'c> {
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
    let mut draft = Draft {
        calendars,
        mistakes: Mistakes::default(),
        tree: Tree::default(),
        looks: Vec::new(),
        asked: BTreeMap::new(),
        newest: 0,
        amounts: 0,
        counts: 0,
    };
    let rules = yaml::read(text, &mut draft.mistakes).and_then(|file| draft.file(&file));
    if draft.looks.len() > MAX_LOOKS
        || draft.newest.max(draft.amounts).max(draft.counts) > MAX_SLOTS
    {
        draft.mistakes.say(
            Place::default(),
            format!("too much to look at: at most {MAX_LOOKS} tests of json, {MAX_SLOTS} fields of freshness, {MAX_SLOTS} of wait and {MAX_SLOTS} of complete"),
        );
    }
    let automaton = draft.tree.into_automaton();
    if automaton.is_none() {
        let message = "too many pointers with `*` in different places";
        draft.mistakes.say(Place::default(), message);
    }
    match (rules, automaton, draft.mistakes.len()) {
        (Some(rules), Some(automaton), 0) => Ok(Rules {
            plan: Plan {
                automaton,
                looks: draft.looks,
            },
            ..rules
        }),
        _ => Err(RulesError::of(draft.mistakes)),
    }
}

impl Draft<'_> {
    fn file(&mut self, file: &Node) -> Option<Rules> {
        const KEYS: [&str; 6] = [
            "source",
            "aliases",
            "hosts",
            "rules",
            "freshness",
            "complete",
        ];
        let fields = Fields::of(file, "file of rules", &KEYS, &mut self.mistakes)?;
        let source = fields.require("source", &mut self.mistakes);
        let source = source.and_then(|node| self.name(node, "source"));
        let aliases = fields.each("aliases");
        let aliases = aliases.iter().filter_map(|node| self.name(node, "aliases"));
        let aliases = aliases.collect();
        let hosts = fields
            .each("hosts")
            .iter()
            .filter_map(|node| self.host(node));
        let hosts = hosts.collect();
        let slug = source.clone().unwrap_or_default();
        let rules = self.rules(fields.each("rules"), &slug);
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
