//! One fault as JSON, the same form in a script and at the control endpoint.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::fault::{ErrorBody, Fault, Garble, Injection, RetryAfter};
use crate::forms;
use crate::script::ScriptEntry;
use crate::source_name::SourceName;

const KEYS: [&str; 7] = ["at", "source", "fault", "for", "path", "times", "every"];
const BODIES: [(&str, ErrorBody); 4] = [
    ("empty", ErrorBody::Empty),
    ("html", ErrorBody::Html),
    ("json", ErrorBody::Json),
    ("text", ErrorBody::Text),
];

/// What is wrong with an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// The entry is something else than a JSON object.
    #[error(
        "{0} is not an object such as {{\"source\": \"fred_api\", \"fault\": \"down\", \"for\": \"10s\"}}"
    )]
    NotAnObject(String),
    /// A key that is needed.
    #[error("`{key}` is missing; it takes {takes}")]
    Missing {
        /// The key.
        key: &'static str,
        /// What it takes.
        takes: String,
    },
    /// A key that no entry has.
    #[error("`{key}` is not a key; allowed are {allowed}")]
    UnknownKey {
        /// The key.
        key: String,
        /// The keys there are.
        allowed: String,
    },
    /// A value that does not fit its key.
    #[error("`{key}` is {value}; it takes {takes}")]
    Value {
        /// The key.
        key: &'static str,
        /// The value as JSON.
        value: String,
        /// What it takes.
        takes: String,
    },
    /// A fault of a source's clock at the built-in API, which has none.
    #[error(
        "the api has no clock, so `{fault}` does nothing there; inject it at a source behind it"
    )]
    NoClock {
        /// Name of the fault.
        fault: &'static str,
    },
    /// A key that this fault cannot use.
    #[error("`{key}` does not go with the fault `{fault}`; leave it out")]
    Unfit {
        /// The key.
        key: &'static str,
        /// Name of the fault.
        fault: &'static str,
    },
}

/// Reads an entry of a script.
pub(crate) fn read_timed(value: &Value) -> Result<ScriptEntry, EntryError> {
    let takes = "a time such as \"5s\"";
    let object = object(value)?;
    let at = object.get("at").ok_or_else(|| missing("at", takes))?;
    let at = duration(at).ok_or_else(|| wrong("at", at, takes))?;
    let (source, injection) = read_object(object)?;
    Ok(ScriptEntry {
        at,
        source,
        injection,
    })
}

/// Reads the body of `POST /inject`: an entry without `at`.
pub(crate) fn read(value: &Value) -> Result<(SourceName, Injection), EntryError> {
    let object = object(value)?;
    match object.get("at") {
        Some(at) => Err(wrong("at", at, "no value here: the fault starts now")),
        None => read_object(object),
    }
}

/// A time: a number of milliseconds, or a text with a unit (`250ms`, `5s`, `2m`, `1h`, `7d`).
pub(crate) fn duration(value: &Value) -> Option<Duration> {
    if let Some(millis) = value.as_u64() {
        return Some(Duration::from_millis(millis));
    }
    let text = value.as_str()?;
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let millis = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(millis).map(Duration::from_millis)
}

fn object(value: &Value) -> Result<&Map<String, Value>, EntryError> {
    value
        .as_object()
        .ok_or_else(|| EntryError::NotAnObject(value.to_string()))
}

fn read_object(object: &Map<String, Value>) -> Result<(SourceName, Injection), EntryError> {
    only(object, &KEYS)?;
    let slugs = list(SourceName::ALL.map(SourceName::slug));
    let source = object
        .get("source")
        .ok_or_else(|| missing("source", &slugs))?;
    let source = source
        .as_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| wrong("source", source, &slugs))?;
    let names = list(Fault::NAMES);
    let fault = object
        .get("fault")
        .ok_or_else(|| missing("fault", &names))?;
    let fault = read_fault(fault, source)?;
    let injection = Injection {
        path_prefix: path(object)?,
        times: count(object, "times")?,
        for_time: object
            .get("for")
            .map(|value| {
                duration(value).ok_or_else(|| wrong("for", value, "a time such as \"10s\""))
            })
            .transpose()?,
        every: count(object, "every")?,
        fault,
    };
    if source == SourceName::Api && matches!(injection.fault, Fault::Freeze | Fault::Lag(_)) {
        return Err(EntryError::NoClock {
            fault: injection.fault.name(),
        });
    }
    if injection.fault == Fault::Down {
        let unfit = ["path", "times", "every"]
            .into_iter()
            .find(|key| object.contains_key(*key));
        if let Some(key) = unfit {
            return Err(EntryError::Unfit { key, fault: "down" });
        }
    }
    Ok((source, injection))
}

fn path(object: &Map<String, Value>) -> Result<Option<String>, EntryError> {
    let read = |value: &Value| match value.as_str() {
        Some(text) if text.starts_with('/') => Ok(text.to_owned()),
        _ => Err(wrong("path", value, "the start of a path such as \"/v8/\"")),
    };
    object.get("path").map(read).transpose()
}

fn count(object: &Map<String, Value>, key: &'static str) -> Result<Option<u32>, EntryError> {
    let read = |value: &Value| {
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        number
            .filter(|number| *number > 0)
            .ok_or_else(|| wrong(key, value, "a whole number from 1"))
    };
    object.get(key).map(read).transpose()
}

fn read_fault(value: &Value, source: SourceName) -> Result<Fault, EntryError> {
    let empty = Map::new();
    let (kind, fields) = match value {
        Value::String(kind) => (kind.as_str(), &empty),
        Value::Object(fields) => (
            fields
                .get("kind")
                .and_then(Value::as_str)
                .unwrap_or_default(),
            fields,
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => ("", &empty),
    };
    let fields = Fields(fields);
    match kind {
        "status" => read_status(&fields),
        "form" => read_form(&fields, source),
        "garble" => read_garble(&fields),
        "delay" => Ok(Fault::Delay(fields.time("by")?)),
        "drip" => Ok(Fault::Drip(fields.time("pause")?)),
        "lag" => Ok(Fault::Lag(fields.time("by")?)),
        "gzip_bomb" => Ok(Fault::GzipBomb(fields.size()?)),
        "flood" => Ok(Fault::Flood(fields.size()?)),
        "wide_head" => Ok(Fault::WideHead(
            usize::try_from(fields.size()?).unwrap_or(usize::MAX),
        )),
        "revoke_key" => Ok(Fault::RevokeKey { key: fields.key()? }),
        "quota_spent" => Ok(Fault::QuotaSpent { key: fields.key()? }),
        _ => {
            let fault = plain(kind).ok_or_else(|| wrong("fault", value, &list(Fault::NAMES)))?;
            fields.only(&[])?;
            Ok(fault)
        }
    }
}

/// Faults without parameters.
fn plain(kind: &str) -> Option<Fault> {
    let plain = [
        Fault::Note,
        Fault::ErrorObject,
        Fault::EmptyBody,
        Fault::EmptyObject,
        Fault::HtmlInstead,
        Fault::HangHead,
        Fault::HangBody,
        Fault::CutBody,
        Fault::CutChunked,
        Fault::Reset,
        Fault::ResetBody,
        Fault::CloseAfter,
        Fault::TwoLengths,
        Fault::Surplus,
        Fault::BrokenGzip,
        Fault::WrongType,
        Fault::Freeze,
        Fault::Down,
    ];
    plain.into_iter().find(|fault| fault.name() == kind)
}

fn read_status(fields: &Fields<'_>) -> Result<Fault, EntryError> {
    fields.only(&["code", "retry_after", "retry_after_date", "body"])?;
    let takes = "a status from 100 to 999";
    let code = fields.need("code", takes)?;
    let status = code
        .as_u64()
        .and_then(|code| u16::try_from(code).ok())
        .filter(|code| (100..=999).contains(code));
    let seconds = fields.0.get("retry_after").map(|value| {
        value
            .as_u64()
            .map(RetryAfter::Seconds)
            .ok_or_else(|| wrong("retry_after", value, "seconds as a whole number"))
    });
    let date = fields.0.get("retry_after_date").map(|value| {
        let takes = "seconds from now, negative for the past";
        value
            .as_i64()
            .map(RetryAfter::Date)
            .ok_or_else(|| wrong("retry_after_date", value, takes))
    });
    let body = match fields.0.get("body") {
        None => ErrorBody::default(),
        Some(value) => {
            let found = BODIES
                .iter()
                .find(|(name, _)| value == name)
                .map(|(_, body)| *body);
            found.ok_or_else(|| wrong("body", value, &list(BODIES.map(|(name, _)| name))))?
        }
    };
    Ok(Fault::Status {
        code: status.ok_or_else(|| wrong("code", code, takes))?,
        retry_after: seconds.or(date).transpose()?,
        body,
    })
}

fn read_form(fields: &Fields<'_>, source: SourceName) -> Result<Fault, EntryError> {
    fields.only(&["name"])?;
    let names = list(forms(source).iter().map(|form| form.name));
    let name = fields.need("name", &names)?;
    let found = name
        .as_str()
        .filter(|name| forms::find(source, name).is_some());
    found
        .map(Fault::form)
        .ok_or_else(|| wrong("name", name, &names))
}

fn read_garble(fields: &Fields<'_>) -> Result<Fault, EntryError> {
    fields.only(&["how"])?;
    let names = list(Garble::ALL.map(Garble::name));
    let how = fields.need("how", &names)?;
    let found = Garble::ALL.into_iter().find(|garble| how == garble.name());
    found
        .map(Fault::Garble)
        .ok_or_else(|| wrong("how", how, &names))
}

/// The parameters of a fault.
struct Fields<'a>(&'a Map<String, Value>);

impl Fields<'_> {
    fn only(&self, keys: &[&str]) -> Result<(), EntryError> {
        only(self.0, &[keys, &["kind"]].concat())
    }

    fn need(&self, key: &'static str, takes: &str) -> Result<&Value, EntryError> {
        self.0.get(key).ok_or_else(|| missing(key, takes))
    }

    fn time(&self, key: &'static str) -> Result<Duration, EntryError> {
        self.only(&[key])?;
        let takes = "a time such as \"250ms\", \"5s\", \"2m\", \"1h\" or \"7d\"";
        let value = self.need(key, takes)?;
        duration(value).ok_or_else(|| wrong(key, value, takes))
    }

    fn size(&self) -> Result<u64, EntryError> {
        self.only(&["bytes"])?;
        let takes = "a number of bytes up to 4294967296";
        let value = self.need("bytes", takes)?;
        value
            .as_u64()
            .filter(|size| *size <= 1 << 32)
            .ok_or_else(|| wrong("bytes", value, takes))
    }

    fn key(&self) -> Result<Option<String>, EntryError> {
        self.only(&["key"])?;
        let read = |value: &Value| {
            value
                .as_str()
                .map(str::to_owned)
                .ok_or_else(|| wrong("key", value, "a key, or nothing for all keys"))
        };
        self.0.get("key").map(read).transpose()
    }
}

fn only(object: &Map<String, Value>, keys: &[&str]) -> Result<(), EntryError> {
    match object.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(EntryError::UnknownKey {
            key: key.clone(),
            allowed: list(keys.iter().copied()),
        }),
        None => Ok(()),
    }
}

fn list(names: impl IntoIterator<Item: AsRef<str>>) -> String {
    let names: Vec<String> = names
        .into_iter()
        .map(|name| format!("`{}`", name.as_ref()))
        .collect();
    names.join(", ")
}

fn missing(key: &'static str, takes: &str) -> EntryError {
    EntryError::Missing {
        key,
        takes: takes.to_owned(),
    }
}

fn wrong(key: &'static str, value: &Value, takes: &str) -> EntryError {
    EntryError::Value {
        key,
        value: value.to_string(),
        takes: takes.to_owned(),
    }
}

#[cfg(test)]
mod tests;
