//! One upstream call: sent, read, judged, remembered, observed.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Response, response::Parts};
use tokio::time::Instant;

use crate::{
    attempt::{Ask, TransportError},
    body::{Body, BoxError, Chunks},
    classify::{self, BodyVerdict, Expectation, HeadVerdict, Reply, shape::Shape},
    healer::House,
    hop::strip_hop_fields,
    kept::{BodyHash, Copy, Memory, Received, UrlKey, Wanted, caller},
    layers::{
        heal::{
            echo,
            gates::{Gates, Who},
            read::{Bounds, Read, read},
        },
        observe::Call,
    },
    outage::Heard,
    pace::Pass,
    quota::Errand,
    registry::{RouteState, Whereabouts},
    settings::Treatment,
    vocabulary::{
        exchange::Sent,
        fault::{Domain, Fault, FaultClass},
        fidelity::Fidelity,
        provenance::Provenance,
    },
};

/// The request, where it goes, and what may be remembered of it. Shared by all its calls.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) house: Arc<House>,
    pub(crate) ask: Ask,
    /// What was known of the URL when the request came.
    pub(crate) memory: Option<Arc<Memory>>,
    pub(crate) route: Arc<RouteState>,
    /// How requests of this route are treated, as it was set when this one came.
    pub(crate) treatment: Arc<Treatment>,
    pub(crate) gates: Gates,
    pub(crate) key: UrlKey,
    /// Whether the caller sent credentials of its own.
    pub(crate) with_credentials: bool,
    /// Until when a body of unknown length is held back.
    pub(crate) hold_until: Option<Instant>,
    /// Whether the head of an answer has come: tells a silent head from a silent body.
    pub(crate) head_came: AtomicBool,
    /// Whether the call was counted as failed while it was still under way: it fails once.
    pub(crate) given_up: AtomicBool,
}

/// A call on its way.
#[derive(Debug)]
pub(crate) struct Underway {
    pub(crate) sent_at: Instant,
    pub(crate) pass: Pass,
}

/// An answer that may be given as exact: a good one, or one that says that the caller made a mistake.
#[derive(Debug)]
pub(crate) struct Good {
    pub(crate) response: Response<Body>,
    /// Whether a copy of it is kept.
    pub(crate) stored: bool,
}

/// A bad answer, or none.
#[derive(Debug)]
pub(crate) struct Bad<E> {
    pub(crate) fault: Fault,
    /// What may be passed on of it.
    pub(crate) last: Last<E>,
}

/// The last real outcome, for a caller that nothing better can be given.
#[derive(Debug)]
pub(crate) enum Last<E> {
    /// An answer whose own status says that it is bad.
    Response(Box<Response<Body>>),
    /// The inner service's error.
    Error(E),
    /// Nothing that may be passed on: no answer in time, or a bad one that looks good.
    Nothing,
}

// === impl Place ===

impl Place {
    /// The place of a request that came at `now`. Its body is waited for to the end, whatever its length.
    pub(crate) fn of(house: Arc<House>, mut ask: Ask, here: Whereabouts, now: Instant) -> Self {
        let caller = caller::digest(&ask.headers);
        let key = house.kept.key(&ask.uri, caller.as_ref());
        let memory = house.kept.find(key);
        ask.share = here
            .route
            .source
            .share(&ask.uri, &ask.headers, caller.as_ref());
        let who = Who {
            share: ask.share.as_deref(),
            caller: caller.as_ref(),
        };
        let gates = Gates::of(&here, memory.as_ref(), who, now);
        let with_credentials = caller.is_some();
        Self {
            house,
            ask,
            memory,
            treatment: here.treatment,
            route: here.route,
            gates,
            key,
            with_credentials,
            hold_until: None,
            head_came: AtomicBool::new(false),
            given_up: AtomicBool::new(false),
        }
    }

    /// The copy that may be given, where there is one.
    pub(crate) fn in_hand(&self, now: Instant) -> Option<Arc<Copy>> {
        let floor = self.ask.floor;
        let memory = self
            .memory
            .as_ref()
            .filter(|_| self.treatment.gives_copies && Fidelity::Stale.meets(floor.fidelity))?;
        self.house.kept.in_hand(
            memory,
            Wanted {
                request: &self.ask.headers,
                now,
                max_age: floor.max_age,
                heal_for: self.treatment.heal_for,
            },
        )
    }

    /// Permission for a call now.
    ///
    /// # Errors
    /// With why not, and for how long.
    pub(crate) fn pass(&self, errand: Errand, now: Instant) -> Result<Pass, Fault> {
        let share = self.ask.share.as_ref();
        share.map_or_else(|| Ok(Pass::free()), |share| share.pass(errand, now))
    }

    /// Whether a time is named before which a call with that pass must not be made. The URL may have got its memory, and in
    /// it such a time, after this request came.
    pub(crate) fn told_to_wait(&self, pass: &Pass, now: Instant) -> bool {
        let begun = || self.house.kept.find(self.key);
        let by_url = self.gates.url.is_none()
            && !self.ask.is_the_same // what one address named, another did not
            && begun().is_some_and(|memory| memory.gate.told_to_wait(now).is_some());
        by_url || self.gates.with(pass).told_to_wait(now).is_some()
    }

    /// Waits for the answer to `ask`.
    pub(crate) async fn call<F, R, E>(
        &self,
        ask: &Ask,
        answer: F,
        underway: Underway,
    ) -> Result<Good, Bad<E>>
    where
        F: Future<Output = Result<Response<R>, E>>,
        R: http_body::Body<Data = Bytes> + Send + 'static,
        R::Error: Into<BoxError>,
        E: TransportError,
    {
        let called = match answer.await {
            Ok(response) => self.received(ask, response, &underway.pass).await,
            Err(error) => {
                let (transport, sent) = error.fault();
                let fault = transport.fault();
                let fault = if sent == Sent::Nothing {
                    fault.striking(Domain::Upstream)
                } else {
                    fault
                };
                Err(Bad {
                    fault,
                    last: Last::Error(error),
                })
            }
        };
        let now = self.house.clock.now();
        let took = now.saturating_duration_since(underway.sent_at);
        let fault = called.as_ref().err().map(|bad| &bad.fault);
        if fault.is_some() && self.given_up.load(Relaxed) {
            return called;
        }
        self.house.observer.called(
            Call {
                route: &self.route,
                took,
                fault,
            },
            now,
        );
        let gates = self.gates.with(&underway.pass);
        let heard = Heard {
            sent: underway.sent_at,
            at: now,
        };
        match fault {
            None => {
                underway.pass.good(now);
                gates.good(heard);
            }
            Some(fault) => {
                underway.pass.failed(fault, now);
                self.failed(&gates, fault, heard);
            }
        }
        called
    }

    /// No answer within `waited`: the caller has been given something else, or nobody waits any more.
    pub(crate) fn timed_out(&self, waited: Duration) -> Fault {
        self.given_up.store(true, Relaxed);
        let fault = self.too_slow();
        let now = self.house.clock.now();
        self.house.observer.called(
            Call {
                route: &self.route,
                took: waited,
                fault: Some(&fault),
            },
            now,
        );
        let sent = now.checked_sub(waited).unwrap_or(now);
        self.failed(&self.gates, &fault, Heard { sent, at: now });
        fault
    }

    /// Remembers a fault; a URL's memory begins with its first one at the latest.
    fn failed(&self, gates: &Gates, fault: &Fault, heard: Heard) {
        let object = self.key.object();
        gates.failed(fault, object, heard);
        if self.gates.url.is_none() && fault.domain == Domain::Object && !fault.is_change_of_shape()
        {
            self.house
                .kept
                .find_or_begin(self.key, heard.at)
                .gate
                .failed(heard, fault, object);
        }
    }

    /// The fault of an answer that has not come yet.
    pub(crate) fn too_slow(&self) -> Fault {
        let detail = if self.head_came.load(Relaxed) {
            "timeout_body"
        } else {
            "timeout_headers"
        };
        Fault::new(FaultClass::Timeout, detail)
    }

    async fn received<R, E>(
        &self,
        ask: &Ask,
        response: Response<R>,
        pass: &Pass,
    ) -> Result<Good, Bad<E>>
    where
        R: http_body::Body<Data = Bytes> + Send + 'static,
        R::Error: Into<BoxError>,
    {
        self.head_came.store(true, Relaxed);
        let (mut head, body) = response.into_parts();
        pass.told(&head.headers, self.house.clock.now());
        echo::mask_fields(&mut head, pass);
        if head
            .extensions
            .get::<Provenance>()
            .is_some_and(|inner| inner.fidelity > Some(Fidelity::Exact))
        {
            // A layer further in has healed it already, and says what it is.
            return Ok(as_it_comes(head, Body::wrap(body)));
        }
        let expected = Expectation {
            method: &ask.method,
            with_credentials: self.with_credentials,
            judge_up_to: self.house.limits.judge_up_to,
        };
        let now = || self.house.clock.timestamp(self.house.clock.now());
        let fault = match classify::judge_head(&head, expected, now) {
            HeadVerdict::Pass => return Ok(as_it_comes(head, Body::wrap(body))),
            HeadVerdict::Fault(fault) if is_the_callers(&fault, pass) => {
                return Ok(as_it_comes(head, Body::wrap(body)));
            }
            HeadVerdict::Fault(fault) if ask.method == Method::HEAD => {
                let response = Response::from_parts(head, Body::empty());
                return Err(Bad {
                    fault,
                    last: Last::Response(Box::new(response)),
                });
            }
            HeadVerdict::Fault(fault) => Some(fault),
            HeadVerdict::Judge => None,
        };
        strip_hop_fields(&mut head.headers);
        let read = match read(body, &head.headers, self.bounds(), &self.house.held).await {
            Read::Whole(chunks) => Read::Whole(echo::mask_body(&mut head, chunks, pass)),
            Read::Broken(fault, chunks) => {
                Read::Broken(fault, echo::mask_body(&mut head, chunks, pass))
            }
            read @ Read::Streaming(_) => read,
        };
        match (read, fault) {
            (Read::Whole(chunks), None) => self.judge(ask, head, chunks),
            (Read::Streaming(body), None) => Ok(as_it_comes(head, body)),
            (Read::Broken(fault, read), None) => {
                let fault = fault.with_status(head.status);
                Err(self.bad(fault, head, Body::broken(read)))
            }
            (Read::Whole(chunks), Some(fault)) => Err(Bad {
                fault,
                last: Last::Response(Box::new(Response::from_parts(head, Body::of(chunks)))),
            }),
            (Read::Streaming(body), Some(fault)) => Err(Bad {
                fault,
                last: Last::Response(Box::new(Response::from_parts(head, body))),
            }),
            (Read::Broken(_, read), Some(fault)) => Err(self.bad(fault, head, Body::broken(read))),
        }
    }

    fn judge<E>(&self, ask: &Ask, head: Parts, chunks: Chunks) -> Result<Good, Bad<E>> {
        let memory = self
            .memory
            .clone()
            .or_else(|| self.house.kept.find(self.key));
        let varies_by = self.house.kept.varied(&head.headers, &ask.headers);
        let hash = self.house.kept.hash_of(&head.headers, &chunks);
        let known = memory.as_ref().filter(|memory| memory.knows(hash));
        let known_copy = known.and_then(|memory| memory.copy_with(hash));
        let verdict = match &memory {
            Some(_) if known.is_some() => BodyVerdict::Good(None),
            Some(memory) => {
                classify::judge_body(&head, &chunks, memory.promise(varies_by).as_deref())
            }
            None => classify::judge_body(&head, &chunks, None),
        };
        let shape = match verdict {
            BodyVerdict::Good(shape) => Ok(shape),
            BodyVerdict::Changed(shape, fault) => match &memory {
                Some(memory) if !memory.accepts(&shape) => Err(fault),
                _ => Ok(Some(shape)),
            },
            BodyVerdict::Fault(fault) => {
                memory.iter().for_each(|memory| memory.forgets_candidate());
                Err(fault)
            }
        };
        let shape = shape.and_then(|shape| self.keep_to_rules(&head, &chunks).map(|()| shape));
        let shape = match shape {
            Ok(shape) => shape,
            Err(fault) => return Err(self.bad(fault, head, Body::of(chunks))),
        };
        let received = Received {
            method: &ask.method,
            request: &ask.headers,
            with_credentials: self.with_credentials,
            status: head.status,
            headers: &head.headers,
            body: &chunks,
            hash,
            known: known_copy,
        };
        let stored = self.remember(
            &received,
            memory,
            Learned {
                shape,
                varies_by,
                hash,
            },
        );
        Ok(Good {
            response: Response::from_parts(head, Body::of(chunks)),
            stored,
        })
    }

    /// A bad answer that looks good, or broke off. It is passed on only where healing does nothing but watch.
    fn bad<E>(&self, fault: Fault, head: Parts, body: Body) -> Bad<E> {
        let last = if self.treatment.observe {
            Last::Response(Box::new(Response::from_parts(head, body)))
        } else {
            Last::Nothing
        };
        Bad { fault, last }
    }

    /// What rules of one's own say of an answer that the general ones call good.
    pub(crate) fn keep_to_rules(&self, head: &Parts, chunks: &Chunks) -> Result<(), Fault> {
        let reply = Reply::of(head, chunks);
        let broken = self
            .house
            .rules
            .iter()
            .find_map(|rule| rule.classify(&reply));
        broken.map_or(Ok(()), Err)
    }

    /// Keeps what may be kept of a good answer. Returns whether that is a copy.
    fn remember(
        &self,
        received: &Received<'_>,
        memory: Option<Arc<Memory>>,
        learned: Learned,
    ) -> bool {
        let now = || self.house.clock.now();
        let memory = memory.unwrap_or_else(|| self.house.kept.find_or_begin(self.key, now()));
        memory.learns(learned.hash);
        if let Some(shape) = learned.shape {
            self.route.looks_like(shape.likeness());
            memory.promises(shape, learned.varies_by);
        }
        let copy = self.house.kept.copy_of(received, now);
        let stored = copy.is_some();
        if let Some(copy) = copy {
            self.house.kept.keep(self.key, &memory, copy);
        }
        stored
    }

    pub(crate) fn bounds(&self) -> Bounds {
        let limits = &self.house.limits;
        Bounds {
            up_to: limits.judge_up_to,
            together: limits.hold_at_most,
            hold_until: self.hold_until,
            silence: self.treatment.timeout,
        }
    }
}

/// What a good answer teaches about its URL.
struct Learned {
    /// Its shape, where it is not just the promised one.
    shape: Option<Shape>,
    /// Of which variant it is the shape.
    varies_by: Option<u64>,
    hash: BodyHash,
}

/// Whether the caller made the mistake. A key that we put in is ours to answer for.
fn is_the_callers(fault: &Fault, pass: &Pass) -> bool {
    fault.class.is_the_callers() && !(fault.class == FaultClass::AuthError && pass.has_key())
}

/// An answer that is not read whole, and so not kept.
fn as_it_comes(head: Parts, body: Body) -> Good {
    Good {
        response: Response::from_parts(head, body),
        stored: false,
    }
}
