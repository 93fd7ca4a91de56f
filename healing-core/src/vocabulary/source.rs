//! Who provides the data.

use std::{fmt, sync::Arc};

/// A provider of data, named by a slug: `yahoo_finance`, `fred_api`, or the first telling segment of a path.
///
/// A slug is 1 to 64 characters of `a-z`, `0-9`, `_` and `-`, and starts with a letter or digit, so that it is safe as a
/// metric label, in a CSS selector and in a structured field (RFC 9651 token).
///
/// ```
/// use healing_core::Source;
/// assert_eq!(Source::new("fred_api")?.as_str(), "fred_api");
/// assert!(Source::new("FRED API").is_err());
/// # Ok::<(), healing_core::SourceError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Source(Arc<str>);

/// A text that is no slug of a source.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "source {0:?} is not a slug: 1 to 64 of a-z, 0-9, '_' and '-', starting with a letter or digit"
)]
pub struct SourceError(String);

// === impl Source ===

impl Source {
    /// The longest slug, in bytes.
    pub const MAX_LEN: usize = 64;

    /// Takes a slug as it is.
    ///
    /// # Errors
    /// When the text is not a slug; the error shows the text and the rule.
    pub fn new(slug: &str) -> Result<Self, SourceError> {
        let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
        let starts_well = slug
            .bytes()
            .next()
            .is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if starts_well && slug.len() <= Self::MAX_LEN && slug.bytes().all(inside) {
            Ok(Self(slug.into()))
        } else {
            Err(SourceError(slug.to_owned()))
        }
    }

    /// Makes a slug of any text: lower case, everything else becomes `_`; `root` where nothing is left.
    #[must_use]
    pub fn slug_of(text: &str) -> Self {
        let slug: String = text
            .bytes()
            .map(|b| b.to_ascii_lowercase())
            .map(|b| {
                if b.is_ascii_alphanumeric() || b == b'-' {
                    char::from(b)
                } else {
                    '_'
                }
            })
            .skip_while(|c| !c.is_ascii_alphanumeric())
            .take(Self::MAX_LEN)
            .collect();
        if slug.is_empty() {
            Self("root".into())
        } else {
            Self(slug.into())
        }
    }

    /// The slug.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_a_slug() {
        for (text, slug) in [
            ("Yahoo Finance", "yahoo_finance"),
            ("", "root"),
            ("__x", "x"),
            ("é", "root"),
        ] {
            assert_eq!(Source::slug_of(text).as_str(), slug);
        }
        assert!(Source::new(Source::slug_of(&"A".repeat(300)).as_str()).is_ok());
    }
}
