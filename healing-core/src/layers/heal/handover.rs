//! Where a run leaves its answer for the caller that polls it.
//!
//! Both are polled by one task until the answer is there, so that nobody has to be woken for it.

use std::sync::{Arc, Mutex};

use http::Response;

use crate::{body::Body, lock::lock};

type Place<E> = Arc<Mutex<Option<Result<Response<Body>, E>>>>;

/// The run's side.
#[derive(Debug)]
pub(crate) struct Give<E>(Place<E>);

/// The caller's side.
#[derive(Debug)]
pub(crate) struct Take<E>(Place<E>);

/// Both sides of a place for one answer.
pub(crate) fn handover<E>() -> (Give<E>, Take<E>) {
    let place = Place::default();
    (Give(Arc::clone(&place)), Take(place))
}

// === impl Give ===

impl<E> Give<E> {
    /// Whether the caller is still there.
    pub(crate) fn is_awaited(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    pub(crate) fn give(self, outcome: Result<Response<Body>, E>) {
        *lock(&self.0) = Some(outcome);
    }
}

// === impl Take ===

impl<E> Take<E> {
    /// The answer, once it is there.
    pub(crate) fn take(&self) -> Option<Result<Response<Body>, E>> {
        lock(&self.0).take()
    }
}
