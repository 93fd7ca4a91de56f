//! What a person would call a test, for the evidence of a verdict.

use std::fmt;

use crate::written::Node;

/// The values that are shown of a list.
const SHOWN: usize = 3;

/// The name of a test, and the values that it compares with.
#[derive(Clone, Debug)]
pub(super) struct About {
    what: Box<str>,
    values: Vec<Box<str>>,
}

impl About {
    /// A test without values.
    pub(super) fn plain(what: impl Into<Box<str>>) -> Self {
        Self {
            what: what.into(),
            values: Vec::new(),
        }
    }

    /// A test with the values of a node.
    pub(super) fn of(what: impl Into<Box<str>>, values: &Node) -> Self {
        let values = values.each().iter();
        Self {
            what: what.into(),
            values: values.map(|node| node.value.to_string().into()).collect(),
        }
    }

    /// The test with the one value that was found, or with all where none is named.
    pub(super) fn found(&self, which: usize) -> String {
        match self.values.get(which) {
            Some(value) => format!("{} {value}", self.what),
            None => self.to_string(),
        }
    }
}

/// Shows the first few values.
impl fmt::Display for About {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)?;
        for (n, value) in self.values.iter().take(SHOWN).enumerate() {
            write!(f, "{}{value}", if n == 0 { " " } else { " or " })?;
        }
        if self.values.len() > SHOWN {
            f.write_str(" or ...")?;
        }
        Ok(())
    }
}
