//! Ask for a list in parts, and for several single things in one call.
//!
//! A call that asks for many things fails as a whole where one of them is broken or all of them are too much. Asked in parts,
//! most come; where all came, what is joined is just what was asked. The other way round, callers who were turned away by a
//! limit, each with one thing to ask, are one call where the source takes lists: each is given its own part of the answer.

mod gather;
mod parts;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use http::{HeaderMap, Method};

pub use parts::Parts;

use crate::{
    attempt::{Answer, Ask, Attempts, Miss, Offer, Refusal, Strategy},
    strategies::{
        batch::gather::{Gatherings, Question, Role},
        plain::Plain,
        reach::Reach,
    },
    vocabulary::{
        fault::{Fault, FaultClass},
        fidelity::Fidelity,
        provenance::{Instead, StrategyId},
    },
};

/// The most calls for the parts of one list.
const MAX_CALLS: usize = 8;

/// The most objects in one call, unless it is said.
const AT_MOST: usize = 50;

/// `batch_requests`: a list that failed in parts, and single things that were turned away by a limit in one call.
///
/// An answer is exact where every part came, and reduced, under a label such as `2 of 3 objects`, where some did not.
///
/// ```
/// use healing_core::{BatchRequests, Parts, Strategy, StrategyId};
/// let rows = Parts::rows("/quoteResponse/result", "symbol");
/// let quotes = BatchRequests::of("symbols", rows).at_most(20);
/// assert_eq!(quotes.id(), StrategyId::BATCH_REQUESTS);
/// ```
#[derive(Clone, Debug)]
pub struct BatchRequests {
    parameter: Box<str>,
    parts: Parts,
    separator: char,
    at_most: usize,
    gatherings: Arc<Gatherings>,
}

/// What came of the parts of a list.
#[derive(Debug, Default)]
struct Came {
    answers: Vec<Plain>,
    missing: usize,
    missed: Option<Miss>,
}

// === impl BatchRequests ===

impl BatchRequests {
    /// Lists in that parameter of a route that is set, with commas between their objects, of which 50 go into one call.
    #[must_use]
    pub fn of(parameter: &str, parts: Parts) -> Self {
        Self {
            parameter: parameter.into(),
            parts,
            separator: ',',
            at_most: AT_MOST,
            gatherings: Arc::default(),
        }
    }

    /// The same, with that between the objects of a list.
    #[must_use]
    pub const fn separated_by(mut self, separator: char) -> Self {
        self.separator = separator;
        self
    }

    /// The same, with so many objects in one call; one at least.
    #[must_use]
    pub fn at_most(mut self, objects: usize) -> Self {
        self.at_most = objects.max(1);
        self
    }

    /// Lists of symbols in the parameter `symbols`, as Yahoo's `/v7/finance/quote` has them.
    #[must_use]
    pub fn yahoo_quotes() -> Self {
        Self::of("symbols", Parts::rows("/quoteResponse/result", "symbol"))
    }

    /// Lists of series in the parameter `id`, as FRED's `/graph/fredgraph.csv` has them.
    #[must_use]
    pub fn fred_columns() -> Self {
        Self::of("id", Parts::Columns)
    }

    /// The different objects that are asked for, in their order.
    fn objects(&self, ask: &Ask) -> Vec<Box<str>> {
        let mut objects: Vec<Box<str>> = Vec::new();
        let value = ask.value(&self.parameter).unwrap_or_default();
        for object in value.split(self.separator).map(str::trim) {
            let is_new = !object.is_empty() && objects.iter().all(|own| **own != *object);
            if is_new {
                objects.push(object.into());
            }
        }
        objects
    }

    /// The question for those objects.
    fn question(&self, ask: &Ask, objects: &[Box<str>]) -> Option<Ask> {
        let list = objects.join(&*self.separator.to_string());
        ask.with_value(&self.parameter, &list)
    }

    /// The halves of a list, none longer than a call may be; nothing of what cannot be split.
    fn split(&self, mut objects: Vec<Box<str>>) -> VecDeque<Vec<Box<str>>> {
        if objects.len() < 2 {
            return VecDeque::new();
        }
        let size = objects.len().div_ceil(2).min(self.at_most);
        let mut parts = VecDeque::new();
        while objects.len() > size {
            let rest = objects.split_off(size);
            parts.push_back(objects);
            objects = rest;
        }
        parts.push_back(objects);
        parts
    }

    async fn in_parts(
        &self,
        ask: &Ask,
        objects: Vec<Box<str>>,
        to: &mut dyn Attempts,
    ) -> Result<Answer, Miss> {
        let all = objects.len();
        let came = self.ask_in_parts(ask, objects, to).await;
        let Some(first) = came.answers.first() else {
            let nothing = Miss::Refused(Refusal::NothingToAsk);
            return Err(came.missed.unwrap_or(nothing));
        };
        let bodies: Option<Vec<&str>> = came.answers.iter().map(Plain::text).collect();
        let joined = bodies.and_then(|bodies| self.parts.join(&bodies));
        let joined = joined.ok_or_else(unfit)?;
        let response = to.reread(first.made(joined)).await?;
        if came.missing == 0 {
            return Ok(Answer::new(response, Fidelity::Exact));
        }
        let label = format!("{} of {all} objects", all - came.missing);
        let fewer = Instead::at(&ask.uri).called(label);
        Ok(Answer::new(response, Fidelity::Reduced).instead(fewer))
    }

    /// Asks for the halves, and for the halves of those that fail, one after the other: a part that is broken is found in a
    /// few calls, and what is no part of it comes.
    async fn ask_in_parts(&self, ask: &Ask, objects: Vec<Box<str>>, to: &mut dyn Attempts) -> Came {
        let mut came = Came::default();
        let mut left = self.split(objects);
        let mut calls = 0;
        while let Some(part) = left.pop_front() {
            let there = self.question(ask, &part).filter(|_| calls < MAX_CALLS);
            let Some(there) = there else {
                came.missing += part.len();
                continue;
            };
            calls += 1;
            let answered = match to.attempt(&there).await {
                Ok(response) => Plain::read(response)
                    .await
                    .map_err(|unread| Miss::Elsewhere(unread.fault())),
                Err(miss) => Err(miss),
            };
            match answered {
                Ok(plain) => came.answers.push(plain),
                Err(miss) => {
                    let is_of_it = matches!(&miss, Miss::Elsewhere(fault) if by_a_part(fault));
                    came.missed = Some(miss);
                    let halves = self.split(part.clone());
                    if !is_of_it || halves.is_empty() {
                        came.missing += part.len();
                    }
                    if is_of_it {
                        halves
                            .into_iter()
                            .rev()
                            .for_each(|half| left.push_front(half));
                    }
                }
            }
        }
        came
    }

    /// Asks together with others who ask the like.
    async fn together(
        &self,
        ask: &Ask,
        object: &str,
        to: &mut dyn Attempts,
    ) -> Result<Answer, Miss> {
        let question = self.like(ask).ok_or(Miss::Refused(Refusal::NothingToAsk))?;
        // Ends with the time of the request: whoever leads gives way to the next when its caller goes away.
        loop {
            let role = self.gatherings.join(&question, object, self.at_most);
            let told = match role.ok_or(Miss::Refused(Refusal::QueueFull))? {
                Role::Leads(lead) => {
                    let objects = lead.gathered().await;
                    let told = Arc::new(self.ask_for_all(ask, &objects, to).await);
                    lead.tell(Arc::clone(&told));
                    told
                }
                Role::Follows(follower) => match follower.told().await {
                    Some(told) => told,
                    None => continue,
                },
            };
            let plain = told.as_ref().as_ref().map_err(Clone::clone)?;
            let own = plain
                .text()
                .and_then(|body| self.parts.pick(body, &[object]));
            let response = to.reread(plain.made(own.ok_or_else(unfit)?)).await?;
            return Ok(Answer::new(response, self.parts.alone()));
        }
    }

    async fn ask_for_all(
        &self,
        ask: &Ask,
        objects: &[Box<str>],
        to: &mut dyn Attempts,
    ) -> Result<Plain, Miss> {
        let there = self.question(ask, objects);
        let there = there.ok_or(Miss::Refused(Refusal::NothingToAsk))?;
        let response = to.attempt_in_turn(&there).await?;
        let read = Plain::read(response).await;
        read.map_err(|unread| Miss::Elsewhere(unread.fault()))
    }

    /// What is asked but for the object.
    fn like(&self, ask: &Ask) -> Option<Question> {
        let rest = ask.with_value(&self.parameter, "")?;
        Some(Question {
            uri: rest.uri,
            headers: telling(&ask.headers),
        })
    }
}

impl Strategy for BatchRequests {
    fn id(&self) -> StrategyId {
        StrategyId::BATCH_REQUESTS
    }

    fn is_beside(&self) -> bool {
        true
    }

    fn offer(&self, ask: &Ask, failed: &[Fault]) -> Result<Offer, Refusal> {
        let first = failed.first().ok_or(Refusal::NotForThisFault)?;
        let objects = self.objects(ask).len();
        if ask.method != Method::GET || objects == 0 {
            return Err(Refusal::NothingToAsk);
        }
        if objects > 1 {
            Reach::Object.helps(failed)?;
            return if by_a_part(first) {
                Ok(Offer::now(Fidelity::Exact))
            } else {
                Err(Refusal::NotForThisFault)
            };
        }
        let is_limit = matches!(
            first.class,
            FaultClass::RateLimit | FaultClass::QuotaExceeded
        );
        if !is_limit {
            return Err(Refusal::NotForThisFault);
        }
        let named = failed.iter().filter_map(|fault| fault.wait).max();
        let delay = if ask.share.is_some() && !first.is_resting() {
            Duration::ZERO // the line knows how long
        } else {
            named.ok_or(Refusal::NotForThisFault)?
        };
        Ok(Offer {
            fidelity: self.parts.alone(),
            delay,
        })
    }

    fn asks(&self, ask: &Ask) -> Vec<Ask> {
        let parts = self.split(self.objects(ask));
        if parts.is_empty() {
            return vec![ask.clone()];
        }
        let first = parts.front().and_then(|part| self.question(ask, part));
        first.into_iter().collect()
    }

    fn run<'a>(
        &'a self,
        ask: &'a Ask,
        to: &'a mut dyn Attempts,
    ) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(async move {
            let objects = self.objects(ask);
            match objects.as_slice() {
                [] => Err(Miss::Refused(Refusal::NothingToAsk)),
                [object] => self.together(ask, object, to).await,
                _ => self.in_parts(ask, objects, to).await,
            }
        })
    }
}

/// Whether the fault may be that of one part, or of their number.
const fn by_a_part(fault: &Fault) -> bool {
    matches!(
        fault.class,
        FaultClass::Timeout
            | FaultClass::ServerError
            | FaultClass::MalformedBody
            | FaultClass::EmptyData
    )
}

fn unfit() -> Miss {
    Miss::Elsewhere(Fault::new(FaultClass::MalformedBody, "parts_do_not_fit"))
}

/// The fields that may change an answer: all but those that are of one request or one hop.
fn telling(headers: &HeaderMap) -> HeaderMap {
    const OF_ONE: [&str; 9] = [
        "accept-encoding",
        "forwarded",
        "healing-floor",
        "traceparent",
        "tracestate",
        "user-agent",
        "via",
        "x-forwarded-for",
        "x-request-id",
    ];
    let mut told = headers.clone();
    for name in OF_ONE {
        told.remove(name);
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(objects: &[&str], at_most: usize) -> Vec<Vec<String>> {
        let batch = BatchRequests::yahoo_quotes().at_most(at_most);
        let objects = objects.iter().map(|object| Box::from(*object)).collect();
        let parts = batch.split(objects).into_iter();
        parts
            .map(|part| part.iter().map(ToString::to_string).collect())
            .collect()
    }

    #[test]
    fn a_list_is_halved_and_no_part_is_longer_than_a_call_may_be() {
        assert_eq!(split(&["A", "B", "C"], 9), [vec!["A", "B"], vec!["C"]]);
        let parts = split(&["A", "B", "C", "D", "E"], 2);
        assert_eq!(parts, [vec!["A", "B"], vec!["C", "D"], vec!["E"]]);
        assert!(split(&["A"], 9).is_empty(), "one is not split");
    }

    #[test]
    fn who_sends_another_credential_asks_another_question() {
        let mut fields = HeaderMap::new();
        fields.insert("x-request-id", "1".parse().unwrap());
        assert!(telling(&fields).is_empty());
        for name in ["cookie", "authorization", "x-api-key", "accept-language"] {
            let mut other = fields.clone();
            other.insert(name, "mine".parse().unwrap());
            assert_ne!(telling(&fields), telling(&other), "{name}");
        }
    }
}
