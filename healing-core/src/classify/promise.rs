//! The verdict on whole bodies, for those who judge answers without a layer.

use http::{Method, Uri, response::Parts};
use jiff::Timestamp;

use crate::{
    body::Body,
    classify::{
        BodyVerdict,
        live::{Expected, Incoming},
        shape::Shape,
    },
    vocabulary::fault::Fault,
};

/// What the good answers of one URL look like so far: which paths of their JSON carry a value, or what kind of text they are.
/// It takes at most 600 bytes, and none of their content.
///
/// ```
/// use healing_core::{Body, classify::Promise};
/// use http::Response;
///
/// let head = Response::new(()).into_parts().0;
/// let mut promise = Promise::new();
/// let good = Body::from(r#"{"quote": {"symbol": "AAPL", "price": 267.1}}"#);
/// assert!(promise.judge_body(&head, &good).is_ok());
///
/// let note = Body::from(r#"{"Note": "at most 5 calls per minute, please"}"#);
/// let fault = promise.judge_body(&head, &note).unwrap_err();
/// assert_eq!(fault.to_string(), "rate_limit (general/message)");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Promise {
    shape: Option<Shape>,
}

// === impl Promise ===

impl Promise {
    /// Nothing is promised: the first good answer does so.
    #[must_use]
    pub const fn new() -> Self {
        Self { shape: None }
    }

    /// Judges the body of an answer whose status is good, up to 2 MiB or so: it is gone through once, on the caller's
    /// thread. What a good one looks like is promised from then on; one that has just the promised shape allocates nothing.
    ///
    /// A body that was not read whole is not judged. One that looks altogether different is a fault however often it comes:
    /// to believe it after some time is for whoever counts, as [`HealLayer`](crate::HealLayer) does.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn judge_body(&mut self, head: &Parts, body: &Body) -> Result<(), Fault> {
        let Some(chunks) = body.whole() else {
            return Ok(());
        };
        let incoming = Incoming {
            method: &Method::GET,
            uri: &Uri::default(),
            head,
            rules: None,
            of_route: None,
            freshness: None,
            range: None,
            is_made: false,
            now: &|| Timestamp::UNIX_EPOCH,
        };
        let expected = Expected {
            promise: self.shape.as_ref(),
            usual: None,
        };
        match incoming.judge_body(chunks, expected).verdict {
            BodyVerdict::Good(None) => Ok(()),
            BodyVerdict::Good(Some(shape)) => {
                self.shape = Some(shape);
                Ok(())
            }
            BodyVerdict::Changed(_, fault) | BodyVerdict::Fault(fault) => Err(fault),
        }
    }
}
