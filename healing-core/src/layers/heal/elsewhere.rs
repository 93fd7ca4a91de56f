//! What strategies ask for in place of what was asked: where that belongs, whether it is worth asking, who pays, and how
//! an answer that was made elsewhere is read by the rules of the asked place.

use std::sync::{Arc, Mutex, atomic::Ordering::Relaxed};

use http::{Response, StatusCode};
use tokio::time::Instant;

use crate::{
    attempt::{Ask, Miss, Refusal},
    body::Body,
    classify::{
        BodyVerdict,
        live::{Expected, Incoming},
    },
    layers::heal::{
        call::Place,
        found::Found,
        gates::Gates,
        judging::Whole,
        read::{Read, read},
    },
    learner::worth,
    outage::{Passage, Ticket},
    vocabulary::fault::{Fault, FaultClass},
};

/// Who takes only what is worth that much is not experimented with.
const NEARLY_EXACT: f64 = 0.9;

impl Place {
    /// The place of what a strategy asks instead. Its answer is judged, counted and kept as its own, unless it is the
    /// answer to what was asked, from another address.
    pub(crate) fn elsewhere(&self, ask: Ask, now: Instant) -> Self {
        let there = self.house.registry.find(&ask.uri);
        if !ask.is_the_same {
            let found = Found::of(&self.house.kept, &ask.uri, &ask.headers);
            return Self::of(Arc::clone(&self.house), ask, there, found);
        }
        let (gates, host) = if ask.uri == self.ask.uri {
            (self.gates.clone(), Arc::clone(&self.host))
        } else {
            let gates = Gates {
                // What the asked address fails at, this one may well do, and the other way round.
                url: None,
                route: self.route.gate_at(&there.upstream, now),
                upstream: there.upstream,
                key: Arc::clone(&self.gates.key),
            };
            (gates, there.host)
        };
        Self {
            house: Arc::clone(&self.house),
            memory: self.memory.clone(),
            treatment: Arc::clone(&self.treatment),
            route: Arc::clone(&self.route),
            gates,
            host,
            address: self.address,
            title: Arc::clone(self.title()).into(), // not that of the other address
            renews: None, // what it calls the copy by, only the asked address need know
            held: self.held,
            for_nobody: self.for_nobody,
            with_credentials: self.with_credentials,
            hold_until: self.hold_until,
            head_came: false.into(),
            given_up: false.into(),
            failure: Mutex::new(None),
            ask,
        }
    }

    /// Whether it is worth asking; with a ticket where that is to be found out. Called for places other than the asked
    /// one, whose own gates have been asked already.
    pub(crate) fn passage(&self, now: Instant) -> Result<Option<Ticket>, Miss> {
        let wide = [&self.gates.upstream, &self.gates.key];
        let narrow = if self.ask.is_the_same {
            Some(&self.gates.route)
        } else {
            // Another object of a route that fails for many may be the one that works: only its own failures count.
            self.gates.url.as_ref()
        };
        for gate in wide.into_iter().chain(narrow) {
            match gate.ask(now, rand::random()) {
                Passage::Free => {}
                Passage::Try(ticket) | Passage::Probe(ticket) => return Ok(Some(ticket)),
                Passage::Rest(_) => return Err(Miss::Refused(Refusal::Resting)),
            }
        }
        Ok(None)
    }

    /// Takes a token from the source's budget and from that of all.
    pub(crate) fn pays(&self) -> bool {
        self.house.pays_for(&self.route.source)
    }

    /// Whether chance may decide what is tried first: never for nobody, nor for a caller who takes only what is nearly exact,
    /// nor while half of a budget is gone.
    pub(crate) fn may_draw(&self, now: Instant) -> bool {
        let takes_only = worth::of_offer(self.ask.floor.fidelity);
        self.treatment.randomises
            && !self.for_nobody
            && takes_only < NEARLY_EXACT
            && self.house.has_plenty(&self.route.source, now)
    }

    /// Whether the source of this place can spare a call for `asking`: always for its own requests, else only while it can
    /// pay for an extra call of its own.
    pub(crate) fn lends_to(&self, asking: &Self, now: Instant) -> bool {
        let (own, other) = (&self.route.source, &asking.route.source);
        Arc::ptr_eq(own, other) || {
            let since_start = self.house.clock.since_start(now);
            own.budget.has_some(own.requests.load(Relaxed), since_start)
        }
    }

    /// Reads an answer that was made elsewhere as one to what was asked.
    pub(crate) async fn reread(&self, response: Response<Body>) -> Result<Response<Body>, Miss> {
        let (head, body) = response.into_parts();
        let chunks = match read(body, &head.headers, self.bounds(), &self.house.held).await {
            Read::Whole(chunks) => chunks,
            Read::Streaming(_) => {
                let fault = Fault::new(FaultClass::MalformedBody, "too_large_to_reread");
                return Err(Miss::Elsewhere(fault));
            }
            Read::Broken(fault, _) => return Err(Miss::Elsewhere(fault)),
        };
        let whole = Whole {
            head,
            chunks,
            has_key: false,
        };
        self.rejudge(&whole).map_err(Miss::Elsewhere)?;
        Ok(whole.response())
    }

    fn rejudge(&self, whole: &Whole) -> Result<(), Fault> {
        let memory = self
            .memory
            .clone()
            .or_else(|| self.house.kept.find(self.address.key));
        let fields = &whole.head.headers;
        let varies_by = self.house.kept.varied(fields, &self.ask.headers);
        let promise = memory.and_then(|memory| memory.promise(varies_by));
        let rules = self.route.source.rules.load();
        let now = || self.time();
        let incoming = Incoming {
            method: &self.ask.method,
            uri: &self.ask.uri,
            head: &whole.head,
            rules: rules.as_deref(),
            of_route: self.treatment.rules.as_deref(),
            freshness: None,
            range: None,
            is_made: true,
            now: &now,
        };
        let expected = Expected {
            promise: promise.as_deref(),
            usual: None,
        };
        let judged = incoming.judge_body(&whole.chunks, expected);
        match judged.verdict {
            BodyVerdict::Good(_) => self.keep_to_rules(whole),
            // How old it may be was judged where it was made: the close of a day is no frozen trade.
            BodyVerdict::Fault(_) if judged.dated.is_some() => self.keep_to_rules(whole),
            BodyVerdict::Changed(_, fault) | BodyVerdict::Fault(fault) => Err(fault),
        }
    }
}

/// An answer to something else is of use only where it is one: what it says of its own question, the caller did not ask.
pub(crate) fn of_use(ask: &Ask, response: Response<Body>) -> Result<Response<Body>, Miss> {
    if ask.is_the_same || ask.is_upkeep || response.status().is_success() {
        return Ok(response);
    }
    let class = if response.status() == StatusCode::NOT_FOUND {
        FaultClass::NotFound
    } else {
        FaultClass::InvalidRequest
    };
    let fault = Fault::new(class, "nothing_there").with_status(response.status());
    Err(Miss::Elsewhere(fault))
}

/// The fault of a call, as it counts for what was asked.
pub(crate) fn missed(is_the_asked: bool, fault: Fault) -> Miss {
    if is_the_asked {
        Miss::Fault(fault)
    } else {
        Miss::Elsewhere(fault)
    }
}
