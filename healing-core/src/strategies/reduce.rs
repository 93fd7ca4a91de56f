//! Ask for half as many rows, and for the other half after them where rows can be counted off.
//!
//! A request that is too large for its source times out, breaks or is refused; half of it may come. Where the request can say
//! with which row to begin, both halves are asked for and joined. Rows may have moved in between: so the second half begins
//! with the last row of the first, and only where that row and all that stands around the rows is the same in both is the
//! whole what was asked. Otherwise fewer rows are another answer, given only where the floor allows it.

use futures_util::future::BoxFuture;
use http::{Method, Response};

use crate::{
    attempt::{Answer, Ask, Attempts, Miss, Offer, Refusal, Strategy},
    body::Body,
    strategies::{
        plain::Plain,
        reach::Reach,
        rows::{self, Rows},
    },
    vocabulary::{
        fault::{Fault, FaultClass},
        fidelity::Fidelity,
        provenance::{Instead, StrategyId},
    },
};

/// `reduce_request_size`: the same request with half of a parameter that limits its rows.
///
/// ```
/// use healing_core::{ReduceRequest, Strategy, StrategyId};
/// let fewer = ReduceRequest::of("limit").at_least(10);
/// assert_eq!(fewer.id(), StrategyId::REDUCE_REQUEST_SIZE);
/// ```
#[derive(Clone, Debug)]
pub struct ReduceRequest {
    parameter: Box<str>,
    at_least: u64,
    join: Option<Join>,
}

/// How the second half is asked for, and where the rows stand.
#[derive(Clone, Debug)]
struct Join {
    offset: Box<str>,
    rows: Box<str>,
}

/// A request in two halves.
#[derive(Clone, Copy, Debug)]
struct Halves {
    limit: u64,
    half: u64,
    offset: u64,
}

// === impl ReduceRequest ===

impl ReduceRequest {
    /// Half of that parameter of a route that is set, down to one row.
    #[must_use]
    pub fn of(parameter: &str) -> Self {
        Self {
            parameter: parameter.into(),
            at_least: 1,
            join: None,
        }
    }

    /// Does not go below that many rows.
    #[must_use]
    pub const fn at_least(mut self, rows: u64) -> Self {
        self.at_least = rows;
        self
    }

    /// Asks for the other half, too, where the parameter `offset` of the route says how many rows are left out before the
    /// first; `rows` is the pointer (RFC 6901) to the array of rows. Fields of the answer that repeat the two parameters under
    /// their names say in the joined answer what was asked.
    ///
    /// ```
    /// use healing_core::ReduceRequest;
    /// let fred = ReduceRequest::of("limit").joined("offset", "/observations");
    /// # let _ = fred;
    /// ```
    #[must_use]
    pub fn joined(mut self, offset: &str, rows: &str) -> Self {
        self.join = Some(Join {
            offset: offset.into(),
            rows: rows.into(),
        });
        self
    }

    fn halves(&self, ask: &Ask) -> Option<Halves> {
        let limit: u64 = ask.value(&self.parameter)?.parse().ok()?;
        let half = limit / 2;
        let offset = self.join.as_ref().and_then(|join| ask.value(&join.offset));
        let offset = match offset {
            Some(offset) => offset.parse().ok()?,
            None => 0,
        };
        (half >= self.at_least.max(1)).then_some(Halves {
            limit,
            half,
            offset,
        })
    }

    fn first(&self, ask: &Ask, halves: Halves) -> Option<Ask> {
        ask.with_value(&self.parameter, &halves.half.to_string())
    }

    /// Both halves as one answer, or the first one alone.
    async fn whole(
        &self,
        ask: &Ask,
        (halves, join): (Halves, &Join),
        to: &mut dyn Attempts,
    ) -> Result<Answer, Miss> {
        let there = self.first(ask, halves);
        let there = there.ok_or(Miss::Refused(Refusal::NothingToAsk))?;
        let first = read(to.attempt(&there).await?).await?;
        let text = first.text().unwrap_or_default();
        let Some(came) = Rows::at(text, &join.rows).map(|rows| rows.rows.len()) else {
            let fault = Fault::new(FaultClass::MalformedBody, "parts_do_not_fit");
            return Err(Miss::Elsewhere(fault));
        };
        let as_asked = self.as_asked(text, (halves.half, halves.limit));
        let there_are_no_more = u64::try_from(came).is_ok_and(|came| came < halves.half);
        let whole = if there_are_no_more {
            Some(as_asked)
        } else {
            self.with_second(ask, (&as_asked, halves, join), to).await
        };
        if let Some(whole) = whole {
            let response = to.reread(first.made(whole)).await?;
            return Ok(Answer::new(response, Fidelity::Exact));
        }
        let response = to.reread(first.made(text.to_owned())).await?;
        Ok(fewer(response, &there, halves))
    }

    /// The first half with the second one behind it; nothing where that is not known to be what was asked.
    async fn with_second(
        &self,
        ask: &Ask,
        (first, halves, join): (&str, Halves, &Join),
        to: &mut dyn Attempts,
    ) -> Option<String> {
        // One row more, from the last of the first half on.
        let limit = (halves.limit - halves.half).checked_add(1)?;
        let offset = halves.offset.checked_add(halves.half)?.checked_sub(1)?;
        let there = ask.with_value(&self.parameter, &limit.to_string())?;
        let there = there.with_value(&join.offset, &offset.to_string())?;
        let second = read(to.attempt(&there).await.ok()?).await.ok()?;
        let second = self.as_asked(second.text()?, (limit, halves.limit));
        let second = rows::saying(second, &join.offset, (offset, halves.offset));
        let (first, second) = (Rows::at(first, &join.rows)?, Rows::at(&second, &join.rows)?);
        let (seam, rest) = second.rows.split_first()?;
        let fits = first.rows.last()?.get() == seam.get() && first.differs_in_rows_alone(&second);
        fits.then(|| first.with(&[&*first.rows, rest].concat()))
    }

    /// A half that says of itself that it was asked with the whole limit.
    fn as_asked(&self, body: &str, limits: (u64, u64)) -> String {
        rows::saying(body.to_owned(), &self.parameter, limits)
    }
}

impl Strategy for ReduceRequest {
    fn id(&self) -> StrategyId {
        StrategyId::REDUCE_REQUEST_SIZE
    }

    fn is_beside(&self) -> bool {
        true
    }

    fn offer(&self, ask: &Ask, failed: &[Fault]) -> Result<Offer, Refusal> {
        Reach::Object.helps(failed)?;
        let by_its_size = failed.first().is_some_and(|first| {
            matches!(
                first.class,
                FaultClass::Timeout | FaultClass::ServerError | FaultClass::MalformedBody
            )
        });
        if !by_its_size {
            return Err(Refusal::NotForThisFault);
        }
        self.halves(ask).ok_or(Refusal::NothingToAsk)?;
        let is_joined = self.join.is_some() && ask.method == Method::GET;
        Ok(Offer::now(if is_joined {
            Fidelity::Exact
        } else {
            Fidelity::Reduced
        }))
    }

    fn asks(&self, ask: &Ask) -> Vec<Ask> {
        let halves = self.halves(ask);
        let there = halves.and_then(|halves| self.first(ask, halves));
        there.into_iter().collect()
    }

    fn run<'a>(
        &'a self,
        ask: &'a Ask,
        to: &'a mut dyn Attempts,
    ) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(async move {
            let nothing = || Miss::Refused(Refusal::NothingToAsk);
            let halves = self.halves(ask).ok_or_else(nothing)?;
            if let Some(join) = self.join.as_ref().filter(|_| ask.method == Method::GET) {
                return self.whole(ask, (halves, join), to).await;
            }
            let there = self.first(ask, halves).ok_or_else(nothing)?;
            let response = to.attempt(&there).await?;
            Ok(fewer(response, &there, halves))
        })
    }
}

/// The first half alone, under that name.
fn fewer(response: Response<Body>, there: &Ask, halves: Halves) -> Answer {
    let fewer = Instead::at(&there.uri).called(format!("at most {} rows", halves.half));
    Answer::new(response, Fidelity::Reduced).instead(fewer)
}

async fn read(response: Response<Body>) -> Result<Plain, Miss> {
    let read = Plain::read(response).await;
    read.map_err(|unread| Miss::Elsewhere(unread.fault()))
}
