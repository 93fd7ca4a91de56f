//! How often the answers of each URL of a route move on, by the time that they name themselves. Looked at once a minute at most.

use std::{collections::HashMap, sync::Mutex};

use jiff::Timestamp;

use crate::{
    classify::{cadence::Cadence, freshness::Moment},
    lock::{lock, try_lock},
};

/// URLs of a route that are remembered. The one whose answers moved longest ago makes room.
const MAX_URLS: usize = 64;

/// What is known of the URLs of a route, by the number that tells them apart.
#[derive(Debug, Default)]
pub(crate) struct Cadences(Mutex<HashMap<u64, Cadence>>);

// === impl Cadences ===

impl Cadences {
    /// A good answer of a URL names that moment as its newest, or the same as before. Returns whether it stands still; `None`
    /// where another request is looking at it, whom nobody waits for.
    pub(crate) fn look(&self, url: u64, newest: Option<Moment>, now: Timestamp) -> Option<bool> {
        let mut urls = try_lock(&self.0)?;
        let known = urls.get_mut(&url);
        match (known, newest) {
            (Some(known), newest) => {
                if let Some(newest) = newest {
                    known.note(newest, now);
                }
                Some(known.stands_still(now))
            }
            (None, Some(newest)) => {
                make_room(&mut urls);
                urls.insert(url, Cadence::begin(newest, now));
                Some(false)
            }
            (None, None) => Some(false),
        }
    }

    /// What outlives the process, in the order of the URLs' numbers.
    pub(crate) fn all(&self) -> Vec<(u64, Cadence)> {
        let urls = lock(&self.0);
        let mut all: Vec<_> = urls
            .iter()
            .map(|(url, known)| (*url, known.clone()))
            .collect();
        all.sort_unstable_by_key(|(url, _)| *url);
        all
    }

    /// Takes what an earlier process knew. What is known already is newer.
    pub(crate) fn recall(&self, all: Vec<(u64, Cadence)>) {
        let mut urls = lock(&self.0);
        for (url, known) in all.into_iter().take(MAX_URLS) {
            if urls.len() < MAX_URLS {
                urls.entry(url).or_insert(known);
            }
        }
    }
}

fn make_room(urls: &mut HashMap<u64, Cadence>) {
    if urls.len() < MAX_URLS {
        return;
    }
    let oldest = urls.iter().min_by_key(|(_, known)| known.seen());
    if let Some(url) = oldest.map(|(url, _)| *url) {
        urls.remove(&url);
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn urls_are_bounded_and_the_longest_unmoved_makes_room() {
        let cadences = Cadences::default();
        let start: Timestamp = "2025-03-03T15:00:00Z".parse().unwrap();
        for url in 0..200 {
            let now = start + SignedDuration::from_mins(i64::try_from(url).unwrap());
            assert_eq!(cadences.look(url, Some(Moment::At(now)), now), Some(false));
        }
        let kept: Vec<u64> = cadences.all().into_iter().map(|(url, _)| url).collect();
        assert_eq!(kept, (136..200).collect::<Vec<_>>());
    }

    #[test]
    fn what_an_earlier_process_knew_is_taken_where_nothing_newer_is() {
        let (before, after) = (Cadences::default(), Cadences::default());
        let early: Timestamp = "2025-03-03T15:00:00Z".parse().unwrap();
        let late = early + SignedDuration::from_hours(1);
        before.look(1, Some(Moment::At(early)), early);
        before.look(2, Some(Moment::At(early)), early);
        after.look(1, Some(Moment::At(late)), late);
        let newer = after.all();
        after.recall(before.all());
        assert_eq!(after.all().len(), 2);
        assert!(after.all().starts_with(&newer));
    }
}
