//! The decision core of healing-core, with its rails: what is measured.

mod known;

use arrayvec::ArrayVec;
use healing_core::{
    learn::{Beliefs, Blame, Cause, Cells, Chance, Culprit, Latencies, Part},
    plan::{Candidate, Costs, GATE, Stand},
};
use rand::RngExt;

use crate::{
    market::{END, ENDPOINTS, PLENTY, Path, SOURCES, Setting},
    policy::{
        Attempt, Case, Decision, Move, Policy, Strategy, View,
        draws::Draws,
        ours::known::{CAUSES, Known},
    },
};

/// What is known over all sources is taken anew so often, in seconds.
const REFIT: f64 = 300.0;

/// So probably up, a route needs no probe.
const NEEDS_NO_PROBE: f64 = 0.8;

/// Learns and plans.
#[derive(Clone, Debug)]
pub struct Ours {
    costs: Costs,
    setting: Setting,
    beliefs: Beliefs,
    reliability: Cells<(usize, usize), 2>,
    usually: [(f64, f64); 8],
    everywhere: [[f64; 6]; CAUSES],
    usual_outage: [f64; CAUSES],
    usual_latency: Latencies,
    sources: Vec<Known>,
    refit: f64,
    random: Draws,
}

/// What was looked at for one request.
struct Look<'n> {
    candidates: ArrayVec<Candidate<'n>, 8>,
    strategies: ArrayVec<Strategy, 8>,
    primary: Option<f64>,
}

// === impl Ours ===

impl Ours {
    /// Knows nothing yet.
    #[must_use]
    pub fn new(setting: Setting, seed: u64) -> Self {
        let usual = Latencies::usual();
        Self {
            costs: Costs::default(),
            setting,
            beliefs: Beliefs::default(),
            reliability: Cells::new(0, 1_800.0, 0.0),
            usually: [(0.9, 4.0); 8],
            everywhere: [[0.0; 6]; CAUSES],
            usual_outage: Cause::ALL.map(Cause::usual_outage),
            sources: vec![Known::new(setting.rate, &usual); SOURCES],
            usual_latency: usual,
            refit: REFIT,
            random: Draws::of(seed ^ 0x0a_11ed),
        }
    }

    fn blame(&self, source: usize, cause: Cause) -> Blame {
        let known = &self.sources[source];
        let number = number_of(cause);
        Blame::learned(cause, &self.everywhere[number], &known.culprits[number])
            .lasting(known.outages[number].mean(self.usual_outage[number]))
    }

    fn chance(&self, path: Path, strategy: Strategy, now: f64) -> Chance {
        let (mean, strength) = self.usually[strategy.number()];
        let [succeeded, failed] = self
            .reliability
            .read(&(path.source, strategy.number()), now)
            .unwrap_or_default();
        let reliability = (mean * strength + succeeded) / (strength + succeeded + failed);
        self.beliefs.chance(reliability, &needs(path), now)
    }

    /// The probability that all but our own network is up, partial outages counting as whole ones.
    fn up(&self, path: Path, skip_network: bool, now: f64) -> f64 {
        let needs = needs(path);
        let counted = needs
            .iter()
            .filter(|part| !skip_network || part.kind != Culprit::Network);
        counted
            .map(|part| 1.0 - self.beliefs.down(*part, now))
            .product()
    }

    fn look(&mut self, case: &Case, view: &mut View<'_>) -> Look<'static> {
        let mut look = Look {
            candidates: ArrayVec::new(),
            strategies: ArrayVec::new(),
            primary: None,
        };
        if view.remaining <= 0.06 {
            return look;
        }
        for strategy in Strategy::CALLS {
            let lends = self.setting.lender || case.request.source != self.setting.target;
            if !case.may_try(strategy) || (strategy == Strategy::OtherSource && !lends) {
                continue;
            }
            let path = strategy.path(&case.request, view.world);
            let chance = self.chance(path, strategy, view.now);
            if strategy == Strategy::Primary {
                look.primary = Some(chance.up);
            }
            let delay = self.delay(case, strategy);
            let in_time = delay < view.remaining - 0.05;
            if in_time && let Some(price) = self.price(case, view, (strategy, path)) {
                look.strategies.push(strategy);
                look.candidates
                    .push(self.candidate((strategy, path), chance, (delay, price)));
            }
        }
        look
    }

    /// What a call costs beyond any call; `None` where the rails forbid it.
    fn price(
        &mut self,
        case: &Case,
        view: &mut View<'_>,
        (strategy, path): (Strategy, Path),
    ) -> Option<f64> {
        let own = case.request.source;
        let lent = strategy == Strategy::OtherSource;
        let left = view.resources.quota(path.source, path.key);
        let affordable = if lent {
            let reserve = (0.25 * view.world.burst[path.source]).max(1.0);
            let first = Path {
                key: 0,
                host: 0,
                ..path
            };
            view.resources.tokens(view.world, first, view.now) >= reserve
        } else {
            let paid = case
                .failures
                .iter()
                .any(|failure| failure.path.source == own);
            left >= 1.0 && (!paid || self.sources[own].budget.has_one())
        };
        let known = &mut self.sources[path.source];
        let allowed = known.limiters[route_of(path)].allows(view.now);
        let scarce = !lent && left < PLENTY / 1e3;
        (allowed && affordable).then_some(if scarce { known.price } else { 0.0 })
    }

    fn candidate(
        &self,
        (strategy, path): (Strategy, Path),
        chance: Chance,
        (delay, price): (f64, f64),
    ) -> Candidate<'static> {
        let known = &self.sources[path.source];
        Candidate {
            name: name_of(strategy),
            worth: strategy.worth(),
            p: chance.p,
            up: chance.up,
            latency: known.grid,
            fails_after: known.fails_after,
            hangs: chance.hangs,
            delay,
            price,
            is_primary: strategy == Strategy::Primary,
        }
    }

    fn delay(&mut self, case: &Case, strategy: Strategy) -> f64 {
        if strategy != Strategy::Retry {
            return 0.0;
        }
        let doubled = f64::from(1_u32 << case.tried(Strategy::Retry));
        0.1 * doubled * (0.5 + self.random.random::<f64>())
    }

    /// A probe of what is probably down, where one is due.
    fn probe(&mut self, case: &Case, view: &View<'_>) -> Option<Strategy> {
        let source = case.request.source;
        if !self.sources[source].probes.are_due(view.now) {
            return None;
        }
        let candidates = [Strategy::Primary, Strategy::OtherHost, Strategy::OtherKey];
        let up = |strategy: &Strategy| {
            self.up(strategy.path(&case.request, view.world), false, view.now)
        };
        let suspect = candidates
            .into_iter()
            .filter(|strategy| up(strategy) < NEEDS_NO_PROBE);
        let chosen = suspect.max_by(|a, b| up(a).total_cmp(&up(b)).then(b.cmp(a)))?;
        self.sources[source].probes.sent(view.now);
        Some(chosen)
    }

    /// What is probably down is tried all the same where nothing else is left, from the budget.
    fn last_resort(&self, case: &Case, look: &Look<'_>, stand: Stand) -> Option<(usize, f64)> {
        let legal = |own: &Candidate<'_>| own.up < GATE && own.worth >= stand.floor;
        let shut = look
            .candidates
            .iter()
            .enumerate()
            .filter(|(_, own)| legal(own));
        let indexed =
            shut.filter_map(|(n, own)| Some((n, self.costs.index(own, stand.remaining)?)));
        let (n, (index, limit)) = indexed.max_by(|(_, a), (_, b)| a.0.total_cmp(&b.0))?;
        let has_one = self.sources[case.request.source].budget.has_one();
        (index > stand.in_hand && has_one).then_some((n, limit))
    }

    /// Pays for a call and makes it.
    fn take(
        &mut self,
        case: &Case,
        view: &View<'_>,
        (look, n, limit): (&Look<'_>, usize, f64),
    ) -> Move {
        let (own, strategy) = (case.request.source, look.strategies[n]);
        let again = case
            .failures
            .iter()
            .any(|failure| failure.path.source == own);
        if again && strategy != Strategy::OtherSource {
            self.sources[own].budget.spend();
        }
        let path = strategy.path(&case.request, view.world);
        self.sources[path.source].limiters[route_of(path)].spend();
        let delay = look.candidates[n].delay;
        Move::Try {
            strategy,
            limit,
            delay,
        }
    }

    /// The price of a call under a quota, by what the best call would have been worth to this caller were it free.
    fn reprice(&mut self, case: &Case, view: &View<'_>, (look, stand): (&Look<'_>, Stand)) {
        let source = case.request.source;
        let left: f64 = (0..2)
            .map(|key| view.resources.quota(source, key).max(0.0))
            .sum();
        if view.resources.quota(source, 0) >= PLENTY / 1e3 {
            return;
        }
        // Also a call that its price forbids: what is not counted would bring the price down.
        let whatever = Stand {
            in_hand: f64::NEG_INFINITY,
            ..stand
        };
        let plan = self.costs.plan(&look.candidates, whatever);
        let gain = plan.steps().first().map_or(0.0, |step| {
            step.index + look.candidates[step.candidate].price - stand.in_hand
        });
        let chance = self.random.random();
        self.sources[source].reprice(gain, (left, END - view.now), chance);
    }

    /// What holds over all sources.
    fn refit(&mut self, now: f64) {
        if now < self.refit {
            return;
        }
        self.refit += REFIT;
        for strategy in 0..self.usually.len() {
            let counts =
                (0..SOURCES).filter_map(|source| self.reliability.read(&(source, strategy), now));
            let (succeeded, tried) = counts.fold((0.0, 0.0), |(s, n), [a, b]| (s + a, n + a + b));
            self.usually[strategy] = ((succeeded + 0.95 * 20.0) / (tried + 20.0), 10.0);
        }
        for (number, cause) in Cause::ALL.into_iter().enumerate() {
            for culprit in 0..6 {
                let seen = self
                    .sources
                    .iter()
                    .map(|known| known.culprits[number][culprit]);
                self.everywhere[number][culprit] = seen.sum();
            }
            let all = self.sources.iter().map(|known| known.outages[number]);
            let (count, seconds) =
                all.fold((0.0, 0.0), |(n, s), own| (n + own.count, s + own.seconds));
            self.usual_outage[number] = (cause.usual_outage() * 3.0 + seconds) / (3.0 + count);
        }
        let latencies: Vec<Latencies> = self.sources.iter().map(|known| known.latencies).collect();
        self.usual_latency = Latencies::together(&latencies, &Latencies::usual());
    }

    fn learn_success(&mut self, case: &Case, attempt: &Attempt, now: f64) {
        let cleared = needs(attempt.path);
        for (_, cause, seconds) in self.beliefs.succeeded(&cleared, now) {
            self.sources[attempt.path.source].outages[number_of(cause)].ended(seconds);
        }
        if attempt.is_probe {
            return;
        }
        for failure in &case.failures {
            let blame = self.blame(failure.path.source, failure.cause);
            let left = needs(failure.path)
                .into_iter()
                .filter(|part| !cleared.contains(part));
            let shares = self.beliefs.exonerated(left, &blame, now);
            let counts = &mut self.sources[failure.path.source].culprits[number_of(failure.cause)];
            for (count, share) in counts.iter_mut().zip(shares) {
                *count = *count * 0.98 + share;
            }
        }
    }
}

impl Policy for Ours {
    const LEARNS: bool = true;

    fn decide(&mut self, case: &mut Case, mut view: View<'_>) -> Decision {
        if case.is_new() {
            self.sources[case.request.source].arrived(view.now);
        }
        self.refit(view.now);
        let has_copy = case.copy >= case.request.floor;
        let in_hand = if has_copy {
            case.copy
        } else {
            -self.costs.refusal
        };
        let look = self.look(case, &mut view);
        let stand = Stand {
            in_hand,
            floor: case.request.floor,
            remaining: view.remaining,
        };
        let plan = self.costs.plan(&look.candidates, stand);
        let best = plan.steps().first().copied();
        let chosen = best.map(|step| look.strategies[step.candidate]);
        let mut probe = None;
        if case.is_new() {
            let suspect =
                |up: f64| up < GATE || (up < NEEDS_NO_PROBE && chosen != Some(Strategy::Primary));
            if look.primary.is_some_and(suspect) {
                probe = self.probe(case, &view);
            }
            self.reprice(case, &view, (&look, stand));
        }
        let then = match best {
            Some(step) => {
                let patience = self.costs.patience(&look.candidates, plan.steps(), stand);
                let limit = patience.unwrap_or(step.limit);
                self.take(case, &view, (&look, step.candidate, limit))
            }
            None if has_copy => Move::Copy,
            None => match self.last_resort(case, &look, stand) {
                Some((n, limit)) => {
                    if case.is_new() {
                        self.sources[case.request.source].budget.spend();
                    }
                    self.take(case, &view, (&look, n, limit))
                }
                None => Move::Refuse,
            },
        };
        Decision { probe, then }
    }

    fn ended(&mut self, case: &Case, attempt: &Attempt, now: f64) {
        self.refit(now);
        let (path, failed) = (attempt.path, attempt.outcome.failed);
        let arrivals = self.sources[path.source].arrivals;
        self.sources[path.source].limiters[route_of(path)].ended(failed, arrivals, now);
        let is_up = failed != Some(Cause::Timeout) || self.up(path, true, now) > 0.5;
        self.sources[path.source].took(attempt, is_up, &self.usual_latency);
        let cell = (path.source, attempt.strategy.number());
        match failed {
            None => {
                self.learn_success(case, attempt, now);
                self.reliability.add(cell, [1.0, 0.0], now);
            }
            Some(cause) => {
                let blame = self.blame(path.source, cause);
                let on_nothing = self.beliefs.failed(&needs(path), &blame, now);
                self.reliability.add(cell, [0.0, on_nothing], now);
            }
        }
        if attempt.is_probe {
            let lasts = failed.map(|cause| (cause, self.blame(path.source, cause).lasts()));
            self.sources[path.source].probes.ended(lasts, arrivals, now);
        }
    }
}

/// What a call needs.
fn needs(path: Path) -> [Part; 5] {
    let part = |kind, number: usize| Part {
        kind,
        number: u32::try_from(number).unwrap_or(u32::MAX),
    };
    [
        part(Culprit::Network, 0),
        part(Culprit::Source, path.source),
        part(Culprit::Host, path.source * 2 + path.host),
        part(Culprit::Key, path.source * 2 + path.key),
        part(
            Culprit::Endpoint,
            path.source * (ENDPOINTS + 1) + path.endpoint,
        ),
    ]
}

const fn route_of(path: Path) -> usize {
    path.host * 2 + path.key
}

fn number_of(cause: Cause) -> usize {
    Cause::ALL.iter().position(|own| *own == cause).unwrap_or(0)
}

const fn name_of(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::Primary => "direct",
        Strategy::Retry => "exponential_backoff_retry",
        Strategy::OtherHost => "alternate_endpoint",
        Strategy::OtherKey => "api_key_rotation",
        Strategy::OtherSource => "fallback",
        Strategy::Daily => "historical_fallback",
        Strategy::Copy => "use_cached_data",
        Strategy::Proxy => "etf_proxy",
    }
}
