//! Which crate of the workspace may depend on which: the lab knows HTTP only, and the library neither of its users.

use std::fs;

use crate::sources::{Violation, assert_none, root};

/// A crate and those that it must not depend on, for tests neither.
const BANNED: &[(&str, &[&str])] = &[
    ("healing-lab", &["healing-core", "healing-proxy"]),
    ("healing-core", &["healing-proxy", "healing-lab"]),
];

/// Returns the dependencies in a manifest that are banned. They are written one a line in this workspace, or as a table of
/// their own, and a renamed one carries its real name in quotes.
fn violations(path: &str, manifest: &str, banned: &[&str]) -> Vec<Violation> {
    let mut section = "";
    let mut found = Vec::new();
    for (line, number) in manifest.lines().map(str::trim).zip(1..) {
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']);
        }
        if !section.contains("dependencies") || line.starts_with('#') {
            continue;
        }
        for name in banned.iter().filter(|name| depends_on(line, section, name)) {
            let rule = format!("this crate must not depend on `{name}`");
            found.push(Violation {
                path: path.to_owned(),
                line: number,
                rule,
            });
        }
    }
    found
}

fn depends_on(line: &str, section: &str, name: &str) -> bool {
    if line.starts_with('[') {
        return section
            .rsplit('.')
            .next()
            .is_some_and(|last| last.trim_matches('"') == name);
    }
    let key = line.split(['.', '=', ' ']).next().unwrap_or_default();
    key.trim_matches('"') == name || line.contains(&format!("\"{name}\""))
}

#[test]
fn no_crate_depends_on_one_above_it() {
    for (name, banned) in BANNED {
        let path = format!("{name}/Cargo.toml");
        let manifest = fs::read_to_string(root().join(&path)).unwrap();
        assert_none(&violations(&path, &manifest, banned));
    }
}

#[test]
fn a_banned_dependency_is_found_in_every_way_of_writing_it() {
    for manifest in [
        "[dependencies]\nhealing-core.workspace = true",
        "[dependencies]\nhealing-core = { path = \"../healing-core\" }",
        "[dev-dependencies]\nhealing-core = \"1\"",
        "[build-dependencies]\ncore = { package = \"healing-core\", path = \"..\" }",
        "[package]\n[dependencies.healing-core]",
        "[package]\n[target.'cfg(unix)'.dependencies.healing-core]",
    ] {
        let lines: Vec<usize> = violations("a/Cargo.toml", manifest, &["healing-core"])
            .iter()
            .map(|found| found.line)
            .collect();
        assert_eq!(lines, [2], "{manifest}");
    }
}

#[test]
fn a_name_outside_of_dependencies_or_only_alike_is_let_through() {
    for manifest in [
        "[package]\nname = \"healing-core\"",
        "[dependencies]\nhealing-core-derive = \"1\"",
        "[dependencies]\n# healing-core = \"1\"",
    ] {
        assert_eq!(violations("a/Cargo.toml", manifest, &["healing-core"]), []);
    }
}
