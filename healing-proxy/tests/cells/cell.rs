//! One cell: a source is asked at a steady pace while it is broken, and after.

use std::time::Duration;

use healing_core::Clock;
use healing_lab::SourceName;
use serde_json::Value;
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, sleep},
};

use crate::{
    caller::{Answer, Caller},
    deployment::Deployment,
    faults::{Endpoint, Way},
    results::Results,
    told::{ROUNDED, Since, Told, is_for_data},
};

const REQUESTS: usize = 60;
const PACE: Duration = Duration::from_millis(200);
/// Requests after the source is back: four seconds of them.
const AFTER: usize = 20;

/// A source of a deployment with the caller who asks for its data.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell<'a> {
    pub(crate) deployment: &'a Deployment,
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

/// Waits for the same part of a second, in every cell: a `Date` has whole seconds, so what holds for one is asked for again
/// sooner or later as it was asked for early or late in a second, in the healthy run as in the others.
async fn same_part_of_a_second() {
    let clock = Clock::started_now();
    let into = clock.timestamp(clock.now()).subsec_millisecond();
    let left = u64::try_from(1_100 - into).expect("less than a second after 1970");
    sleep(Duration::from_millis(left % 1_000)).await;
}

impl Cell<'_> {
    pub(crate) async fn run(&self) -> Results {
        let mut good = Vec::new();
        same_part_of_a_second().await;
        for (path, field) in self.endpoints {
            let answer = self.caller.get(path).await;
            let found = (answer.status, answer.body.pointer(field).is_some());
            assert_eq!(found, (200, true), "{path} while all is well: {answer:?}");
            good.push(answer.body);
        }
        let lab = &self.deployment.lab;
        let apart = Duration::from_millis(3 * ROUNDED); // so that no answer is taken for one of another time
        sleep(apart).await;
        same_part_of_a_second().await;
        let broken = lab.millis();
        self.deployment.inject(self.source, self.way).await;
        let during = self.ask(REQUESTS).await;
        let calls = self.data_calls(broken);
        sleep(apart).await;
        self.deployment.clear(self.source).await;
        let whole = lab.millis();
        let after = self.ask(AFTER).await;
        let told = during.into_iter().map(|given| {
            let told = self.told(
                &given,
                &good,
                Since {
                    broken,
                    changed: broken,
                },
            );
            (given, told)
        });
        let mut results = Results::of(self.source, self.way, &Vec::from_iter(told));
        results.calls = calls;
        let mended = Since {
            broken,
            changed: whole,
        };
        results.back = self.back(&after, &good, mended);
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
            let (asked, begun) = (self.deployment.lab.millis(), Instant::now());
            asking.spawn(async move {
                let answer = caller.get(path).await;
                let took = u64::try_from(begun.elapsed().as_millis()).expect("a few seconds");
                Given {
                    endpoint,
                    asked,
                    given: asked + took,
                    answer,
                }
            });
        }
        let mut given = asking.join_all().await;
        given.sort_by_key(|given| given.asked);
        given
    }

    /// Calls for data since then; Yahoo's cookie and crumb are none.
    fn data_calls(&self, since: u64) -> usize {
        let asked = self.deployment.asked_of(self.source).into_iter();
        asked
            .filter(|asked| asked.millis >= since && is_for_data(&asked.target))
            .count()
    }

    /// How long after the source was whole all answers were exact again, or as it lets them be given; `None` where they never
    /// were.
    fn back(&self, after: &[Given], good: &[Value], since: Since) -> Option<Duration> {
        let is_right = |given: &&Given| {
            let told = self.told(given, good, since);
            matches!(
                told,
                Told::Direct | Told::Fresh | Told::Exact | Told::Renewed
            )
        };
        let first = after.iter().rev().take_while(is_right).last()?;
        Some(Duration::from_millis(
            first.asked.saturating_sub(since.changed),
        ))
    }
}
