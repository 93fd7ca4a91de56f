//! An answer that was read whole: what is wrong with it, and what a good one teaches.

use std::sync::Arc;

use http::{HeaderMap, Response, header, response::Parts};

use crate::{
    body::{Body, Chunks},
    classify::{
        BodyVerdict, Reply,
        live::{Dated, Expected, Incoming, Judged},
        shape::{Amount, Shape},
        times,
    },
    kept::{
        BodyHash, Received,
        habits::{Came, Remark},
        memory::Memory,
    },
    layers::heal::call::{Asked, Bad, Frozen, Good, Last, Place, as_it_comes},
    vocabulary::{
        fault::{Domain, Fault, FaultClass},
        provenance::Suspect,
    },
};

/// An answer that was read whole.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) head: Parts,
    pub(crate) chunks: Chunks,
    /// Whether it was asked with a key of ours.
    pub(crate) has_key: bool,
}

// === impl Whole ===

impl Whole {
    pub(crate) fn response(self) -> Response<Body> {
        Response::from_parts(self.head, Body::of(self.chunks))
    }
}

// === impl Place ===

impl Place {
    /// Judges an answer whose status is bad: its body may tell more.
    pub(crate) fn judge_refusal<E>(
        &self,
        asked: Asked<'_>,
        whole: Whole,
        by_status: Fault,
    ) -> Result<Good, Bad<E>> {
        let rules = self.route.source.rules.load();
        let now = || self.time();
        let incoming = Incoming {
            method: &asked.ask.method,
            uri: &asked.ask.uri,
            head: &whole.head,
            rules: rules.as_deref(),
            of_route: self.treatment.rules.as_deref(),
            freshness: None,
            range: None,
            is_made: false,
            now: &now,
        };
        let fault = incoming
            .judge_refusal(&whole.chunks, by_status)
            .and_then(|fault| self.blames_the_caller(fault, whole.has_key));
        let keeps = fault.is_none() || self.treatment.caching.errors;
        let stored = keeps && self.set_aside(asked, &whole, fault.as_ref());
        let response = whole.response();
        match fault {
            None => Ok(Good {
                stored,
                ..as_it_comes(response)
            }),
            Some(fault) => Err(Bad {
                fault,
                last: Last::Response(Box::new(response)),
            }),
        }
    }

    /// An answer that is a refusal: as it came where its caller is wrong, else bad.
    pub(crate) fn refused<E>(
        &self,
        fault: Fault,
        response: Response<Body>,
        has_key: bool,
    ) -> Result<Good, Bad<E>> {
        match self.blames_the_caller(fault, has_key) {
            None => Ok(as_it_comes(response)),
            // A refusal in a good status looks like an answer to who does not read it.
            Some(fault) if response.status().is_success() => Err(Bad {
                fault,
                last: Last::Nothing,
            }),
            Some(fault) => Err(Bad {
                fault,
                last: Last::Response(Box::new(response)),
            }),
        }
    }

    /// The fault, unless its caller made a mistake. Where every URL of the route that was good is refused, none did; but
    /// credentials that a caller sent stay its own. A key that we put in is ours to answer for.
    fn blames_the_caller(&self, fault: Fault, has_key: bool) -> Option<Fault> {
        let is_ours = has_key && fault.class == FaultClass::AuthError;
        if !fault.class.is_the_callers() || is_ours {
            return Some(fault);
        }
        let mut strategies = self.treatment.strategies.iter();
        if strategies.any(|strategy| strategy.mends(&fault)) {
            return Some(fault);
        }
        let was_good = self.memory.as_ref().is_some_and(|memory| memory.was_good());
        // What was a valid question is one still: a success without the data that it had is no mistake of its caller.
        let is_valid = fault.class == FaultClass::InvalidRequest
            && fault.status.is_some_and(|status| status.is_success());
        if was_good && is_valid {
            return Some(fault);
        }
        let is_own = fault.class == FaultClass::AuthError && self.with_credentials;
        if !was_good || is_own || !self.route.mistakes.refused(self.address.key.object()) {
            return None;
        }
        Some(fault.striking(Domain::Endpoint))
    }

    /// Judges an answer whose status is good.
    pub(crate) fn judge<E>(&self, asked: Asked<'_>, whole: Whole) -> Result<Good, Bad<E>> {
        let ask = asked.ask;
        let memory = self
            .memory
            .clone()
            .or_else(|| self.house.kept.find(self.address.key));
        let (head, chunks) = (&whole.head, &whole.chunks);
        let varies_by = self.house.kept.varied(&head.headers, &ask.headers);
        let hash = self.house.kept.hash_of(&head.headers, chunks);
        let rules = self.route.source.rules.load();
        let now = || self.time();
        let incoming = Incoming {
            method: &ask.method,
            uri: &ask.uri,
            head,
            rules: rules.as_deref(),
            of_route: self.treatment.rules.as_deref(),
            freshness: self.treatment.freshness.as_deref(),
            range: self.treatment.range.as_deref(),
            is_made: false,
            now: &now,
        };
        let known = memory.as_ref();
        let known = known.and_then(|memory| self.as_before(&incoming, memory, hash));
        let judged = known.unwrap_or_else(|| {
            let promise = memory.as_ref().and_then(|memory| memory.promise(varies_by));
            let was_good = memory.as_ref().is_some_and(|memory| memory.has_promise());
            let is_new = !was_good && !varies_in_form(&head.headers);
            let usual = is_new.then(|| self.route.usuals.expected()).flatten();
            incoming.judge_body(
                chunks,
                Expected {
                    promise: promise.as_deref(),
                    usual: usual.as_deref(),
                },
            )
        });
        let is_believed = matches!(judged.verdict, BodyVerdict::Changed(..));
        let settled = self.settle(judged.verdict, memory.as_ref());
        let learned = settled.and_then(|shape| {
            self.keep_to_rules(&whole)?;
            Ok(Learned {
                memory: memory.clone(),
                shape,
                varies_by,
                hash,
                tells_age: incoming.tells_age(),
                dated: judged.dated,
                suspect: judged.suspect,
                amount: judged.amount,
                carries: judged.carries,
                is_believed,
            })
        });
        match learned {
            Ok(learned) => Ok(self.good(asked, whole, learned)),
            Err(fault) => self.bad(fault, judged.dated, whole),
        }
    }

    /// The verdict on a body that was good the last time: only its age may have changed.
    fn as_before(
        &self,
        incoming: &Incoming<'_>,
        memory: &Memory,
        hash: BodyHash,
    ) -> Option<Judged> {
        // What was good before its route had rules, or had others, may be none now.
        if !memory.knows(hash) || incoming.of_route.is_some() {
            return None;
        }
        if !incoming.tells_age() {
            return Some(Judged::good(None));
        }
        let date = memory.dates.of(hash, self.house.registry.generation())?;
        let is_stale = |dated: &Dated| incoming.stale(dated).is_some();
        if date.is_young((incoming.now)(), is_stale) {
            return Some(Judged::good(date.dated));
        }
        let dated = date.dated?;
        Some(Judged::stale(incoming.stale(&dated)?, dated))
    }

    /// What a verdict comes to: the shape to learn, where there is one. A change that came often enough in a row is no fault.
    fn settle(
        &self,
        verdict: BodyVerdict,
        memory: Option<&Arc<Memory>>,
    ) -> Result<Option<Shape>, Fault> {
        match verdict {
            BodyVerdict::Good(shape) => Ok(shape),
            BodyVerdict::Changed(shape, fault) => {
                let begin = || {
                    let now = self.house.clock.now();
                    self.house.kept.find_or_begin(self.address.key, now)
                };
                let memory = memory.map_or_else(begin, Arc::clone);
                if memory.accepts(&shape) {
                    Ok(Some(shape))
                } else {
                    Err(fault)
                }
            }
            BodyVerdict::Fault(fault) => {
                memory.iter().for_each(|memory| memory.forgets_candidate());
                Err(fault)
            }
        }
    }

    /// A bad answer with a good status: one that says that its caller is wrong passes, one that is only too old may still be
    /// given as such.
    fn bad<E>(&self, fault: Fault, dated: Option<Dated>, whole: Whole) -> Result<Good, Bad<E>> {
        let has_key = whole.has_key;
        let response = whole.response();
        if fault.class.is_the_callers() {
            return self.refused(fault, response, has_key);
        }
        if self.treatment.observe {
            let last = Last::Response(Box::new(response));
            return Err(Bad { fault, last });
        }
        match dated.filter(|_| fault.class == FaultClass::StaleData) {
            Some(dated) => Err(self.frozen(fault, dated, response)),
            None => Err(Bad {
                fault,
                last: Last::Nothing,
            }),
        }
    }

    /// An answer that is only too old.
    pub(crate) fn frozen<E>(&self, fault: Fault, dated: Dated, response: Response<Body>) -> Bad<E> {
        let kept = self.memory.as_ref().and_then(|memory| memory.newest_kept());
        let last = Last::Frozen(Box::new(Frozen {
            response,
            age: dated.newest.age(self.time()),
            is_behind_copy: kept.is_some_and(|kept| kept.is_later_than(dated.newest)),
        }));
        Bad { fault, last }
    }

    /// What rules of one's own say of an answer that the general ones call good.
    pub(crate) fn keep_to_rules(&self, whole: &Whole) -> Result<(), Fault> {
        let reply = Reply::of(&whole.head, &whole.chunks);
        let broken = self
            .house
            .rules
            .iter()
            .find_map(|rule| rule.classify(&reply));
        broken.map_or(Ok(()), Err)
    }

    /// A good answer: what may be kept of it is kept.
    fn good(&self, asked: Asked<'_>, whole: Whole, mut learned: Learned) -> Good {
        let ask = asked.ask;
        let memory = learned.memory.take().unwrap_or_else(|| {
            let now = self.house.clock.now();
            self.house.kept.find_or_begin(self.address.key, now)
        });
        let known = memory
            .knows(learned.hash)
            .then(|| memory.copy_with(learned.hash));
        let received = Received {
            method: &ask.method,
            request: &ask.headers,
            with_credentials: self.with_credentials,
            status: whole.head.status,
            headers: &whole.head.headers,
            body: &whole.chunks,
            hash: learned.hash,
            fault: None,
            took: self.took(asked.underway.sent_at),
            known: known.flatten(),
        };
        let odd = |amount| self.is_odd(amount, &memory);
        let missed = self.misses(&whole, &learned, &memory);
        let suspect = learned.suspect.or_else(|| learned.amount.and_then(odd));
        learned.suspect = suspect.or(missed);
        let stalled = || self.stands_still(&whole, &learned, &memory);
        let suspect = learned
            .suspect
            .or_else(|| stalled().then_some(Suspect::Stalled));
        self.learn(&memory, learned);
        let stored = self.keep(&received, &memory);
        Good {
            response: whole.response(),
            stored,
            renewed: false,
            suspect,
        }
    }

    /// What is odd about the number that is watched.
    fn is_odd(&self, amount: f64, memory: &Memory) -> Option<Suspect> {
        let range = self.treatment.range.as_ref()?;
        if !range.holds(amount) {
            return Some(Suspect::OutOfRange);
        }
        memory.steps.is_jump(amount).then_some(Suspect::Jump)
    }

    /// Whether the newest that the answers of this URL name has stopped moving. Where how old they may be is known, that says
    /// more.
    fn stands_still(&self, whole: &Whole, learned: &Learned, memory: &Memory) -> bool {
        if learned.dated.is_some() {
            return false;
        }
        let now = self.time();
        memory.looks.stand_still(now, || {
            let is_new = !memory.knows(learned.hash);
            let newest = || times::newest_of(&whole.head.headers, &whole.chunks, now);
            let newest = is_new.then(newest).flatten();
            let url = self.address.key.object();
            self.route.cadences.look(url, newest, now)
        })
    }

    /// What a good answer lacks of what those before it always had. What lasts is how it is now, and is told.
    fn misses(&self, whole: &Whole, learned: &Learned, memory: &Memory) -> Option<Suspect> {
        let amount = learned.carries?;
        let before = learned
            .shape
            .as_ref()
            .and_then(|_| memory.promise(learned.varies_by));
        let came = Came {
            amount,
            before: before.as_deref(),
            now: learned.shape.as_ref(),
            is_believed: learned.is_believed,
        };
        let remark = memory.habits.note(came);
        if let Some(shape) = &learned.shape {
            let body = (&whole.head.headers, &whole.chunks);
            self.route.path_names.learn(shape, body);
        }
        match remark {
            Remark::Nothing => None,
            Remark::Odd(suspect) => Some(suspect),
            Remark::Lasts(change) => {
                if let Some(told) = self.route.path_names.changes(&change, self.time()) {
                    let route = &self.route.route;
                    tracing::info!(%route, change = %told, "the answers of a route look otherwise");
                }
                None
            }
        }
    }

    fn learn(&self, memory: &Memory, learned: Learned) {
        self.route.mistakes.good();
        let is_known = memory.knows(learned.hash);
        // An odd one is looked into again, and called odd as long as it comes.
        if learned.suspect.is_none() {
            memory.learns(learned.hash);
        }
        let generation = self.house.registry.generation();
        if learned.tells_age && !(is_known && memory.dates.of(learned.hash, generation).is_some()) {
            memory.dates.note(learned.hash, generation, learned.dated);
        }
        if let Some(shape) = learned.shape {
            self.route.looks_like(shape.likeness());
            if !memory.has_promise() {
                self.route.usuals.learn(&self.route.route, &shape);
            }
            memory.promises(shape, learned.varies_by);
        }
    }
}

/// Whether what comes depends on the form that the caller asks for.
fn varies_in_form(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::VARY).iter();
    let names = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    names
        .map(<[u8]>::trim_ascii)
        .any(|name| name == b"*" || name.eq_ignore_ascii_case(b"accept"))
}

/// What a good answer teaches about its URL.
struct Learned {
    /// What was known of it.
    memory: Option<Arc<Memory>>,
    /// Its shape, where it is not just the promised one.
    shape: Option<Shape>,
    /// Of which variant it is the shape.
    varies_by: Option<u64>,
    hash: BodyHash,
    /// Whether its age matters.
    tells_age: bool,
    /// The newest that it names.
    dated: Option<Dated>,
    suspect: Option<Suspect>,
    /// The number that is watched.
    amount: Option<f64>,
    /// How much it carries, where it was looked into.
    carries: Option<Amount>,
    /// Whether its shape came so often that it is believed.
    is_believed: bool,
}
