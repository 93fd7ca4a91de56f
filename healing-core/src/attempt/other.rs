//! Other questions that are made from a caller's: of another value, at another address.
//!
//! What a router has found in the caller's path does not go with them: it speaks of the asked path.

use std::{borrow::Cow, sync::Arc};

use http::{
    Extensions, HeaderMap, HeaderName, HeaderValue, Method, Uri, header, uri::PathAndQuery,
};

use crate::{
    attempt::Ask,
    vocabulary::pattern::{Param, Pattern},
};

/// Fields that speak of the answer that the caller has already, or of a part of the one that it asked for.
pub(super) const OF_THE_ASKED: [HeaderName; 6] = [
    header::IF_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::IF_RANGE,
    header::IF_UNMODIFIED_SINCE,
    header::RANGE,
];

/// Fields that another source may see: they say what the caller reads, and hide nothing.
pub(super) const HARMLESS: [HeaderName; 3] =
    [header::ACCEPT, header::ACCEPT_LANGUAGE, header::USER_AGENT];

impl Ask {
    /// What the request says for a parameter of its route. Only a route that is set has named parameters.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<Cow<'_, str>> {
        self.pattern.as_ref()?.value(&self.uri, &self.headers, name)
    }

    /// The same question with another value for a parameter of its route. `None` where it cannot carry it.
    #[must_use]
    pub fn with_value(&self, name: &str, value: &str) -> Option<Self> {
        let pattern = self.pattern.as_ref()?;
        let (uri, mut headers) = pattern.with_value(&self.uri, &self.headers, (name, value))?;
        remove(&mut headers, &OF_THE_ASKED);
        Some(Self {
            uri,
            headers,
            extensions: Extensions::new(),
            ..self.clone()
        })
    }

    /// The same question with that value for a parameter of the query, whether its route names it or not.
    pub(crate) fn with_query(&self, name: &str, value: &str) -> Option<Self> {
        let own = self.pattern.clone()?;
        let named = Pattern::clone(&own).param(name, Param::Query(name.into()));
        let asked = Self {
            pattern: Some(Arc::new(named)),
            ..self.clone()
        };
        let asked = asked.with_value(name, value)?;
        Some(Self {
            pattern: Some(own),
            ..asked
        })
    }

    /// The same question at another address, whose answer is the answer to this one. A path in `base` comes before the
    /// asked one. `None` where that is the asked address.
    pub(crate) fn at(&self, base: &Uri) -> Option<Self> {
        let asked = self.uri.path_and_query().map_or("/", PathAndQuery::as_str);
        let before = base.path().trim_end_matches('/');
        let base_parts = base.clone().into_parts();
        let mut parts = self.uri.clone().into_parts();
        parts.path_and_query = Some(PathAndQuery::try_from(format!("{before}{asked}")).ok()?);
        let mut headers = self.headers.clone();
        if base_parts.authority.is_some() {
            parts.scheme = base_parts.scheme;
            parts.authority = base_parts.authority;
            headers.remove(header::HOST);
        }
        let uri = Uri::from_parts(parts).ok()?;
        (uri != self.uri).then(|| Self {
            uri,
            headers,
            is_the_same: true,
            extensions: Extensions::new(),
            ..self.clone()
        })
    }
}

impl Ask {
    /// The same question once more, as a call of its own.
    pub(crate) fn again(&self) -> Self {
        Self {
            is_the_same: true,
            ..self.clone()
        }
    }

    /// A question there that is asked for all later requests, with nothing of the caller's but what it reads; nothing is kept
    /// of its answer.
    pub(crate) fn upkeep(&self, uri: Uri) -> Self {
        let mut headers = only(&self.headers, &HARMLESS);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Self {
            uri,
            headers,
            method: Method::GET,
            pattern: None,
            extensions: Extensions::new(),
            is_upkeep: true,
            ..self.clone()
        }
    }

    /// Another path at the asked address.
    pub(crate) fn beside(&self, path: &'static str) -> Option<Uri> {
        let mut parts = self.uri.clone().into_parts();
        parts.path_and_query = Some(PathAndQuery::from_static(path));
        Uri::from_parts(parts).ok()
    }
}

/// Those of the fields.
pub(super) fn only(headers: &HeaderMap, names: &[HeaderName]) -> HeaderMap {
    let kept = headers.iter().filter(|(name, _)| names.contains(name));
    let mut own = HeaderMap::new();
    for (name, value) in kept {
        own.append(name, value.clone());
    }
    own
}

pub(super) fn remove(headers: &mut HeaderMap, names: &[HeaderName]) {
    for name in names {
        headers.remove(name);
    }
}
