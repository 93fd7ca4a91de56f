//! What came of a cell, and the tables of all of them.

use std::{fs, path::Path, time::Duration};

use healing_lab::SourceName;

use crate::{cell::Given, faults::Way, told::Told};

/// What came of a cell.
#[derive(Clone, Debug)]
pub(crate) struct Results {
    pub(crate) source: SourceName,
    pub(crate) way: Way,
    told: Vec<Told>,
    pub(crate) slowest: Duration,
    pub(crate) calls: usize,
    /// When all was exact again.
    pub(crate) back: Option<Duration>,
    /// The first answer that should not be.
    untrue: Option<String>,
}

impl Results {
    pub(crate) fn of(source: SourceName, way: Way, answers: &[(Given, Told)]) -> Self {
        let mut results = Self {
            source,
            way,
            told: Vec::new(),
            slowest: Duration::ZERO,
            calls: 0,
            back: None,
            untrue: None,
        };
        for &(ref given, told) in answers {
            let odd = matches!(told, Told::Untrue | Told::Nothing | Told::ErrorAsData);
            if odd && results.untrue.is_none() {
                let mut text = format!("{given:?}");
                text.truncate(text.floor_char_boundary(600));
                results.untrue = Some(text);
            }
            results.slowest = results.slowest.max(given.answer.took);
            results.told.push(told);
        }
        results
    }

    pub(crate) fn requests(&self) -> usize {
        self.told.len()
    }

    pub(crate) fn count(&self, wanted: Told) -> usize {
        self.told.iter().filter(|told| **told == wanted).count()
    }

    /// Answers with data that is what it is said to be.
    pub(crate) fn true_data(&self) -> usize {
        self.exact() + self.copies()
    }

    /// Answers with data as the source has it.
    pub(crate) fn exact(&self) -> usize {
        self.count(Told::Direct) + self.count(Told::Fresh) + self.count(Told::Exact)
    }

    /// Copies that say so.
    fn copies(&self) -> usize {
        self.count(Told::Renewed) + self.count(Told::Stale)
    }

    /// Refused connections leave nothing to count.
    fn calls_against(&self, healthy: usize) -> String {
        match self.way.is_countable(self.source) {
            true => ratio(self.calls, healthy),
            false => "refused".to_owned(),
        }
    }

    fn row(&self, healthy_calls: usize) -> String {
        let back = self
            .back
            .map_or_else(|| "no".to_owned(), |back| seconds(back, 1));
        format!(
            "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |\n",
            self.source,
            self.way.name(),
            self.exact(),
            self.copies(),
            self.count(Told::Untrue),
            self.count(Told::Error),
            self.count(Told::ErrorAsData) + self.count(Told::Nothing),
            seconds(self.slowest, 2),
            self.calls_against(healthy_calls),
            back,
        )
    }
}

fn seconds(time: Duration, digits: usize) -> String {
    format!("{:.digits$} s", time.as_secs_f64())
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of calls are small, and the table shows two digits"
)]
fn ratio(calls: usize, healthy: usize) -> String {
    format!("{:.2}", calls as f64 / healthy as f64)
}

/// The data calls of the healthy run of a source.
pub(crate) fn healthy_calls(all: &[Results], source: SourceName) -> usize {
    let healthy = all
        .iter()
        .find(|results| results.source == source && results.way == Way::Healthy);
    healthy.expect("a healthy run").calls
}

/// Writes the table to `target/cells`, from where `cargo xtask cells` takes it, and to the test's output.
pub(crate) fn write(title: &str, all: &[Results]) {
    let mut text = format!(
        "### {}\n\n\
         | source | broken by | exact | stale, labelled | untrue | errors | success without data | slowest | data calls | exact again after |\n\
         |---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        title.trim_start_matches(|sign: char| !sign.is_alphabetic()),
    );
    for results in all {
        text.push_str(&results.row(healthy_calls(all, results.source)));
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/cells");
    fs::create_dir_all(&folder).expect("a folder");
    let name = title.to_lowercase().replace(' ', "-");
    fs::write(folder.join(format!("{name}.md")), &text).expect("a file");
    let odd = all.iter().filter_map(|results| results.untrue.as_ref());
    for line in odd {
        text.push_str(&format!("\nfirst untrue: {line}"));
    }
    report(&text);
}

#[expect(
    clippy::print_stdout,
    reason = "the tables of a test are for its output"
)]
fn report(text: &str) {
    println!("{text}");
}
