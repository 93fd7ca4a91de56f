//! Why a body is looked into although its status is good, and what is wrong with it where nobody knows more.

use http::StatusCode;

use crate::{
    classify::{
        BodyVerdict,
        exchange::Exchange,
        general,
        shape::{Content, Loss, Seen, Shape},
        usual::Usual,
    },
    vocabulary::fault::{Fault, FaultClass},
};

/// What a look at a body came to, beside what was expected.
#[derive(Clone, Copy)]
pub(super) struct Looked<'a> {
    pub(super) content: &'a Content,
    /// What its URL promised.
    pub(super) promise: Option<&'a Shape>,
    /// What its route's answers look like.
    pub(super) usual: Option<&'a Usual>,
}

// === impl Looked ===

impl Looked<'_> {
    /// Whether it has just the promised shape.
    pub(super) fn is_as_promised(self, seen: &Seen) -> bool {
        self.promise.is_some_and(|promise| seen.is(promise))
    }

    /// What is lost of the promise, or where nothing was promised of what the route's answers have.
    fn loss(self, seen: &Seen) -> Option<Loss> {
        if self.promise.is_some() {
            return seen.loss(self.promise);
        }
        let usual = self.usual.map(Usual::shape)?;
        // A URL may ask for another form than the others of its route did; nobody asks for a page.
        let is_asked = seen.is_data() && !seen.is_of_kind_of(usual);
        seen.loss(Some(usual)).filter(|_| !is_asked)
    }

    /// Whether no rows may be an answer where others of the route have rows: it was one before, or is one to a search.
    pub(super) fn may_be_empty(self, exchange: &Exchange<'_>) -> bool {
        let was = self.usual.is_some_and(Usual::is_empty_at_times);
        self.promise.is_none() && (was || general::is_a_search(exchange))
    }

    /// The verdict on a body that nothing is wrong with: its shape, where it is not just the promised one.
    pub(super) fn good(self) -> BodyVerdict {
        BodyVerdict::Good(match self.content {
            Content::Seen(seen) if !self.is_as_promised(seen) => Some(seen.shape()),
            Content::Seen(_) | Content::Empty | Content::Cut | Content::NotJson(_) => None,
        })
    }
}

/// Why a body is looked into although its status is good.
#[derive(Clone, Copy, Debug)]
pub(super) enum Doubt {
    /// It is nothing, cut, or no JSON where JSON was promised.
    Broken,
    /// Of what was promised that is lost.
    Lost(Loss),
    /// It is nothing but a message, and nothing was promised or something of it lacks.
    Message,
    /// It has an error that good answers do not have, and lacks something of theirs.
    NewError,
    /// It is a page or a text, and nothing was promised.
    Words,
}

// === impl Doubt ===

impl Doubt {
    pub(super) fn of(looked: Looked<'_>) -> Option<Self> {
        let promise = looked.promise;
        let seen = match looked.content {
            Content::Empty | Content::Cut | Content::NotJson(_) => return Some(Self::Broken),
            Content::Seen(seen) => seen,
        };
        if let Some(loss) = looked.loss(seen) {
            return Some(Self::Lost(loss));
        }
        let lacks_some = || promise.is_none() || seen.lacks_some_of(promise);
        if seen.is_only_a_message() && lacks_some() {
            Some(Self::Message)
        } else if seen.has_new_error(promise) && lacks_some() {
            Some(Self::NewError)
        } else {
            (promise.is_none() && seen.is_words()).then_some(Self::Words)
        }
    }

    /// Whether only the rows are missing.
    pub(super) const fn is_no_row(self) -> bool {
        matches!(self, Self::Lost(Loss::Rows))
    }

    /// Whether words of any source may say what is wrong. Those of a page that nobody was promised otherwise may be its own.
    pub(super) const fn lets_words_tell(self) -> bool {
        match self {
            Self::Broken | Self::Lost(_) | Self::Message | Self::NewError => true,
            Self::Words => false,
        }
    }

    /// What is wrong by the shape alone.
    pub(super) fn verdict(self, status: StatusCode, looked: Looked<'_>) -> BodyVerdict {
        let fault =
            |class, detail| BodyVerdict::Fault(Fault::new(class, detail).with_status(status));
        let seen = match looked.content {
            Content::Empty => return fault(FaultClass::EmptyData, "empty_body"),
            Content::Cut => return fault(FaultClass::MalformedBody, "truncated_json"),
            Content::NotJson(detail) => return fault(FaultClass::MalformedBody, detail),
            Content::Seen(seen) => seen,
        };
        let changed = |class, detail| {
            let fault = Fault::shape_changed(class, detail).with_status(status);
            BodyVerdict::Changed(seen.shape(), fault)
        };
        match self {
            Self::Lost(Loss::Kind(detail)) => fault(FaultClass::MalformedBody, detail),
            Self::Lost(Loss::Bare) => fault(FaultClass::EmptyData, "no_data"),
            Self::Lost(_) if seen.is_only_a_message() => {
                fault(FaultClass::ServerError, "error_object")
            }
            Self::NewError => fault(FaultClass::ServerError, "error_object"),
            Self::Lost(_) | Self::Message if seen.names_an_error() => {
                fault(FaultClass::ServerError, "error_object")
            }
            Self::Lost(Loss::Rows) => changed(FaultClass::EmptyData, "no_rows"),
            Self::Lost(Loss::Paths) => changed(FaultClass::MalformedBody, "shape_changed"),
            Self::Broken | Self::Message | Self::Words => looked.good(),
        }
    }
}
