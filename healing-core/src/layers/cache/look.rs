//! What the cache has to say about a request before anybody is asked.

use std::{sync::Arc, time::Duration};

use http::{Method, Request, Response, StatusCode, header};
use tokio::time::Instant;

use crate::{
    body::Body,
    fields,
    flights::FlightKey,
    healer::House,
    kept::{
        copy::Copy,
        directives::{Directives, Word},
        giving,
        memory::Memory,
        target::UrlKey,
        terms::has_validator,
        title::FarName,
    },
    layers::heal::{
        can_be_replayed,
        found::{Found, Held},
        gates::{Gates, Who},
        ours,
    },
    problem::Problem,
    registry::Whereabouts,
    vocabulary::{
        fidelity::{Fidelity, Floor},
        provenance::{CacheUse, Observed, Provenance, StrategyId},
    },
};

/// What there is to say.
pub(crate) enum Look {
    /// Nothing, and nothing is to be found out: it cannot be answered twice.
    Past,
    /// What it asks for may change what is at this URL.
    Changes(Changed),
    /// Nothing is kept that could be given without asking.
    Nothing(Found),
    /// The answer.
    Has(Box<Response<Body>>),
    /// An answer that is stale by a little, and what is to be asked for behind the caller's back.
    HasWhileRevalidating(Box<Response<Body>>, Box<Missing>),
    /// The answer, and what is to be asked for before it expires.
    HasAndIsDue(Box<Response<Body>>, Box<Missing>),
    /// One call could answer this request and others like it.
    Misses(Box<Missing>),
}

/// A URL that may be changed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Changed {
    pub(crate) url: UrlKey,
    /// What others call it, where there are others.
    pub(crate) far: Option<FarName>,
}

/// A request that has to be asked.
pub(crate) struct Missing {
    pub(crate) found: Found,
    /// Which requests wait with it; `None` where it asks for itself.
    pub(crate) flight: Option<FlightKey>,
    /// Whether the whole answer is asked for, of which the caller may want less.
    pub(crate) is_wanted_whole: bool,
    /// The copy that there is.
    pub(crate) copy: Option<Arc<Copy>>,
}

/// The copy that there is, and whether it can be given.
struct Holding<'a> {
    copy: &'a Arc<Copy>,
    now: Instant,
    age: Duration,
    /// Whether the caller does not take it.
    refused: bool,
    here: Whereabouts,
}

/// What the caller says about copies.
struct Demands {
    said: Directives,
    floor: Option<Floor>,
}

/// Looks.
pub(crate) fn look<B: http_body::Body>(house: &Arc<House>, request: &Request<B>) -> Look {
    let (method, headers) = (request.method(), request.headers());
    if !matches!(*method, Method::GET | Method::HEAD) {
        return changes(house, request);
    }
    if !can_be_replayed(request, house)
        || !request.body().is_end_stream()
        || headers.contains_key(header::IF_MATCH)
        || headers.contains_key(header::IF_UNMODIFIED_SINCE)
    {
        return Look::Past;
    }
    let mut found = Found::of(&house.kept, request.uri(), headers);
    let copy = house
        .kept
        .on_hand(found.address, found.memory.as_deref(), headers);
    let demands = || {
        let floor = fields::floor(headers).ok()?;
        let said = Directives::of_request(headers);
        Some(Demands { said, floor })
    };
    let Some(copy) = copy else {
        return nothing(house, request, found, demands);
    };
    let Some(demands) = demands() else {
        return Look::Past; // the healing layer says what is wrong with it
    };
    let here = house.registry.find(request.uri());
    if here.treatment.observe {
        found.here = Some(here);
        return Look::Nothing(found);
    }
    let now = house.clock.now();
    let age = copy.age(now, &house.clock);
    let held = Holding {
        copy: &copy,
        now,
        age,
        refused: demands.refuse(&copy, age, &here),
        here,
    };
    something(house, request, (found, demands), held)
}

/// A copy of it is kept.
fn something<B>(
    house: &House,
    request: &Request<B>,
    (mut found, demands): (Found, Demands),
    held: Holding<'_>,
) -> Look {
    let Holding {
        copy, age, refused, ..
    } = held;
    let is_old = || held.is_old(house, found.memory.as_deref());
    let is_fresh = !refused && copy.terms.is_fresh(age) && !is_old();
    let may_be_stale = || {
        !refused
            && held.here.treatment.gives_copies
            && copy.terms.serves_while_revalidating(age)
            && !is_old()
            && Fidelity::Stale.meets(demands.least(&held.here).fidelity)
    };
    let response = (is_fresh || may_be_stale()).then(|| Box::new(held.given(house, request)));
    let is_due = || match is_fresh {
        true => copy.is_due(age, rand::random),
        false => !held.was_renewed_in_vain(request, &found),
    };
    let response = match response {
        Some(response) if !is_due() => return Look::Has(response),
        response => response,
    };
    if response.is_none() && demands.said.says(Word::OnlyIfCached) {
        return Look::Has(Box::new(not_cached()));
    }
    found.here = Some(held.here);
    // What goes on behind the caller's back is asked for whole.
    let method = if response.is_some() {
        &Method::GET
    } else {
        request.method()
    };
    let missing = Box::new(demands.miss(house, method, (found, Some((copy, refused)))));
    match response {
        Some(response) if is_fresh => Look::HasAndIsDue(response, missing),
        Some(response) => Look::HasWhileRevalidating(response, missing),
        None => Look::Misses(missing),
    }
}

/// A request that is no question.
fn changes<B>(house: &House, request: &Request<B>) -> Look {
    if matches!(*request.method(), Method::OPTIONS | Method::TRACE) {
        return Look::Past;
    }
    let address = house.kept.address(request.uri(), request.headers(), None);
    let others = house.beyond.as_ref();
    Look::Changes(Changed {
        url: address.url,
        far: others.map(|_| FarName::of(request.uri(), request.headers())),
    })
}

/// Nothing is kept of it for the cache. Whether it is worth waiting with others is known of its route.
fn nothing<B>(
    house: &House,
    request: &Request<B>,
    mut found: Found,
    demands: impl FnOnce() -> Option<Demands>,
) -> Look {
    let here = house.registry.find(request.uri());
    let headers = request.headers();
    // What others know of a route that was never asked here may be an answer.
    let may_be_elsewhere = house.beyond.is_some() && here.route.tally.good_calls() == 0;
    let is_worth_it =
        here.treatment.fresh_for.is_some() || here.route.gives_again() || may_be_elsewhere;
    let only_watches = here.treatment.observe;
    found.here = Some(here);
    if only_watches || !is_worth_it && !headers.contains_key(header::CACHE_CONTROL) {
        return Look::Nothing(found);
    }
    let Some(demands) = demands() else {
        return Look::Past;
    };
    if demands.said.says(Word::OnlyIfCached) {
        return Look::Has(Box::new(not_cached()));
    }
    if !is_worth_it || giving::asks_for_less(headers) {
        return Look::Nothing(found);
    }
    Look::Misses(Box::new(demands.miss(
        house,
        request.method(),
        (found, None),
    )))
}

// === impl Demands ===

impl Demands {
    /// The least that the caller takes.
    fn least(&self, here: &Whereabouts) -> Floor {
        self.floor
            .unwrap_or_else(|| Floor::of(here.treatment.floor))
    }

    /// Whether the caller does not take that copy without asking.
    fn refuse(&self, copy: &Copy, age: Duration, here: &Whereabouts) -> bool {
        let said = &self.said;
        let lifetime = copy.terms.lifetime.unwrap_or_default();
        let too_soon = said
            .min_fresh
            .is_some_and(|more| age.saturating_add(more) >= lifetime);
        let oldest = [said.max_age, self.least(here).max_age];
        said.says(Word::NoCache) || too_soon || oldest.iter().flatten().any(|oldest| age > *oldest)
    }

    /// How it is asked, given the copy that cannot be given and whether that is because the caller does not take it.
    fn miss(
        self,
        house: &House,
        method: &Method,
        (mut found, copy): (Found, Option<(&Arc<Copy>, bool)>),
    ) -> Missing {
        let is_alone = *method != Method::GET || self.said.says(Word::NoStore);
        found.held = match copy {
            None => Held::Nothing,
            Some((_, true)) => Held::Refused,
            Some((_, false)) => Held::Stale,
        };
        let copy = copy.map(|(copy, _)| copy);
        if is_alone {
            return Missing {
                found,
                flight: None,
                is_wanted_whole: false,
                copy: copy.cloned(),
            };
        }
        found.renews = copy
            .filter(|copy| copy.fault.is_none() && has_validator(&copy.headers))
            .map(Arc::clone);
        Missing {
            flight: Some(FlightKey {
                key: found.address.key,
                varies_by: copy.map_or(0, |copy| copy.varies_by),
                floor: self.floor,
                changed: house.kept.changed(found.address.url),
            }),
            found,
            is_wanted_whole: true,
            copy: copy.cloned(),
        }
    }
}

// === impl Holding ===

impl Holding<'_> {
    /// Whether what it names is too old by now, however fresh the answer is as such.
    fn is_old(&self, house: &House, memory: Option<&Memory>) -> bool {
        let here = (&*self.here.route, &*self.here.treatment);
        memory.is_some_and(|memory| house.too_old((memory, self.copy.hash), here).is_some())
    }

    /// Whether it was asked for behind its callers' backs in the time that an answer holds, and nothing that failed has been
    /// in order since: so often its origin wants to be asked, and no oftener while it is sick.
    fn was_renewed_in_vain<B>(&self, request: &Request<B>, found: &Found) -> bool {
        let Some(began) = self.copy.renewal(self.now) else {
            return false;
        };
        let caller = found.caller.as_ref();
        let asked = (request.uri(), request.headers());
        let share = self.here.share(asked, caller, self.now);
        let who = Who {
            share: share.as_deref(),
            caller,
        };
        let gates = Gates::of(&self.here, found.memory.as_ref(), who, self.now);
        let in_vain = !gates.were_good_since(began);
        if in_vain {
            gates.are_wanted();
        }
        in_vain
    }

    /// The copy, as an answer.
    fn given<B>(&self, house: &House, request: &Request<B>) -> Response<Body> {
        let (copy, here) = (self.copy, &self.here);
        let mut response = giving::give(copy, request.method(), request.headers());
        let ttl = copy.terms.ttl(self.age);
        let is_fresh = copy.terms.is_fresh(self.age);
        let fidelity = if is_fresh {
            Fidelity::Exact
        } else {
            Fidelity::Stale
        };
        let truth = Provenance {
            id: house.clock.id(self.now),
            fidelity: copy.fault.is_none().then_some(fidelity),
            strategy: StrategyId::USE_CACHED_DATA,
            route: Some(here.route.route.clone()),
            fault: copy.fault.clone(),
            age: Some(self.age),
            suspect: None,
            attempts: 0,
            took: Duration::ZERO,
            cache: if is_fresh {
                CacheUse::Fresh { ttl }
            } else {
                CacheUse::WhileRevalidating { ttl }
            },
            collapsed: false,
            overridden: copy.terms.is_overridden,
            instead: None,
            observed: Observed::No,
        };
        house.joined(&here.route, &truth);
        response.extensions_mut().insert(truth);
        response
    }
}

/// The caller wants no more than what is kept, and nothing is (RFC 9111, section 5.2.1.7).
fn not_cached() -> Response<Body> {
    let title = "Nothing that could be given is kept of this request, and it says only-if-cached";
    let problem = Problem::new(StatusCode::GATEWAY_TIMEOUT, "not-cached", title);
    ours(problem, 0, None)
}
