//! What is asked, as a kind of question.

use std::{fmt, sync::Arc};

use crate::vocabulary::source::Source;

/// A path template tied to a source. Metrics, events and learning use it, never the raw path.
///
/// Clones are cheap: both parts are shared.
///
/// ```
/// use healing_core::{Route, Source};
/// let route = Route::new(Source::new("fred_api")?, "/api/fred/series/{id}");
/// assert_eq!(route.to_string(), "/api/fred/series/{id}");
/// # Ok::<(), healing_core::SourceError>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Route {
    source: Source,
    template: Arc<str>,
}

// === impl Route ===

impl Route {
    /// A route of that source.
    #[must_use]
    pub fn new(source: Source, template: &str) -> Self {
        Self {
            source,
            template: template.into(),
        }
    }

    /// Whose it is.
    #[must_use]
    pub const fn source(&self) -> &Source {
        &self.source
    }

    /// The template.
    #[must_use]
    pub fn template(&self) -> &str {
        &self.template
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.template)
    }
}
