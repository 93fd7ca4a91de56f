//! What is said of one exchange: an object for programs, an aligned line for people.

use std::{
    borrow::Cow,
    io::{self, Write},
    time::Duration,
};

use healing_core::classify::Verdict;
use serde::Serialize;
use serde_json::{Number, Value};

use super::{entry::Entry, table::Standing};

/// One line of JSON.
#[derive(Debug, Serialize)]
struct Row<'a> {
    id: &'a Value,
    class: &'a str,
    retryable: bool,
    rule: &'a str,
    evidence: &'a str,
    wait_s: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suspect: Option<&'a str>,
}

/// How wide the columns are. They grow with what comes, because nothing waits for the last line. Evidence stands last: it is
/// as long as the rule that found it.
#[derive(Debug)]
pub(super) struct Columns {
    id: usize,
    rule: usize,
}

/// The name of a class, or `ok`.
pub(super) fn class(verdict: &Verdict) -> &'static str {
    verdict.class.map_or("ok", |class| class.as_str())
}

/// Writes a verdict as a line of JSON.
pub(super) fn write(out: &mut dyn Write, entry: &Entry, verdict: &Verdict) -> io::Result<()> {
    let row = Row {
        id: &entry.id,
        class: class(verdict),
        retryable: verdict.retryable,
        rule: &verdict.rule,
        evidence: &verdict.evidence,
        wait_s: verdict.wait.and_then(seconds),
        suspect: verdict.suspect.as_deref(),
    };
    let mut line = serde_json::to_vec(&row)?;
    line.push(b'\n');
    out.write_all(&line)
}

// === impl Columns ===

impl Columns {
    pub(super) const fn new() -> Self {
        Self { id: 20, rule: 32 }
    }

    /// Writes a verdict for people.
    pub(super) fn write(
        &mut self,
        out: &mut dyn Write,
        entry: &Entry,
        verdict: &Verdict,
    ) -> io::Result<()> {
        let id = entry.id.as_str();
        let id = id.map_or_else(|| entry.id.to_string(), str::to_owned);
        let (id, rule) = (plain(&id), plain(&verdict.rule));
        self.id = id.chars().count().max(self.id);
        self.rule = rule.chars().count().max(self.rule);
        let or_none = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        let status = entry.exchange.status.map(|status| status.to_string());
        let wait = verdict.wait.map(|wait| format!("{wait:?}"));
        let line = format!(
            "{id:<id_width$}  {status:>3}  {class:<16}  {rule:<rule_width$}  {wait:>7}  {evidence}{remarks}",
            status = or_none(status),
            class = class(verdict),
            wait = or_none(wait),
            evidence = plain(&verdict.evidence),
            remarks = remarks(entry, verdict),
            id_width = self.id,
            rule_width = self.rule,
        );
        writeln!(out, "{}", line.trim_end())
    }
}

/// What is odd about the answer, and how the verdict stands to the label where they differ.
fn remarks(entry: &Entry, verdict: &Verdict) -> String {
    let suspect = verdict
        .suspect
        .as_deref()
        .map(|word| format!("  [suspect: {word}]"));
    let differs = entry.label.as_ref().and_then(|label| {
        let class = plain(&label.class);
        match Standing::of(label, verdict) {
            Standing::Strict => None,
            Standing::Lenient => Some(format!("  [labelled {class}: accepted]")),
            Standing::Wrong => Some(format!("  [labelled {class}: WRONG]")),
        }
    });
    [suspect, differs].into_iter().flatten().collect()
}

/// Seconds, whole where they are.
fn seconds(wait: Duration) -> Option<Number> {
    if wait.subsec_nanos() == 0 {
        return Some(wait.as_secs().into());
    }
    Number::from_f64(wait.as_secs_f64())
}

/// A text of a file without what would steer a terminal.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    if text.contains(char::is_control) {
        return text.replace(char::is_control, "\u{fffd}").into();
    }
    text.into()
}
