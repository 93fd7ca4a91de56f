//! An answer of lines with a JSON value each: every line is read, and one that stands alone is judged as an answer of JSON.

use serde::de::IgnoredAny;
use serde_json::Value;

use super::{LOOK_INTO_UP_TO, absence};
use crate::{
    classify::{exchange::Exchange, finding::Finding},
    vocabulary::fault::FaultClass,
};

/// Lines with a good status.
pub(super) fn judge(exchange: &Exchange<'_>) -> Option<Finding> {
    let text = exchange.text();
    let mut lines = text
        .split(|byte| *byte == b'\n')
        .enumerate()
        .filter(|(_, line)| !line.trim_ascii().is_empty())
        .peekable();
    let mut read = 0;
    while let Some((n, line)) = lines.next() {
        read += 1;
        let is_last = lines.peek().is_none();
        let Err(error) = serde_json::from_slice::<IgnoredAny>(line) else {
            continue;
        };
        let broken = |rule: &'static str, what: &str| {
            let evidence = format!("the body, line {}: {what}", n + 1);
            Finding::of(FaultClass::MalformedBody, rule, evidence)
        };
        return Some(if is_last && error.is_eof() {
            broken("cut_line", "ends too early")
        } else {
            broken("broken_line", "breaks the grammar")
        });
    }
    let only = (read == 1 && text.len() <= LOOK_INTO_UP_TO)
        .then(|| serde_json::from_slice::<Value>(text).ok())
        .flatten()?;
    absence::judge(exchange, &only)
}
