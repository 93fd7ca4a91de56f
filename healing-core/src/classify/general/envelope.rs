//! What a JSON answer holds: data, or only a word about why there is none.

use serde_json::Value;

use super::keys::{self, Role};

/// Places that are looked at. An answer with more is data.
const MAX_PLACES: usize = 512;
const MAX_DEPTH: usize = 12;
/// Texts that are kept for reading.
const MAX_TEXTS: usize = 12;

/// A text of the answer and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Spot<'v> {
    pub(super) place: String,
    pub(super) text: &'v str,
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Envelope<'v> {
    /// A value under a key such as `error`, that is not the empty one.
    pub(super) error: Option<String>,
    /// The answer says of itself that it failed.
    pub(super) failed: Option<String>,
    /// A status among its values, 400 or above.
    pub(super) code: Option<u16>,
    /// Texts under error keys, then those of messages, then of outcomes and others, in the order of the answer each.
    pub(super) said: Vec<Spot<'v>>,
    pub(super) noted: Vec<Spot<'v>>,
    pub(super) other: Vec<Spot<'v>>,
    /// Values that are neither null, empty nor false, outside of errors, messages and envelope.
    pub(super) values: usize,
    /// Those that are numbers other than zero, or texts that are.
    pub(super) numbers: usize,
    /// Numbers that are zero.
    pub(super) zeros: usize,
    /// Texts that say that a value is missing.
    pub(super) missing: usize,
    /// Arrays with a row, without one, and with rows that hold no value.
    pub(super) filled: usize,
    pub(super) empty: usize,
    pub(super) hollow: usize,
    /// Keys of data whose value is null, and those where it is an object without a key.
    pub(super) nulls: usize,
    pub(super) blanks: usize,
    /// A key that counts the rows, and counts none.
    pub(super) counts_none: bool,
    /// A number of the source's own for a failure.
    pub(super) odd_code: bool,
    /// Flags that call what they stand in stale, and those that call it fresh.
    pub(super) stale: usize,
    pub(super) fresh: usize,
    places: usize,
}

/// Where the walk is.
#[derive(Clone, Copy, Debug)]
struct Here {
    depth: usize,
    role: Role,
    /// Inside a row among rows, where messages are data.
    in_rows: bool,
}

// === impl Envelope ===

impl<'v> Envelope<'v> {
    /// Looks at an answer.
    pub(super) fn of(answer: &'v Value) -> Self {
        let mut envelope = Self::default();
        let here = Here {
            depth: 0,
            role: Role::Data,
            in_rows: false,
        };
        envelope.walk(answer, &mut String::new(), here);
        envelope
    }

    /// Whether it has more than can be looked at.
    pub(super) const fn is_large(&self) -> bool {
        self.places >= MAX_PLACES
    }

    /// The texts in the order they are to be read in.
    pub(super) fn texts(&self) -> impl Iterator<Item = &Spot<'v>> {
        self.said.iter().chain(&self.noted).chain(&self.other)
    }

    fn walk(&mut self, value: &'v Value, place: &mut String, here: Here) {
        self.places += 1;
        if self.is_large() || here.depth > MAX_DEPTH {
            return;
        }
        match value {
            Value::Object(fields) => {
                if fields.is_empty() && here.role == Role::Data && here.depth > 0 && !here.in_rows {
                    self.blanks += 1;
                }
                for (key, value) in fields {
                    let long = place.len();
                    step(place, key);
                    self.field((key, value), place, here);
                    place.truncate(long);
                }
            }
            Value::Array(rows) => self.rows(rows, place, here),
            Value::Null if here.role == Role::Data && !here.in_rows => self.nulls += 1,
            Value::Null => {}
            leaf @ (Value::Bool(_) | Value::Number(_) | Value::String(_)) => {
                self.leaf(leaf, place, here);
            }
        }
    }

    fn field(&mut self, (key, value): (&str, &'v Value), place: &mut String, here: Here) {
        let own = keys::role(key);
        let role = role_below(here, own, key, value);
        let tells = !value.is_number() || keys::names_a_code(key);
        if role == Role::Error && tells && says_something(value) && self.error.is_none() {
            self.error = Some(place.clone());
        }
        // Deeper, a state is the state of the thing asked.
        if matches!(own, Role::Outcome | Role::Message) && !here.in_rows && here.depth <= 1 {
            self.outcome(key, value, place);
        }
        if (own == Role::Error || own == Role::Outcome) && !here.in_rows {
            self.code = self.code.or_else(|| status(value));
        }
        if own == Role::Outcome && here.depth == 0 && keys::is_odd_code(key, value) {
            self.odd_code = true;
        }
        if let Some(is_stale) = value.as_bool().filter(|_| keys::flags_age(key)) {
            self.stale += usize::from(is_stale);
            self.fresh += usize::from(!is_stale);
        }
        if own == Role::Envelope && is_nothing(value) && counts(key) {
            self.counts_none = true;
        }
        let depth = here.depth + 1;
        self.walk(
            value,
            place,
            Here {
                depth,
                role,
                ..here
            },
        );
    }

    fn outcome(&mut self, key: &str, value: &Value, place: &str) {
        let is_outcome = keys::role(key) == Role::Outcome;
        let failed = match value {
            Value::Bool(good) => !good && is_outcome && !keys::may_be_data(key),
            Value::String(word) if is_outcome => keys::is_failure(word),
            Value::String(word) => keys::may_be_nested(key) && keys::is_failure_word(word),
            Value::Number(number) => {
                number.as_u64() == Some(0) && key.eq_ignore_ascii_case("success")
            }
            Value::Null | Value::Array(_) | Value::Object(_) => false,
        };
        if failed && self.failed.is_none() {
            self.failed = Some(place.to_owned());
        }
    }

    fn rows(&mut self, rows: &'v [Value], place: &mut String, here: Here) {
        if rows.is_empty() {
            self.empty += usize::from(here.role == Role::Data);
            return;
        }
        let is_void = |row: &Value| row.get("value").is_some_and(is_placeholder);
        if here.role == Role::Data {
            if rows.len() > 1 && rows.iter().all(is_void) {
                self.hollow += 1;
            } else {
                self.filled += 1;
            }
        }
        // Where all rows are refusals, the first speaks for them; where one is, it is a row among data.
        let all_refused = here.role == Role::Data && rows.iter().all(is_refusal);
        let long = place.len();
        place.push_str("/*");
        for row in rows {
            let in_rows = here.in_rows || (here.role == Role::Data && !all_refused);
            let depth = here.depth + 1;
            self.walk(
                row,
                place,
                Here {
                    depth,
                    in_rows,
                    ..here
                },
            );
        }
        place.truncate(long);
    }

    fn leaf(&mut self, leaf: &'v Value, place: &str, here: Here) {
        let is_nothing = is_nothing(leaf);
        if let Value::String(text) = leaf
            && !text.trim().is_empty()
        {
            self.keep(text, place, here);
        }
        if here.role != Role::Data {
            return;
        }
        if is_nothing {
            self.zeros += usize::from(leaf.is_number());
            return;
        }
        if !here.in_rows && is_placeholder(leaf) {
            self.missing += 1;
            return;
        }
        self.values += 1;
        self.numbers += usize::from(is_amount(leaf));
    }

    fn keep(&mut self, text: &'v str, place: &str, here: Here) {
        let kept = match here.role {
            Role::Error => &mut self.said,
            Role::Message => &mut self.noted,
            Role::Outcome | Role::Data if !here.in_rows => &mut self.other,
            Role::Outcome | Role::Data | Role::Envelope | Role::Echo => return,
        };
        if kept.len() < MAX_TEXTS {
            let place = place.to_owned();
            kept.push(Spot { place, text });
        }
    }
}

/// What a value is for, by its key and by where that stands.
fn role_below(here: Here, own: Role, key: &str, value: &Value) -> Role {
    let holds_more = value.is_object() || value.is_array();
    match (here.role, own) {
        (Role::Echo, _) => Role::Echo,
        (Role::Error, _) | (_, Role::Error) if !here.in_rows => Role::Error,
        (Role::Message, _) => Role::Message,
        _ if here.in_rows => Role::Data,
        (_, Role::Outcome) if holds_more || keys::may_be_data(key) => Role::Data,
        (_, Role::Envelope) if holds_more => Role::Data,
        (_, Role::Message) if value.is_object() && !keys::may_be_nested(key) => Role::Data,
        (_, own) => own,
    }
}

/// Adds a key to a pointer, unless it is long or odd enough to be a value.
fn step(place: &mut String, key: &str) {
    place.push('/');
    let is_name = key.len() <= 32
        && key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"_- .".contains(&b));
    place.push_str(if is_name { key } else { "*" });
}

/// Whether a row is nothing but a refusal.
fn is_refusal(row: &Value) -> bool {
    let Some(fields) = row.as_object() else {
        return false;
    };
    let names_one = fields
        .iter()
        .any(|(key, value)| matches!(keys::role(key), Role::Error) && says_something(value));
    let only_messages = !fields.is_empty()
        && fields
            .keys()
            .all(|key| matches!(keys::role(key), Role::Message | Role::Outcome));
    fields.len() <= 6 && (names_one || only_messages)
}

fn says_something(value: &Value) -> bool {
    match value {
        Value::Array(rows) => rows.iter().any(says_something),
        Value::Object(fields) => fields.values().any(says_something),
        Value::String(text) => {
            !text.trim().is_empty()
                && !["0", "none", "null", "false", "no"]
                    .contains(&text.to_ascii_lowercase().as_str())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => !is_nothing(value),
    }
}

fn is_nothing(leaf: &Value) -> bool {
    match leaf {
        Value::Null | Value::Bool(false) => true,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.trim().is_empty() || text == "0",
        Value::Bool(true) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// What stands where a value is missing.
fn is_placeholder(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => says_missing(text),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

/// Whether a text is one that sources write where a value is missing.
pub(super) fn says_missing(text: &str) -> bool {
    matches!(
        text.trim(),
        "" | "." | "-" | ".." | "NaN" | "N/A" | "NA" | "N/D" | "null"
    )
}

/// A number other than zero, also as text.
fn is_amount(leaf: &Value) -> bool {
    match leaf {
        Value::Number(number) => number.as_f64() != Some(0.0),
        Value::String(text) => text
            .trim_end_matches('%')
            .parse::<f64>()
            .is_ok_and(|number| number != 0.0),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

fn counts(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    key.contains("count") || key.contains("total") || key == "items"
}

/// A status that is no success.
fn status(value: &Value) -> Option<u16> {
    let code = match value {
        Value::Number(number) => number.as_u64()?,
        Value::String(text) => text.trim().parse().ok()?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    u16::try_from(code)
        .ok()
        .filter(|code| (400..600).contains(code))
}
