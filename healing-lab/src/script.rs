//! Faults by script: what goes wrong at which source, when, and for how long.

use std::time::Duration;

use serde_json::Value;

use crate::entry::{self, EntryError};
use crate::fault::Injection;
use crate::source_name::SourceName;

/// A plan of faults. In a file it is a JSON list of entries, or an object with `entries` and `repeat_every`:
///
/// ```
/// let script = healing_lab::Script::parse(
///     r#"{
///         "repeat_every": "20s",
///         "entries": [
///             {"at": "5s", "source": "fred_api", "fault": "down", "for": "10s"},
///             {"at": "6s", "source": "yahoo_finance", "path": "/v8/", "times": 3,
///              "fault": {"kind": "status", "code": 429, "retry_after": 2, "body": "text"}}
///         ]
///     }"#,
/// )?;
/// assert_eq!(script.entries().len(), 2);
/// # Ok::<(), healing_lab::ScriptError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Script {
    entries: Vec<ScriptEntry>,
    repeat_every: Option<Duration>,
}

/// One entry of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptEntry {
    /// Time from the start of the script, or of its round.
    pub at: Duration,
    /// Where.
    pub source: SourceName,
    /// What.
    pub injection: Injection,
}

/// Why a text is no script.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScriptError {
    /// The text is not JSON.
    #[error("the script is not JSON: {0}")]
    NotJson(String),
    /// Neither a list nor an object with a list in it.
    #[error(
        "the script is {0}; a list of entries is needed, or an object with `entries` and `repeat_every`"
    )]
    NoEntries(&'static str),
    /// A key of the object that no script has.
    #[error("the script has the key `{0}`; allowed are `entries` and `repeat_every`")]
    UnknownKey(String),
    /// The value of `repeat_every`.
    #[error("`repeat_every` is {0}; it takes a time over zero, for example \"60s\"")]
    RepeatEvery(String),
    /// An entry of the list, counted from 1.
    #[error("entry {number}: {error}")]
    Entry {
        /// Place in the list, from 1.
        number: usize,
        /// What is wrong with it.
        #[source]
        error: EntryError,
    },
}

impl Script {
    /// A script without entries.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            entries: Vec::new(),
            repeat_every: None,
        }
    }

    /// Reads a script from JSON.
    ///
    /// # Errors
    ///
    /// [`ScriptError`] names the entry, the key, the value and what is allowed.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let value =
            serde_json::from_str(text).map_err(|error| ScriptError::NotJson(error.to_string()))?;
        let (list, repeat_every) = match value {
            Value::Array(list) => (list, None),
            Value::Object(object) => {
                if let Some(key) = object
                    .keys()
                    .find(|key| !["entries", "repeat_every"].contains(&key.as_str()))
                {
                    return Err(ScriptError::UnknownKey(key.clone()));
                }
                let repeat_every = object.get("repeat_every").map(repeat).transpose()?;
                let list = object.get("entries").and_then(Value::as_array).cloned();
                (
                    list.ok_or(ScriptError::NoEntries(
                        "an object without the list `entries`",
                    ))?,
                    repeat_every,
                )
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                return Err(ScriptError::NoEntries("a single value"));
            }
        };
        let read = |(index, value)| {
            entry::read_timed(value).map_err(|error| ScriptError::Entry {
                number: index + 1,
                error,
            })
        };
        let entries = list
            .iter()
            .enumerate()
            .map(read)
            .collect::<Result<_, _>>()?;
        Ok(Self {
            entries,
            repeat_every,
        })
    }

    /// Adds an entry.
    #[must_use]
    pub fn at(mut self, at: Duration, source: SourceName, injection: impl Into<Injection>) -> Self {
        self.entries.push(ScriptEntry {
            at,
            source,
            injection: injection.into(),
        });
        self
    }

    /// Starts again each time this long has passed.
    #[must_use]
    pub const fn repeat_every(mut self, every: Duration) -> Self {
        self.repeat_every = Some(every);
        self
    }

    /// The entries in the order of the file.
    #[must_use]
    pub fn entries(&self) -> &[ScriptEntry] {
        &self.entries
    }

    /// How long a round takes; `None` is one round only.
    #[must_use]
    pub const fn round(&self) -> Option<Duration> {
        self.repeat_every
    }
}

fn repeat(value: &Value) -> Result<Duration, ScriptError> {
    entry::duration(value)
        .filter(|time| !time.is_zero())
        .ok_or_else(|| ScriptError::RepeatEvery(value.to_string()))
}

#[cfg(test)]
mod tests {
    use super::{Script, ScriptEntry};
    use crate::fault::{ErrorBody, Fault, Injection, RetryAfter};
    use crate::source_name::SourceName;
    use std::time::Duration;

    #[test]
    fn a_plain_list_is_a_script_of_one_round() {
        let script =
            Script::parse(r#"[{"at": "5s", "source": "fred_api", "fault": "down", "for": "10s"}]"#)
                .unwrap();
        let entry = ScriptEntry {
            at: Duration::from_secs(5),
            source: SourceName::FredApi,
            injection: Injection::new(Fault::Down).lasting(Duration::from_secs(10)),
        };
        assert_eq!(
            (script.entries(), script.round()),
            ([entry].as_slice(), None)
        );
    }

    #[test]
    fn a_file_and_the_builder_make_the_same_script() {
        let text = r#"{"repeat_every": "1m", "entries": [{"at": 500, "source": "api", "path": "/api/fred", "every": 2,
            "fault": {"kind": "status", "code": 503, "retry_after": 30, "body": "html"}}]}"#;
        let fault = Fault::Status {
            code: 503,
            retry_after: Some(RetryAfter::Seconds(30)),
            body: ErrorBody::Html,
        };
        let built = Script::new()
            .at(
                Duration::from_millis(500),
                SourceName::Api,
                Injection::new(fault).on_path("/api/fred").every(2),
            )
            .repeat_every(Duration::from_mins(1));
        assert_eq!(Script::parse(text), Ok(built));
    }

    #[track_caller]
    fn check_error(text: &str, parts: &[&str]) {
        let error = Script::parse(text).unwrap_err().to_string();
        for part in parts {
            assert!(error.contains(part), "{part:?} is not in {error:?}");
        }
    }

    #[test]
    fn errors_name_the_entry_the_key_the_value_and_the_way_out() {
        check_error("{", &["not JSON"]);
        check_error("7", &["a list of entries is needed"]);
        check_error(r#"{"steps": []}"#, &["`steps`", "`entries`"]);
        check_error(
            r#"{"entries": [], "repeat_every": 0}"#,
            &["`repeat_every`", "60s"],
        );
        check_error(
            r#"[{"source": "api", "fault": "down"}]"#,
            &["entry 1", "`at`", "missing"],
        );
        let second = r#"[{"at": "1s", "source": "api", "fault": "down"}, {"at": "1s", "source": "FRED", "fault": "x"}]"#;
        check_error(second, &["entry 2", "`source`", "FRED", "fred_api"]);
        check_error(
            r#"[{"at": "1s", "source": "api", "fault": "explode"}]"#,
            &["`fault`", "explode", "hang_head"],
        );
        check_error(
            r#"[{"at": "1s", "source": "api", "fault": "down", "form": 1}]"#,
            &["`form`", "`for`"],
        );
    }
}
