//! The readers of `healing-proxy classify`, taken from the proxy's own files: a program has no library to link to.
#![expect(
    dead_code,
    reason = "what the rows and tables of the command take is not read here"
)]

#[path = "../../healing-proxy/src/classify/entry.rs"]
mod entry;
#[path = "../../healing-proxy/src/classify/har.rs"]
mod har;
#[path = "../../healing-proxy/src/classify/lines.rs"]
mod lines;

use healing_core::classify::Recorded;

/// The exchanges of a HAR file; `false` where it is none.
pub fn har(input: &[u8], mut each: impl FnMut(Recorded)) -> bool {
    let mut exchange = |_, entry: Result<entry::Entry, entry::Flaw>| {
        entry.into_iter().for_each(|entry| each(entry.exchange));
        Ok(())
    };
    har::read(input, &mut exchange).is_ok()
}

/// The exchanges of lines of JSON, and how many lines held none.
pub fn lines(input: &[u8], mut each: impl FnMut(Recorded)) -> usize {
    let mut lines = lines::Lines::of(input);
    let mut flaws = 0;
    while let Ok(Some((_, entry))) = lines.next() {
        match entry {
            Ok(entry) => each(entry.exchange),
            Err(_) => flaws += 1,
        }
    }
    flaws
}
