//! What strategies are made of: the question, what they may offer for it, and how they ask.

#[cfg(feature = "jq")]
mod lent;
mod other;

use std::{convert::Infallible, fmt, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use http::{Extensions, HeaderMap, HeaderValue, Method, Request, Response, Uri, Version, header};
use tokio::time::Instant;
use uuid::Uuid;

use crate::{
    body::Body,
    pace::Share,
    vocabulary::{
        exchange::{Sent, TransportFault},
        fault::Fault,
        fidelity::{Fidelity, Floor},
        pattern::Pattern,
        provenance::{Instead, StrategyId},
        route::Route,
    },
};

/// A request that may be answered more than once: its body, if any, is in memory.
#[derive(Clone)]
pub struct Ask {
    /// The id of the request.
    pub id: Uuid,
    /// What kind of question it is.
    pub route: Route,
    /// GET or HEAD.
    pub method: Method,
    /// The target as the caller gave it.
    pub uri: Uri,
    /// The caller's fields.
    pub headers: HeaderMap,
    /// What the caller takes.
    pub floor: Floor,
    /// When what is in hand is given.
    pub deadline: Instant,
    pub(crate) pattern: Option<Arc<Pattern>>,
    /// The keys of ours that may go with it, where its source has some. None of them is in the question itself.
    pub(crate) share: Option<Arc<Share>>,
    /// Until when something better than what is in hand may come.
    pub(crate) until: Instant,
    /// Whether its answer is the answer to the caller's question, though it is asked of another address.
    pub(crate) is_the_same: bool,
    /// Whether it is asked for all later requests rather than for this one, so that the budget of this one does not pay for it:
    /// whoever asks so keeps a pace of its own. Its answer is of use whatever its status.
    pub(crate) is_upkeep: bool,
    /// What layers and routers further out noted of the request: the parameters that a router has found in its path.
    pub(crate) extensions: Extensions,
    pub(crate) version: Version,
    pub(crate) body: bytes::Bytes,
}

/// What a strategy would answer with, if it works.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Offer {
    /// How close its answer would be.
    pub fidelity: Fidelity,
    /// How long to wait before it is run.
    pub delay: Duration,
}

/// Why a strategy is not tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// It does not help against such a fault.
    NotForThisFault,
    /// It could not answer before the deadline.
    TooLate,
    /// Its answer would be below the floor.
    BelowTheFloor,
    /// The budget for extra calls is spent.
    Budget,
    /// The source is not to be asked yet: it named a time, none of its keys may be used, no call is left, or it was found to
    /// accept no more just now.
    NotYet,
    /// Too many wait for their turn.
    QueueFull,
    /// The request does not carry what it would have to be asked with, or nothing is set for what it carries.
    NothingToAsk,
    /// What it would ask rests after failures of its own.
    Resting,
    /// The source that would have to lend an answer needs its calls itself.
    LenderShort,
    /// The calls that are left of a quota gain others more.
    TooDear,
    /// As many calls to its host are under way as that was found to bear.
    Overloaded,
    /// What it would give is another quantity, or not known to be the same, and may be called by no name.
    AnotherQuantity,
}

/// Why a strategy did not answer.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Miss {
    /// It asked, and the answer was bad.
    Fault(Fault),
    /// It asked for something else, and that answer was bad: this says nothing of what the caller asked for.
    Elsewhere(Fault),
    /// It did not ask, or not once more.
    Refused(Refusal),
}

/// A good answer and how close it is to what was asked. The layer that runs the strategy adds the rest of its
/// [`Provenance`](crate::Provenance): there is no way to give an answer without one.
pub struct Answer {
    pub(crate) response: Response<Body>,
    pub(crate) fidelity: Fidelity,
    pub(crate) instead: Option<Box<Instead>>,
}

/// One way to answer, tried when the primary attempt failed. The extension point of this crate: small, object safe, and
/// judged from outside. How often it works at which route is learned from what it comes to; a new one is tried as if it
/// worked as most do.
///
/// ```
/// use futures_util::future::BoxFuture;
/// use healing_core::{Answer, Ask, Attempts, Body, Fault, Fidelity, Miss, Offer, Refusal, Strategy, StrategyId};
///
/// #[derive(Debug)]
/// struct Closed;
///
/// impl Strategy for Closed {
///     fn id(&self) -> StrategyId {
///         StrategyId::new("market_closed")
///     }
///     fn offer(&self, _: &Ask, _: &[Fault]) -> Result<Offer, Refusal> {
///         Ok(Offer::now(Fidelity::Substitute))
///     }
///     fn run<'a>(&'a self, _: &'a Ask, _: &'a mut dyn Attempts) -> BoxFuture<'a, Result<Answer, Miss>> {
///         Box::pin(async { Ok(Answer::new(http::Response::new(Body::from("closed")), Fidelity::Substitute)) })
///     }
/// }
/// ```
pub trait Strategy: Send + Sync + fmt::Debug {
    /// Its name.
    fn id(&self) -> StrategyId;

    /// What it would answer with after these faults, first to last.
    ///
    /// # Errors
    /// With the reason, when it would not try.
    fn offer(&self, ask: &Ask, failed: &[Fault]) -> Result<Offer, Refusal>;

    /// Whether it asks something that may well work while the asked upstream rests. Such strategies are tried before a kept
    /// copy is given, and before an upstream that rests is asked all the same.
    fn is_beside(&self) -> bool {
        false
    }

    /// Whether it is run beside a first call that has not answered for longer than it is worth to wait, rather than after one
    /// that failed. The first one goes on meanwhile, and the better one of the two that comes is given.
    fn hedges(&self) -> bool {
        false
    }

    /// Whether it is for that fault though its caller made the mistake. Such an answer passes as it came otherwise, and no
    /// strategy is asked about it.
    fn mends(&self, _: &Fault) -> bool {
        false
    }

    /// What it would ask, in that order, until something answers. What these questions need (an address, a key, a source)
    /// tells beforehand how it would fare: one that needs what is down is not tried first. Nothing, where that is not known;
    /// then it is what it asked the last time.
    fn asks(&self, _: &Ask) -> Vec<Ask> {
        Vec::new()
    }

    /// Tries.
    fn run<'a>(
        &'a self,
        ask: &'a Ask,
        to: &'a mut dyn Attempts,
    ) -> BoxFuture<'a, Result<Answer, Miss>>;
}

/// How a strategy asks: each call is paid from the budget, bounded in time, judged, and observed.
pub trait Attempts: Send {
    /// Asks once. `Ok` is a good answer.
    fn attempt(&mut self, ask: &Ask) -> BoxFuture<'static, Result<Response<Body>, Miss>>;

    /// Waits until a call is permitted, behind those who wait already, and asks. It does not wait for what would come too
    /// late.
    fn attempt_in_turn(&mut self, ask: &Ask) -> BoxFuture<'static, Result<Response<Body>, Miss>>;

    /// The last good answer to what was asked, where one is kept that may be shown to this caller and came no longer ago than
    /// that. It may be too old to be given: it is something to reckon from.
    fn last_good(&mut self, no_older_than: Duration) -> Option<Response<Body>>;

    /// Reads an answer that was made elsewhere by the rules of what the caller asked for: the shape of the last good
    /// answers, the source's rules, rules of one's own. `Ok` is an answer that these call good. Nothing is kept of it.
    fn reread(
        &mut self,
        response: Response<Body>,
    ) -> BoxFuture<'static, Result<Response<Body>, Miss>>;
}

/// An error below HTTP that can say what it is, so that it can be judged like any other bad answer.
///
/// Adapters are here for hyper, hyper-util's client and [`Infallible`].
///
/// ```
/// use healing_core::{Sent, TransportError, TransportFault};
///
/// #[derive(Debug)]
/// struct NoRoute;
///
/// impl TransportError for NoRoute {
///     fn fault(&self) -> (TransportFault, Sent) {
///         (TransportFault::Unreachable, Sent::Nothing)
///     }
/// }
/// ```
pub trait TransportError {
    /// What failed, and how far the request had got.
    fn fault(&self) -> (TransportFault, Sent);
}

// === impl Ask ===

impl Ask {
    /// The request, once more.
    #[must_use]
    pub fn request(&self) -> Request<Body> {
        let mut request = Request::new(Body::from(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.version_mut() = self.version;
        *request.headers_mut() = self.headers.clone();
        *request.extensions_mut() = self.extensions.clone();
        request
    }
}

impl fmt::Debug for Ask {
    /// Shows what kind of question it is; the question itself may hold a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask")
            .field("id", &self.id)
            .field("route", &self.route)
            .finish_non_exhaustive()
    }
}

// === impl Offer ===

impl Offer {
    /// An offer that asks at once.
    #[must_use]
    pub const fn now(fidelity: Fidelity) -> Self {
        Self {
            fidelity,
            delay: Duration::ZERO,
        }
    }
}

// === impl Refusal ===

impl Refusal {
    /// Its word.
    ///
    /// ```
    /// use healing_core::Refusal;
    /// assert_eq!(Refusal::Budget.as_str(), "budget");
    /// ```
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotForThisFault => "not_for_this_fault",
            Self::TooLate => "too_late",
            Self::BelowTheFloor => "below_the_floor",
            Self::Budget => "budget",
            Self::NotYet => "not_yet",
            Self::QueueFull => "queue_full",
            Self::NothingToAsk => "nothing_to_ask",
            Self::Resting => "resting",
            Self::LenderShort => "lender_short",
            Self::TooDear => "too_dear",
            Self::Overloaded => "overloaded",
            Self::AnotherQuantity => "another_quantity",
        }
    }
}

// === impl Miss ===

impl Miss {
    /// The fault of what the caller asked for, where one came.
    #[must_use]
    pub fn into_fault(self) -> Option<Fault> {
        match self {
            Self::Fault(fault) => Some(fault),
            Self::Elsewhere(_) | Self::Refused(_) => None,
        }
    }
}

// === impl Answer ===

impl Answer {
    /// An answer of that fidelity.
    #[must_use]
    pub const fn new(response: Response<Body>, fidelity: Fidelity) -> Self {
        Self {
            response,
            fidelity,
            instead: None,
        }
    }

    /// The same, saying what was given in place of what was asked. Nobody outside may keep it under the asked name, or ask
    /// whether it has changed: the fields that would invite to it are taken out.
    #[must_use]
    pub fn instead(mut self, instead: Instead) -> Self {
        let headers = self.response.headers_mut();
        for name in [header::ETAG, header::LAST_MODIFIED, header::EXPIRES] {
            headers.remove(name);
        }
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if instead.source.is_some() {
            headers.remove(header::SET_COOKIE);
        }
        self.instead = Some(Box::new(instead));
        self
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("fidelity", &self.fidelity)
            .finish_non_exhaustive()
    }
}

// === impl TransportError ===

impl TransportError for Infallible {
    fn fault(&self) -> (TransportFault, Sent) {
        match *self {}
    }
}

impl TransportError for hyper::Error {
    fn fault(&self) -> (TransportFault, Sent) {
        let sent = if self.is_canceled() {
            Sent::Nothing
        } else {
            Sent::Something
        };
        (fault_of_chain(self), sent)
    }
}

impl TransportError for hyper_util::client::legacy::Error {
    fn fault(&self) -> (TransportFault, Sent) {
        if self.is_connect() {
            (TransportFault::while_connecting(self), Sent::Nothing)
        } else {
            (fault_of_chain(self), Sent::Something)
        }
    }
}

impl TransportFault {
    /// What an error is about that came while a connection was being set up, by its chain of causes.
    ///
    /// ```
    /// use healing_core::TransportFault;
    /// let error = std::io::Error::from(std::io::ErrorKind::ConnectionRefused);
    /// assert_eq!(TransportFault::while_connecting(&error), TransportFault::Refused);
    /// ```
    #[must_use]
    pub fn while_connecting(error: &(dyn std::error::Error + 'static)) -> Self {
        match fault_of_chain(error) {
            Self::Other | Self::Closed | Self::Reset => Self::Unreachable,
            found @ (Self::Dns
            | Self::Refused
            | Self::ConnectTimeout
            | Self::Unreachable
            | Self::Certificate
            | Self::Tls
            | Self::Protocol) => found,
        }
    }
}

/// What an error is about, by the first in its chain of causes that tells.
pub(crate) fn fault_of_chain(error: &(dyn std::error::Error + 'static)) -> TransportFault {
    let chain = std::iter::successors(Some(error), |error| below(*error));
    chain
        .filter_map(fault_of)
        .next()
        .unwrap_or(TransportFault::Other)
}

/// What an error is about. One of I/O that was made of another names what that one is about, and not that one itself.
fn below<'e>(
    error: &'e (dyn std::error::Error + 'static),
) -> Option<&'e (dyn std::error::Error + 'static)> {
    let made_of = error.downcast_ref::<std::io::Error>();
    match made_of.and_then(std::io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

fn fault_of(error: &(dyn std::error::Error + 'static)) -> Option<TransportFault> {
    use std::io::ErrorKind;
    if let Some(error) = error.downcast_ref::<hyper::Error>() {
        if error.is_parse() {
            return Some(TransportFault::Protocol);
        }
        return (error.is_incomplete_message() || error.is_canceled() || error.is_closed())
            .then_some(TransportFault::Closed);
    }
    let error = error.downcast_ref::<std::io::Error>()?;
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "std's list is open and long; what is not named says nothing"
    )]
    match error.kind() {
        ErrorKind::ConnectionRefused => Some(TransportFault::Refused),
        ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => {
            Some(TransportFault::Reset)
        }
        ErrorKind::TimedOut => Some(TransportFault::ConnectTimeout),
        ErrorKind::UnexpectedEof => Some(TransportFault::Closed),
        ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::AddrNotAvailable => Some(TransportFault::Unreachable),
        // getaddrinfo's failures come as `Uncategorized`, hyper-util's and rustls' as `Other` or `InvalidData`.
        ErrorKind::InvalidData => Some(TransportFault::Tls),
        _ => error
            .to_string()
            .contains("lookup address")
            .then_some(TransportFault::Dns),
    }
}
