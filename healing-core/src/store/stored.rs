//! An error event as it is kept: the one form for the stores, the spill file, the JSON API and `explain`.
//!
//! It is an [`ErrorEvent`] with owned words and plain numbers, since what comes back from a file may name a strategy or a
//! detail that this program no longer knows. Field names are the columns of `error_events`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::vocabulary::observation::ErrorEvent;

/// One row of `error_events`. Times are in seconds, moments in UTC to the microsecond.
///
/// ```
/// use std::time::Duration;
/// use healing_core::{ErrorEvent, FaultClass, Route, Source, StoredEvent};
/// let event = ErrorEvent {
///     id: uuid::Uuid::from_u128(7),
///     time: jiff::Timestamp::UNIX_EPOCH,
///     route: Route::new(Source::new("fred_api")?, "/api/fred/series/{id}"),
///     class: FaultClass::Timeout,
///     detail: "timeout_headers".into(),
///     status: None,
///     response_time: Duration::from_secs(10),
///     params: serde_json::json!({}),
///     retries: 1,
///     healed_by: None,
///     fidelity: None,
///     age: None,
///     took: Duration::from_millis(10_500),
///     instead: None,
/// };
/// let stored = StoredEvent::from(&event);
/// assert_eq!((stored.error_type.as_str(), stored.took), ("timeout", 10.5));
/// # Ok::<(), healing_core::SourceError>(())
/// ```
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct StoredEvent {
    /// The request's id.
    pub id: Uuid,
    /// When the answer was given.
    #[serde(with = "rfc3339")]
    pub timestamp: Timestamp,
    /// Whose endpoint it was.
    pub source: String,
    /// The route's template.
    pub endpoint: String,
    /// The fault class.
    pub error_type: String,
    /// The finer word under the class.
    pub detail: String,
    /// One line for people.
    pub error_message: String,
    /// How long the primary attempt took, in seconds; zero when it was not made.
    pub response_time: f64,
    /// The status that came, where one came.
    pub http_status_code: Option<u16>,
    /// The masked query parameters.
    pub request_params: Value,
    /// Upstream calls beyond the first.
    pub retry_count: u32,
    /// Whether the caller got a permitted answer all the same.
    pub fixed_automatically: bool,
    /// The strategy that healed it.
    pub fix_method: Option<String>,
    /// The fidelity that was given.
    pub fidelity: Option<String>,
    /// What was given where it is not what was asked: `monthly average at /fred/series/observations?series_id=GS10`.
    #[serde(default)]
    pub given_instead: Option<String>,
    /// The age of the copy that was given, in seconds.
    pub age: Option<f64>,
    /// From the request's arrival to its answer, in seconds.
    pub took: f64,
}

impl From<&ErrorEvent> for StoredEvent {
    fn from(event: &ErrorEvent) -> Self {
        Self {
            id: event.id,
            timestamp: to_the_microsecond(event.time),
            source: event.route.source().as_str().to_owned(),
            endpoint: event.route.template().to_owned(),
            error_type: event.class.as_str().to_owned(),
            detail: event.detail.to_string(),
            error_message: event.message(),
            response_time: event.response_time.as_secs_f64(),
            http_status_code: event.status,
            request_params: event.params.clone(),
            retry_count: event.retries,
            fixed_automatically: event.healed(),
            fix_method: event.healed_by.map(|strategy| strategy.as_str().to_owned()),
            fidelity: event.fidelity.map(|fidelity| fidelity.as_str().to_owned()),
            given_instead: event.instead.as_ref().map(ToString::to_string),
            age: event.age.map(|age| age.as_secs_f64()),
            took: event.took.as_secs_f64(),
        }
    }
}

/// Databases keep microseconds; a finer moment would come back as another one.
fn to_the_microsecond(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

/// A moment as text of RFC 3339.
pub(super) mod rfc3339 {
    use jiff::Timestamp;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(crate) fn serialize<S: Serializer>(
        moment: &Timestamp,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(moment)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}
