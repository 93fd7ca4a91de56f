//! The configuration: a file, the environment and flags, read as one, with every mistake in it said at once.
//!
//! The same way for the start, for `check` and for a reload: parse to a tree with places, put environment and flags over it,
//! read it by one table of keys, then look at the whole.

mod apply;
mod changes;
mod decode;
mod environment;
mod forms;
mod keys;
mod meaning;
mod pending;
mod rules;
mod schema;
mod shape;
mod show;
mod specification;
mod texts;
mod typed;
mod vault;
mod ways;

use std::{collections::BTreeMap, path::Path, sync::Arc};

use healing_core::{
    Secret,
    classify::{Calendars, Rules, Sources},
    written::{Mistake, Mistakes, Node, Place, Value, read},
};
use secrecy::SecretString;
use serde::Deserialize;

pub(crate) use self::{
    changes::Change,
    environment::{Flag, Variables},
    schema::schema,
    show::show,
    texts::{Texts, Whence},
    typed::{Body, Config, Log},
    ways::{Read, Ways},
};
use crate::trust::{self, Trust};

use self::{decode::Reader, keys::CONFIG, meaning::Whole, vault::Vault};

/// What a configuration is read from.
#[derive(Clone, Debug)]
pub(crate) struct Given<'a> {
    /// The file's name and its text; nothing where there is none.
    pub(crate) file: Option<(&'a str, &'a str)>,
    pub(crate) variables: &'a Variables,
    pub(crate) flags: &'a [Flag],
}

/// What came of reading a configuration.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) texts: Texts,
    /// What must be put right.
    pub(crate) mistakes: Vec<Mistake>,
    /// What was never filled in: a mistake for `check`; the proxy runs with that part off.
    pub(crate) unfilled: Vec<Mistake>,
    /// What one should know.
    pub(crate) notes: Vec<Mistake>,
    pub(crate) meant: Option<Meant>,
}

/// A configuration, as far as it could be read.
#[derive(Debug)]
pub(crate) struct Meant {
    pub(crate) config: Config,
    /// The rules of sources for which the file says more than their presets.
    rules: BTreeMap<String, Arc<Rules>>,
    vault: Vault,
    /// What readers of the admin port have to know.
    pub(crate) admin_token: Option<SecretString>,
    /// The password of the Redis, where it does not stand in its URL.
    pub(crate) redis_password: Option<Secret>,
    /// Who may vouch for https addresses.
    pub(crate) trust: Trust,
    /// All values as they were read, with their places.
    plain: serde_json::Value,
}

/// Reads a configuration.
pub(crate) fn load(given: &Given<'_>) -> Reading {
    let (name, text) = given.file.unwrap_or(("defaults", "{}"));
    let mut texts = Texts::of_file(name, text);
    let mut mistakes = Mistakes::default();
    let (mut unfilled, mut notes) = (Mistakes::default(), Mistakes::default());
    let presets: Vec<&str> = Sources::built_in_names().collect();
    let mut tree = whole_file(text, &mut mistakes);
    let mut meant = None;
    if let Some(tree) = &mut tree {
        let over = (given.variables, given.flags);
        environment::put_over(tree, &mut texts, over, &mut mistakes);
        specification::placeholders(tree, (&mut unfilled, &mut notes));
        let mut derived = tree.clone();
        specification::derive(&mut derived, &presets, &mut mistakes);
        let calendars = Calendars::built_in();
        let mut reader = Reader {
            texts: &texts,
            calendars: &calendars,
            presets: &presets,
            mistakes: &mut mistakes,
        };
        meant = meaning_of(&derived, &mut reader);
    }
    if let Some(meant) = &mut meant {
        let Meant {
            config,
            vault,
            admin_token,
            redis_password,
            trust,
            ..
        } = meant;
        let places = apply::places_of(config);
        let mut whole = Whole {
            config,
            places: &places,
            presets: &presets,
            variables: given.variables,
            mistakes: &mut mistakes,
            notes: &mut notes,
        };
        whole.check();
        *vault = Vault::open(config, given.variables, &mut mistakes);
        *admin_token = vault::admin_token(config, given.variables);
        *redis_password = vault::redis_password(config, given.variables);
        *trust = trusted(given.variables, &mut mistakes);
        pending::note(config, &mut notes);
    }
    if let Some(meant) = meant.as_ref().filter(|_| mistakes.is_empty()) {
        meant.try_settings(&mut mistakes);
        meant.note_probes(&mut notes);
    }
    Reading {
        texts,
        mistakes: mistakes.in_order(),
        unfilled: unfilled.in_order(),
        notes: notes.in_order(),
        meant,
    }
}

/// Who may vouch for https addresses, by the environment.
fn trusted(variables: &Variables, mistakes: &mut Mistakes) -> Trust {
    let file = variables.value(trust::VARIABLE);
    let file = file.filter(|_| variables.holds(trust::VARIABLE));
    let trusted = file.map(|file| Trust::of(Path::new(file))).transpose();
    trusted
        .unwrap_or_else(|error| {
            mistakes.say(Place::default(), error.to_string());
            None
        })
        .unwrap_or_default()
}

/// The tree of a file, which must be a map.
fn whole_file(text: &str, mistakes: &mut Mistakes) -> Option<Node> {
    let node = read(text, mistakes)?;
    match node.value {
        Value::Map(_) => Some(node),
        Value::Null => {
            mistakes.say(Place::default(), "the file is empty; begin with `upstream: http://127.0.0.1:5002`, or with `healing-proxy config init`");
            None
        }
        Value::Bool(_) | Value::Number(_) | Value::Text(_) | Value::List(_) => {
            let message = format!(
                "a configuration must be a map, and is {}; begin with `upstream: http://127.0.0.1:5002`",
                node.value
            );
            mistakes.say(node.at, message);
            None
        }
    }
}

/// Reads a tree as far as it can be read.
fn meaning_of(tree: &Node, reader: &mut Reader<'_>) -> Option<Meant> {
    let plain = reader.map(tree, &CONFIG)?;
    match Config::deserialize(&plain) {
        Ok(config) => {
            let rules = rules::all(tree, &config, reader.calendars, reader.mistakes);
            Some(Meant {
                config,
                rules,
                vault: Vault::default(),
                admin_token: None,
                redis_password: None,
                trust: Trust::default(),
                plain,
            })
        }
        Err(error) => {
            // The table of keys has let something through that the typed form does not know.
            let message = format!("cannot be read: {error}");
            reader.mistakes.say(Place::default(), message);
            None
        }
    }
}

#[cfg(test)]
mod tests;
