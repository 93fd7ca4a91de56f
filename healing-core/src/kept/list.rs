//! What is kept, for people: listed, and thrown away by a pattern.

use std::{collections::HashMap, fmt, str::FromStr, sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    clock::Clock,
    kept::{
        Kept,
        copy::Copy,
        title::{FarName, Title},
    },
    settings::Treatment,
    vocabulary::route::Route,
};

/// A kept copy as it may be shown.
///
/// ```
/// assert!(healing_core::Healer::builder().build().kept_copies(None).is_empty());
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct CopyRow {
    /// The route that it answers; `None` for one of an earlier process that nobody has asked for yet.
    pub route: Option<Route>,
    /// Path and query, with `REDACTED` for whatever could be a secret.
    pub target: String,
    /// Whether it is for a caller with the same credentials alone.
    pub is_for_one_caller: bool,
    /// Its status.
    pub status: u16,
    /// How old its content is.
    pub age: Duration,
    /// How much longer it is given without asking, in seconds; negative once it is not, `None` where nobody says.
    pub ttl: Option<i64>,
    /// How much longer it may heal; `None` where it may not.
    pub heals_for: Option<Duration>,
    /// What it weighs, in bytes.
    pub bytes: usize,
}

/// Which URLs are meant: a path with or without its query, in which `*` stands for any text.
///
/// What could be a secret in a URL is not kept and cannot be written in a pattern with `*`; a pattern without one may be the
/// whole path and query as callers ask for it.
///
/// ```
/// use healing_core::CopyPattern;
/// assert!("/api/quote/*".parse::<CopyPattern>().is_ok());
/// assert!("quote".parse::<CopyPattern>().is_err());
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct CopyPattern(String);

/// Why a text is no pattern of URLs.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "a pattern begins with `/` or `*` and is at most {MAX_PATTERN} bytes long; give a path such as /api/quote/*, or * for all"
)]
pub struct CopyPatternError;

/// How much was thrown away.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Purged {
    /// How many URLs there were, each as one caller sees it.
    pub urls: usize,
    /// How many copies of them.
    pub copies: usize,
}

const MAX_PATTERN: usize = 2_048;

// === impl CopyPattern ===

impl CopyPattern {
    /// Whether everything is meant.
    pub(crate) fn is_all(&self) -> bool {
        self.0.bytes().all(|byte| byte == b'*')
    }

    fn means(&self, title: &Title, kept: &Kept) -> bool {
        let path = title.shown.split('?').next().unwrap_or_default();
        matches(&self.0, path)
            || matches(&self.0, &title.shown)
            || title.target == kept.target_hash(&self.0)
    }
}

impl FromStr for CopyPattern {
    type Err = CopyPatternError;

    fn from_str(text: &str) -> Result<Self, CopyPatternError> {
        let fits = text.starts_with(['/', '*']) && text.len() <= MAX_PATTERN;
        fits.then(|| Self(text.to_owned())).ok_or(CopyPatternError)
    }
}

impl fmt::Display for CopyPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a text is of that pattern. Between two stars the first place that fits is as good as any.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = text.strip_prefix(parts.next().unwrap_or_default()) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        return rest.is_empty();
    };
    for part in parts {
        match rest.split_once(part) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

// === impl Kept ===

impl Kept {
    /// The copies that a pattern means, all without one.
    pub(crate) fn rows(
        &self,
        pattern: Option<&CopyPattern>,
        treatments: &HashMap<Route, Arc<Treatment>>,
        clock: &Clock,
    ) -> Vec<CopyRow> {
        let now = clock.now();
        let mut rows = Vec::new();
        for (key, memory) in &self.urls {
            let title = memory.title();
            if !self.is_meant(pattern, title) {
                continue;
            }
            let url = title.map_or(*key, |title| title.url);
            let treatment = title.and_then(|title| treatments.get(&title.route));
            let copies = memory.copies().into_iter();
            // One that is for all and came to a caller with credentials stands at two places.
            let own = copies
                .filter(|copy| copy.with_credentials == (url != *key) && !self.is_void(url, copy));
            rows.extend(own.map(|copy| row(&copy, (title, treatment), (now, clock))));
        }
        rows.sort_by(|one, other| (&one.target, one.age).cmp(&(&other.target, other.age)));
        rows
    }

    /// Throws away what a pattern means, for all callers, and returns what others call it.
    pub(crate) fn purge(&self, pattern: &CopyPattern, now: Instant) -> (Purged, Vec<FarName>) {
        let mut purged = Purged::default();
        let mut far = Vec::new();
        let mut meant = Vec::new();
        for (key, memory) in &self.urls {
            let title = memory.title();
            let url = title.map_or(*key, |title| title.url);
            if !self.is_meant(Some(pattern), title) {
                continue;
            }
            let copies = memory.copies();
            let copies = copies.iter().filter(|copy| !self.is_void(url, copy));
            match copies.count() {
                0 => {}
                copies => {
                    purged.urls += 1;
                    purged.copies += copies;
                    meant.push((*key, url, memory));
                }
            }
        }
        // Only now, for what is void for one caller is void for all.
        for (key, url, memory) in meant {
            far.extend(memory.title().map(|title| title.of_all));
            self.invalidate(url, now);
            memory.drop_copies();
            self.urls.insert(key, memory); // it weighs less now
        }
        (purged, far)
    }

    fn is_meant(&self, pattern: Option<&CopyPattern>, title: Option<&Arc<Title>>) -> bool {
        match (pattern, title) {
            (None, _) => true,
            (Some(pattern), None) => pattern.is_all(),
            (Some(pattern), Some(title)) => pattern.means(title, self),
        }
    }
}

fn row(
    copy: &Copy,
    (title, treatment): (Option<&Arc<Title>>, Option<&Arc<Treatment>>),
    (now, clock): (Instant, &Clock),
) -> CopyRow {
    let age = copy.age(now, clock);
    let heal_for = treatment.map_or_else(Duration::default, |treatment| treatment.heal_for);
    CopyRow {
        route: title.map(|title| title.route.clone()),
        target: title.map_or_else(String::new, |title| title.shown.to_string()),
        is_for_one_caller: copy.with_credentials && !copy.terms.is_shared,
        status: copy.status.as_u16(),
        age,
        ttl: copy.terms.lifetime.map(|_| copy.terms.ttl(age)),
        heals_for: copy
            .heals_until(heal_for)
            .map(|until| until.saturating_duration_since(now)),
        bytes: copy.weight,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text_also_none() {
        for (pattern, text, expected) in [
            ("/a/b", "/a/b", true),
            ("/a/b", "/a/bc", false),
            ("/a/*", "/a/", true),
            ("/a/*", "/a/b/c?d=1", true),
            ("/a/*", "/b/a/", false),
            ("*", "", true),
            ("**", "/a", true),
            ("*/c", "/a/b/c", true),
            ("/a*b*a", "/aba", true),
            ("/a*a", "/a", false),
            ("/a*b*c", "/acb", false),
            ("/*?symbol=X*", "/a?symbol=X", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_pattern_makes_it_panic_and_every_text_is_its_own_pattern(pattern: String, text in "[^*]*") {
            let _either = matches(&pattern, &text);
            proptest::prop_assert!(matches(&text, &text) && matches("*", &text));
        }
    }
}
