//! One upstream call: sent, read, judged, remembered, observed.

use std::{
    future::Future,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{Method, Response, StatusCode, response::Parts};
use jiff::Timestamp;
use tokio::time::Instant;

use crate::{
    attempt::{Ask, TransportError},
    body::{Body, BoxError, Chunks},
    classify::{self, Expectation, HeadVerdict},
    healer::House,
    hop::strip_hop_fields,
    kept::{Address, Wanted, copy::Copy, memory::Memory, title::Title},
    layers::{
        heal::{
            echo,
            found::{Found, Held},
            gates::{Gates, Who},
            judging::Whole,
            read::{Bounds, Read, read},
        },
        observe::Call,
    },
    learner::{Failure, Needs},
    lock::lock,
    outage::Heard,
    overload::Host,
    pace::Pass,
    registry::{RouteState, Whereabouts},
    settings::Treatment,
    vocabulary::{
        exchange::Sent,
        fault::{Domain, Fault, FaultClass},
        fidelity::Fidelity,
        provenance::{Provenance, Suspect},
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
    /// The calls to the address that it goes to.
    pub(crate) host: Arc<Host>,
    pub(crate) address: Address,
    /// What its URL is called, once somebody asked.
    pub(crate) title: OnceLock<Arc<Title>>,
    /// The copy that the upstream is asked about.
    pub(crate) renews: Option<Arc<Copy>>,
    /// What the cache has of what is asked.
    pub(crate) held: Held,
    /// Whether no caller waits for it.
    pub(crate) for_nobody: bool,
    /// Whether the caller sent credentials of its own.
    pub(crate) with_credentials: bool,
    /// Until when a body of unknown length is held back.
    pub(crate) hold_until: Option<Instant>,
    /// Whether the head of an answer has come: tells a silent head from a silent body.
    pub(crate) head_came: AtomicBool,
    /// Whether the call was counted as failed while it was still under way: it fails once.
    pub(crate) given_up: AtomicBool,
    /// What the last call that failed tells, until it is taken.
    pub(crate) failure: Mutex<Option<Failure>>,
}

/// A call on its way.
#[derive(Debug)]
pub(crate) struct Underway {
    pub(crate) sent_at: Instant,
    pub(crate) pass: Pass,
}

/// A question, and how it was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) ask: &'a Ask,
    pub(crate) underway: &'a Underway,
}

/// An answer that may be given as exact: a good one, or one that says that the caller made a mistake.
#[derive(Debug)]
pub(crate) struct Good {
    pub(crate) response: Response<Body>,
    /// Whether a copy of it is kept.
    pub(crate) stored: bool,
    /// Whether it is the copy, which the upstream says is still what it was.
    pub(crate) renewed: bool,
    /// What is odd about it.
    pub(crate) suspect: Option<Suspect>,
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
    /// An answer that is good but for its age.
    Frozen(Box<Frozen>),
    /// The inner service's error.
    Error(E),
    /// Nothing that may be passed on: no answer in time, or a bad one that looks good.
    Nothing,
}

/// An answer whose data stands still.
#[derive(Debug)]
pub(crate) struct Frozen {
    pub(crate) response: Response<Body>,
    /// How old it is by what it names itself.
    pub(crate) age: Duration,
    /// Whether the kept copy names something newer.
    pub(crate) is_behind_copy: bool,
}

// === impl Place ===

impl Place {
    /// The place of a request of which that is known. Its body is waited for to the end, whatever its length.
    pub(crate) fn of(house: Arc<House>, mut ask: Ask, here: Whereabouts, found: Found) -> Self {
        let now = house.clock.now();
        let caller = found.caller.as_ref();
        ask.share = here.share((&ask.uri, &ask.headers), caller, now);
        let who = Who {
            share: ask.share.as_deref(),
            caller,
        };
        let gates = Gates::of(&here, found.memory.as_ref(), who, now);
        Self {
            house,
            ask,
            memory: found.memory,
            treatment: here.treatment,
            route: here.route,
            gates,
            host: here.host,
            address: found.address,
            title: found.title.map_or_else(OnceLock::new, OnceLock::from),
            renews: found.renews,
            held: found.held,
            for_nobody: found.for_nobody,
            with_credentials: found.caller.is_some(),
            hold_until: None,
            head_came: AtomicBool::new(false),
            given_up: AtomicBool::new(false),
            failure: Mutex::new(None),
        }
    }

    /// What a call through those gates needs.
    pub(super) fn needs(&self, gates: &Gates) -> Needs {
        Needs {
            source: self.route.source.number(),
            upstream: gates.upstream.number(),
            key: gates.key.number(),
            endpoint: self.route.gate.number(),
        }
    }

    /// What a call would need now: its key may be another one than when the request came.
    pub(crate) fn needs_now(&self, now: Instant) -> Needs {
        let key = self.ask.share.as_ref().and_then(|share| share.gate(now));
        Needs {
            key: key.map_or_else(|| self.gates.key.number(), |key| key.number()),
            ..self.needs(&self.gates)
        }
    }

    /// What a call with that pass needs.
    pub(crate) fn needs_with(&self, pass: &Pass) -> Needs {
        self.needs(&self.gates.with(pass))
    }

    /// Takes what the last call that failed tells.
    pub(crate) fn take_failure(&self) -> Option<Failure> {
        lock(&self.failure).take()
    }

    /// The learner takes note of a fault of a call that needed those.
    pub(crate) fn learns_of(&self, fault: &Fault, needs: &Needs, now: Instant) {
        let (house, suspect) = (&self.house, &self.route.source.suspect);
        let now = house.clock.since_start(now);
        let failure = house.learner.failed(needs, (fault, suspect), now);
        *lock(&self.failure) = failure;
    }

    /// The learner takes note of a good answer, where there is anything that it could clear.
    pub(super) fn learns_good(&self, response: &Response<Body>, gates: &Gates, now: Instant) {
        let (house, suspect) = (&self.house, &self.route.source.suspect);
        // What says that its caller is wrong says nothing of the rest.
        if house.learner.listens(suspect) && !response.status().is_client_error() {
            let now = house.clock.since_start(now);
            house.learner.succeeded(&self.needs(gates), suspect, now);
        }
    }

    /// The copy that may be given, where there is one.
    pub(crate) fn in_hand(&self, now: Instant) -> Option<Arc<Copy>> {
        self.in_hand_of(self.memory.as_ref()?, now)
    }

    /// The copy of that memory that may be given.
    pub(crate) fn in_hand_of(&self, memory: &Memory, now: Instant) -> Option<Arc<Copy>> {
        let floor = self.ask.floor;
        if !self.takes_copies() {
            return None;
        }
        self.house.kept.in_hand(
            memory,
            Wanted {
                address: self.address,
                request: &self.ask.headers,
                now,
                max_age: floor.max_age,
                heal_for: self.treatment.heal_for,
            },
            &self.house.clock,
        )
    }

    /// Until when something better than that copy may come: the deadline, and not so long that the copy is older than its
    /// caller takes.
    pub(crate) fn until_with(&self, copy: &Copy) -> Instant {
        let (deadline, clock) = (self.ask.deadline, &self.house.clock);
        self.ask.floor.max_age.map_or(deadline, |most| {
            let now = clock.now();
            deadline.min(now + most.saturating_sub(copy.age(now, clock)))
        })
    }

    /// Whether a time is named before which a call with that pass must not be made. The URL may have got its memory, and in
    /// it such a time, after this request came.
    pub(crate) fn told_to_wait(&self, pass: &Pass, now: Instant) -> bool {
        let begun = || self.house.kept.find(self.address.key);
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
            Ok(response) => {
                let asked = Asked {
                    ask,
                    underway: &underway,
                };
                self.received(asked, response).await
            }
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
        self.hears(&called, &underway, now);
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
        self.host.hung(now);
        self.failed(&self.gates, &fault, Heard { sent, at: now });
        self.learns_of(&fault, &self.needs(&self.gates), now);
        fault
    }

    /// No answer within what the plan had for it: something else is tried. The gates hear nothing of that, for the limit is
    /// ours, and shorter than what the source may take.
    pub(crate) fn cut_off<E>(&self, needs: &Needs) -> Bad<E> {
        let fault = Fault::cut_off();
        self.learns_of(&fault, needs, self.house.clock.now());
        Bad {
            fault,
            last: Last::Nothing,
        }
    }

    /// Remembers a fault; a URL's memory begins with its first one at the latest.
    pub(super) fn failed(&self, gates: &Gates, fault: &Fault, heard: Heard) {
        let object = self.address.key.object();
        gates.failed(fault, object, heard);
        let marks = !fault.is_change_of_shape() && fault.class != FaultClass::StaleData;
        if self.gates.url.is_none() && fault.domain == Domain::Object && marks {
            self.house
                .kept
                .find_or_begin(self.address.key, heard.at)
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

    async fn received<R, E>(&self, asked: Asked<'_>, response: Response<R>) -> Result<Good, Bad<E>>
    where
        R: http_body::Body<Data = Bytes> + Send + 'static,
        R::Error: Into<BoxError>,
    {
        self.head_came.store(true, Relaxed);
        let (mut head, body) = response.into_parts();
        let pass = &asked.underway.pass;
        pass.told(&head.headers, self.house.clock.now());
        echo::mask_fields(&mut head, pass);
        if is_healed(&head) {
            return Ok(as_it_comes(Response::from_parts(head, Body::wrap(body))));
        }
        if head.status == StatusCode::NOT_MODIFIED
            && let Some(copy) = &self.renews
        {
            return self.renewed(asked, copy, head);
        }
        let expected = Expectation {
            method: &asked.ask.method,
            with_credentials: self.with_credentials,
            judge_up_to: self.house.limits.judge_up_to,
        };
        let by_status = match classify::judge_head(&head, expected, || self.time()) {
            HeadVerdict::Pass => return self.pass_on(asked, (head, body)).await,
            HeadVerdict::Fault(fault) if asked.ask.method == Method::HEAD => {
                let response = Response::from_parts(head, Body::empty());
                return self.refused(fault, response, pass.has_key());
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
        let has_key = pass.has_key();
        let whole = |head, chunks| Whole {
            head,
            chunks,
            has_key,
        };
        match (read, by_status) {
            (Read::Whole(chunks), None) => self.judge(asked, whole(head, chunks)),
            (Read::Streaming(body), None) => Ok(as_it_comes(Response::from_parts(head, body))),
            (Read::Broken(fault, read), None) => {
                let fault = fault.with_status(head.status);
                Err(self.broken(fault, head, read))
            }
            (Read::Whole(chunks), Some(fault)) => {
                self.judge_refusal(asked, whole(head, chunks), fault)
            }
            (Read::Streaming(body), Some(fault)) => {
                self.refused(fault, Response::from_parts(head, body), has_key)
            }
            (Read::Broken(_, read), Some(fault)) => Err(self.broken(fault, head, read)),
        }
    }

    /// An answer that broke off. What came of it is passed on only where healing does nothing but watch.
    pub(crate) fn broken<E>(&self, fault: Fault, head: Parts, read: Chunks) -> Bad<E> {
        let broken = || Response::from_parts(head, Body::broken(read));
        let passed = self.treatment.observe.then(broken);
        Bad {
            fault,
            last: passed.map_or(Last::Nothing, |response| Last::Response(Box::new(response))),
        }
    }

    /// The wall time.
    pub(crate) fn time(&self) -> Timestamp {
        self.house.clock.timestamp(self.house.clock.now())
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

/// Whether a layer further in has healed it already, and says what it is.
fn is_healed(head: &Parts) -> bool {
    let inner = head.extensions.get::<Provenance>();
    inner.is_some_and(|inner| inner.fidelity > Some(Fidelity::Exact))
}

/// An answer that is not read whole, and so not kept.
pub(crate) const fn as_it_comes(response: Response<Body>) -> Good {
    Good {
        response,
        stored: false,
        renewed: false,
        suspect: None,
    }
}
