//! Planning allocates nothing. A binary of its own: a counter stands in for the allocator.

use allocation_counter::measure;
use healing_core::{
    learn::{Beliefs, Blame, Cause, Culprit, Latencies, Part},
    plan::{Candidate, Costs, Stand},
};

#[test]
fn a_plan_of_eight_candidates_and_what_is_believed_of_each_allocate_nothing() {
    let part = |kind, number| Part { kind, number };
    let needs = |n: u32| {
        [
            part(Culprit::Network, 0),
            part(Culprit::Source, n / 4),
            part(Culprit::Host, n / 2),
            part(Culprit::Key, n),
            part(Culprit::Endpoint, 0),
        ]
    };
    let blame = Blame::learned(Cause::Timeout, &[0.0; 6], &[0.0; 6]);
    let mut beliefs = Beliefs::default();
    beliefs.failed(&needs(0), &blame, 0.0);
    let latency = Latencies::default().grid(&Latencies::usual());
    let stand = Stand {
        in_hand: 0.4,
        floor: 0.2,
        remaining: 3.0,
    };
    let mut planned = 0;
    let counted = measure(|| {
        let candidates = [0, 1, 2, 3, 4, 5, 6, 7].map(|n| {
            let chance = beliefs.chance(0.95, &needs(n), 1.0);
            Candidate {
                name: "alternate_endpoint",
                worth: 1.0,
                p: chance.p,
                up: chance.up,
                latency,
                fails_after: 0.1,
                hangs: chance.hangs,
                delay: 0.0,
                price: 0.0,
                is_primary: n == 0,
            }
        });
        let plan = Costs::default().plan(&candidates, stand);
        let wait = Costs::default().patience(&candidates, plan.steps(), stand);
        planned = plan.steps().len() * usize::from(wait.is_some());
    });
    assert!(planned > 0);
    assert_eq!(counted.count_total, 0);
}
