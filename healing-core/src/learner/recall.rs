//! Telling the next process what was learned, and taking what an earlier one told.

use std::sync::atomic::Ordering::Relaxed;

use crate::{
    clock::Clock,
    learn::Culprit,
    learner::{
        Learner, State,
        names::{Name, Names},
        written::{self, ENCODING, Said, SuspectText},
    },
    lock::lock,
    vocabulary::lesson::Lesson,
};

/// On waking up beliefs have relaxed by no more than this, in seconds: nobody has looked meanwhile.
const RELAXED_AT_MOST: f64 = 300.0;

/// What has been told of what was learned.
///
/// ```
/// use healing_core::{Healer, LessonLog};
/// let healer = Healer::builder().build();
/// assert!(healer.lessons(&mut LessonLog::default()).is_empty()); // nothing was learned yet
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct LessonLog {
    /// Until when, in seconds since the start.
    until: Option<f64>,
    /// Whether anything was suspect then.
    suspects: bool,
}

/// What became of lessons.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recalled {
    /// The numbers of sources of which something is suspect.
    pub(crate) suspects: Vec<u32>,
    /// How many could not be read.
    pub(crate) set_aside: u64,
}

// === impl Learner ===

impl Learner {
    /// What was learned since that log was begun or last asked with.
    pub(crate) fn lessons(
        &self,
        log: &mut LessonLog,
        clock: &Clock,
        names: impl FnOnce() -> Names,
    ) -> Vec<Lesson> {
        let now = clock.since_start(clock.now());
        let state = lock(&self.state);
        let has_suspects = !state.suspects.is_empty();
        let is_new = |at: f64| log.until.is_none_or(|until| at > until) && at >= 0.0;
        let remedies: Vec<_> = state
            .remedies
            .each()
            .filter(|(_, own)| is_new(own.used))
            .map(|(remedy, own)| (remedy.clone(), own.clone()))
            .collect();
        let sources: Vec<_> = state
            .sources
            .each()
            .filter(|(_, known)| is_new(known.changed))
            .map(|(number, known)| (*number, *known))
            .collect();
        let suspects = state.standings(now.as_secs_f64());
        drop(state); // names are looked up without it
        let tells_suspects = has_suspects || log.suspects;
        *log = LessonLog {
            until: Some(now.as_secs_f64()),
            suspects: has_suspects,
        };
        if remedies.is_empty() && sources.is_empty() && !tells_suspects {
            return Vec::new();
        }
        let names = names();
        let written = |at: f64, (name, state): (String, String)| Lesson {
            name,
            at: clock.at(std::time::Duration::try_from_secs_f64(at).unwrap_or_default()),
            encoding: ENCODING,
            state,
        };
        let remedies = remedies.iter().filter_map(|(remedy, own)| {
            Some(written(own.used, written::remedy(remedy, own, &names)?))
        });
        let sources = sources.iter().filter_map(|(number, known)| {
            let text = written::source(*number, known, &names)?;
            Some(written(known.changed, text))
        });
        let suspects: Vec<SuspectText> = suspects
            .iter()
            .filter_map(|(of, standing)| SuspectText::of(*of, standing, &names))
            .collect();
        let suspects = written::suspects(&suspects).filter(|_| tells_suspects);
        let suspects = suspects.map(|text| written(now.as_secs_f64(), text));
        remedies.chain(sources).chain(suspects).collect()
    }

    /// Takes what an earlier process told. What is known already is newer. `number` gives the number of a name, where there
    /// is room for it.
    pub(crate) fn recall(
        &self,
        lessons: &[Lesson],
        clock: &Clock,
        mut number: impl FnMut(&Name) -> Option<u32>,
    ) -> Recalled {
        let now = clock.now();
        let (wall, now) = (clock.timestamp(now), clock.since_start(now).as_secs_f64());
        let mut recalled = Recalled::default();
        let mut state = lock(&self.state);
        for lesson in lessons {
            let ago = wall.duration_since(lesson.at).as_secs_f64().max(0.0);
            match Said::read(lesson) {
                Some(said) => {
                    let suspects = state.recall(said, (now, ago), &mut number);
                    recalled.suspects.extend(suspects);
                }
                None => recalled.set_aside += 1,
            }
        }
        state.set_aside += recalled.set_aside;
        let State {
            outer,
            remedies,
            sources,
            suspects,
            ..
        } = &mut *state;
        outer.fit(remedies, sources, now);
        self.network.store(suspects.has_network(), Relaxed);
        recalled
    }
}

// === impl State ===

impl State {
    /// What is believed of all that is suspect, each with the number of its source.
    fn standings(
        &self,
        now: f64,
    ) -> Vec<((crate::learn::Part, Option<u32>), crate::learn::Standing)> {
        let all = self.suspects.all();
        all.filter_map(|(part, of)| Some(((part, of), self.beliefs.standing(part, now)?)))
            .collect()
    }

    /// Takes what was said so many seconds ago. Returns the sources of which something is suspect.
    fn recall(
        &mut self,
        said: Said,
        (now, ago): (f64, f64),
        number: &mut dyn FnMut(&Name) -> Option<u32>,
    ) -> Vec<u32> {
        let mut suspect = Vec::new();
        match said {
            Said::Remedy(name, text) => {
                if let Some((remedy, source)) = name.remedy(number) {
                    let own = text.own(source, text.last(number), now - ago);
                    self.remedies.recall(remedy, own);
                }
            }
            Said::Source(source, text) => {
                if let Some(number) = number(&Name::Source(source)) {
                    self.sources.recall(number, text.known(now - ago));
                }
            }
            Said::Suspects(all) => {
                let at = now - ago.min(RELAXED_AT_MOST);
                for text in all {
                    let Some((part, of)) = text.part(number) else {
                        continue;
                    };
                    self.beliefs.recall(part, &text.standing(), at);
                    match of {
                        Some(source) => self.suspects.note(source, &[part]),
                        None if part.kind == Culprit::Network => self.suspects.note_network(),
                        None => continue,
                    }
                    suspect.extend(of);
                }
            }
        }
        suspect
    }
}
