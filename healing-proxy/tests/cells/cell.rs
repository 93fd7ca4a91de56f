//! One cell: a source is asked at a steady pace while it is broken, and after.

use std::time::Duration;

use healing_lab::{Lab, SourceName};
use serde_json::Value;
use tokio::{
    task::JoinSet,
    time::{MissedTickBehavior, interval},
};

use crate::{
    caller::{Answer, Caller},
    faults::{Endpoint, Way},
    results::{Results, Told},
};

const REQUESTS: usize = 60;
const PACE: Duration = Duration::from_millis(200);
/// Requests after the source is back: four seconds of them.
const AFTER: usize = 20;

/// A source of a lab with the caller who asks for its data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) caller: &'a Caller,
    pub(crate) source: SourceName,
    pub(crate) endpoints: &'static [Endpoint],
    pub(crate) way: Way,
}

/// An answer with when it was asked for and given, in milliseconds of the lab.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) endpoint: usize,
    pub(crate) asked: u64,
    pub(crate) given: u64,
    pub(crate) answer: Answer,
}

impl Cell<'_> {
    pub(crate) async fn run(&self) -> Results {
        let mut good = Vec::new();
        for (path, field) in self.endpoints {
            let answer = self.caller.get(path).await;
            let found = (answer.status, answer.body.pointer(field).is_some());
            assert_eq!(found, (200, true), "{path} while all is well: {answer:?}");
            good.push(answer.body);
        }
        let broken = self.lab.millis();
        for fault in self.way.faults(self.source) {
            self.lab.inject(self.source, fault);
        }
        self.lab.settled().await;
        let during = self.ask(REQUESTS).await;
        let calls = self.data_calls(broken);
        self.lab.clear(self.source);
        self.lab.settled().await;
        let whole = self.lab.millis();
        let after = self.ask(AFTER).await;
        let told = during.into_iter().map(|given| {
            let told = self.told(&given, &good, broken);
            (given, told)
        });
        let mut results = Results::of(self.source, self.way, &Vec::from_iter(told));
        results.calls = calls;
        results.back = self.back(&after, whole);
        results
    }

    /// Asks for one endpoint after the other at the pace, however long the answers take.
    async fn ask(&self, requests: usize) -> Vec<Given> {
        let mut ticks = interval(PACE);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut asking = JoinSet::new();
        for endpoint in (0..self.endpoints.len()).cycle().take(requests) {
            ticks.tick().await;
            let (path, caller) = (self.endpoints[endpoint].0, self.caller.clone());
            let asked = self.lab.millis();
            asking.spawn(async move {
                let answer = caller.get(path).await;
                (endpoint, asked, answer)
            });
        }
        let given = asking.join_all().await.into_iter();
        let given = given.map(|(endpoint, asked, answer)| Given {
            endpoint,
            asked,
            given: asked + u64::try_from(answer.took.as_millis()).expect("a few seconds"),
            answer,
        });
        let mut given: Vec<Given> = given.collect();
        given.sort_by_key(|given| given.asked);
        given
    }

    /// Calls for data since then; Yahoo's cookie and crumb are none.
    fn data_calls(&self, since: u64) -> usize {
        let asked = self.lab.asked_of(self.source).into_iter();
        asked
            .filter(|asked| asked.millis >= since)
            .filter(|asked| asked.target != "/" && !asked.target.starts_with("/v1/test/getcrumb"))
            .count()
    }

    /// What an answer was, and whether its label is true by the lab's log.
    fn told(&self, given: &Given, good: &[Value], broken: u64) -> Told {
        let answer = &given.answer;
        let (_, field) = self.endpoints[given.endpoint];
        let moment = answer.body.pointer(field).filter(|time| !time.is_null());
        match (answer.status, moment) {
            (0, _) => return Told::Nothing,
            (400.., _) => return Told::Error,
            (_, None) => return Told::ErrorAsData,
            (_, Some(_)) => {}
        }
        let Some(fidelity) = answer.fidelity() else {
            let whole = self.way == Way::Healthy || self.was_whole(broken, given.given);
            return if whole { Told::Direct } else { Told::Untrue };
        };
        let age = answer.age.unwrap_or_default() * 1_000;
        let made = given.given.saturating_sub(age);
        let is_copy = answer.body == good[given.endpoint];
        // A copy is as old as a visit without a fault; the field counts whole seconds.
        let seen = self.was_whole(made.saturating_sub(2_500), made + 1_000);
        match fidelity {
            "stale" if is_copy && answer.age.is_some() && seen => Told::Stale,
            "exact" if self.was_whole(given.asked, given.given) => Told::Exact,
            _ => Told::Untrue,
        }
    }

    /// Whether the source was asked and gave an answer without a fault in that time.
    fn was_whole(&self, from: u64, until: u64) -> bool {
        let asked = self.lab.asked_of(self.source);
        asked.iter().any(|asked| {
            asked.fault.is_none()
                && asked.status == Some(200)
                && (from..=until).contains(&asked.millis)
        })
    }

    /// How long after the source was whole all answers were exact again; `None` where they never were.
    fn back(&self, after: &[Given], whole: u64) -> Option<Duration> {
        let is_exact = |given: &&Given| {
            let (answer, field) = (&given.answer, self.endpoints[given.endpoint].1);
            let exact = matches!(answer.fidelity(), None | Some("exact"));
            exact && answer.status == 200 && answer.body.pointer(field).is_some()
        };
        let first = after.iter().rev().take_while(is_exact).last()?;
        Some(Duration::from_millis(first.asked.saturating_sub(whole)))
    }
}
