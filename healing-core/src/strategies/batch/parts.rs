//! Where the parts of an answer stand that belong to the objects of a list.

use serde_json::value::RawValue;

use crate::{
    strategies::{
        columns::Columns,
        rows::{Entries, Rows, named},
    },
    vocabulary::fidelity::Fidelity,
};

/// Where the parts of an answer stand. Objects and their names are compared without regard to case.
///
/// ```
/// use healing_core::Parts;
/// // {"quoteResponse": {"result": [{"symbol": "AAPL"}, {"symbol": "IBM"}]}}
/// let rows = Parts::rows("/quoteResponse/result", "symbol");
/// // {"bitcoin": {"usd": 1}, "ethereum": {"usd": 2}}
/// let entries = Parts::entries("");
/// # let _ = (rows, entries);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Parts {
    /// An array of rows.
    Rows {
        /// The pointer (RFC 6901) to the array.
        at: Box<str>,
        /// The field of a row that names its object.
        object: Box<str>,
    },
    /// An object whose keys name the objects.
    Entries {
        /// The pointer (RFC 6901) to it.
        at: Box<str>,
    },
    /// A text of lines (RFC 4180): a column of moments in ascending order, then one for each object under its name.
    Columns,
}

// === impl Parts ===

impl Parts {
    /// Rows in the array that the pointer leads to, each with its object's name in that field.
    #[must_use]
    pub fn rows(at: &str, object: &str) -> Self {
        Self::Rows {
            at: at.into(),
            object: object.into(),
        }
    }

    /// Entries of the object that the pointer leads to, under the names of theirs.
    #[must_use]
    pub fn entries(at: &str) -> Self {
        Self::Entries { at: at.into() }
    }

    /// How close one object's part of a larger answer is to the answer for it alone.
    pub(super) const fn alone(&self) -> Fidelity {
        match self {
            Self::Rows { .. } | Self::Entries { .. } => Fidelity::Exact,
            // Missing values before its first and after its last one cannot be told from moments that it does not have.
            Self::Columns => Fidelity::Equivalent,
        }
    }

    /// The first answer with the parts of all.
    pub(super) fn join(&self, bodies: &[&str]) -> Option<String> {
        let (first, _) = bodies.split_first()?;
        match self {
            Self::Rows { at, .. } => {
                let all: Option<Vec<Rows<'_>>> =
                    bodies.iter().map(|body| Rows::at(body, at)).collect();
                let all = all?;
                let rows: Vec<&RawValue> = all.iter().flat_map(|own| own.rows.clone()).collect();
                Some(Rows::at(first, at)?.with(&rows))
            }
            Self::Entries { at } => {
                let all: Option<Vec<Entries<'_>>> =
                    bodies.iter().map(|body| Entries::at(body, at)).collect();
                let all = all?;
                let entries = all.iter().flat_map(|own| &own.entries);
                let entries = entries.map(|(name, value)| (&**name, *value));
                let entries: Vec<(&str, &RawValue)> = entries.collect();
                Some(Entries::at(first, at)?.with(&entries))
            }
            Self::Columns => {
                let all: Option<Vec<Columns>> =
                    bodies.iter().map(|body| Columns::read(body)).collect();
                Columns::join(&all?)
            }
        }
    }

    /// The answer with the parts of these objects alone.
    pub(super) fn pick(&self, body: &str, objects: &[&str]) -> Option<String> {
        let is_asked = |name: &str| objects.iter().any(|own| own.eq_ignore_ascii_case(name));
        match self {
            Self::Rows { at, object } => {
                let rows = Rows::at(body, at)?;
                let own = rows.rows.iter().copied();
                let own = own.filter(|row| named(row, object).is_some_and(|name| is_asked(&name)));
                Some(rows.with(&own.collect::<Vec<_>>()))
            }
            Self::Entries { at } => {
                let entries = Entries::at(body, at)?;
                let own = entries.entries.iter();
                let own = own.map(|(name, value)| (&**name, *value));
                let own = own.filter(|(name, _)| is_asked(name));
                Some(entries.with(&own.collect::<Vec<_>>()))
            }
            Self::Columns => Columns::read(body)?.pick(is_asked),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_joined_in_order_and_picked_by_their_object() {
        let parts = Parts::rows("/r", "s");
        let joined = parts.join(&[
            r#"{"r":[{"s":"A","v":1.0}],"e":null}"#,
            r#"{"r":[{"s":"B"}],"e":1}"#,
        ]);
        let joined = joined.unwrap();
        assert_eq!(joined, r#"{"r":[{"s":"A","v":1.0},{"s":"B"}],"e":null}"#);
        let one = parts.pick(&joined, &["b"]).unwrap();
        assert_eq!(one, r#"{"r":[{"s":"B"}],"e":null}"#);
        assert_eq!(parts.pick(&joined, &["C"]).unwrap(), r#"{"r":[],"e":null}"#);
    }

    #[test]
    fn entries_are_joined_and_picked_by_their_name() {
        let parts = Parts::entries("");
        let joined = parts.join(&[r#"{"a":{"usd":1.50}}"#, r#"{"b":{"usd":2}}"#]);
        assert_eq!(joined.unwrap(), r#"{"a":{"usd":1.50},"b":{"usd":2}}"#);
        let one = parts.pick(r#"{"a":1,"b":2}"#, &["b"]);
        assert_eq!(one.unwrap(), r#"{"b":2}"#);
    }

    #[test]
    fn what_is_not_of_the_form_is_not_joined() {
        let parts = Parts::rows("/r", "s");
        assert!(parts.join(&[r#"{"r":[]}"#, r#"{"r":null}"#]).is_none());
        assert!(parts.join(&[]).is_none());
        assert!(parts.pick("<html>", &["A"]).is_none());
    }
}
