//! A path with named parameters in it.

use std::{borrow::Cow, fmt, iter, str::FromStr, sync::Arc};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// What stands in a segment of a path as it is (RFC 3986, section 3.3: unreserved and the harmless rest of `pchar`).
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b':')
    .remove(b'@')
    .remove(b',')
    .remove(b'=');

/// A path with parameters: `/v8/finance/chart/{symbol}`, `/reports/{*rest}`, `/query?function=GLOBAL_QUOTE`.
///
/// `{name}` is one whole segment, `{*name}` all that is left; a name is of `a-z`, `0-9` and `_`. Pairs behind `?` must stand in
/// the query as they are.
///
/// ```
/// use healing_core::Template;
/// let template: Template = "/api/fred/series/{series}".parse()?;
/// assert_eq!(template.value("/api/fred/series/DGS10", "series").as_deref(), Some("DGS10"));
/// assert_eq!(template.fill(|_| Some("GS10".into())).as_deref(), Some("/api/fred/series/GS10"));
/// # Ok::<(), healing_core::TemplateError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Template {
    text: Arc<str>,
    segments: Arc<[Segment]>,
    query: Arc<[(Box<str>, Box<str>)]>,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Segment {
    Word(Box<str>),
    Param(Box<str>),
    Rest(Box<str>),
}

/// A text that is no template.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TemplateError {
    /// It does not begin with a slash.
    #[error("the template {0:?} does not begin with '/'")]
    NotAPath(String),
    /// A brace where none may stand, or a name with other characters.
    #[error(
        "in the template {template:?}, {segment:?} is no segment: a word, {{name}} or, at the end, {{*name}}, with a name of a-z, 0-9 and '_'"
    )]
    Segment {
        /// The template.
        template: String,
        /// The segment.
        segment: String,
    },
    /// Two parameters of one name.
    #[error("the template {template:?} has the parameter {name:?} twice")]
    Twice {
        /// The template.
        template: String,
        /// The name.
        name: String,
    },
    /// A part of the query that is no pair.
    #[error("in the template {template:?}, {pair:?} is no pair: write name=value")]
    Pair {
        /// The template.
        template: String,
        /// What stands there.
        pair: String,
    },
}

// === impl Template ===

impl Template {
    /// The text that it was made from.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The path alone, without the pairs of the query.
    #[must_use]
    pub fn path(&self) -> &str {
        self.text
            .split_once('?')
            .map_or(&*self.text, |(path, _)| path)
    }

    /// The names of its parameters, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().filter_map(|segment| match segment {
            Segment::Word(_) => None,
            Segment::Param(name) | Segment::Rest(name) => Some(&**name),
        })
    }

    /// The pairs that must stand in the query.
    pub fn query(&self) -> impl Iterator<Item = (&str, &str)> {
        self.query.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Whether a query has the pairs that must stand in it.
    #[must_use]
    pub fn takes_query(&self, query: Option<&str>) -> bool {
        let has = |(name, value): (&str, &str)| {
            let mut pairs = query.unwrap_or_default().split('&');
            pairs.any(|pair| pair.split_once('=') == Some((name, value)))
        };
        self.query().all(has)
    }

    /// What stands for a parameter in a path that fits, with `%XX` undone.
    #[must_use]
    pub fn value<'p>(&self, path: &'p str, name: &str) -> Option<Cow<'p, str>> {
        let mut rest = path.strip_prefix('/')?;
        for segment in self.segments.iter() {
            let (head, tail) = rest.split_once('/').unwrap_or((rest, ""));
            match segment {
                Segment::Rest(own) => return (**own == *name).then(|| decoded(rest)),
                Segment::Param(own) if **own == *name => {
                    return (!head.is_empty()).then(|| decoded(head));
                }
                Segment::Word(word) if **word != *head => return None,
                Segment::Word(_) | Segment::Param(_) => rest = tail,
            }
        }
        None
    }

    /// The path with these values in it, and the pairs of the query. `None` where a value is missing or empty.
    #[must_use]
    pub fn fill<'v>(&self, value: impl Fn(&str) -> Option<Cow<'v, str>>) -> Option<String> {
        let mut path = String::with_capacity(self.text.len() + 16);
        for segment in self.segments.iter() {
            path.push('/');
            match segment {
                Segment::Word(word) => path.push_str(word),
                Segment::Param(name) => {
                    let value = value(name).filter(|value| !value.is_empty())?;
                    path.extend(utf8_percent_encode(&value, SEGMENT));
                }
                Segment::Rest(name) => {
                    let value = value(name).filter(|value| !value.is_empty())?;
                    path.extend(encoded_rest(&value));
                }
            }
        }
        let marks = iter::once('?').chain(iter::repeat('&'));
        for (mark, (name, value)) in marks.zip(self.query()) {
            path.push(mark);
            path.extend([name, "=", value]);
        }
        Some(path)
    }
}

fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

/// Several segments, each encoded.
fn encoded_rest(value: &str) -> impl Iterator<Item = String> {
    value.split('/').enumerate().map(|(n, segment)| {
        let slash = if n == 0 { "" } else { "/" };
        format!("{slash}{}", utf8_percent_encode(segment, SEGMENT))
    })
}

impl FromStr for Template {
    type Err = TemplateError;

    fn from_str(text: &str) -> Result<Self, TemplateError> {
        let (path, query) = text.split_once('?').unwrap_or((text, ""));
        let Some(inside) = path.strip_prefix('/') else {
            return Err(TemplateError::NotAPath(text.to_owned()));
        };
        let parts: Vec<&str> = inside.split('/').collect();
        let mut segments: Vec<Segment> = Vec::with_capacity(parts.len());
        for (n, part) in parts.iter().enumerate() {
            let segment = segment_of(part)
                .filter(|segment| !matches!(segment, Segment::Rest(_)) || n + 1 == parts.len());
            segments.push(segment.ok_or_else(|| TemplateError::Segment {
                template: text.to_owned(),
                segment: (*part).to_owned(),
            })?);
        }
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let query = pairs.map(|pair| match pair.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok((name.into(), value.into())),
            _ => Err(TemplateError::Pair {
                template: text.to_owned(),
                pair: pair.to_owned(),
            }),
        });
        let template = Self {
            text: text.into(),
            segments: segments.into(),
            query: query.collect::<Result<Vec<_>, _>>()?.into(),
        };
        template.without_twins()
    }
}

impl Template {
    fn without_twins(self) -> Result<Self, TemplateError> {
        let mut names: Vec<&str> = self.names().collect();
        names.sort_unstable();
        let twin = names
            .windows(2)
            .find_map(|pair| pair.first().filter(|first| pair.last() == Some(first)));
        match twin {
            Some(name) => Err(TemplateError::Twice {
                template: self.text.to_string(),
                name: (*name).to_owned(),
            }),
            None => Ok(self),
        }
    }
}

fn segment_of(part: &str) -> Option<Segment> {
    let Some(inside) = part
        .strip_prefix('{')
        .and_then(|part| part.strip_suffix('}'))
    else {
        let is_word = !part.contains(['{', '}', '#']);
        return is_word.then(|| Segment::Word(part.into()));
    };
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
    };
    match inside.strip_prefix('*') {
        Some(rest) => is_name(rest).then(|| Segment::Rest(rest.into())),
        None => is_name(inside).then(|| Segment::Param(inside.into())),
    }
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> Template {
        text.parse().unwrap()
    }

    #[test]
    fn a_value_is_read_where_its_name_stands() {
        let chart = template("/v8/{kind}/chart/{symbol}");
        assert_eq!(
            chart.value("/v8/finance/chart/%5EGSPC", "symbol").unwrap(),
            "^GSPC"
        );
        assert_eq!(
            chart.value("/v8/finance/chart/A", "kind").unwrap(),
            "finance"
        );
        assert_eq!(chart.value("/v9/finance/chart/A", "kind"), None);
        assert_eq!(chart.value("/v8/finance/chart/", "symbol"), None);
        assert_eq!(chart.value("/v8/finance/chart/A", "other"), None);
        let rest = template("/reports/{*rest}");
        assert_eq!(rest.value("/reports/a/b%20c", "rest").unwrap(), "a/b c");
    }

    #[test]
    fn filling_encodes_what_would_end_a_segment() {
        let filled = template("/q/{symbol}?a=1&b=2").fill(|_| Some("BRK/B?x".into()));
        assert_eq!(filled.as_deref(), Some("/q/BRK%2FB%3Fx?a=1&b=2"));
        assert_eq!(
            template("/r/{*rest}")
                .fill(|_| Some("a/b c".into()))
                .as_deref(),
            Some("/r/a/b%20c")
        );
        assert_eq!(template("/q/{symbol}").fill(|_| None), None);
        assert_eq!(template("/q/{symbol}").fill(|_| Some("".into())), None);
        assert_eq!(template("/").fill(|_| None).as_deref(), Some("/"));
    }

    #[test]
    fn pairs_of_the_query_must_be_there() {
        let quote = template("/query?function=GLOBAL_QUOTE");
        assert!(quote.takes_query(Some("symbol=IBM&function=GLOBAL_QUOTE")));
        assert!(!quote.takes_query(Some("function=OVERVIEW")));
        assert!(!quote.takes_query(None));
        assert!(template("/query").takes_query(None));
    }

    #[test]
    fn what_is_no_template_is_named() {
        for (text, says) in [
            ("api/x", "does not begin with '/'"),
            ("", "does not begin with '/'"),
            ("/a/{B}", "\"{B}\" is no segment"),
            ("/a/{}", "\"{}\" is no segment"),
            ("/a/x{b}", "\"x{b}\" is no segment"),
            ("/a/{*rest}/b", "\"{*rest}\" is no segment"),
            ("/{a}/{a}", "parameter \"a\" twice"),
            ("/a?b", "\"b\" is no pair"),
        ] {
            let error = text.parse::<Template>().unwrap_err().to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
