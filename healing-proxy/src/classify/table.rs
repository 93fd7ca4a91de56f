//! How right the verdicts are, where the exchanges are labelled.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use healing_core::{FaultClass, classify::Verdict};

use super::{
    entry::{Entry, Label},
    row::{class, plain},
};

/// How a verdict stands to a label.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    /// It is the label.
    Strict,
    /// It is one of the other classes that a careful reader could defend.
    Lenient,
    Wrong,
}

/// What was counted so far.
#[derive(Debug, Default)]
pub(super) struct Table {
    all: Score,
    labels: BTreeMap<Word, Score>,
    sources: BTreeMap<String, Score>,
    /// How often an exchange of a label was given a class.
    given: BTreeMap<(Word, Word), u64>,
    /// Errors that were called healthy.
    missed: Miss,
    /// Healthy answers that were called errors.
    accused: Miss,
    retryable: Miss,
}

#[derive(Clone, Copy, Debug, Default)]
struct Score {
    n: u64,
    strict: u64,
    lenient: u64,
}

/// How many of how many are wrong, and how many of these a careful reader could defend.
#[derive(Clone, Copy, Debug, Default)]
struct Miss {
    of: u64,
    wrong: u64,
    accepted: u64,
}

/// A label or a class, in the order `ok`, the fifteen classes, anything else.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Word {
    place: usize,
    text: String,
}

// === impl Standing ===

impl Standing {
    pub(super) fn of(label: &Label, verdict: &Verdict) -> Self {
        let class = class(verdict);
        if label.class == class {
            Self::Strict
        } else if label.accept.iter().any(|other| other == class) {
            Self::Lenient
        } else {
            Self::Wrong
        }
    }
}

// === impl Table ===

impl Table {
    pub(super) fn count(&mut self, entry: &Entry, verdict: &Verdict) {
        let Some(label) = &entry.label else {
            return;
        };
        let standing = Standing::of(label, verdict);
        let (word, given) = (Word::of(&label.class), Word::of(class(verdict)));
        let source = entry.exchange.source.clone().unwrap_or_default();
        self.all.count(standing);
        self.labels.entry(word.clone()).or_default().count(standing);
        self.sources.entry(source).or_default().count(standing);
        let miss = if label.class == "ok" {
            &mut self.accused
        } else {
            &mut self.missed
        };
        let crosses = (label.class == "ok") != verdict.class.is_none();
        miss.count(crosses, standing);
        *self.given.entry((word, given)).or_default() += 1;
        if let Some(retryable) = label.retryable {
            self.retryable
                .count(retryable != verdict.retryable, Standing::Wrong);
        }
    }

    /// Writes it, if anything was labelled.
    pub(super) fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.all.n == 0 {
            return Ok(());
        }
        let labels = self.labels.iter().map(|(word, score)| (&*word.text, score));
        writeln!(out)?;
        write_scores(out, "label", labels.chain([("all", &self.all)]))?;
        writeln!(out)?;
        self.write_summary(out)?;
        writeln!(out, "\nLabels down, classes across:")?;
        self.write_given(out)?;
        writeln!(out)?;
        let sources = self.sources.iter().map(|(name, score)| (&**name, score));
        write_scores(out, "source", sources)
    }

    fn write_summary(&self, out: &mut dyn Write) -> io::Result<()> {
        let Score { n, strict, lenient } = self.all;
        writeln!(out, "strictly right         {}", share(strict, n))?;
        writeln!(out, "leniently right        {}", share(lenient, n))?;
        for (name, miss) in [
            ("errors called healthy", self.missed),
            ("healthy called errors", self.accused),
        ] {
            let Miss {
                of,
                wrong,
                accepted,
            } = miss;
            let accepted = match accepted {
                0 => String::new(),
                accepted => format!(", {accepted} of them accepted"),
            };
            writeln!(out, "{name}  {wrong} of {of}{accepted}")?;
        }
        let Miss { of, wrong, .. } = self.retryable;
        writeln!(out, "retryable right        {}", share(of - wrong, of))
    }

    fn write_given(&self, out: &mut dyn Write) -> io::Result<()> {
        let classes: BTreeSet<&Word> = self.given.keys().map(|(_, class)| class).collect();
        write!(out, "{:<18}", "")?;
        for class in &classes {
            write!(out, "  {:>3}", class.code())?;
        }
        writeln!(out)?;
        for label in self.labels.keys() {
            write!(out, "{:<18}", plain(&label.text))?;
            for class in &classes {
                let given = self.given.get(&(label.clone(), (*class).clone()));
                write!(
                    out,
                    "  {:>3}",
                    given.map_or_else(|| ".".to_owned(), u64::to_string)
                )?;
            }
            writeln!(out)?;
        }
        let legend = classes
            .iter()
            .map(|class| format!("{} {}", class.code(), class.text));
        writeln!(out, "({})", legend.collect::<Vec<_>>().join(", "))
    }
}

// === impl Score ===

impl Score {
    fn count(&mut self, standing: Standing) {
        self.n += 1;
        self.strict += u64::from(standing == Standing::Strict);
        self.lenient += u64::from(standing != Standing::Wrong);
    }
}

// === impl Miss ===

impl Miss {
    fn count(&mut self, is_wrong: bool, standing: Standing) {
        self.of += 1;
        self.wrong += u64::from(is_wrong);
        self.accepted += u64::from(is_wrong && standing == Standing::Lenient);
    }
}

// === impl Word ===

impl Word {
    fn of(text: &str) -> Self {
        let mut words = ["ok"]
            .into_iter()
            .chain(FaultClass::ALL.map(FaultClass::as_str));
        let place = words.position(|word| word == text).unwrap_or(usize::MAX);
        let text = text.to_owned();
        Self { place, text }
    }

    /// Two letters for a class, so that sixteen columns fit on a screen: `rl` for `rate_limit`, `bl` for `blocked`.
    fn code(&self) -> String {
        let (first, second) = self.text.split_once('_').unwrap_or((&self.text, ""));
        let letters = first.chars().take(if second.is_empty() { 2 } else { 1 });
        letters.chain(second.chars().take(1)).collect()
    }
}

fn write_scores<'a>(
    out: &mut dyn Write,
    name: &str,
    scores: impl Iterator<Item = (&'a str, &'a Score)>,
) -> io::Result<()> {
    writeln!(
        out,
        "{name:<24} {:>6} {:>7} {:>8}",
        "n", "strict", "lenient"
    )?;
    for (name, Score { n, strict, lenient }) in scores {
        let name = if name.is_empty() { "(none)" } else { name };
        writeln!(out, "{:<24} {n:>6} {strict:>7} {lenient:>8}", plain(name))?;
    }
    Ok(())
}

fn share(part: u64, of: u64) -> String {
    if of == 0 {
        return "none is labelled".to_owned();
    }
    let thousandths = (part * 1000 + of / 2) / of;
    format!(
        "{part} of {of} ({}.{} %)",
        thousandths / 10,
        thousandths % 10
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_class_has_letters_of_its_own() {
        let words = FaultClass::ALL.map(|class| Word::of(class.as_str()).code());
        let all: BTreeSet<String> = words.into_iter().chain([Word::of("ok").code()]).collect();
        assert_eq!(all.len(), 16, "{all:?}");
    }

    #[test]
    fn shares_are_rounded_to_a_tenth() {
        assert_eq!(share(2, 3), "2 of 3 (66.7 %)");
        assert_eq!(share(3, 3), "3 of 3 (100.0 %)");
        assert_eq!(share(0, 0), "none is labelled");
    }
}
