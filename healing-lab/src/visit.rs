//! One request at one source, from its faults to its answer.

use crate::answer::{Answer, Delivery};
use crate::api;
use crate::ask::{Ask, Gate};
use crate::injections::Picked;
use crate::lab::Shared;
use crate::limits::InFlight;
use crate::log::Asked;
use crate::play;
use crate::request::Request;
use crate::source_name::SourceName;
use crate::sources;
use crate::sources::fred::http_date;
use crate::wire;

/// The answer to a request, with its faults played and its entry in the log. The request counts as in flight until the
/// guard is dropped.
pub(crate) async fn visit(
    shared: &Shared,
    source: SourceName,
    request: &Request,
) -> (Answer, InFlight) {
    let picked = shared.injections.of(source).pick(&request.path);
    let mut asked = Asked::new(source, request, shared.millis());
    asked.fault = picked.name;
    let place = shared.log.push(asked);
    let (in_flight, at_once) = shared.meters.of(source).enter(request.peer);
    if !picked.delay.is_zero() {
        tokio::time::sleep(picked.delay).await;
    }
    let answer = decide(shared, source, request, (&picked, at_once)).await;
    let silent = matches!(answer.delivery, Delivery::HangHead | Delivery::Reset);
    shared.log.settle(place, (!silent).then_some(answer.status));
    let answer = wire::negotiate(answer, request).with("date", http_date(shared.clock.now()));
    (answer, in_flight)
}

async fn decide(
    shared: &Shared,
    source: SourceName,
    request: &Request,
    (picked, at_once): (&Picked, u32),
) -> Answer {
    if picked.down {
        return Answer::broken(Delivery::Reset);
    }
    let wall = shared.clock.now();
    let ask = Ask {
        request,
        market: &shared.market,
        now: picked.time(wall),
        wall,
        crumb_age: shared.crumb_age(),
    };
    let fault = picked.answer.as_ref();
    if let Some(answer) = fault.and_then(|fault| play::replace(source, &ask, fault)) {
        return answer;
    }
    let answer = if source == SourceName::Api {
        // Boxed because it holds whole exchanges with the sources, and the other ways need none of that.
        Box::pin(api::answer(shared, request, picked)).await
    } else {
        let gate = Gate {
            meter: shared.meters.of(source),
            limits: shared.limits,
            picked,
            at_once,
        };
        sources::answer(source, &ask, &gate)
    };
    match fault {
        Some(fault) => play::spoil(answer, fault),
        None => answer,
    }
}
