//! What is kept of an answer, and the copy that an upstream says is still what it was.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Request, Response, header, response::Parts};
use tokio::time::Instant;

use crate::{
    attempt::Ask,
    body::{Body, BoxError},
    classify,
    hop::strip_hop_fields,
    kept::{
        Received, Wanted,
        copy::Copy,
        giving::give,
        memory::Memory,
        terms::{Subject, Terms},
        title::Title,
    },
    layers::heal::{
        call::{Asked, Bad, Good, Place, as_it_comes},
        echo,
        judging::Whole,
        read::{Read, read},
    },
    learner::decision::NoCopy,
    vocabulary::{fault::Fault, fidelity::Fidelity},
};

/// Fields that a 304 may carry, and that are not the copy's (RFC 9111, section 3.2).
const NOT_OF_THE_COPY: [HeaderName; 4] = [
    header::CONTENT_LENGTH,
    header::CONTENT_ENCODING,
    header::CONTENT_RANGE,
    header::TRANSFER_ENCODING,
];

impl Place {
    /// What its URL is called.
    pub(crate) fn title(&self) -> &Arc<Title> {
        self.title.get_or_init(|| {
            let Ask { uri, headers, .. } = &self.ask;
            let route = &self.route.route;
            Arc::new(
                self.house
                    .kept
                    .title(self.address.url, route, (uri, headers)),
            )
        })
    }

    /// Whether a copy may stand in.
    pub(crate) fn takes_copies(&self) -> bool {
        self.treatment.gives_copies && Fidelity::Stale.meets(self.ask.floor.fidelity)
    }

    /// Why no copy is in hand, where none is.
    pub(crate) fn no_copy(&self, in_hand: Option<&Copy>, now: Instant) -> Option<NoCopy> {
        if in_hand.is_some() {
            return None;
        }
        if !self.treatment.gives_copies {
            return Some(NoCopy::NotAllowed);
        }
        if !self.takes_copies() {
            return Some(NoCopy::BelowTheFloor);
        }
        let has = |wanted: &dyn Fn(&Copy) -> bool| {
            let memory = self.memory.as_ref();
            memory.is_some_and(|memory| memory.find(wanted).is_some())
        };
        Some(if !has(&|_| true) {
            NoCopy::NoneKept
        } else if !has(&|copy| copy.terms.heals) {
            NoCopy::Forbidden
        } else if !has(&|copy| copy.heals(now, self.treatment.heal_for)) {
            NoCopy::TooOld
        } else {
            NoCopy::NotForThis
        })
    }

    /// The copy of what was asked that is for this caller and that young at most, whether it may be given or not.
    pub(crate) fn last_good(&self, no_older_than: Duration) -> Option<Response<Body>> {
        let memory = self.memory.as_ref()?;
        let wanted = Wanted {
            address: self.address,
            request: &self.ask.headers,
            now: self.house.clock.now(),
            max_age: Some(no_older_than),
            heal_for: no_older_than,
        };
        let copy = self.house.kept.in_hand(memory, wanted, &self.house.clock)?;
        Some(give(&copy, &Method::GET, &HeaderMap::new()))
    }

    /// The request, once more.
    pub(crate) fn request(&self, ask: &Ask) -> Request<Body> {
        let mut request = ask.request();
        self.ask_about_the_copy(&mut request);
        request
    }

    /// Asks whether the copy is still what it was, where there is one to ask about (RFC 9111, section 4.3.1).
    pub(crate) fn ask_about_the_copy(&self, request: &mut Request<Body>) {
        let Some(copy) = &self.renews else {
            return;
        };
        for (validator, condition) in [
            (header::ETAG, header::IF_NONE_MATCH),
            (header::LAST_MODIFIED, header::IF_MODIFIED_SINCE),
        ] {
            if let Some(value) = copy.headers.get(validator) {
                request.headers_mut().insert(condition, value.clone());
            }
        }
    }

    /// Keeps what may be kept of a good answer. Returns whether that is a copy.
    pub(crate) fn keep(&self, received: &Received<'_>, memory: &Arc<Memory>) -> bool {
        let house = &self.house;
        let Some(copy) = house.kept.copy_of(received, &self.treatment, &house.clock) else {
            return false;
        };
        if copy.terms.lifetime.is_some() {
            self.route.says_how_long();
        }
        self.put_by(memory, &copy);
        true
    }

    /// Keeps a copy here, and offers it to others.
    fn put_by(&self, memory: &Arc<Memory>, copy: &Arc<Copy>) {
        let house = &self.house;
        let title = memory.titled(|| Arc::clone(self.title()));
        house.kept.keep(self.address, memory, copy);
        let Some(beyond) = &house.beyond else {
            return;
        };
        if memory.is_news(copy, house.clock.now()) {
            let told = (&self.ask.headers, self.treatment.heal_for);
            beyond.offer((title, copy), told, house.clock);
        }
    }

    /// An answer that only its head is judged by: given as it comes, but for one that says how long it holds, which is read
    /// whole and kept.
    pub(crate) async fn pass_on<R, E>(
        &self,
        asked: Asked<'_>,
        (mut head, body): (Parts, R),
    ) -> Result<Good, Bad<E>>
    where
        R: http_body::Body<Data = Bytes> + Send + 'static,
        R::Error: Into<BoxError>,
    {
        if !self.holds(asked.ask, &head) {
            return Ok(as_it_comes(Response::from_parts(head, Body::wrap(body))));
        }
        strip_hop_fields(&mut head.headers);
        match read(body, &head.headers, self.bounds(), &self.house.held).await {
            Read::Whole(chunks) => {
                let pass = &asked.underway.pass;
                let chunks = echo::mask_body(&mut head, chunks, pass);
                let whole = Whole {
                    head,
                    chunks,
                    has_key: pass.has_key(),
                };
                let stored = self.set_aside(asked, &whole, None);
                Ok(Good {
                    stored,
                    ..as_it_comes(whole.response())
                })
            }
            Read::Streaming(body) => Ok(as_it_comes(Response::from_parts(head, body))),
            Read::Broken(fault, read) => {
                let fault = fault.with_status(head.status);
                Err(self.broken(fault, head, read))
            }
        }
    }

    /// Whether an answer says that it holds for a time.
    fn holds(&self, ask: &Ask, head: &Parts) -> bool {
        let subject = Subject {
            request: &ask.headers,
            with_credentials: self.with_credentials,
            status: head.status,
            headers: &head.headers,
            fault: None,
        };
        ask.method == Method::GET
            && !classify::is_stream(head)
            && Terms::of(subject, &self.treatment, || self.time())
                .is_some_and(|terms| terms.is_for_the_cache())
    }

    /// Keeps an answer that is none of data, and teaches nothing.
    pub(crate) fn set_aside(&self, asked: Asked<'_>, whole: &Whole, fault: Option<&Fault>) -> bool {
        let house = &self.house;
        let received = Received {
            method: &asked.ask.method,
            request: &asked.ask.headers,
            with_credentials: self.with_credentials,
            status: whole.head.status,
            headers: &whole.head.headers,
            body: &whole.chunks,
            hash: house.kept.hash_of(&whole.head.headers, &whole.chunks),
            fault,
            took: self.took(asked.underway.sent_at),
            known: None,
        };
        let Some(copy) = house.kept.copy_of(&received, &self.treatment, &house.clock) else {
            return false;
        };
        if !copy.terms.is_for_the_cache() {
            return false;
        }
        let memory = house
            .kept
            .find_or_begin(self.address.key, house.clock.now());
        self.put_by(&memory, &copy);
        true
    }

    /// The upstream says that the copy is still what it was: it is given, with the newer fields (RFC 9111, section 4.3.4).
    /// Where it names something that is too old by now, it is no better for that.
    pub(crate) fn renewed<E>(
        &self,
        asked: Asked<'_>,
        copy: &Arc<Copy>,
        said: Parts,
    ) -> Result<Good, Bad<E>> {
        let headers = newer(&copy.headers, said.headers);
        let received = Received {
            method: &asked.ask.method,
            request: &asked.ask.headers,
            with_credentials: self.with_credentials,
            status: copy.status,
            headers: &headers,
            body: &copy.body,
            hash: copy.hash,
            fault: None,
            took: self.took(asked.underway.sent_at),
            known: Some(Arc::clone(copy)),
        };
        let now = self.house.clock.now();
        let memory = self.house.kept.find_or_begin(self.address.key, now);
        let here = (&*self.route, &*self.treatment);
        let too_old = self.house.too_old((&memory, copy.hash), here);
        let stored = too_old.is_none() && self.keep(&received, &memory);
        let mut response = Response::new(Body::of(copy.body.clone()));
        *response.status_mut() = copy.status;
        *response.headers_mut() = headers;
        match too_old {
            None => Ok(Good {
                stored,
                renewed: true,
                ..as_it_comes(response)
            }),
            Some((fault, dated)) => {
                Err(self.frozen(fault.with_status(copy.status), dated, response))
            }
        }
    }

    pub(crate) fn took(&self, sent_at: Instant) -> Duration {
        self.house.clock.now().saturating_duration_since(sent_at)
    }
}

/// The fields of a copy, with those of a 304 in the place of those of the same name.
fn newer(copy: &HeaderMap, mut said: HeaderMap) -> HeaderMap {
    strip_hop_fields(&mut said);
    for name in NOT_OF_THE_COPY {
        said.remove(name);
    }
    let mut newer = copy.clone();
    newer.remove(header::AGE);
    for name in said.keys() {
        newer.remove(name);
    }
    for (name, value) in &said {
        newer.append(name, value.clone());
    }
    newer
}
