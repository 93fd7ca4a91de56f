//! A JSON object that keeps the order of its fields.
//!
//! Alpha Vantage writes the newest row first, and callers read the first key of an object as the newest.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

/// Fields in order.
#[derive(Debug, Default)]
pub(super) struct Ordered<T>(pub(super) Vec<(String, T)>);

impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, value) in &self.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// Meta data and rows, under the names a function gives them.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) meta: Vec<(&'static str, String)>,
    pub(super) title: String,
    pub(super) rows: Ordered<Value>,
}

impl Serialize for Table {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let meta: Vec<_> = self
            .meta
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value))
            .collect();
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("Meta Data", &Ordered(meta))?;
        map.serialize_entry(&self.title, &self.rows)?;
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::{Ordered, Table};
    use serde_json::json;

    #[test]
    fn fields_keep_their_order() {
        let table = Table {
            meta: vec![
                ("2. Symbol", "IBM".to_owned()),
                ("1. Information", "x".to_owned()),
            ],
            title: "Rows".to_owned(),
            rows: Ordered(vec![("b".to_owned(), json!(1)), ("a".to_owned(), json!(2))]),
        };
        let text = serde_json::to_string(&table).unwrap();
        assert_eq!(
            text,
            r#"{"Meta Data":{"2. Symbol":"IBM","1. Information":"x"},"Rows":{"b":1,"a":2}}"#
        );
    }
}
