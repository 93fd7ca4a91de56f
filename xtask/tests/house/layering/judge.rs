//! Holds what the modules mention against the table of rooms.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    modules::{Binding, Module, ModulePath, Modules},
    resolve::Ways,
    rooms::{House, Place},
};
use crate::sources::{Source, Violation};

/// Returns everything that breaks the order of a house, each once.
pub(crate) fn violations(house: &House, sources: &[Source]) -> Vec<Violation> {
    let (modules, unread) = Modules::read(house, sources);
    let ways = Ways {
        house,
        modules: &modules,
    };
    let mut found: BTreeSet<Violation> = unread.into_iter().collect();
    for (path, module) in &modules.all {
        match house.place(path) {
            Place::Unknown => {
                found.insert(unknown(house, path, module));
            }
            Place::Folder => found.extend(definitions_in_a_folder(path, module)),
            Place::Room { .. } => {}
        }
        found.extend(arrows(ways, path, module));
    }
    found.into_iter().collect()
}

fn unknown(house: &House, path: &[String], module: &Module) -> Violation {
    let name = if path.is_empty() {
        house.root.to_owned()
    } else {
        path.join("::")
    };
    let rule =
        format!("`{name}` is no known room: add it to the table in xtask/tests/house/layering.rs");
    Violation {
        path: module.file.clone(),
        line: 1,
        rule,
    }
}

/// A folder without a floor must hold nothing that could be used.
fn definitions_in_a_folder(path: &[String], module: &Module) -> Vec<Violation> {
    let defined = module
        .names
        .iter()
        .filter(|(_, bindings)| bindings.contains(&Binding::Item));
    defined
        .map(|(name, _)| Violation {
            path: module.file.clone(),
            line: 1,
            rule: format!(
                "`{}` only holds rooms: move `{name}` into one",
                path.join("::")
            ),
        })
        .collect()
}

/// One violation for each room that a module may not use, at the first place where it is named.
fn arrows(ways: Ways<'_>, path: &ModulePath, module: &Module) -> Vec<Violation> {
    let mut places: BTreeMap<String, BTreeMap<usize, String>> = BTreeMap::new();
    for reference in &module.references {
        for end in ways.follow(path, reference) {
            if let Some(reason) = forbidden(ways.house, path, &end) {
                let lines = places.entry(reason).or_default();
                lines
                    .entry(reference.line)
                    .or_insert_with(|| reference.path.join("::"));
            }
        }
    }
    let first = |(reason, lines): (String, BTreeMap<usize, String>)| {
        let (line, written) = lines.first_key_value()?;
        let more = match lines.len() {
            1 => String::new(),
            lines => format!(" (named on {lines} lines of this file)"),
        };
        let rule = format!("`{written}`: {reason}{more}");
        Some(Violation {
            path: module.file.clone(),
            line: *line,
            rule,
        })
    };
    places.into_iter().filter_map(first).collect()
}

/// Returns why a module may not use another one, or nothing when it may.
fn forbidden(house: &House, from: &[String], to: &[String]) -> Option<String> {
    let (user, floor) = match house.place(from) {
        Place::Room { name, floor } => (name, floor),
        Place::Folder if to.starts_with(from) => return None,
        Place::Folder => return Some(format!("`{}` may name its own rooms only", from.join("::"))),
        Place::Unknown => return None,
    };
    match house.place(to) {
        Place::Room { name, .. } if name == user => None,
        Place::Room { floor: below, .. } if below < floor => None,
        Place::Room { name, floor: other } => Some(format!(
            "`{user}` on floor {floor} may not use `{name}` on floor {other}, only floors below its own"
        )),
        // What is inside of a folder was reached by itself; an unknown room is reported where it is.
        Place::Folder | Place::Unknown => None,
    }
}
