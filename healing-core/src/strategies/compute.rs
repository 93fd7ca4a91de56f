//! Compute an answer from two others.
//!
//! Some series are arithmetic on two that are published as well: a spread is one yield less another. Where such a series is
//! broken, both terms are asked for, and a map makes the answer of them, bounded as all maps are. It is the same only for the
//! questions that are listed ([`Only`]): a change from a year ago is no difference of two levels. Both terms are needed; where
//! one does not come, the attempt has failed with its reason.

mod presets;

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Extensions, HeaderValue, Method, Response, header};
use serde::de::IgnoredAny;

use crate::{
    attempt::{Answer, Ask, Attempts, Miss, Offer, Refusal, Strategy},
    body::Body,
    mapping::{MapFault, Mapping},
    strategies::{
        only::Only,
        plain::Plain,
        reach::Reach,
        same::Same,
        values::{Said, Values},
    },
    vocabulary::{
        fault::{Fault, FaultClass},
        fidelity::Fidelity,
        pattern::Pattern,
        provenance::{Instead, Provenance, StrategyId},
        source::Source,
    },
};

/// `compute`: a map over the answers to two questions.
///
/// ```
/// use healing_core::{Compute, Mapping, Only, Same, Term};
/// let mut percent = Same::default();
/// percent.unit = Some("percent".into());
/// percent.adjustment = Some("none".into());
/// percent.calendar = Some("us_equities".into());
/// percent.granularity = Some("1d".parse()?);
/// let [ten, two] = ["DGS10", "DGS2"].map(|series| Term::here().constant("series", series));
/// let spread = Compute::of(ten, two, Mapping::compile("{value: (.first.value - .second.value)}")?)
///     .only(Only::default().one_of("series", &["T10Y2Y"]))
///     .same(&percent, &percent);
/// # let _ = spread;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Compute {
    first: Term,
    second: Term,
    mapping: Mapping,
    only: Option<Only>,
    fidelity: Result<Fidelity, Refusal>,
    label: Option<Arc<str>>,
}

/// One of two questions of whose answers another is computed.
///
/// ```
/// use healing_core::{Pattern, Source, Term};
/// let here = Term::here().constant("series_id", "DGS10");
/// let elsewhere = Term::of(Source::new("treasury")?, Pattern::of("/yields/{term}".parse()?)).constant("term", "10y");
/// # let _ = (here, elsewhere);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Term {
    /// `None`: that of the asked question.
    route: Option<Elsewhere>,
    values: Values,
}

/// Another route.
#[derive(Clone, Debug)]
struct Elsewhere {
    source: Source,
    pattern: Arc<Pattern>,
    with_fields: bool,
}

// === impl Compute ===

impl Compute {
    /// The map reads `{"first": ..., "second": ...}`: the answers to these two. Until something is [set down](Self::same) of
    /// what it makes, it is never used.
    #[must_use]
    pub const fn of(first: Term, second: Term, mapping: Mapping) -> Self {
        Self {
            first,
            second,
            mapping,
            only: None,
            fidelity: Err(Refusal::AnotherQuantity),
            label: None,
        }
    }

    /// The same, only where the query of the asked request holds nothing but this. What is listed there is in `$asked` of the
    /// map, also where the asked route does not name it.
    #[must_use]
    pub fn only(mut self, only: Only) -> Self {
        self.only = Some(only);
        self
    }

    /// The same, given what the asked route gives and what is computed.
    #[must_use]
    pub fn same(mut self, asked: &Same, computed: &Same) -> Self {
        self.fidelity = asked.fidelity_of(computed);
        self
    }

    /// The same, called that: `DGS10 less DGS2`. Printable ASCII, at most 64 characters; other labels are left out.
    #[must_use]
    pub fn called(mut self, label: &str) -> Self {
        self.label = Instead::may_be_called(label).then(|| label.into());
        self
    }

    /// How close its answers are.
    ///
    /// # Errors
    /// Where what is set down does not allow it.
    pub const fn fidelity(&self) -> Result<Fidelity, Refusal> {
        self.fidelity
    }

    const fn said<'a>(&'a self, ask: &'a Ask) -> Said<'a> {
        Said {
            ask,
            only: self.only.as_ref(),
        }
    }

    /// Both questions.
    fn asked(&self, ask: &Ask) -> Option<(Ask, Ask)> {
        let said = self.said(ask);
        let both = (self.first.asked(said), self.second.asked(said));
        match both {
            (Some(first), Some(second)) if said.fits() => Some((first, second)),
            _ => None,
        }
    }

    /// What the map makes of both answers.
    async fn computed(&self, ask: &Ask, both: (Plain, Plain)) -> Result<Response<Body>, MapFault> {
        let (first, second) = both;
        let joined = joined(&first.body, &second.body)?;
        let made = self.mapping.apply(joined, self.said(ask).all()).await?;
        let mut response = Response::new(Body::from(made));
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        *response.extensions_mut() = lower(first.head.extensions, second.head.extensions);
        Ok(response)
    }

    /// What is said of the answer.
    fn instead(&self, ask: &Ask) -> Instead {
        let mut instead = Instead::default();
        instead.label.clone_from(&self.label);
        match (self.first.source(), self.second.source()) {
            (Some(one), Some(other)) if one == other && one != ask.route.source() => {
                instead.of(one.clone())
            }
            _ => instead,
        }
    }
}

impl Strategy for Compute {
    fn id(&self) -> StrategyId {
        StrategyId::COMPUTE
    }

    fn is_beside(&self) -> bool {
        true
    }

    fn offer(&self, ask: &Ask, failed: &[Fault]) -> Result<Offer, Refusal> {
        let is_elsewhere = |term: &Term| term.source().is_some_and(|own| own != ask.route.source());
        let reach = if is_elsewhere(&self.first) && is_elsewhere(&self.second) {
            Reach::Source
        } else {
            Reach::Object
        };
        reach.helps(failed)?;
        let fidelity = self.fidelity?;
        if ask.method != Method::GET || self.asked(ask).is_none() {
            return Err(Refusal::NothingToAsk);
        }
        Ok(Offer::now(fidelity))
    }

    /// The first of the two: both are needed, and neither stands in for the other.
    fn asks(&self, ask: &Ask) -> Vec<Ask> {
        let both = self.asked(ask);
        both.map(|(first, _)| first).into_iter().collect()
    }

    fn run<'a>(
        &'a self,
        ask: &'a Ask,
        to: &'a mut dyn Attempts,
    ) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(async move {
            let fidelity = self.fidelity.map_err(Miss::Refused)?;
            let nothing = Miss::Refused(Refusal::NothingToAsk);
            let (first, second) = self.asked(ask).ok_or(nothing)?;
            // The second is not asked where the first does not come: it would be of no use.
            let first = read(to.attempt(&first).await?).await?;
            let second = read(to.attempt(&second).await?).await?;
            let made = self.computed(ask, (first, second)).await.map_err(|fault| {
                tracing::debug!(%fault, "the map over two answers came to nothing");
                Miss::Elsewhere(Fault::new(FaultClass::MalformedBody, fault.detail()))
            })?;
            let response = to.reread(made).await?;
            Ok(Answer::new(response, fidelity).instead(self.instead(ask)))
        })
    }
}

// === impl Term ===

impl Term {
    /// The asked question, with other values.
    #[must_use]
    pub fn here() -> Self {
        Self {
            route: None,
            values: Values::default(),
        }
    }

    /// That route of that source. Parameters have the values of the asked route's by the same names.
    #[must_use]
    pub fn of(source: Source, pattern: Pattern) -> Self {
        Self {
            route: Some(Elsewhere {
                source,
                pattern: Arc::new(pattern),
                with_fields: false,
            }),
            values: Values::default(),
        }
    }

    /// The same, with that value for a parameter. One that has no other place stands in the query.
    #[must_use]
    pub fn constant(mut self, parameter: &str, value: &str) -> Self {
        self.values.constant(parameter, value);
        self
    }

    /// The same, with the value of the asked route's `from` for a parameter.
    #[must_use]
    pub fn renamed(mut self, parameter: &str, from: &str) -> Self {
        self.values.renamed(parameter, from);
        self
    }

    /// The same, for a route of the same service as the asked one: the caller's fields go with the question. Another service
    /// does not get its credentials and cookies.
    #[must_use]
    pub fn with_callers_fields(mut self) -> Self {
        if let Some(route) = &mut self.route {
            route.with_fields = true;
        }
        self
    }

    /// `None`: that of the asked question.
    fn source(&self) -> Option<&Source> {
        self.route.as_ref().map(|route| &route.source)
    }

    fn asked(&self, said: Said<'_>) -> Option<Ask> {
        let value = |name: &str| self.values.of(said, name);
        if let Some(route) = &self.route {
            return said.ask.of_route(&route.pattern, value, route.with_fields);
        }
        let mut asked = said.ask.clone();
        for name in self.values.names() {
            let value = value(name)?;
            asked = asked
                .with_value(name, &value)
                .or_else(|| asked.with_query(name, &value))?;
        }
        Some(asked)
    }
}

async fn read(response: Response<Body>) -> Result<Plain, Miss> {
    let read = Plain::read(response).await;
    read.map_err(|unread| Miss::Elsewhere(unread.fault()))
}

/// Both answers as one JSON text. Each is looked at by itself: pasted together, two halves of something else might be one.
fn joined(first: &[u8], second: &[u8]) -> Result<Bytes, MapFault> {
    for part in [first, second] {
        serde_json::from_slice::<IgnoredAny>(part).map_err(|_| MapFault::NotJson)?;
    }
    Ok([b"{\"first\":", first, b",\"second\":", second, b"}"]
        .concat()
        .into())
}

/// What layers further in say of the lower of the two: what is made of both is no better than either.
fn lower(first: Extensions, second: Extensions) -> Extensions {
    let rank = |of: &Extensions| {
        let truth = of.get::<Provenance>();
        truth.map(|truth| (truth.fidelity, truth.age))
    };
    if rank(&second) > rank(&first) {
        second
    } else {
        first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_is_json_by_itself() {
        let both = joined(b"{}", b"[1]").unwrap();
        assert_eq!(both, &br#"{"first":{},"second":[1]}"#[..]);
        for (first, second) in [("1,\"x\":", "2"), ("1", "2}, {"), ("", "1"), ("1", "")] {
            let none = joined(first.as_bytes(), second.as_bytes());
            assert_eq!(none, Err(MapFault::NotJson), "{first} {second}");
        }
    }
}
