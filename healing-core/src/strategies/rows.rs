//! The rows of a JSON answer, as they were written: taken out, put together and put back without a digit changed.

use std::collections::HashMap;

use serde_json::value::RawValue;

/// An array in an answer, and the text around it.
#[derive(Debug)]
pub(crate) struct Rows<'b> {
    around: Around<'b>,
    pub(crate) rows: Vec<&'b RawValue>,
}

/// An object in an answer whose entries are its rows, and the text around it.
#[derive(Debug)]
pub(crate) struct Entries<'b> {
    around: Around<'b>,
    pub(crate) entries: HashMap<String, &'b RawValue>,
}

/// The text around a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Around<'b> {
    before: &'b str,
    after: &'b str,
}

// === impl Rows ===

impl<'b> Rows<'b> {
    /// The array that the pointer (RFC 6901) leads to.
    pub(crate) fn at(body: &'b str, pointer: &str) -> Option<Self> {
        let array = find(body, pointer)?;
        Some(Self {
            around: Around::of(body, array)?,
            rows: serde_json::from_str(array).ok()?,
        })
    }

    /// Whether the two say the same but for their rows.
    pub(crate) fn differs_in_rows_alone(&self, other: &Self) -> bool {
        self.around == other.around
    }

    /// The answer with these rows in place of its own.
    pub(crate) fn with(&self, rows: &[&RawValue]) -> String {
        let rows: Vec<&str> = rows.iter().map(|row| row.get()).collect();
        self.around.with(&format!("[{}]", rows.join(",")))
    }
}

/// What a row says under that name: a text, or a number as it is written.
pub(crate) fn named(row: &RawValue, field: &str) -> Option<String> {
    let fields: HashMap<String, &RawValue> = serde_json::from_str(row.get()).ok()?;
    let value = fields.get(field)?.get();
    Some(serde_json::from_str(value).unwrap_or_else(|_| value.to_owned()))
}

// === impl Entries ===

impl<'b> Entries<'b> {
    /// The object that the pointer leads to.
    pub(crate) fn at(body: &'b str, pointer: &str) -> Option<Self> {
        let object = find(body, pointer)?;
        Some(Self {
            around: Around::of(body, object)?,
            entries: serde_json::from_str(object).ok()?,
        })
    }

    /// The answer with these entries in place of its own.
    pub(crate) fn with(&self, entries: &[(&str, &RawValue)]) -> String {
        let written = |(name, value): &(&str, &RawValue)| {
            format!("{}:{}", serde_json::Value::from(*name), value.get())
        };
        let entries: Vec<String> = entries.iter().map(written).collect();
        self.around.with(&format!("{{{}}}", entries.join(",")))
    }
}

// === impl Around ===

impl<'b> Around<'b> {
    fn of(body: &'b str, part: &'b str) -> Option<Self> {
        let start = part.as_ptr().addr().checked_sub(body.as_ptr().addr())?;
        Some(Self {
            before: body.get(..start)?,
            after: body.get(start + part.len()..)?,
        })
    }

    fn with(self, value: &str) -> String {
        [self.before, value, self.after].concat()
    }
}

/// The answer, saying another number under a name of its first level, where it says the first of the two there.
pub(crate) fn saying(body: String, name: &str, (old, new): (u64, u64)) -> String {
    let pointer = format!("/{}", name.replace('~', "~0").replace('/', "~1"));
    let value = find(&body, &pointer).filter(|value| *value == old.to_string());
    match value.and_then(|value| Around::of(&body, value)) {
        Some(around) => around.with(&new.to_string()),
        None => body,
    }
}

/// The text of the value that a pointer leads to, inside of the whole.
pub(crate) fn find<'b>(body: &'b str, pointer: &str) -> Option<&'b str> {
    let whole: &RawValue = serde_json::from_str(body).ok()?;
    let mut steps = pointer.split('/');
    if !steps.next()?.is_empty() {
        return None;
    }
    steps.try_fold(whole.get(), |here, step| {
        let value: &RawValue = if here.starts_with('[') {
            let items: Vec<&RawValue> = serde_json::from_str(here).ok()?;
            items.get(step.parse::<usize>().ok()?).copied()?
        } else {
            let name = step.replace("~1", "/").replace("~0", "~");
            let fields: HashMap<String, &RawValue> = serde_json::from_str(here).ok()?;
            fields.get(&name).copied()?
        };
        Some(value.get())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &str =
        r#"{ "n": 1.10, "a/b": {"rows": [ {"s":"X","v":1.50}, {"s":7} ]}, "e": null }"#;

    #[test]
    fn rows_are_put_back_as_they_were_written() {
        let rows = Rows::at(BODY, "/a~1b/rows").unwrap();
        assert_eq!(
            rows.with(&[rows.rows[1], rows.rows[0]]),
            r#"{ "n": 1.10, "a/b": {"rows": [{"s":7},{"s":"X","v":1.50}]}, "e": null }"#
        );
        let names: Vec<_> = rows.rows.iter().map(|row| named(row, "s")).collect();
        assert_eq!(names, [Some("X".to_owned()), Some("7".to_owned())]);
    }

    #[test]
    fn entries_and_single_values_are_put_back_as_well() {
        let entries = Entries::at(BODY, "/a~1b").unwrap();
        let value = entries.entries["rows"];
        let made = entries.with(&[("a \"q\"", value)]);
        assert!(
            made.contains(r#""a/b": {"a \"q\"":[ {"s":"X","v":1.50}"#),
            "{made}"
        );
        let body = r#"{"n": 5, "a": []}"#;
        assert_eq!(
            saying(body.to_owned(), "n", (5, 10)),
            r#"{"n": 10, "a": []}"#
        );
        assert_eq!(saying(body.to_owned(), "n", (6, 10)), body);
    }

    proptest::proptest! {
        #[test]
        fn no_text_and_no_pointer_panics(body: String, pointer: String) {
            let _rows = Rows::at(&body, &pointer);
            let _entries = Entries::at(&body, &pointer);
            let _made = saying(body, &pointer, (1, 2));
        }
    }

    #[test]
    fn a_pointer_that_leads_elsewhere_finds_nothing() {
        for pointer in ["", "a", "/n", "/missing", "/a~1b/rows/9", "/a~1b/rows/x"] {
            assert!(Rows::at(BODY, pointer).is_none(), "{pointer}");
        }
        assert!(Rows::at("no JSON", "/a").is_none());
    }
}
