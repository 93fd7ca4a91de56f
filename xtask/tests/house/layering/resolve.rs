//! From a path as it is written to the modules that it leads to.
//!
//! A path may go through re-exports. It leads to where the thing is defined, and also to every module on the way that
//! re-exports it, because without that module the path would not hold; modules that only hand on do not count.

use std::collections::BTreeSet;

use super::{
    modules::{Binding, ModulePath, Modules},
    references::Reference,
    rooms::House,
};

/// Re-exports that lead in a circle end here.
const LONGEST_WAY: u8 = 16;

/// A crate in which paths can be followed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ways<'a> {
    pub(crate) house: &'a House,
    pub(crate) modules: &'a Modules,
}

impl Ways<'_> {
    /// Returns the modules that a reference in a module leads to; none when it leads out of the crate.
    pub(crate) fn follow(&self, from: &[String], reference: &Reference) -> BTreeSet<ModulePath> {
        let mut reached = BTreeSet::new();
        if reference.all_names {
            self.all_names(from, &reference.path, &mut reached);
        } else {
            self.path(
                from,
                &reference.path,
                &mut Trail {
                    reached: &mut reached,
                    left: LONGEST_WAY,
                },
            );
        }
        reached
    }

    /// `use x::*`: the module `x`, or, where it only hands on, everything that it hands on.
    fn all_names(&self, from: &[String], path: &[String], reached: &mut BTreeSet<ModulePath>) {
        let mut ends = BTreeSet::new();
        self.path(
            from,
            path,
            &mut Trail {
                reached: &mut ends,
                left: LONGEST_WAY,
            },
        );
        for end in ends {
            let Some(module) = self
                .modules
                .all
                .get(&end)
                .filter(|_| self.house.hands_on(&end))
            else {
                reached.insert(end);
                continue;
            };
            for name in module
                .names
                .iter()
                .filter(|(_, bindings)| is_imported(bindings))
                .map(|(name, _)| name)
            {
                let mut trail = Trail {
                    reached,
                    left: LONGEST_WAY,
                };
                self.walk(end.clone(), std::slice::from_ref(name), &mut trail);
            }
            for glob in module.globs.iter().filter(|_| end != from) {
                self.all_names(&end, glob, reached);
            }
        }
    }

    /// Follows a path as it is written in a module.
    fn path(&self, from: &[String], path: &[String], trail: &mut Trail<'_>) {
        let mut at = from.to_vec();
        let mut rest = path;
        while let Some((name, below)) = rest.split_first() {
            match name.as_str() {
                "crate" => at.clear(),
                "super" => drop(at.pop()),
                "self" => {}
                _ => break,
            }
            rest = below;
        }
        // Without such a beginning it may be a crate, a prelude name or a type parameter; or a name from a glob, which
        // counted by itself.
        let is_ours =
            rest.len() < path.len() || rest.first().is_some_and(|name| self.knows(from, name));
        if is_ours {
            self.walk(at, rest, trail);
        }
    }

    /// Follows the rest of a path from a module.
    fn walk(&self, at: ModulePath, rest: &[String], trail: &mut Trail<'_>) {
        if trail.left == 0 {
            return;
        }
        let (Some((name, below)), Some(module)) = (rest.split_first(), self.modules.all.get(&at))
        else {
            trail.reached.insert(at);
            return;
        };
        let Some(bindings) = module.names.get(name) else {
            self.walk_through_globs(&at, rest, trail);
            return;
        };
        for binding in bindings {
            match binding {
                Binding::Item => {
                    trail.reached.insert(at.clone());
                }
                Binding::Module => {
                    let inner = at.iter().cloned().chain([name.clone()]).collect();
                    self.walk(inner, below, trail);
                }
                Binding::Import(target) => {
                    if !self.house.hands_on(&at) {
                        trail.reached.insert(at.clone());
                    }
                    let onward: Vec<String> = target.iter().chain(below).cloned().collect();
                    self.path(&at, &onward, &mut trail.further());
                }
            }
        }
    }

    /// The name is not written in the module: it came through a glob, or is made by a macro there.
    fn walk_through_globs(&self, at: &ModulePath, rest: &[String], trail: &mut Trail<'_>) {
        let (Some(name), Some(module)) = (rest.first(), self.modules.all.get(at)) else {
            return;
        };
        let mut ends = BTreeSet::new();
        for glob in &module.globs {
            self.path(
                at,
                glob,
                &mut Trail {
                    reached: &mut ends,
                    left: trail.left - 1,
                },
            );
        }
        let source = ends
            .into_iter()
            .find(|end| end != at && self.knows(end, name));
        if source.is_none() || !self.house.hands_on(at) {
            trail.reached.insert(at.clone());
        }
        if let Some(source) = source {
            self.walk(source, rest, &mut trail.further());
        }
    }

    fn knows(&self, module: &[String], name: &str) -> bool {
        self.modules
            .all
            .get(module)
            .is_some_and(|module| module.names.contains_key(name))
    }
}

/// What was reached so far, and how many re-exports may still be followed.
struct Trail<'a> {
    reached: &'a mut BTreeSet<ModulePath>,
    left: u8,
}

impl Trail<'_> {
    fn further(&mut self) -> Trail<'_> {
        Trail {
            reached: self.reached,
            left: self.left - 1,
        }
    }
}

fn is_imported(bindings: &[Binding]) -> bool {
    bindings
        .iter()
        .any(|binding| matches!(binding, Binding::Import(_)))
}
