//! The JSON Schema of a configuration, for editors: made of the same table of keys that the reader uses.

use healing_core::classify::{Calendars, Sources};
use serde_json::{Map, Value as Json, json};

use crate::config::{
    keys::{CONFIG, OPTIONS_OF},
    shape::{Absent, Key, Kind, Known, Shape},
};

/// A span of time.
const SPAN: &str = r"^\s*(\d+(ms|s|m|h|d)\s*)+$";
/// A size.
const SIZE: &str = r"^\d+\s*(B|kB|KiB|MB|MiB|GB|GiB)$";

/// The schema, in the draft 2020-12.
pub(crate) fn schema() -> Json {
    let mut schema = map(&CONFIG);
    if let Some(schema) = schema.as_object_mut() {
        schema.insert(
            "$schema".to_owned(),
            json!("https://json-schema.org/draft/2020-12/schema"),
        );
        schema.insert("title".to_owned(), json!("healing-proxy"));
    }
    schema
}

fn map(shape: &'static Shape) -> Json {
    let keys: Map<String, Json> = shape
        .keys
        .iter()
        .map(|key| (key.name.to_owned(), described(key)))
        .collect();
    let required = shape
        .keys
        .iter()
        .filter(|key| key.absent == Absent::Mistake);
    let required: Vec<_> = required.map(|key| key.name).collect();
    json!({
        "type": "object",
        "properties": keys,
        "required": required,
        "additionalProperties": false,
    })
}

fn described(key: &'static Key) -> Json {
    let mut value = of(&key.kind);
    if key.absent == Absent::Nothing {
        value = json!({ "anyOf": [value, { "type": "null" }] });
    }
    if let Some(value) = value.as_object_mut() {
        value.insert("description".to_owned(), json!(key.says));
        if let Absent::Default(text) = key.absent
            && !matches!(text, "{}" | "[]")
        {
            value.insert("default".to_owned(), json!(text));
        }
    }
    value
}

fn of(kind: &'static Kind) -> Json {
    match kind {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Whole(from, to) => json!({ "type": "integer", "minimum": from, "maximum": to }),
        Kind::Share => json!({ "anyOf": [
            { "type": "number", "minimum": 0, "maximum": 1 },
            { "type": "string", "pattern": r"^\s*[\d.]+\s*%\s*$" },
        ] }),
        Kind::Amount => json!({ "type": "number", "minimum": 0 }),
        Kind::Number => json!({ "type": "number" }),
        Kind::Span => json!({ "type": "string", "pattern": SPAN }),
        Kind::Seconds => json!({ "anyOf": [
            { "type": "number", "minimum": 0 },
            { "type": "string", "pattern": SPAN },
        ] }),
        Kind::Size => json!({ "anyOf": [
            { "type": "integer", "minimum": 0 },
            { "type": "string", "pattern": SIZE },
        ] }),
        Kind::Origin => json!({ "type": "string", "pattern": "^https?://" }),
        Kind::Template => json!({ "type": "string", "pattern": "^/" }),
        Kind::Text(_) => json!({ "type": "string" }),
        Kind::Secret => json!({ "type": ["string", "number"] }),
        Kind::Scalar => json!({ "type": ["string", "number", "boolean"] }),
        Kind::Word(words) => json!({ "enum": words }),
        Kind::Known(Known::Preset) => {
            json!({ "enum": Sources::built_in_names().collect::<Vec<_>>() })
        }
        Kind::Known(Known::Calendar) => {
            json!({ "enum": Calendars::built_in().names().collect::<Vec<_>>() })
        }
        Kind::Map(shape) => map(shape),
        Kind::Short(key, shape) => {
            let alone = shape.key(key).map(|key| of(&key.kind));
            json!({ "anyOf": [map(shape), alone] })
        }
        Kind::Named(_, kind) => json!({ "type": "object", "additionalProperties": of(kind) }),
        Kind::List(kind) => {
            let item = of(kind);
            json!({ "anyOf": [{ "type": "array", "items": item }, item] })
        }
        Kind::WordOr(word, kind) => json!({ "anyOf": [{ "const": word }, of(kind)] }),
        Kind::Strategy => strategies(),
        Kind::Rules => json!({ "type": ["array", "object"] }),
    }
}

/// A strategy by its name, or as a map of its name with its options.
fn strategies() -> Json {
    let names: Vec<_> = OPTIONS_OF.iter().map(|named| named.name).collect();
    let options = OPTIONS_OF.iter().map(|named| {
        let mut options = map(named.options);
        if let Some(options) = options.as_object_mut() {
            options.insert("description".to_owned(), json!(named.says));
        }
        (named.name.to_owned(), options)
    });
    let options: Map<String, Json> = options.collect();
    json!({ "anyOf": [
        { "enum": names },
        { "type": "object", "properties": options, "additionalProperties": false, "minProperties": 1, "maxProperties": 1 },
    ] })
}
