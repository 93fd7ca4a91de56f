//! Finds every path that the code of a module mentions, but for `use`, which it hands over whole.

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, ImplItemFn, Item, ItemUse, Macro, Meta, UseTree, Visibility,
    visit::{self, Visit},
};

use crate::test_code::{attributes_of, is_for_tests_only};

/// A path as it is written.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    pub(crate) path: Vec<String>,
    /// Counted from 1.
    pub(crate) line: usize,
    /// Whether all names below the path are meant: `use path::*`.
    pub(crate) all_names: bool,
}

/// What some items mention.
#[derive(Default)]
pub(crate) struct Mentions<'ast> {
    pub(crate) references: Vec<Reference>,
    /// Also those inside of functions, as if they stood in the module: more names are known then, never fewer.
    pub(crate) imports: Vec<&'ast UseTree>,
}

impl Mentions<'_> {
    /// A single name is local, or was imported, and the import is the mention.
    fn push(&mut self, path: Vec<String>, line: usize) {
        if path.len() > 1 {
            self.references.push(Reference {
                path,
                line,
                all_names: false,
            });
        }
    }

    fn push_path(&mut self, path: &syn::Path) {
        let line = path
            .segments
            .first()
            .map_or(0, |first| first.ident.span().start().line);
        if path.leading_colon.is_none() {
            self.push(
                path.segments
                    .iter()
                    .map(|segment| segment.ident.to_string())
                    .collect(),
                line,
            );
        }
    }

    /// Macros are not expanded here, so the paths in what they are given are read from the bare tokens.
    fn push_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut line = 0;
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.push(std::mem::take(&mut path), line);
                        line = name.span().start().line;
                    }
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                TokenTree::Group(group) => {
                    self.push(std::mem::take(&mut path), line);
                    self.push_tokens(group.stream());
                }
                TokenTree::Literal(_) | TokenTree::Punct(_) => {
                    self.push(std::mem::take(&mut path), line);
                }
            }
        }
        self.push(path, line);
    }

    /// Attributes may hold a path in quotes: `#[serde(with = "crate::clock")]`.
    fn push_quoted(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Group(group) => self.push_quoted(group.stream()),
                TokenTree::Literal(text) => {
                    let line = text.span().start().line;
                    let text = text.to_string();
                    let path: Vec<String> = text
                        .trim_matches('"')
                        .split("::")
                        .map(str::to_owned)
                        .collect();
                    if path
                        .first()
                        .is_some_and(|first| matches!(first.as_str(), "crate" | "self" | "super"))
                    {
                        self.push(path, line);
                    }
                }
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
        }
    }
}

impl<'ast> Visit<'ast> for Mentions<'ast> {
    fn visit_item(&mut self, item: &'ast Item) {
        if !is_for_tests_only(attributes_of(item)) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, method: &'ast ImplItemFn) {
        if !is_for_tests_only(&method.attrs) {
            visit::visit_impl_item_fn(self, method);
        }
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        if item.leading_colon.is_none() {
            self.imports.push(&item.tree);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        self.push_path(path);
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast Macro) {
        visit::visit_macro(self, call);
        self.push_tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.push_tokens(list.tokens.clone());
            self.push_quoted(list.tokens.clone());
        }
    }

    /// `pub(in crate::plan)` names a room but uses nothing of it.
    fn visit_visibility(&mut self, _: &'ast Visibility) {}
}
