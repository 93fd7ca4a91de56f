//! Callers who ask the like of each other at the same time: one of them asks for all.
//!
//! The first leads: it waits a moment for others, asks, and tells them what came. Where its caller goes away, those who wait
//! choose another. At most 64 questions gather at a time; who comes with one more is not helped by this.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{HeaderMap, Uri};
use tokio::{sync::watch, time::sleep};

use crate::{attempt::Miss, lock::lock, strategies::plain::Plain};

/// How long others are waited for.
const MOMENT: Duration = Duration::from_millis(50);

/// The most questions that gather at a time.
const MAX_OPEN: usize = 64;

/// What a call for all came to.
pub(super) type Told = Arc<Result<Plain, Miss>>;

/// The questions that gather.
#[derive(Debug, Default)]
pub(super) struct Gatherings(Mutex<Vec<Open>>);

/// What is asked, but for the object.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Question {
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
}

/// A question that others may still join.
#[derive(Debug)]
struct Open {
    question: Question,
    objects: Vec<Box<str>>,
    told: watch::Receiver<Option<Told>>,
}

/// What part a caller has.
pub(super) enum Role<'g> {
    Leads(Lead<'g>),
    Follows(Follower),
}

/// The one who asks for all. Nobody joins any more once it asks or is dropped.
pub(super) struct Lead<'g> {
    gatherings: &'g Gatherings,
    tells: watch::Sender<Option<Told>>,
}

/// One who waits for what it comes to.
pub(super) struct Follower(watch::Receiver<Option<Told>>);

// === impl Gatherings ===

impl Gatherings {
    /// Joins those who ask the like, where a call has room for one more object; else begins anew. `None` where too many do.
    pub(super) fn join(
        &self,
        question: &Question,
        object: &str,
        at_most: usize,
    ) -> Option<Role<'_>> {
        let mut open = lock(&self.0);
        for gathering in open.iter_mut() {
            let is_in = gathering.objects.iter().any(|own| **own == *object);
            let has_room = is_in || gathering.objects.len() < at_most;
            if gathering.question == *question && has_room {
                if !is_in {
                    gathering.objects.push(object.into());
                }
                return Some(Role::Follows(Follower(gathering.told.clone())));
            }
        }
        if open.len() >= MAX_OPEN {
            return None;
        }
        let (tells, told) = watch::channel(None);
        open.push(Open {
            question: question.clone(),
            objects: vec![object.into()],
            told,
        });
        Some(Role::Leads(Lead {
            gatherings: self,
            tells,
        }))
    }
}

// === impl Lead ===

impl Lead<'_> {
    /// Waits a moment, and takes what has been gathered.
    pub(super) async fn gathered(&self) -> Vec<Box<str>> {
        sleep(MOMENT).await;
        self.close()
    }

    /// Tells all who wait.
    pub(super) fn tell(&self, told: Told) {
        self.tells.send_replace(Some(told));
    }

    fn close(&self) -> Vec<Box<str>> {
        let mut open = lock(&self.gatherings.0);
        let own = open
            .iter()
            .position(|open| self.tells.subscribe().same_channel(&open.told));
        own.map(|own| open.swap_remove(own).objects)
            .unwrap_or_default()
    }
}

impl Drop for Lead<'_> {
    fn drop(&mut self) {
        self.close();
    }
}

// === impl Follower ===

impl Follower {
    /// What the leader was told; `None` where it went away.
    pub(super) async fn told(mut self) -> Option<Told> {
        let told = self.0.wait_for(Option::is_some).await.ok()?;
        told.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(path: &'static str) -> Question {
        Question {
            uri: Uri::from_static(path),
            headers: HeaderMap::new(),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_asks_for_all_who_come_in_a_moment_and_only_for_those() {
        let all = Gatherings::default();
        let (ours, theirs) = (question("/q"), question("/other"));
        let Some(Role::Leads(lead)) = all.join(&ours, "A", 3) else {
            panic!("it is the first");
        };
        let follows = |object| matches!(all.join(&ours, object, 3), Some(Role::Follows(_)));
        assert!(follows("B") && follows("A") && follows("C"));
        assert!(!follows("D"), "a call has room for three");
        assert!(matches!(all.join(&theirs, "A", 3), Some(Role::Leads(_))));
        assert_eq!(lead.gathered().await, ["A", "B", "C"].map(Box::from));
        assert!(matches!(all.join(&ours, "B", 3), Some(Role::Leads(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn who_follows_one_that_goes_away_is_told_nothing() {
        let all = Gatherings::default();
        let lead = all.join(&question("/q"), "A", 3);
        let Some(Role::Follows(follower)) = all.join(&question("/q"), "B", 3) else {
            panic!("it follows");
        };
        drop(lead);
        assert!(follower.told().await.is_none());
        assert!(lock(&all.0).is_empty());
    }

    #[test]
    fn of_too_many_questions_the_next_is_turned_away() {
        let all = Gatherings::default();
        let uris = (0..=MAX_OPEN).map(|n| format!("/q/{n}"));
        let questions: Vec<Question> = uris
            .map(|uri| Question {
                uri: uri.parse().unwrap(),
                headers: HeaderMap::new(),
            })
            .collect();
        let roles: Vec<_> = questions.iter().map(|own| all.join(own, "A", 3)).collect();
        assert!(roles.iter().take(MAX_OPEN).all(Option::is_some));
        assert!(roles.last().unwrap().is_none());
    }
}
