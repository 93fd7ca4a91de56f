//! The tree check: `healing-core` without features pulls in no database, mail, cache server or web framework.
//!
//! Whoever embeds the library pays for what they switch on and for nothing else (invariant 9 of
//! `ARCHITECTURE.md`). The manifest alone does not show it, because a crate may come through another one.

use anyhow::ensure;

use crate::cargo::Cargo;

/// Crates that only a feature may bring. `sqlx` covers `sqlx-core`, `sqlx-sqlite` and the other parts.
const ONLY_BY_FEATURE: &[&str] = &["sqlx", "libsqlite3-sys", "lettre", "redis", "axum"];

/// The arguments of cargo that print the tree, one crate a line.
pub(crate) const ARGUMENTS: &[&str] = &[
    "tree",
    "--locked",
    "--edges",
    "normal",
    "--package",
    "healing-core",
    "--no-default-features",
    "--prefix",
    "none",
];

/// Checks the tree.
///
/// # Errors
///
/// When cargo fails, or when a crate is in the tree that only a feature may bring.
pub(crate) fn check(cargo: &Cargo) -> anyhow::Result<()> {
    let found = unwanted(&cargo.output(ARGUMENTS)?);
    ensure!(
        found.is_empty(),
        "healing-core without features has {} in its tree",
        found.join(", ")
    );
    Ok(())
}

/// Returns the crates of a printed tree that may not be there, each once.
fn unwanted(tree: &str) -> Vec<String> {
    let mut found: Vec<String> = tree
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| {
            ONLY_BY_FEATURE
                .iter()
                .any(|banned| is_part_of(name, banned))
        })
        .map(str::to_owned)
        .collect();
    found.sort_unstable();
    found.dedup();
    found
}

fn is_part_of(name: &str, family: &str) -> bool {
    name.strip_prefix(family)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_deep_in_the_tree_is_found_once() {
        let tree = "healing-core v0.1.0 (/x)\nhttp v1.5.0\nsqlx v0.9.0\nsqlx-core v0.9.0\nsqlx v0.9.0 (*)\n";
        assert_eq!(unwanted(tree), ["sqlx", "sqlx-core"]);
    }

    #[test]
    fn each_crate_that_only_a_feature_may_bring_is_found() {
        for banned in ONLY_BY_FEATURE {
            assert_eq!(
                unwanted(&format!("healing-core v0.1.0\n{banned} v1.0.0\n")),
                [*banned]
            );
        }
    }

    #[test]
    fn a_name_that_only_begins_alike_is_let_through() {
        assert!(unwanted("redistribute v1.0.0\naxumite v0.2.0\nhttp v1.5.0\n").is_empty());
    }
}
