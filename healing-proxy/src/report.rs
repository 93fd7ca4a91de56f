//! Shows the mistakes of a file: to people with the line that each is in, to programs as JSON, to GitHub as annotations.

mod secrets;

use std::fmt::Write as _;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet, renderer::DecorStyle};
use healing_core::written::Mistake;
use serde_json::json;

use crate::cli::ReportForm;

/// What is said of one file.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) file: &'a str,
    pub(crate) text: &'a str,
    /// What is said of the whole, where there is no mistake.
    pub(crate) fine: String,
    pub(crate) findings: Vec<Finding>,
}

/// One thing that is said.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) weight: Weight,
    /// What it is said of, where it is not the file: a variable or a flag.
    pub(crate) elsewhere: Option<String>,
    pub(crate) mistake: Mistake,
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Weight {
    Mistake,
    Note,
}

// === impl Weight ===

impl Weight {
    const fn word(self) -> &'static str {
        match self {
            Self::Mistake => "error",
            Self::Note => "note",
        }
    }
}

// === impl Report ===

impl Report<'_> {
    /// Whether there is no mistake.
    pub(crate) fn is_fine(&self) -> bool {
        let mut weights = self.findings.iter().map(|finding| finding.weight);
        weights.all(|weight| weight == Weight::Note)
    }

    /// The report in a form, with colours or without.
    pub(crate) fn show(&self, form: ReportForm, colours: bool) -> String {
        let mut shown = String::new();
        let text = secrets::covered(self.text);
        let mut findings: Vec<&Finding> = self.findings.iter().collect();
        findings
            .sort_by_key(|finding| (finding.weight == Weight::Note, finding.mistake.place.start));
        for finding in findings {
            shown += &match form {
                ReportForm::Text => self.for_people(finding, &text, colours),
                ReportForm::Json => self.for_programs(finding),
                ReportForm::Github => self.for_github(finding),
            };
        }
        if self.is_fine() {
            let (file, fine) = (self.file, &self.fine);
            match form {
                ReportForm::Text => shown += &format!("{file}: fine: {fine}\n"),
                ReportForm::Json => {
                    let line = json!({ "file": file, "level": "fine", "message": fine });
                    shown += &format!("{line}\n");
                }
                ReportForm::Github => {}
            }
        }
        shown
    }

    fn for_people(&self, finding: &Finding, text: &str, colours: bool) -> String {
        let level = match finding.weight {
            Weight::Mistake => Level::ERROR,
            Weight::Note => Level::NOTE,
        };
        let Mistake { place, message } = &finding.mistake;
        let (what, remedy) = message.split_once("; ").unwrap_or((message, ""));
        let known = finding.elsewhere.is_none() && place.line > 0;
        let title = match &finding.elsewhere {
            Some(elsewhere) => format!("{elsewhere}: {message}"),
            None if known => what.to_owned(),
            None => format!("{}: {message}", self.file),
        };
        let mut group = Group::with_title(level.primary_title(title));
        if known {
            let end = place.end.clamp(place.start, end_of_line(text, place.start));
            let mark = AnnotationKind::Primary.span(place.start..end);
            let mark = if remedy.is_empty() {
                mark
            } else {
                mark.label(remedy)
            };
            group = group.element(Snippet::source(text).path(self.file).annotation(mark));
        }
        let renderer = if colours {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let renderer = renderer.decor_style(DecorStyle::Ascii);
        format!("{}\n\n", renderer.render(&[group]))
    }

    fn for_programs(&self, finding: &Finding) -> String {
        let place = &finding.mistake.place;
        let number = |n: u64| (n > 0).then_some(n);
        let line = json!({
            "file": finding.elsewhere.as_deref().unwrap_or(self.file),
            "line": number(place.line),
            "column": number(place.column),
            "level": finding.weight.word(),
            "message": finding.mistake.message,
        });
        format!("{line}\n")
    }

    fn for_github(&self, finding: &Finding) -> String {
        let level = match finding.weight {
            Weight::Mistake => "error",
            Weight::Note => "notice",
        };
        let place = &finding.mistake.place;
        let mut at = format!("file={}", escaped(self.file, true));
        if place.line > 0 && finding.elsewhere.is_none() {
            // Writing to a string cannot fail.
            let _always = write!(at, ",line={},col={}", place.line, place.column);
        }
        let elsewhere = finding.elsewhere.iter();
        let before: String = elsewhere
            .map(|elsewhere| format!("{elsewhere}: "))
            .collect();
        let message = escaped(&format!("{before}{}", finding.mistake.message), false);
        format!("::{level} {at}::{message}\n")
    }
}

/// Escapes a text as workflow commands of GitHub are escaped.
fn escaped(text: &str, is_property: bool) -> String {
    let text = text
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A");
    if is_property {
        return text.replace(':', "%3A").replace(',', "%2C");
    }
    text
}

/// The end of the line that a byte is in.
fn end_of_line(text: &str, byte: usize) -> usize {
    let rest = text.get(byte..).unwrap_or_default();
    byte + rest.find('\n').unwrap_or(rest.len())
}
