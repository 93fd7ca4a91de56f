//! Reads the sources of a crate into modules: what each defines, imports and mentions.

use std::collections::{BTreeMap, BTreeSet};

use syn::{Item, UseTree, visit::Visit};

use super::{
    references::{Mentions, Reference},
    rooms::House,
};
use crate::{
    sources::{Source, Violation},
    test_code::{attributes_of, is_for_tests_only},
};

/// A module's path from the crate's root: `["vocabulary", "fault"]`.
pub(crate) type ModulePath = Vec<String>;

/// What a name in a module stands for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Binding {
    /// A module below this one.
    Module,
    /// Something that is defined here.
    Item,
    /// What another path stands for, by `use`.
    Import(Vec<String>),
}

/// One module.
#[derive(Debug, Default)]
pub(crate) struct Module {
    pub(crate) file: String,
    pub(crate) names: BTreeMap<String, Vec<Binding>>,
    /// Paths whose names are all imported.
    pub(crate) globs: Vec<Vec<String>>,
    pub(crate) references: Vec<Reference>,
}

/// The modules of a crate, without those that are compiled for tests only.
#[derive(Debug, Default)]
pub(crate) struct Modules {
    pub(crate) all: BTreeMap<ModulePath, Module>,
    for_tests: BTreeSet<ModulePath>,
}

impl Modules {
    /// Reads sources. Files that cannot be read as Rust are returned as violations.
    pub(crate) fn read(house: &House, sources: &[Source]) -> (Self, Vec<Violation>) {
        let mut modules = Self::default();
        let mut unread = Vec::new();
        for source in sources.iter().filter(|source| !source.is_test()) {
            let path = module_path(house, &source.path);
            match syn::parse_file(&source.text) {
                Ok(tree) => modules.add(&source.path, &path, &tree.items),
                Err(fault) => unread.push(Violation {
                    path: source.path.clone(),
                    line: fault.span().start().line,
                    rule: format!("the file cannot be parsed: {fault}"),
                }),
            }
        }
        let Self { all, for_tests } = &mut modules;
        all.retain(|path, _| !for_tests.iter().any(|exempt| path.starts_with(exempt)));
        modules.declare_files();
        (modules, unread)
    }

    /// A file is a module of the one above it, also where that one does not declare it in plain sight.
    fn declare_files(&mut self) {
        let paths: Vec<ModulePath> = self.all.keys().cloned().collect();
        for path in &paths {
            let Some((name, above)) = path.split_last() else {
                continue;
            };
            let above = self.all.get_mut(above);
            if let Some(bindings) = above.map(|above| above.names.entry(name.clone()).or_default())
                && !bindings.contains(&Binding::Module)
            {
                bindings.push(Binding::Module);
            }
        }
    }

    fn add(&mut self, file: &str, path: &[String], items: &[Item]) {
        let mut module = Module {
            file: file.to_owned(),
            ..Module::default()
        };
        let mut mentions = Mentions::default();
        for item in items {
            if let Item::Mod(inner) = item {
                self.add_inner(&mut module, path, inner);
            } else if !is_for_tests_only(attributes_of(item)) {
                module.define(item);
                mentions.visit_item(item);
            }
        }
        for tree in mentions.imports {
            module.import(&mut Vec::new(), tree);
        }
        module.references.append(&mut mentions.references);
        self.all.insert(path.to_vec(), module);
    }

    fn add_inner(&mut self, module: &mut Module, path: &[String], inner: &syn::ItemMod) {
        let name = inner.ident.to_string();
        let below: ModulePath = path.iter().cloned().chain([name.clone()]).collect();
        if is_for_tests_only(&inner.attrs) {
            self.for_tests.insert(below);
            return;
        }
        module.bind(name, Binding::Module);
        if let Some((_, items)) = &inner.content {
            self.add(&module.file, &below, items);
        }
    }
}

impl Module {
    fn bind(&mut self, name: String, binding: Binding) {
        self.names.entry(name).or_default().push(binding);
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "syn's enum is open, and other items define no name"
    )]
    fn define(&mut self, item: &Item) {
        let name = match item {
            Item::Const(item) => &item.ident,
            Item::Enum(item) => &item.ident,
            Item::Fn(item) => &item.sig.ident,
            Item::Static(item) => &item.ident,
            Item::Struct(item) => &item.ident,
            Item::Trait(item) => &item.ident,
            Item::Type(item) => &item.ident,
            Item::Union(item) => &item.ident,
            _ => return,
        };
        self.bind(name.to_string(), Binding::Item);
    }

    /// Takes a tree of `use` apart into names, globs and references.
    fn import(&mut self, before: &mut Vec<String>, tree: &UseTree) {
        let (ident, name) = match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.import(before, &path.tree);
                before.pop();
                return;
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(before, tree);
                }
                return;
            }
            UseTree::Glob(glob) => {
                let line = glob.star_token.spans[0].start().line;
                self.globs.push(before.clone());
                self.references.push(Reference {
                    path: before.clone(),
                    line,
                    all_names: true,
                });
                return;
            }
            UseTree::Name(name) => (&name.ident, &name.ident),
            UseTree::Rename(rename) => (&rename.ident, &rename.rename),
        };
        let mut path = before.clone();
        if ident != "self" {
            path.push(ident.to_string());
        }
        let bound = if name == "self" {
            path.last().cloned().unwrap_or_default()
        } else {
            name.to_string()
        };
        self.references.push(Reference {
            path: path.clone(),
            line: ident.span().start().line,
            all_names: false,
        });
        self.bind(bound, Binding::Import(path));
    }
}

/// Returns the module of a file: `vocabulary/fault.rs` is `vocabulary::fault`, and the root's file is the empty path.
fn module_path(house: &House, file: &str) -> ModulePath {
    let inside = file
        .strip_prefix(house.folder)
        .unwrap_or(file)
        .trim_end_matches(".rs");
    if inside == house.root {
        return Vec::new();
    }
    inside.split('/').map(str::to_owned).collect()
}
