//! Which requests belong to a route, and where they carry its parameters.

use std::borrow::Cow;

use http::{
    HeaderMap, HeaderName, HeaderValue, Uri,
    uri::{Authority, PathAndQuery, Scheme},
};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::vocabulary::template::Template;

/// Which requests belong to a route, and where they carry its parameters: in the path, the query, or a field.
///
/// ```
/// use healing_core::{Param, Pattern};
/// let quote = Pattern::of("/api/yahoo/quote".parse()?).param("symbol", Param::Query("symbol".into()));
/// let uri = "/api/yahoo/quote?symbol=AAPL&fresh=1".parse()?;
/// assert_eq!(quote.value(&uri, &http::HeaderMap::new(), "symbol").as_deref(), Some("AAPL"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Pattern {
    authorities: Vec<Authority>,
    scheme: Option<Scheme>,
    template: Template,
    params: Vec<(Box<str>, Param)>,
}

/// Where a parameter stands that is not in the path.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Param {
    /// In the query, under that name.
    Query(Box<str>),
    /// In that field.
    Header(HeaderName),
}

// === impl Pattern ===

impl Pattern {
    /// Requests whose path and query fit, at any address. The parameters in the path are those of the template.
    #[must_use]
    pub const fn of(template: Template) -> Self {
        Self {
            authorities: Vec::new(),
            scheme: None,
            template,
            params: Vec::new(),
        }
    }

    /// Only at these addresses (`query1.finance.yahoo.com`, `127.0.0.1:5002`), the first of which is asked first.
    #[must_use]
    pub fn at(mut self, authorities: impl IntoIterator<Item = Authority>) -> Self {
        self.authorities = authorities.into_iter().collect();
        self
    }

    /// Asked by that scheme at its first address, whatever scheme the one who asks was asked by.
    #[must_use]
    pub fn by(mut self, scheme: Scheme) -> Self {
        self.scheme = Some(scheme);
        self
    }

    /// With a parameter more.
    #[must_use]
    pub fn param(mut self, name: &str, place: Param) -> Self {
        self.params.retain(|(own, _)| **own != *name);
        self.params.push((name.into(), place));
        self
    }

    /// The template of its paths.
    #[must_use]
    pub const fn template(&self) -> &Template {
        &self.template
    }

    /// The addresses that it is for; none means any.
    #[must_use]
    pub fn authorities(&self) -> &[Authority] {
        &self.authorities
    }

    /// The names of its parameters.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.template
            .names()
            .chain(self.params.iter().map(|(name, _)| &**name))
    }

    /// What a request says for a parameter. `None` where it says nothing.
    #[must_use]
    pub fn value<'r>(
        &self,
        uri: &'r Uri,
        fields: &'r HeaderMap,
        name: &str,
    ) -> Option<Cow<'r, str>> {
        match self.place(name) {
            Some(Param::Query(key)) => query_value(uri.query()?, key),
            Some(Param::Header(field)) => fields.get(field)?.to_str().ok().map(Cow::Borrowed),
            None => self.template.value(uri.path(), name),
        }
    }

    /// The same request with another value for a parameter. `None` where it cannot carry it.
    #[must_use]
    pub fn with_value(
        &self,
        uri: &Uri,
        fields: &HeaderMap,
        (name, value): (&str, &str),
    ) -> Option<(Uri, HeaderMap)> {
        let mut fields = fields.clone();
        let target = match self.place(name) {
            Some(Param::Query(key)) => {
                let query = with_query_value(uri.query().unwrap_or_default(), key, value);
                format!("{}?{query}", uri.path())
            }
            Some(Param::Header(field)) => {
                fields.insert(field, HeaderValue::from_str(value).ok()?);
                return Some((uri.clone(), fields));
            }
            None => {
                self.template.value(uri.path(), name)?;
                let path = self.template.fill(|own| {
                    if own == name {
                        Some(Cow::Borrowed(value))
                    } else {
                        self.template.value(uri.path(), own)
                    }
                })?;
                let path = path.split_once('?').map_or(&*path, |(path, _)| path);
                match uri.query() {
                    Some(query) => format!("{path}?{query}"),
                    None => path.to_owned(),
                }
            }
        };
        Some((moved(uri, &target)?, fields))
    }

    /// A request of this route with these values, at its first address or else where `uri` goes; by its scheme, or that of
    /// `uri`. Parameters in fields are set on `fields`. `None` where a parameter of the path has no value.
    #[must_use]
    pub fn request<'v>(
        &self,
        uri: &Uri,
        fields: &mut HeaderMap,
        value: impl Fn(&str) -> Option<Cow<'v, str>>,
    ) -> Option<Uri> {
        let mut target = self.template.fill(&value)?;
        for (name, place) in &self.params {
            let Some(value) = value(name) else { continue };
            match place {
                Param::Query(key) => {
                    target.push(if target.contains('?') { '&' } else { '?' });
                    target.extend([key, "=", &*encoded(&value)]);
                }
                Param::Header(field) => {
                    fields.insert(field, HeaderValue::from_str(&value).ok()?);
                }
            }
        }
        let Some(authority) = self.authorities.first() else {
            return moved(uri, &target);
        };
        let scheme = self.scheme.as_ref().or_else(|| uri.scheme());
        Uri::builder()
            .scheme(scheme.cloned().unwrap_or(Scheme::HTTP))
            .authority(authority.clone())
            .path_and_query(target)
            .build()
            .ok()
    }

    fn place(&self, name: &str) -> Option<&Param> {
        let mut params = self.params.iter();
        params
            .find(|(own, _)| **own == *name)
            .map(|(_, place)| place)
    }
}

/// The same address with another path and query.
fn moved(uri: &Uri, target: &str) -> Option<Uri> {
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(target).ok()?);
    Uri::from_parts(parts).ok()
}

/// The first value of a parameter.
fn query_value<'q>(query: &'q str, key: &str) -> Option<Cow<'q, str>> {
    let mut pairs = query
        .split('&')
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    let (_, value) = pairs.find(|(name, _)| *name == key)?;
    Some(decoded(value))
}

/// A name or a value of a query, with `%XX` and `+` undone.
pub(crate) fn decoded(text: &str) -> Cow<'_, str> {
    if text.contains('+') {
        let spaced = text.replace('+', " ");
        return Cow::Owned(percent_decode_str(&spaced).decode_utf8_lossy().into_owned());
    }
    percent_decode_str(text).decode_utf8_lossy()
}

/// The query with that value for a parameter, in its place; at the end where it was not there.
fn with_query_value(query: &str, key: &str, value: &str) -> String {
    let own = format!("{key}={}", encoded(value));
    let is_own = |pair: &str| pair.split_once('=').unwrap_or((pair, "")).0 == key;
    let mut pairs: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty()).collect();
    match pairs.iter().position(|pair| is_own(pair)) {
        Some(at) => {
            if let Some(place) = pairs.get_mut(at) {
                *place = &own;
            }
        }
        None => pairs.push(&own),
    }
    pairs.join("&")
}

fn encoded(value: &str) -> Cow<'_, str> {
    utf8_percent_encode(value, NON_ALPHANUMERIC).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> Uri {
        text.parse().unwrap()
    }

    fn series() -> Pattern {
        Pattern::of("/fred/{kind}".parse().unwrap())
            .param("series", Param::Query("series_id".into()))
            .param("key", Param::Header(HeaderName::from_static("x-api-key")))
    }

    #[test]
    fn a_parameter_is_read_and_written_where_it_stands() {
        let (asked, fields) = (
            uri("http://a:1/fred/obs?x=1&series_id=DGS10&y=2"),
            HeaderMap::new(),
        );
        let pattern = series();
        assert_eq!(pattern.value(&asked, &fields, "series").unwrap(), "DGS10");
        assert_eq!(pattern.value(&asked, &fields, "kind").unwrap(), "obs");
        assert_eq!(pattern.value(&asked, &fields, "key"), None);
        let (other, _) = pattern
            .with_value(&asked, &fields, ("series", "GS 10"))
            .unwrap();
        assert_eq!(other, uri("http://a:1/fred/obs?x=1&series_id=GS%2010&y=2"));
        let (other, _) = pattern
            .with_value(&asked, &fields, ("kind", "csv"))
            .unwrap();
        assert_eq!(other, uri("http://a:1/fred/csv?x=1&series_id=DGS10&y=2"));
        let (same, fields) = pattern.with_value(&asked, &fields, ("key", "k")).unwrap();
        assert_eq!(
            (same, fields.get("x-api-key").unwrap().as_bytes()),
            (asked, &b"k"[..])
        );
    }

    #[test]
    fn a_value_that_was_not_there_comes_at_the_end() {
        let (other, _) = series()
            .with_value(&uri("/fred/obs"), &HeaderMap::new(), ("series", "A"))
            .unwrap();
        assert_eq!(other, uri("/fred/obs?series_id=A"));
        assert!(
            series()
                .with_value(&uri("/other/obs"), &HeaderMap::new(), ("kind", "A"))
                .is_none()
        );
    }

    #[test]
    fn a_request_goes_to_the_first_address_of_its_route() {
        let value = |name: &str| match name {
            "kind" => Some("obs".into()),
            "series" => Some("A&B".into()),
            _ => None,
        };
        let mut fields = HeaderMap::new();
        let here = series()
            .request(&uri("http://b/other"), &mut fields, value)
            .unwrap();
        assert_eq!(here, uri("http://b/fred/obs?series_id=A%26B"));
        let there = series().at(["c:2".parse().unwrap(), "d".parse().unwrap()]);
        let there = there.request(&uri("/other"), &mut fields, value).unwrap();
        assert_eq!(there, uri("http://c:2/fred/obs?series_id=A%26B"));
        let safe = series().at(["c:2".parse().unwrap()]).by(Scheme::HTTPS);
        let safe = safe.request(&uri("http://b/other"), &mut fields, value);
        assert_eq!(safe, Some(uri("https://c:2/fred/obs?series_id=A%26B")));
        assert!(
            series()
                .request(&uri("/x"), &mut fields, |_| None)
                .is_none()
        );
    }
}
