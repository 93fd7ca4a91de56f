//! The verdict on an answer that somebody waits for.
//!
//! First whether what its URL promises is there, then what the rules of its source and the body itself say, then how old it
//! is. The rules of a source look at a body of the source's own hosts that changed; elsewhere, and the rules of front ends
//! everywhere, only where something of the promise is gone or nothing was promised: an app may have made its own answer of a
//! source's, and a headline about rate limits is news. A healthy answer allocates nothing here.

mod doubt;

use http::{Method, Uri, response::Parts};
use jiff::Timestamp;

use crate::{
    body::Chunks,
    classify::{
        BodyVerdict,
        encoding::{self, Inflated},
        exchange::Exchange,
        finding::Finding,
        freshness::Moment,
        general, json,
        live::doubt::{Doubt, Looked},
        rules::{Case, Freshness, Range, Rules, Ruling, Whose},
        shape::{self, Amount, Content, Shape},
        sources,
        usual::Usual,
        wait,
    },
    vocabulary::{
        fault::{Fault, FaultClass},
        provenance::Suspect,
    },
};

/// An answer, its request, and what is known of what it should be.
#[derive(Clone, Copy)]
pub(crate) struct Incoming<'a> {
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    /// The head of the answer.
    pub(crate) head: &'a Parts,
    /// The rules of its source.
    pub(crate) rules: Option<&'a Rules>,
    /// The rules that are set for its route alone.
    pub(crate) of_route: Option<&'a Rules>,
    /// How old its answers may be, where that is set for its route.
    pub(crate) freshness: Option<&'a Freshness>,
    /// The number that is watched, where that is set for its route.
    pub(crate) range: Option<&'a Range>,
    /// Whether it was made of an answer to another question. No rule calls one good that lacks what was promised: that its
    /// source may have nothing is no reason for a map to find nothing.
    pub(crate) is_made: bool,
    /// The time, which is asked for only where it matters.
    pub(crate) now: &'a dyn Fn() -> Timestamp,
}

/// What a body should look like.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Expected<'a> {
    /// The last good answer of its URL.
    pub(crate) promise: Option<&'a Shape>,
    /// The good answers of its route, where they are alike.
    pub(crate) usual: Option<&'a Usual>,
}

// === impl Expected ===

impl<'a> Expected<'a> {
    /// The shape that is expected: that of its URL, else that of its route.
    fn shape(self) -> Option<&'a Shape> {
        self.promise.or_else(|| self.usual.map(Usual::shape))
    }
}

/// What came of judging a body.
#[derive(Debug)]
pub(crate) struct Judged {
    pub(crate) verdict: BodyVerdict,
    /// What is odd about a good one.
    pub(crate) suspect: Option<Suspect>,
    /// The newest that it names, where its age matters. A fault of one that is dated is that it is too old.
    pub(crate) dated: Option<Dated>,
    /// The number that is watched.
    pub(crate) amount: Option<f64>,
    /// How much it carries, where it was looked into.
    pub(crate) carries: Option<Amount>,
}

/// The newest moment that an answer names, and who says how old that may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dated {
    pub(crate) newest: Moment,
    by: By,
}

/// Who says how old an answer may be.
#[derive(Clone, Copy, Debug)]
enum By {
    Route,
    /// That item of the source's file.
    Source(usize),
}

// === impl Dated ===

impl Dated {
    /// What is wrong with it at that time, by what is set for its route and by the rules of its source.
    pub(crate) fn too_old(
        &self,
        (freshness, rules): (Option<&Freshness>, Option<&Rules>),
        now: Timestamp,
    ) -> Option<Fault> {
        let found = match self.by {
            By::Route => freshness?.stale(&self.newest, now),
            By::Source(item) => rules?.stale((item, self.newest), now, sources::calendars()),
        };
        let found = found?;
        Some(Fault::found(
            FaultClass::StaleData,
            found.rule,
            found.evidence,
        ))
    }
}

// === impl Incoming ===

impl<'a> Incoming<'a> {
    /// What is wrong with an answer whose status is bad, as its body tells; `None` where a rule says that nothing is.
    pub(crate) fn judge_refusal(&self, chunks: &Chunks, by_status: Fault) -> Option<Fault> {
        let inflated;
        let plain = match encoding::inflate(&self.head.headers, chunks) {
            Inflated::AsItIs => chunks,
            Inflated::Plain(bytes) => {
                inflated = Chunks::One(bytes);
                &inflated
            }
            Inflated::Unknown | Inflated::Broken => return Some(by_status),
        };
        json::in_one(plain, |body| {
            let exchange = self.exchange(body);
            let own = self.rules.map(|rules| rules.on(exchange));
            let found = match self.ruling(exchange, (own.as_ref(), self.whose(true))) {
                Ruling::Good => return None,
                Ruling::Bad(found) => Some(found),
                Ruling::Silent => {
                    at_the_edge(exchange).or_else(|| general::words_beside_status(&exchange))
                }
            };
            let told = found.and_then(|found| self.fault(found, exchange));
            let by_status = || {
                let wait = wait::of(&exchange, by_status.class, Some((self.now)()));
                by_status.with_wait(wait)
            };
            Some(told.unwrap_or_else(by_status))
        })
    }

    /// Judges a whole body that came with a good status, given what this URL's last good answer looked like.
    pub(crate) fn judge_body(&self, chunks: &Chunks, expected: Expected<'_>) -> Judged {
        let promise = expected.promise;
        let inflated;
        let plain = match encoding::inflate(&self.head.headers, chunks) {
            Inflated::AsItIs => chunks,
            Inflated::Plain(bytes) => {
                inflated = Chunks::One(bytes);
                &inflated
            }
            Inflated::Unknown => {
                let opaque = promise.is_none().then(Shape::opaque);
                return Judged::only(BodyVerdict::Good(opaque));
            }
            Inflated::Broken => {
                let broken = Fault::new(FaultClass::MalformedBody, "bad_encoding");
                return Judged::only(BodyVerdict::Fault(broken.with_status(self.head.status)));
            }
        };
        let content = shape::look(self.head, plain, expected.shape());
        let looked = Looked {
            content: &content,
            promise,
            usual: expected.usual,
        };
        let doubt = Doubt::of(looked);
        let judged = if doubt.is_none() && !self.looks_into_good(promise) {
            Judged::only(looked.good())
        } else {
            json::in_one(plain, |body| self.weigh(self.exchange(body), looked, doubt))
        };
        Judged {
            carries: content.amount(),
            ..judged
        }
    }

    /// Whether the age of its answers matters.
    pub(crate) fn tells_age(&self) -> bool {
        self.freshness.is_some() || self.rules.is_some_and(Rules::tells_age)
    }

    /// What is wrong with an answer that is good otherwise, because it is too old by now.
    pub(crate) fn stale(&self, dated: &Dated) -> Option<Fault> {
        let fault = dated.too_old((self.freshness, self.rules), (self.now)())?;
        Some(fault.with_status(self.head.status))
    }

    fn weigh(&self, exchange: Exchange<'_>, looked: Looked<'_>, doubt: Option<Doubt>) -> Judged {
        let own = self.rules.map(|rules| rules.on(exchange));
        let whose = self.whose(doubt.is_some() || looked.promise.is_none());
        let ruling = self.ruling(exchange, (own.as_ref(), whose));
        let verdict = match (ruling, doubt) {
            (Ruling::Bad(found), _) => self.ruled(found, exchange, looked),
            // Good as it is, and no promise for others: a search that found nothing.
            (Ruling::Good, Some(_)) if !self.is_made => BodyVerdict::Good(None),
            (Ruling::Good | Ruling::Silent, Some(doubt)) => self.doubted(doubt, exchange, looked),
            (Ruling::Good | Ruling::Silent, None) => looked.good(),
        };
        if !matches!(verdict, BodyVerdict::Good(_)) {
            return Judged::only(verdict);
        }
        let dated = self.date(exchange, own.as_ref());
        let stale = dated.as_ref().and_then(|dated| self.stale(dated));
        let incomplete = own.is_some_and(|own| own.is_incomplete());
        Judged {
            verdict: stale.map_or(verdict, BodyVerdict::Fault),
            suspect: incomplete.then_some(Suspect::Incomplete),
            dated,
            amount: self.range.and_then(|range| range.amount(exchange)),
            carries: None,
        }
    }

    /// What the rules of its route say, or else those of its source. A route is its operator's own, whoever answers.
    fn ruling(&self, exchange: Exchange<'_>, (own, whose): (Option<&Case<'_>>, Whose)) -> Ruling {
        let of_route = self.of_route.map(|rules| rules.on(exchange));
        match of_route.map(|of_route| of_route.ruling(Whose::Home)) {
            Some(ruling @ (Ruling::Good | Ruling::Bad(_))) => ruling,
            Some(Ruling::Silent) | None => own.map_or(Ruling::Silent, |own| own.ruling(whose)),
        }
    }

    /// What a rule says. A list without rows is one after all where it stays so.
    fn ruled(&self, found: Finding, exchange: Exchange<'_>, looked: Looked<'_>) -> BodyVerdict {
        let is_empty = found.class == Some(FaultClass::EmptyData);
        let Some(fault) = self.fault(found, exchange) else {
            return looked.good();
        };
        match looked.content {
            Content::Seen(seen) if is_empty && seen.is_without_rows() => {
                if looked.is_as_promised(seen) {
                    return BodyVerdict::Good(None);
                }
                BodyVerdict::Changed(seen.shape(), fault.changing())
            }
            Content::Empty | Content::Cut | Content::NotJson(_) | Content::Seen(_) => {
                BodyVerdict::Fault(fault)
            }
        }
    }

    /// What is wrong where the promise is not kept and the rules of the source say nothing.
    fn doubted(&self, doubt: Doubt, exchange: Exchange<'_>, looked: Looked<'_>) -> BodyVerdict {
        if let Some(fault) = at_the_edge(exchange).and_then(|found| self.fault(found, exchange)) {
            return BodyVerdict::Fault(fault);
        }
        let told = doubt.lets_words_tell().then(|| general::judge(&exchange));
        // What was given before, or is not what it says it is, is no mistake of the caller, unless the source's own rules say so.
        let may_blame = matches!(doubt, Doubt::Message) && looked.promise.is_none();
        let told = told.flatten().filter(|found| {
            let class = found.class;
            let is_more = !matches!(
                class,
                Some(FaultClass::EmptyData | FaultClass::MalformedBody)
            );
            is_more && (may_blame || !class.is_some_and(FaultClass::is_the_callers))
        });
        match told.and_then(|found| self.fault(found, exchange)) {
            Some(fault) => BodyVerdict::Fault(fault),
            None if doubt.is_no_row() && looked.may_be_empty(&exchange) => looked.good(),
            None => doubt.verdict(self.head.status, looked),
        }
    }

    fn fault(&self, found: Finding, exchange: Exchange<'_>) -> Option<Fault> {
        let verdict = found.verdict(&exchange, Some((self.now)()));
        verdict.fault(self.head.status)
    }

    fn date(&self, exchange: Exchange<'_>, own: Option<&Case<'_>>) -> Option<Dated> {
        if let Some(freshness) = self.freshness {
            return Some(Dated {
                newest: freshness.newest(exchange)?,
                by: By::Route,
            });
        }
        let (item, newest) = own?.newest()?;
        Some(Dated {
            newest,
            by: By::Source(item),
        })
    }

    /// Whether an answer that keeps its promise is looked into all the same.
    fn looks_into_good(&self, promise: Option<&Shape>) -> bool {
        let by_rules = |rules: &Rules| {
            let tells_more = rules.tells_age() || rules.counts_parts() || rules.counts_anywhere();
            promise.is_none() || tells_more || self.is_home()
        };
        let by_route = self.of_route.is_some() || self.freshness.is_some() || self.range.is_some();
        by_route || self.rules.is_some_and(by_rules)
    }

    /// Whose answer it is; where it may be another's, something about it is doubtful, or nothing.
    fn whose(&self, is_doubtful: bool) -> Whose {
        match (self.is_home(), is_doubtful) {
            (true, _) => Whose::Home,
            (false, true) => Whose::Doubtful,
            (false, false) => Whose::Sound,
        }
    }

    fn is_home(&self) -> bool {
        self.rules
            .is_some_and(|rules| rules.is_home(self.uri.host().unwrap_or_default()))
    }

    fn exchange<'e>(&self, body: &'e [u8]) -> Exchange<'e>
    where
        'a: 'e,
    {
        Exchange {
            source: None,
            method: self.method.as_str(),
            host: self.uri.host().unwrap_or_default(),
            target: self
                .uri
                .path_and_query()
                .map_or("", http::uri::PathAndQuery::as_str),
            status: Some(self.head.status.as_u16()),
            headers: &self.head.headers,
            body,
            transport_error: None,
        }
    }
}

// === impl Judged ===

impl Judged {
    /// One that is as good as it was.
    pub(crate) const fn good(dated: Option<Dated>) -> Self {
        Self {
            verdict: BodyVerdict::Good(None),
            suspect: None,
            dated,
            amount: None,
            carries: None,
        }
    }

    /// One that is too old.
    pub(crate) const fn stale(fault: Fault, dated: Dated) -> Self {
        Self {
            verdict: BodyVerdict::Fault(fault),
            suspect: None,
            dated: Some(dated),
            amount: None,
            carries: None,
        }
    }

    const fn only(verdict: BodyVerdict) -> Self {
        Self {
            verdict,
            suspect: None,
            dated: None,
            amount: None,
            carries: None,
        }
    }
}

fn at_the_edge(exchange: Exchange<'_>) -> Option<Finding> {
    match sources::edge()?.on(exchange).ruling(Whose::Home) {
        Ruling::Bad(found) => Some(found),
        Ruling::Good | Ruling::Silent => None,
    }
}
