//! The routes that are set, found by address, path and query.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use http::{Uri, uri::Authority};
use matchit::Router;

use crate::{
    settings::{SettingsError, Treatment},
    vocabulary::{pattern::Pattern, source::Source, template::Template},
};

/// Routes that are set, each with what is kept of it.
#[derive(Clone, Debug)]
pub(crate) struct Configured<T> {
    /// Routes for any address.
    anywhere: Table<T>,
    /// Routes for one address.
    at: HashMap<Box<str>, Table<T>>,
    all: Vec<Arc<T>>,
    /// Whose the requests of routes are that are not set, by address (the empty one is any) and path.
    claims: HashMap<Box<str>, Router<Source>>,
    /// How all other requests are treated.
    pub(crate) otherwise: Arc<Treatment>,
}

/// Routes by their paths. Those of one path are told apart by pairs in the query, the ones with more pairs first.
type Table<T> = Router<Vec<(Template, Arc<T>)>>;

// === impl Configured ===

impl<T> Configured<T> {
    /// No routes.
    pub(crate) fn none(otherwise: Arc<Treatment>) -> Self {
        Self {
            anywhere: Router::new(),
            at: HashMap::new(),
            all: Vec::new(),
            claims: HashMap::new(),
            otherwise,
        }
    }

    /// The route of a request.
    pub(crate) fn find(&self, authority: &str, uri: &Uri) -> Option<Arc<T>> {
        if self.all.is_empty() {
            return None;
        }
        let here = self.at.get(authority).and_then(|table| look(table, uri));
        here.or_else(|| look(&self.anywhere, uri))
    }

    /// The source that claims a request of a route that is not set.
    pub(crate) fn claimed(&self, authority: &str, path: &str) -> Option<Source> {
        let at = |authority: &str| self.claims.get(authority)?.at(path).ok();
        let claimed = at(authority).or_else(|| at(""));
        claimed.map(|found| found.value.clone())
    }

    /// Says whose such requests are.
    ///
    /// # Errors
    /// When another claim is for the same ones.
    pub(crate) fn claim(
        &mut self,
        pattern: &Pattern,
        source: &Source,
    ) -> Result<(), SettingsError> {
        let template = pattern.template();
        let here = pattern.authorities().iter().map(place_of);
        let anywhere = pattern.authorities().is_empty().then_some("");
        for authority in here.chain(anywhere) {
            let claims = self.claims.entry(authority.into()).or_default();
            claims
                .insert(template.path(), source.clone())
                .map_err(|error| conflict(&error, template))?;
        }
        Ok(())
    }

    /// Every route.
    pub(crate) fn all(&self) -> &[Arc<T>] {
        &self.all
    }

    /// Adds a route.
    ///
    /// # Errors
    /// When a route that is there claims the same requests.
    pub(crate) fn add(&mut self, pattern: &Pattern, state: &Arc<T>) -> Result<(), SettingsError> {
        let template = pattern.template();
        if self.all.iter().any(|own| Arc::ptr_eq(own, state)) {
            return Err(overlap(template.as_str(), template));
        }
        if pattern.authorities().is_empty() {
            insert(&mut self.anywhere, template, state)?;
        }
        for authority in pattern.authorities() {
            let table = self.at.entry(place_of(authority).into()).or_default();
            insert(table, template, state)?;
        }
        self.all.push(Arc::clone(state));
        Ok(())
    }
}

/// An authority without the credentials that may stand before it.
pub(crate) fn place_of(authority: &Authority) -> &str {
    authority
        .as_str()
        .rsplit_once('@')
        .map_or(authority.as_str(), |(_, place)| place)
}

fn insert<T>(
    table: &mut Table<T>,
    template: &Template,
    state: &Arc<T>,
) -> Result<(), SettingsError> {
    let entry = (template.clone(), Arc::clone(state));
    let Some(known) = known(table, template) else {
        return table
            .insert(template.path(), vec![entry])
            .map_err(|error| conflict(&error, template));
    };
    let pairs = |template: &Template| -> BTreeSet<(String, String)> {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        template.query().map(owned).collect()
    };
    if let Some((other, _)) = known
        .iter()
        .find(|(other, _)| pairs(other) == pairs(template))
    {
        return Err(overlap(other.as_str(), template));
    }
    known.push(entry);
    known.sort_by_key(|(template, _)| std::cmp::Reverse(template.query().count()));
    Ok(())
}

fn look<T>(table: &Table<T>, uri: &Uri) -> Option<Arc<T>> {
    let here = table.at(uri.path()).ok()?;
    let mut fitting = here.value.iter();
    let (_, state) = fitting.find(|(template, _)| template.takes_query(uri.query()))?;
    Some(Arc::clone(state))
}

/// The routes of just this path, where there are some.
fn known<'t, T>(
    table: &'t mut Table<T>,
    template: &Template,
) -> Option<&'t mut Vec<(Template, Arc<T>)>> {
    // A template fits its own text: `{symbol}` is a segment like any other.
    let here = table.at_mut(template.path()).ok()?.value;
    let same = here
        .first()
        .is_some_and(|(other, _)| other.path() == template.path());
    same.then_some(here)
}

fn conflict(error: &matchit::InsertError, template: &Template) -> SettingsError {
    match error {
        matchit::InsertError::Conflict { with } => overlap(with, template),
        // Not reached: a template's own grammar is stricter. It is named all the same.
        matchit::InsertError::InvalidParamSegment
        | matchit::InsertError::InvalidParam
        | matchit::InsertError::InvalidCatchAll
        | _ => overlap(&error.to_string(), template),
    }
}

fn overlap(first: &str, second: &Template) -> SettingsError {
    SettingsError::Overlap {
        first: first.to_owned(),
        second: second.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(routes: &[(Option<&str>, &str)]) -> Result<Configured<String>, SettingsError> {
        let mut configured = Configured::none(Arc::default());
        for (authority, text) in routes {
            let pattern = Pattern::of(text.parse().unwrap())
                .at(authority.iter().map(|authority| authority.parse().unwrap()));
            let state = Arc::new(format!("{}{text}", authority.unwrap_or_default()));
            configured.add(&pattern, &state)?;
        }
        Ok(configured)
    }

    fn found(configured: &Configured<String>, authority: &str, uri: &str) -> String {
        let found = configured.find(authority, &uri.parse().unwrap());
        found.map_or_else(|| "none".to_owned(), |state| state.to_string())
    }

    #[test]
    fn the_most_telling_route_is_found() {
        let routes = with(&[
            (None, "/api/{kind}"),
            (None, "/api/quote"),
            (None, "/query"),
            (None, "/query?function=A"),
            (None, "/query?function=A&size=full"),
            (None, "/reports/{*rest}"),
            (Some("b:1"), "/api/quote"),
        ])
        .unwrap();
        for (authority, uri, expected) in [
            ("", "/api/quote?symbol=A", "/api/quote"),
            ("", "/api/chart", "/api/{kind}"),
            ("b:1", "/api/quote", "b:1/api/quote"),
            ("b:1", "/api/chart", "/api/{kind}"),
            (
                "",
                "/query?size=full&function=A",
                "/query?function=A&size=full",
            ),
            ("", "/query?function=A", "/query?function=A"),
            ("", "/query?function=B", "/query"),
            ("", "/reports/a/b", "/reports/{*rest}"),
            ("", "/reports", "none"),
            ("", "/", "none"),
        ] {
            assert_eq!(
                found(&routes, authority, uri),
                expected,
                "{authority} {uri}"
            );
        }
    }

    #[test]
    fn two_routes_for_the_same_requests_are_named() {
        for (first, second) in [
            ("/api/{symbol}", "/api/{ticker}"),
            ("/api/quote", "/api/quote"),
            ("/q?a=1&b=2", "/q?b=2&a=1"),
            ("/api/{symbol}", "/api/{ticker}?a=1"),
        ] {
            let error = with(&[(None, first), (None, second)]).unwrap_err();
            let text = error.to_string();
            assert!(
                text.contains(second) && text.contains("same requests"),
                "{text}"
            );
        }
    }
}
