//! For which questions another answer is one: those that ask for nothing more than it has.
//!
//! Another route often knows the plain form of a question alone. A parameter that it does not know (`units=pc1`) would be left
//! out without a word, and the answer would be one to another question. So what the query may hold is listed, and a request
//! with anything else in it is not asked there.

use std::borrow::Cow;

use http::Uri;

use crate::vocabulary::pattern::decoded;

/// What the query of a request may hold: parameters by name, each with the values that it may have.
///
/// ```
/// use healing_core::Only;
/// let plain = Only::default().any("series_id").one_of("units", &["", "lin"]).one_of("file_type", &["json"]);
/// let fits = |target: &str| plain.fits(&target.parse().unwrap());
/// assert!(fits("/fred/series/observations?series_id=GDP&file_type=json"));
/// assert!(!fits("/fred/series/observations?series_id=GDP&file_type=json&units=pc1"));
/// assert!(!fits("/fred/series/observations?series_id=GDP&file_type=json&frequency=a"));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Only {
    /// No values: any.
    params: Vec<(Box<str>, Vec<Box<str>>)>,
}

// === impl Only ===

impl Only {
    /// The same, where that parameter may be there with any value.
    #[must_use]
    pub fn any(self, parameter: &str) -> Self {
        self.one_of(parameter, &[])
    }

    /// The same, where that parameter has one of these values; it may be absent where an empty text is among them.
    #[must_use]
    pub fn one_of(mut self, parameter: &str, values: &[&str]) -> Self {
        self.params.retain(|(own, _)| **own != *parameter);
        let values = values.iter().map(|value| Box::from(*value)).collect();
        self.params.push((parameter.into(), values));
        self
    }

    /// What asks FRED's `/fred/series/observations` for a series as it is published, as JSON, from its first row on, from and to
    /// a day, in one order; which series is still to be said. What asks for other units, spans, or the values of another day
    /// does not fit.
    #[must_use]
    pub fn fred_observations() -> Self {
        let any = ["api_key", "limit", "observation_end", "observation_start"];
        let only = any.into_iter().fold(Self::default(), Self::any);
        only.one_of("file_type", &["json"])
            .one_of("offset", &["", "0"])
            .one_of("output_type", &["", "1"])
            .one_of("sort_order", &["", "asc", "desc"])
            .one_of("units", &["", "lin"])
    }

    /// Whether the query of that target holds nothing else. A parameter that stands there twice may mean the one or the other,
    /// so it does not fit.
    #[must_use]
    pub fn fits(&self, target: &Uri) -> bool {
        let pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = pairs(target).collect();
        let given = |name: &str| {
            let mut own = pairs.iter().filter(move |(own, _)| *own == *name);
            (own.next().map_or("", |(_, value)| value), own.next())
        };
        let is_listed = |name: &str| self.params.iter().any(|(own, _)| **own == *name);
        pairs.iter().all(|(name, _)| is_listed(name))
            && self.params.iter().all(|(name, values)| {
                let (value, second) = given(name);
                let fits = values.is_empty() || values.iter().any(|own| **own == *value);
                fits && second.is_none()
            })
    }

    /// The names of what is listed.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.params.iter().map(|(name, _)| &**name)
    }

    /// What the query says for a parameter that is listed.
    pub(crate) fn value<'u>(&self, target: &'u Uri, name: &str) -> Option<Cow<'u, str>> {
        self.names().find(|own| *own == name)?;
        let mut pairs = pairs(target);
        pairs.find(|(own, _)| own == name).map(|(_, value)| value)
    }
}

/// The parameters of a query, without what is empty.
fn pairs(target: &Uri) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    let pairs = target.query().unwrap_or_default().split('&');
    let pairs = pairs.filter(|pair| !pair.is_empty());
    pairs.map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(name), decoded(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_listed_or_has_another_value_or_stands_there_twice_does_not_fit() {
        let only = Only::default()
            .any("limit")
            .one_of("units", &["", "lin"])
            .one_of("file_type", &["json"]);
        for (query, fits) in [
            ("file_type=json", true),
            ("file_type=json&limit=3&units=lin", true),
            ("file_type=json&units=", true),
            ("&file_type=json&", true),
            ("%66ile_type=js%6Fn", true),
            ("", false),
            ("limit=3", false),
            ("file_type=xml", false),
            ("file_type=json&units=pc1", false),
            ("file_type=json&un%69ts=pc1", false),
            ("file_type=json&units=lin&units=pc1", false),
            ("file_type=json&limit=3&limit=4", false),
            ("file_type=json&vintage_dates=2020-01-01", false),
        ] {
            let target: Uri = format!("/obs?{query}").parse().unwrap();
            assert_eq!(only.fits(&target), fits, "{query}");
        }
    }

    #[test]
    fn only_what_is_listed_has_a_value() {
        let only = Only::default().any("limit");
        let target: Uri = "/obs?limit=1%30&key=k".parse().unwrap();
        assert_eq!(only.value(&target, "limit").as_deref(), Some("10"));
        assert_eq!(only.value(&target, "key"), None);
        assert_eq!(only.value(&"/obs".parse().unwrap(), "limit"), None);
    }
}
