//! What a status means that is no answer: RFC 9110, and what front ends made of the numbers that it leaves free.

use crate::vocabulary::fault::FaultClass as C;

/// The class of a status of 400 or above, or of one that is none.
pub(crate) const fn class_of(status: u16) -> C {
    match status {
        401 | 407 | 498 => C::AuthError,
        402 | 426 => C::PremiumRequired,
        403 => C::Forbidden,
        404 | 410 => C::NotFound,
        408 | 522 | 524 | 598 | 599 => C::Timeout,
        418 | 420 | 423 | 425 | 429 | 509 | 529 | 999 => C::RateLimit,
        451 | 511 => C::Blocked,
        400..=499 => C::InvalidRequest,
        _ => C::ServerError,
    }
}
