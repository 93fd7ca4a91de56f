//! Ask another route, and give its answer in the asked route's shape.
//!
//! Two sources often hold the same quantity: Polygon.io and Yahoo Finance both know the closing prices of American shares.
//! What is asked is another route that is set; its answer is judged by that route's own rules, counted and kept as its own,
//! brought into the asked shape by a map, and then read once more by the rules of the route that was asked. How close it is
//! follows from what is set down of both routes; it is never higher. Where the lender knows only the plain form of a question,
//! what a question may hold is listed ([`Only`]), and any other is not asked there.
//!
//! It is one hop: what is asked here is asked, not healed. The asking source pays for the call, and the lender is asked only
//! while it is not short of calls itself.

mod presets;

pub use presets::FallbackError;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderValue, Method, Response, StatusCode, header, uri::Scheme};
use jiff::{SignedDuration, civil::Date, tz::TimeZone};

use crate::{
    attempt::{Answer, Ask, Attempts, Miss, Offer, Refusal, Strategy},
    body::Body,
    clock::Clock,
    mapping::{MapFault, Mapping},
    strategies::{
        columns::Columns,
        only::Only,
        plain::{Plain, Unread},
        reach::Reach,
        same::Same,
        values::{Said, Values},
    },
    vocabulary::{
        fault::{Fault, FaultClass},
        fidelity::Fidelity,
        pattern::Pattern,
        provenance::{Instead, StrategyId},
        source::Source,
    },
};

/// How long what is set down of two routes holds, once it says when it was looked at: tickers change.
const HOLDS: Duration = Duration::from_hours(90 * 24);

/// `fallback`: another route, with parameters of the asked one.
///
/// ```
/// use healing_core::{Fallback, Mapping, Param, Pattern, Same, Source};
/// let chart = Pattern::of("/api/yahoo/chart/{symbol}".parse()?).param("interval", Param::Query("interval".into()));
/// let mut days = Same::default();
/// days.unit = Some("usd".into());
/// days.adjustment = Some("split".into());
/// days.calendar = Some("us_equities".into());
/// days.granularity = Some("1d".parse()?);
/// let fallback = Fallback::to(Source::new("yahoo_finance")?, chart)
///     .constant("interval", "1d")
///     .renamed("symbol", "ticker")
///     .map(Mapping::compile("{results: .chart.result}")?)
///     .same(&days, &days);
/// # let _ = fallback;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Fallback {
    id: StrategyId,
    lender: Source,
    pattern: Arc<Pattern>,
    values: Values,
    /// Parameters of the asked route that must be a plain ticker: letters, of which none has another meaning elsewhere.
    tickers: Vec<Box<str>>,
    /// What the asked request may hold, where that is set down.
    only: Option<Only>,
    mapping: Option<Mapping>,
    reads: Reads,
    fidelity: Result<Fidelity, Refusal>,
    label: Option<Arc<str>>,
    status: StatusCode,
    with_fields: bool,
    holds_until: Option<(Date, Clock)>,
}

/// What a map reads.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Reads {
    Json,
    /// As JSON: an array of lines, the head first, each an array of texts.
    Csv,
}

// === impl Fallback ===

impl Fallback {
    /// That route of that source. Parameters have the values of the asked route's by the same names. Until something is
    /// [set down](Self::same) of both, it is never used.
    #[must_use]
    pub fn to(lender: Source, pattern: Pattern) -> Self {
        Self {
            id: StrategyId::FALLBACK,
            lender,
            pattern: Arc::new(pattern),
            values: Values::default(),
            tickers: Vec::new(),
            only: None,
            mapping: None,
            reads: Reads::Json,
            fidelity: Err(Refusal::AnotherQuantity),
            label: None,
            status: StatusCode::NON_AUTHORITATIVE_INFORMATION,
            with_fields: false,
            holds_until: None,
        }
    }

    /// The same, under another name in fields, metrics and events.
    #[must_use]
    pub const fn named(mut self, id: StrategyId) -> Self {
        self.id = id;
        self
    }

    /// The same, asked by that scheme where the lender has an address of its own. Without it, by the asked one's.
    #[must_use]
    pub fn by(mut self, scheme: Scheme) -> Self {
        self.pattern = Arc::new(Pattern::clone(&self.pattern).by(scheme));
        self
    }

    /// The same, with that value for a parameter of the lender.
    #[must_use]
    pub fn constant(mut self, parameter: &str, value: &str) -> Self {
        self.values.constant(parameter, value);
        self
    }

    /// The same, with the value of the asked route's `from` for the lender's `parameter`.
    #[must_use]
    pub fn renamed(mut self, parameter: &str, from: &str) -> Self {
        self.values.renamed(parameter, from);
        self
    }

    /// The same, only where that parameter of the asked route is a plain ticker of one to five letters. With a dot, a colon
    /// or a caret in it, the same text may be another instrument elsewhere.
    #[must_use]
    pub fn only_for_tickers(mut self, parameter: &str) -> Self {
        self.tickers.push(parameter.into());
        self
    }

    /// The same, only where the query of the asked request holds nothing but this. What is listed there can be
    /// [renamed](Self::renamed), and is in `$asked` of the map, also where the asked route does not name it.
    #[must_use]
    pub fn only(mut self, only: Only) -> Self {
        self.only = Some(only);
        self
    }

    /// The same, where the lender answers with CSV (RFC 4180). The map reads an array of its lines, the head first, each an
    /// array of texts: `[["date","GDP"],["2026-01-01","31098.0"]]`.
    #[must_use]
    pub const fn reads_csv(mut self) -> Self {
        self.reads = Reads::Csv;
        self
    }

    /// The same, with its answer brought into the asked shape by that map. Without one it is given as it is.
    #[must_use]
    pub fn map(mut self, mapping: Mapping) -> Self {
        self.mapping = Some(mapping);
        self
    }

    /// The same, given what both routes give. What lowers its fidelity is its label, where it has none.
    #[must_use]
    pub fn same(mut self, asked: &Same, lent: &Same) -> Self {
        self.fidelity = asked.fidelity_of(lent);
        if let (None, Some(span)) = (&self.label, lent.granularity)
            && asked.granularity != lent.granularity
        {
            self.label = Some(format!("values of {span}").into());
        }
        self
    }

    /// The same, called that: `monthly average`. Printable ASCII, at most 64 characters; other labels are left out.
    #[must_use]
    pub fn called(mut self, label: &str) -> Self {
        self.label = Instead::may_be_called(label).then(|| label.into());
        self
    }

    /// The same, with that status in place of 203 where its answer is a substitute.
    #[must_use]
    pub const fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same, for a lender that is the same service as the asked one (both are routes of one API in front of the
    /// sources): the caller's fields go with the question. Another service does not get its credentials and cookies.
    #[must_use]
    pub const fn with_callers_fields(mut self) -> Self {
        self.with_fields = true;
        self
    }

    /// The same, until 90 days after the day on which somebody last looked whether both routes still give the same.
    #[must_use]
    pub fn checked_on(mut self, day: Date, clock: Clock) -> Self {
        let until = day.saturating_add(SignedDuration::try_from(HOLDS).unwrap_or_default());
        self.holds_until = Some((until, clock));
        self
    }

    /// How close its answers are.
    ///
    /// # Errors
    /// Where what is set down of both routes does not allow it.
    pub const fn fidelity(&self) -> Result<Fidelity, Refusal> {
        self.fidelity
    }

    fn offered(&self) -> Result<Fidelity, Refusal> {
        let expired = self.holds_until.is_some_and(|(until, clock)| {
            clock.timestamp(clock.now()).to_zoned(TimeZone::UTC).date() > until
        });
        if expired {
            return Err(Refusal::AnotherQuantity);
        }
        self.fidelity
    }

    /// The question for the lender.
    fn asked(&self, ask: &Ask) -> Option<Ask> {
        let plain = |parameter: &str| {
            let value = ask.value(parameter);
            value.is_some_and(|value| {
                (1..=5).contains(&value.len())
                    && value.bytes().all(|byte| byte.is_ascii_uppercase())
            })
        };
        let said = self.said(ask);
        if !self.tickers.iter().all(|parameter| plain(parameter)) || !said.fits() {
            return None;
        }
        let value = |name: &str| self.values.of(said, name);
        ask.of_route(&self.pattern, value, self.with_fields)
    }

    const fn said<'a>(&'a self, ask: &'a Ask) -> Said<'a> {
        Said {
            ask,
            only: self.only.as_ref(),
        }
    }

    /// The lender's answer in the asked shape.
    async fn mapped(
        &self,
        ask: &Ask,
        response: Response<Body>,
    ) -> Result<Response<Body>, MapFault> {
        let Some(mapping) = &self.mapping else {
            return Ok(response);
        };
        let Plain { head, body: plain } = Plain::read(response).await?;
        let read = self.reads.json_of(plain)?;
        let made = mapping.apply(read, self.said(ask).all()).await?;
        let mut response = Response::new(Body::from(made));
        let json = HeaderValue::from_static("application/json");
        response.headers_mut().insert(header::CONTENT_TYPE, json);
        *response.extensions_mut() = head.extensions;
        Ok(response)
    }
}

// === impl Reads ===

impl Reads {
    /// An answer as JSON.
    fn json_of(self, plain: Bytes) -> Result<Bytes, MapFault> {
        match self {
            Self::Json => Ok(plain),
            Self::Csv => {
                let text = std::str::from_utf8(&plain).ok();
                let lines = text.and_then(Columns::read);
                let json = lines.and_then(|lines| lines.to_json());
                json.map(Bytes::from).ok_or(MapFault::NotCsv)
            }
        }
    }
}

impl Strategy for Fallback {
    fn id(&self) -> StrategyId {
        self.id
    }

    fn is_beside(&self) -> bool {
        true
    }

    fn offer(&self, ask: &Ask, failed: &[Fault]) -> Result<Offer, Refusal> {
        let reach = if *ask.route.source() == self.lender {
            Reach::Object
        } else {
            Reach::Source
        };
        reach.helps(failed)?;
        let fidelity = self.offered()?;
        if ask.method != Method::GET || self.asked(ask).is_none() {
            return Err(Refusal::NothingToAsk);
        }
        Ok(Offer::now(fidelity))
    }

    fn asks(&self, ask: &Ask) -> Vec<Ask> {
        self.asked(ask).into_iter().collect()
    }

    fn run<'a>(
        &'a self,
        ask: &'a Ask,
        to: &'a mut dyn Attempts,
    ) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(async move {
            let fidelity = self.offered().map_err(Miss::Refused)?;
            let there = self
                .asked(ask)
                .ok_or(Miss::Refused(Refusal::NothingToAsk))?;
            let lent = to.attempt(&there).await?;
            let mapped = self.mapped(ask, lent).await.map_err(|fault| {
                tracing::debug!(lender = %self.lender, %fault, "the map came to nothing");
                Miss::Elsewhere(Fault::new(FaultClass::MalformedBody, fault.detail()))
            })?;
            let mut response = to.reread(mapped).await?;
            if fidelity == Fidelity::Substitute && response.status() == StatusCode::OK {
                *response.status_mut() = self.status;
            }
            let mut instead = Instead::at(&there.uri);
            if *ask.route.source() != self.lender {
                instead = instead.of(self.lender.clone());
            }
            instead.label.clone_from(&self.label);
            Ok(Answer::new(response, fidelity).instead(instead))
        })
    }
}

impl From<Unread> for MapFault {
    fn from(unread: Unread) -> Self {
        match unread {
            Unread::TooLarge => Self::TooLarge,
            Unread::Broken => Self::NotJson,
        }
    }
}
