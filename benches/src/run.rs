//! One run: requests come, calls end, the policy decides, and what every caller got is written down.

use std::{cmp::Ordering, collections::BinaryHeap};

use healing_core::learn::Cause;

use crate::{
    market::{
        BEFORE, ENDPOINTS, Path, Request, Resources, SOURCES, SYMBOLS, Setting, World, after,
        before,
    },
    policy::{Attempt, Case, Failure, Move, Policy, Strategy, View},
};

/// How long a caller waits, in seconds.
pub const DEADLINE: f64 = 5.0;

/// A copy loses its worth by a factor of e in so many seconds.
const COPY_FADES: f64 = 180.0;

/// An answer that is worth this is kept.
const KEPT: f64 = 0.95;

/// Probes are waited for that long, in seconds.
const PROBE_LIMIT: f64 = 1.0;

/// From here on copies and tokens come to what they usually are before a run counts, in seconds.
const SETTLED: f64 = BEFORE - 600.0;

/// What a caller got.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answered {
    /// What it asked.
    pub request: Request,
    /// What it got; `None`: an honest refusal.
    pub with: Option<Strategy>,
    /// What that is worth.
    pub worth: f64,
    /// How long it took, in seconds.
    pub took: f64,
    /// How many calls it took.
    pub calls: u32,
    /// How many of them went to the source that was asked.
    pub asked: u32,
}

/// What came of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Record {
    /// What the callers got whose requests count.
    pub answered: Vec<Answered>,
    /// What those got who came afterwards.
    pub afterwards: Vec<Answered>,
    /// What the lender's own callers got meanwhile.
    pub lenders: Vec<Answered>,
    /// Calls to the source that is looked at for its own callers, probes included, while it counts. What it lends to others'
    /// callers is not among them, as these are not among its requests.
    pub calls: u32,
    /// When the last of them was made for which a quota was left, in seconds.
    pub last_call: f64,
}

/// A call under way.
#[derive(Clone)]
struct Flight {
    ends: f64,
    number: u64,
    case: Box<Case>,
    attempt: Attempt,
}

#[derive(Clone)]
struct Run<'a, P> {
    world: &'a World,
    setting: Setting,
    policy: P,
    resources: Resources,
    copies: Vec<[(f64, f64); SYMBOLS]>,
    flights: BinaryHeap<Flight>,
    started: u64,
    record: Record,
}

/// Runs scenarios of one seed under a policy, each on from the past that they have in common, which is lived through once.
pub fn run<P: Policy + Clone>(
    worlds: &[World],
    setting: Setting,
    seed: u64,
    policy: &P,
) -> Vec<Record> {
    let mut pasts: Vec<Run<'_, P>> = Vec::new();
    let mut records = Vec::with_capacity(worlds.len());
    for world in worlds {
        let known = pasts
            .iter()
            .position(|past| past.world.has_the_past_of(world));
        let past = known.unwrap_or_else(|| {
            pasts.push(Run::lived(world, setting, seed, policy.clone()));
            pasts.len() - 1
        });
        let mut run = pasts[past].clone();
        run.world = world;
        run.resources.ration(world);
        run.play(after(world, seed), f64::INFINITY);
        records.push(run.record);
    }
    records
}

impl<'a, P: Policy> Run<'a, P> {
    /// A run that has come to where it begins to count.
    fn lived(world: &'a World, setting: Setting, seed: u64, policy: P) -> Self {
        let mut run = Run {
            world,
            setting,
            policy,
            resources: Resources::new(world, seed),
            copies: vec![[(f64::NEG_INFINITY, 0.0); SYMBOLS]; SOURCES],
            flights: BinaryHeap::new(),
            started: 0,
            record: Record::default(),
        };
        run.play(before(world, seed), BEFORE);
        run
    }

    /// Lets requests come and calls end, until that moment.
    fn play(&mut self, mut requests: Vec<Request>, until: f64) {
        if !P::LEARNS {
            let looked_at = [self.setting.target, self.world.lender[self.setting.target]];
            requests.retain(|own| own.at >= SETTLED && looked_at.contains(&own.source));
        }
        let mut coming = requests.into_iter().peekable();
        loop {
            let next = coming.peek().map_or(f64::INFINITY, |request| request.at);
            let flight = self.flights.peek();
            let ends = flight.map_or(f64::INFINITY, |flight| flight.ends);
            if next.min(ends) >= until {
                return;
            }
            if next > ends {
                self.flights
                    .pop()
                    .into_iter()
                    .for_each(|flight| self.ended(flight));
            } else if let Some(request) = coming.next() {
                self.decide(Box::new(Case::new(request)), request.at);
            }
        }
    }

    fn ended(&mut self, flight: Flight) {
        let (now, attempt, mut case) = (flight.ends, &flight.attempt, flight.case);
        if attempt.outcome.failed.is_none() && attempt.strategy.worth() >= KEPT {
            let request = case.request;
            self.copies[request.source][request.symbol] = (now, attempt.strategy.worth());
        }
        self.policy.ended(&case, attempt, now);
        if attempt.is_probe {
            return;
        }
        match attempt.outcome.failed {
            None => self.answer(&case, Some(attempt.strategy), now),
            Some(cause) => {
                case.failed(Failure {
                    strategy: attempt.strategy,
                    path: attempt.path,
                    cause,
                });
                self.decide(case, now);
            }
        }
    }

    fn decide(&mut self, mut case: Box<Case>, now: f64) {
        let (since, worth) = self.copies[case.request.source][case.request.symbol];
        case.copy = worth * (-(now - since) / COPY_FADES).exp();
        case.copy_age = now - since;
        let view = View {
            world: self.world,
            resources: &mut self.resources,
            setting: self.setting,
            now,
            remaining: case.request.at + DEADLINE - now,
        };
        let decision = self.policy.decide(&mut case, view);
        if let Some(strategy) = decision.probe {
            self.start(case.clone(), (strategy, PROBE_LIMIT, 0.0), (now, true));
        }
        match decision.then {
            Move::Try {
                strategy,
                limit,
                delay,
            } => self.start(case, (strategy, limit, delay), (now, false)),
            Move::Copy => self.answer(&case, Some(Strategy::Copy), now),
            Move::Refuse => self.answer(&case, None, now),
        }
    }

    fn start(
        &mut self,
        mut case: Box<Case>,
        (strategy, limit, delay): (Strategy, f64, f64),
        (now, is_probe): (f64, bool),
    ) {
        let path = strategy.path(&case.request, self.world);
        let at = now + delay;
        let outcome = self.resources.call(self.world, path, (at, limit));
        case.calls += u32::from(!is_probe);
        case.asked += u32::from(!is_probe && path.source == case.request.source);
        let of_target = [path.source, case.request.source] == [self.setting.target; 2];
        if of_target && self.counts(if is_probe { now } else { case.request.at }) {
            self.record.calls += 1;
            if outcome.failed != Some(Cause::Quota) {
                self.record.last_call = self.record.last_call.max(at);
            }
        }
        self.started += 1;
        self.flights.push(Flight {
            ends: at + outcome.took,
            number: self.started,
            case,
            attempt: Attempt {
                strategy,
                path,
                limit,
                outcome,
                is_probe,
            },
        });
    }

    fn answer(&mut self, case: &Case, with: Option<Strategy>, now: f64) {
        let request = case.request;
        if request.at < BEFORE {
            return;
        }
        let answered = Answered {
            request,
            with,
            worth: match with {
                Some(Strategy::Copy) => case.copy,
                Some(strategy) => strategy.worth(),
                None => 0.0,
            },
            took: now - request.at,
            calls: case.calls,
            asked: case.asked,
        };
        let (target, counts) = (self.setting.target, self.counts(request.at));
        if request.source == target && counts {
            self.record.answered.push(answered);
        } else if request.source == target && request.at >= self.world.fault.1 {
            self.record.afterwards.push(answered);
        } else if request.source == self.world.lender[target] && counts {
            self.record.lenders.push(answered);
        }
    }

    fn counts(&self, at: f64) -> bool {
        self.world.is_felt(at)
    }
}

impl PartialEq for Flight {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Flight {}

impl PartialOrd for Flight {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Flight {
    /// The one that ends first is the greatest: the heap gives the greatest first.
    fn cmp(&self, other: &Self) -> Ordering {
        let by_end = other.ends.total_cmp(&self.ends);
        by_end.then_with(|| other.number.cmp(&self.number))
    }
}

impl Strategy {
    /// Where its call goes.
    #[must_use]
    pub fn path(self, request: &Request, world: &World) -> Path {
        let own = request.symbol % ENDPOINTS;
        let path = Path {
            source: request.source,
            host: 0,
            key: 0,
            endpoint: own,
        };
        match self {
            Self::Primary | Self::Retry | Self::Proxy | Self::Copy => path,
            Self::OtherHost => Path { host: 1, ..path },
            Self::OtherKey => Path { key: 1, ..path },
            Self::OtherSource => Path {
                source: world.lender[request.source],
                ..path
            },
            Self::Daily => Path {
                endpoint: ENDPOINTS,
                ..path
            },
        }
    }
}
