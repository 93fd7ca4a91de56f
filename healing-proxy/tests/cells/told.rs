//! What an answer was, and whether its label is true by the lab's log.

use std::ops::RangeInclusive;

use healing_lab::Asked;
use serde_json::Value;

use crate::{
    cell::{Cell, Given},
    deployment::mount,
    faults::Way,
    tap::Heard,
};

/// Every time is rounded down where it is read, and so may be that many milliseconds behind another one.
pub(crate) const ROUNDED: u64 = 3;

/// A question or an answer may be so long on its way, in milliseconds, while the machine has other things to do.
const ON_ITS_WAY: u64 = 1_500;

/// What an answer told, compared with the lab's log.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Told {
    /// Data without a label, from the source as it is.
    Direct,
    /// Data that was given without asking, as long as its source says that it holds.
    Fresh,
    /// Data that says it came at another try, and did.
    Exact,
    /// A copy that says so and how old it is, and that its source lets be given while it is asked for again.
    Renewed,
    /// A copy that says so and how old it is.
    Stale,
    /// Data that is not what it is said to be.
    Untrue,
    /// An error status, for the caller or for the application that made something else of it.
    Error,
    /// A success without data.
    ErrorAsData,
    /// No whole answer.
    Nothing,
}

/// When the source was broken, and since when it is as it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Since {
    pub(crate) broken: u64,
    /// The moment of the mending, or that of the breaking before it.
    pub(crate) changed: u64,
}

impl Cell<'_> {
    /// What an answer of the application was.
    pub(crate) fn told(&self, given: &Given, good: &[Value], since: Since) -> Told {
        let answer = &given.answer;
        let (_, field) = self.endpoints[given.endpoint];
        let moment = answer.body.pointer(field).filter(|time| !time.is_null());
        match (answer.status, moment) {
            (0, _) => Told::Nothing,
            (400.., _) => Told::Error,
            (_, None) if self.was_refused(given) => Told::Error,
            (_, None) => Told::ErrorAsData,
            (_, Some(moment)) if self.deployment.tap.is_some() => {
                self.told_of_its_sources(given, moment, since.broken)
            }
            (_, Some(_)) if self.deployment.proxy.is_some() => {
                self.told_by_label(given, good, since.changed)
            }
            (_, Some(_)) => match self.was_whole("", given.asked, given.given) {
                true => Told::Direct,
                false if answer.body == good[given.endpoint] => Told::Stale,
                false => Told::Untrue,
            },
        }
    }

    /// What an answer is that came through the proxy.
    fn told_by_label(&self, given: &Given, good: &[Value], changed: u64) -> Told {
        let answer = &given.answer;
        let is_copy = answer.body == good[given.endpoint];
        let Some(fidelity) = answer.fidelity() else {
            let whole = self.way == Way::Healthy || self.was_whole("", changed, given.given);
            return if whole { Told::Direct } else { Told::Untrue };
        };
        match fidelity {
            "stale" if is_copy && self.was_good("", given.given, answer.age) => Told::Stale,
            "exact" if self.was_whole("", given.asked, given.given) => Told::Exact,
            _ => Told::Untrue,
        }
    }

    /// What an answer is that the application made of what it was given by the proxy: the least of these.
    fn told_of_its_sources(&self, given: &Given, moment: &Value, broken: u64) -> Told {
        let heard = self.heard(given);
        let moment = moment
            .as_str()
            .map_or_else(|| moment.to_string(), ToOwned::to_owned);
        let is_theirs = |heard: &Heard| heard.body.contains(&moment);
        if !heard.iter().any(is_theirs) {
            return Told::Untrue;
        }
        let told = heard.iter().map(|heard| self.told_by_heard(heard, broken));
        told.max().unwrap_or(Told::Untrue)
    }

    /// Whether the application was given an error for data.
    fn was_refused(&self, given: &Given) -> bool {
        let is_tapped = self.deployment.tap.is_some();
        is_tapped && self.heard(given).iter().any(|heard| heard.status >= 400)
    }

    /// What the proxy gave the application for data while it made that answer.
    fn heard(&self, given: &Given) -> Vec<Heard> {
        let tap = self.deployment.tap.as_ref().expect("a tap");
        let mount = mount(self.source);
        let from = given.asked.saturating_sub(ROUNDED);
        let mut heard = tap.heard(mount, from, given.given + ROUNDED);
        heard.retain(|heard| is_for_data(heard.target.strip_prefix(mount).unwrap_or_default()));
        heard
    }

    fn told_by_heard(&self, heard: &Heard, broken: u64) -> Told {
        let fidelity = heard.healing.split(';').next().unwrap_or_default();
        let is_copy = heard.cache.contains("; hit") || heard.cache.contains(";hit");
        let target = self.target_of(heard);
        let was_good = || self.was_good(target, heard.given, heard.age);
        let was_whole = || self.was_whole(target, heard.asked, heard.given);
        match (heard.status, fidelity) {
            (400.., _) => Told::Error,
            (_, "") if is_copy && was_good() => Told::Fresh,
            (_, "") if !is_copy && was_whole() => Told::Direct,
            (_, "exact") if was_whole() => Told::Exact,
            (_, "stale") if was_good() && self.is_what_was(heard, broken) => {
                let is_allowed = heard.cache.contains("detail=stale-while-revalidate");
                if is_allowed {
                    Told::Renewed
                } else {
                    Told::Stale
                }
            }
            _ => Told::Untrue,
        }
    }

    /// Whether a copy is what the application was given before, or of an answer that came since the fault began and that
    /// nobody was given.
    fn is_what_was(&self, copy: &Heard, broken: u64) -> bool {
        let tap = self.deployment.tap.as_ref().expect("a tap");
        let before = tap.heard(mount(self.source), 0, copy.asked);
        let mut given = before.iter().filter(|heard| heard.healing.is_empty());
        given.any(|heard| heard.target == copy.target && heard.body == copy.body)
            || self.was_whole(self.target_of(copy), broken, copy.given)
    }

    /// What the source was asked for, up to what the proxy or the application put in.
    fn target_of<'h>(&self, heard: &'h Heard) -> &'h str {
        let mount = mount(self.source);
        let target = heard.target.strip_prefix(mount).unwrap_or_default();
        target.split("&crumb=").next().unwrap_or_default()
    }

    /// Whether the source gave an answer without a fault so long before.
    fn was_good(&self, target: &str, given: u64, age: Option<u64>) -> bool {
        let Some(age) = age else {
            return false;
        };
        let asked = asked_for(given, age);
        self.was_whole(target, *asked.start(), *asked.end())
    }

    /// Whether the source was asked for something that begins like that, and gave an answer without a fault in that time.
    fn was_whole(&self, target: &str, from: u64, until: u64) -> bool {
        let asked = self.deployment.asked_of(self.source);
        // A key that was revoked is no fault of an answer to another one.
        let is_well = |asked: &Asked| asked.fault.is_none() || self.way == Way::KeyRevoked;
        asked.iter().any(|asked| {
            is_well(asked)
                && asked.status == Some(200)
                && asked.target.starts_with(target)
                && (from..=until + ROUNDED).contains(&asked.millis)
        })
    }
}

/// When the source was asked for something that was given then, and had that age.
///
/// The field has whole seconds, rounded down: what it counts from is up to a second later than it tells. And it counts from the
/// sending of the question, or from the `Date` of the answer where that is earlier (RFC 9111, section 4.2.3), which is rounded
/// down to a second, too: what it counts from is up to a second before the question. In between both are on their way.
fn asked_for(given: u64, age: u64) -> RangeInclusive<u64> {
    let told = given.saturating_sub(age * 1_000);
    let most = 1_000 + ON_ITS_WAY;
    told.saturating_sub(most)..=told + most
}

/// Whether a source is asked for data there; Yahoo's cookie and crumb are none.
pub(crate) fn is_for_data(target: &str) -> bool {
    target != "/" && !target.starts_with("/v1/test/getcrumb")
}

/// The age that is told of an answer whose question was sent, reached the source, and came back then, when it is given.
fn told_age((sent, asked, came): (u64, u64, u64), given: u64) -> u64 {
    let date = asked / 1_000 * 1_000;
    let when_it_came = (came - sent).max(came.saturating_sub(date));
    (given - came + when_it_came) / 1_000
}

#[test]
fn a_true_age_is_taken_for_one_wherever_its_seconds_and_those_of_the_date_end() {
    for sent in (100_000..101_000).step_by(9) {
        for (there, back, later) in [(0, 0, 0), (8, 40, 3), (250, 250, 250), (900, 900, 900)] {
            for kept in (0..4_000).step_by(31) {
                let (asked, came) = (sent + there, sent + there + back);
                let age = told_age((sent, asked, came), came + kept);
                let given = came + kept + later;
                assert!(
                    asked_for(given, age).contains(&asked),
                    "sent {sent}, asked {asked}, given {given}, age {age}"
                );
            }
        }
    }
}

#[test]
fn an_age_that_is_four_seconds_off_is_not_taken_for_true() {
    for sent in (100_000..101_000).step_by(9) {
        let (asked, came) = (sent + 8, sent + 48);
        let given = came + 10_000;
        let age = told_age((sent, asked, came), given);
        for wrong in [age - 4, age + 4] {
            assert!(!asked_for(given, wrong).contains(&asked), "{sent}: {wrong}");
        }
    }
}
