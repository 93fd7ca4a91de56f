//! What a status says, and what it lets the words beside it say.

use crate::{classify::status, vocabulary::fault::FaultClass as C};

use super::saying::Said;

/// The class of a status that is no answer; the words beside it decide where the status leaves them room.
pub(super) fn weigh(status: u16, said: Option<Said>) -> (C, bool) {
    match said {
        Some(said) if may_say(status, said) => (said.class, true),
        _ => (status::class_of(status), false),
    }
}

/// Whether words of that class may correct that status: an old API that answers 400 to everything tells more in its words than
/// one that answers 429.
const fn may_say(status: u16, said: Said) -> bool {
    let limits = matches!(said.class, C::RateLimit | C::QuotaExceeded);
    let gates = matches!(said.class, C::PremiumRequired | C::Blocked | C::Maintenance);
    let key = matches!(said.class, C::AuthError) && !said.weak;
    match status {
        400 | 409 => !matches!(said.class, C::ServerError | C::Timeout),
        402 => limits,
        403 | 401 | 407 => limits || gates || key,
        404 | 410 => gates || key,
        405..=417 | 419 | 421 | 422 | 424 | 426..=428 | 430..=450 | 452..=497 | 499 => {
            limits || gates || key || matches!(said.class, C::NotFound)
        }
        418 | 420 | 423 | 429 | 509 | 529 | 999 => matches!(said.class, C::QuotaExceeded),
        451 | 511 | 522 | 524 | 598 | 599 => false,
        _ => limits || key || gates,
    }
}
