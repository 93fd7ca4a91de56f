//! A configuration as it holds, in YAML: every value, and on demand where it is from. Secrets are not shown.

use std::time::Duration;

use healing_core::written::{Place, span_text};
use serde_json::{Map, Value as Json};

use crate::config::{
    Meant, Texts, Whence,
    decode::PLACES,
    keys::{CONFIG, strategy},
    shape::{Kind, Shape},
};

/// The configuration in YAML, with a comment behind each value that says where it is from, or without.
pub(crate) fn show(meant: &Meant, texts: &Texts, with_origins: bool) -> String {
    let mut shown = Shown {
        texts: with_origins.then_some(texts),
        lines: String::new(),
    };
    if let Some(plain) = meant.plain.as_object() {
        shown.map(plain, &CONFIG, 0);
    }
    shown.lines
}

/// What was written so far.
struct Shown<'a> {
    texts: Option<&'a Texts>,
    lines: String,
}

impl Shown<'_> {
    fn map(&mut self, plain: &Map<String, Json>, shape: &'static Shape, depth: usize) {
        // Endpoints of the specification's file are routes by then.
        let keys = shape.keys.iter().filter(|key| key.name != "endpoints");
        for key in keys {
            let Some(value) = plain.get(key.name) else {
                continue;
            };
            let place = plain.get(PLACES).and_then(|places| places.get(key.name));
            self.begin(depth, key.name);
            self.value(value, &key.kind, (depth, place));
        }
    }

    fn begin(&mut self, depth: usize, name: &str) {
        self.lines.push_str(&"  ".repeat(depth));
        self.lines.push_str(&format!("{}:", plain_text(name)));
    }

    /// A value behind its key, on the same line or below.
    fn value(&mut self, value: &Json, kind: &'static Kind, (depth, place): (usize, Option<&Json>)) {
        match (kind, value) {
            (Kind::Map(_) | Kind::Short(..), Json::Object(map))
                if map.keys().all(|key| key == PLACES) =>
            {
                self.end("{}", place);
            }
            (Kind::Map(shape) | Kind::Short(_, shape), Json::Object(map)) => {
                self.lines.push('\n');
                self.map(map, shape, depth + 1);
            }
            (Kind::Named(_, kind), Json::Object(map)) if !map.is_empty() => {
                self.lines.push('\n');
                for (name, value) in map {
                    self.begin(depth + 1, name);
                    self.value(value, kind, (depth + 1, place));
                }
            }
            (Kind::List(kind), Json::Array(items)) if items.iter().any(Json::is_object) => {
                self.lines.push('\n');
                for item in items {
                    self.item(item, kind, depth + 1);
                }
            }
            (Kind::List(kind), Json::Array(items)) => {
                let items: Vec<_> = items.iter().map(|item| scalar(item, kind)).collect();
                self.end(&format!("[{}]", items.join(", ")), place);
            }
            (Kind::WordOr(_, kind), Json::Object(_)) => self.value(value, kind, (depth, place)),
            (Kind::Rules, _) => self.end("...", place),
            (_, Json::Object(_)) => self.end("{}", place),
            _ => self.end(&scalar(value, kind), place),
        }
    }

    /// A map as an item of a list: its first line begins with a dash.
    fn item(&mut self, item: &Json, kind: &'static Kind, depth: usize) {
        let from = self.lines.len();
        match (kind, item) {
            (Kind::Map(shape) | Kind::Short(_, shape), Json::Object(map)) => {
                self.map(map, shape, depth + 1);
            }
            (Kind::Strategy, Json::Object(map)) => self.strategy(map, depth + 1),
            _ => {
                self.lines.push_str(&"  ".repeat(depth + 1));
                self.lines.push_str(&scalar(item, kind));
                self.lines.push('\n');
            }
        }
        let dash = from + 2 * depth;
        if self.lines.get(dash..dash + 2) == Some("  ") {
            self.lines.replace_range(dash..dash + 2, "- ");
        }
    }

    fn strategy(&mut self, map: &Map<String, Json>, depth: usize) {
        let named = map.get("name").and_then(Json::as_str).and_then(strategy);
        let options = map.get("options").and_then(Json::as_object);
        let (Some(named), Some(options)) = (named, options) else {
            return;
        };
        if options.keys().all(|key| key == PLACES) {
            self.lines
                .push_str(&format!("{}{}\n", "  ".repeat(depth), named.name));
            return;
        }
        self.begin(depth, named.name);
        self.lines.push('\n');
        self.map(options, named.options, depth + 1);
    }

    fn end(&mut self, text: &str, place: Option<&Json>) {
        self.lines.push_str(&format!(" {text}"));
        if let Some(texts) = self.texts {
            let origin = origin(texts, place);
            self.lines.push_str(&format!("  # {origin}"));
        }
        self.lines.push('\n');
    }
}

fn origin(texts: &Texts, place: Option<&Json>) -> String {
    let number = |n: usize| place.and_then(|place| place.get(n)).and_then(Json::as_u64);
    let Some(start) = number(2).and_then(|start| usize::try_from(start).ok()) else {
        return "default".to_owned();
    };
    let place = Place {
        start,
        ..Place::default()
    };
    match texts.whence(place) {
        Some(Whence::File(name)) => format!("{name}:{}", number(0).unwrap_or_default()),
        Some(Whence::Variable(name)) => name.clone(),
        Some(Whence::Flag(name)) => (*name).to_owned(),
        None => "default".to_owned(),
    }
}

/// A single value as a file would write it.
fn scalar(value: &Json, kind: &'static Kind) -> String {
    match (kind, value) {
        (Kind::Secret, _) => "\"***\"".to_owned(),
        (Kind::Span | Kind::Seconds, Json::Number(millis)) => {
            span_text(Duration::from_millis(millis.as_u64().unwrap_or_default()))
        }
        (Kind::Size, Json::Number(bytes)) => size_text(bytes.as_u64().unwrap_or_default()),
        (Kind::WordOr(_, kind), _) if !value.is_string() => scalar(value, kind),
        (_, Json::String(text)) => plain_text(&without_credentials(text)),
        _ => value.to_string(),
    }
}

/// A URL without what stands between `//` and `@`.
fn without_credentials(text: &str) -> String {
    let cut = text.split_once("//").and_then(|(scheme, rest)| {
        let (_, host) = rest.rsplit_once('@')?;
        Some(format!("{scheme}//***@{host}"))
    });
    cut.unwrap_or_else(|| text.to_owned())
}

fn size_text(bytes: u64) -> String {
    const UNITS: [(&str, u64); 3] = [("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    let whole = UNITS
        .iter()
        .find(|(_, unit)| bytes > 0 && bytes.is_multiple_of(*unit));
    whole.map_or_else(
        || bytes.to_string(),
        |(unit, size)| format!("{}{unit}", bytes / size),
    )
}

/// A text, in quotes where YAML might take it for something else. JSON's quotes are YAML's, too.
fn plain_text(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_/.:-".contains(&byte);
    let starts_well = text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
    let is_word = !matches!(
        text,
        "true" | "false" | "null" | "yes" | "no" | "on" | "y" | "n"
    );
    let is_address = text.parse::<std::net::SocketAddr>().is_ok();
    if is_address || (starts_well && is_word && !text.ends_with(':') && text.bytes().all(is_plain))
    {
        return text.to_owned();
    }
    Json::from(text).to_string()
}
