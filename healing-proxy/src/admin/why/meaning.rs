//! What the words mean by which a decision says why something was not tried or not asked.

use healing_core::{Left, NoCopy, Outcome, Refusal, plan::Why};

/// What the reason of an outcome means, where it has one.
pub(super) const fn of(outcome: &Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::Answered | Outcome::Failed(..) | Outcome::TooLate => None,
        Outcome::Refused(refusal) | Outcome::Left(Left::Refused(refusal)) => {
            Some(of_refusal(*refusal))
        }
        Outcome::Left(Left::Planned(why)) => Some(of_plan(*why)),
        Outcome::Left(Left::NotReached) => {
            Some("another has answered, or the time was over, before its turn")
        }
    }
}

/// What the finer word of a fault means that is of a limit which was found out.
pub(super) fn of_detail(detail: &str) -> Option<&'static str> {
    match detail {
        "own_rate" => Some("a rail: the route was found to accept no more calls just then"),
        "own_load" => {
            Some("a rail: as many calls to its host were under way as that was found to bear")
        }
        _ => None,
    }
}

/// What the reason for no copy means.
pub(super) const fn of_no_copy(why: NoCopy) -> &'static str {
    match why {
        NoCopy::NotAllowed => "this route gives no copies",
        NoCopy::BelowTheFloor => "a copy is less than the floor allows",
        NoCopy::NoneKept => "none is kept of this URL",
        NoCopy::Forbidden => "one is kept that may not heal, by its origin's word",
        NoCopy::TooOld => "one is kept that is too old",
        NoCopy::NotForThis => {
            "one is kept, and not for this request: of another variant or caller, or older than this caller takes"
        }
    }
}

const fn of_refusal(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::NotForThisFault => "it does not help against such a fault",
        Refusal::TooLate => "it could not begin before the time is over",
        Refusal::BelowTheFloor => "it gives less than the floor allows, or than what is in hand",
        Refusal::Budget => "a rail: the extra calls that healing may cost are spent for now",
        Refusal::NotYet => {
            "a rail: the source is not to be asked yet, by the time that it named, its keys, its quota or the rate that it was found to accept"
        }
        Refusal::QueueFull => "a rail: too many wait for their turn already",
        Refusal::NothingToAsk => "nothing is set for what was asked",
        Refusal::Resting => "a rail: what it would ask rests after failures of its own",
        Refusal::LenderShort => "a rail: the source that would lend needs its calls itself",
        Refusal::TooDear => "the calls that are left of its quota gain others more",
        Refusal::Overloaded => {
            "a rail: as many calls to its host are under way as that was found to bear"
        }
        Refusal::AnotherQuantity => "it is another quantity, or not known to be the same",
    }
}

const fn of_plan(why: Why) -> &'static str {
    match why {
        Why::BelowTheFloor => "it gives less than the floor allows",
        Why::Gated => "what it needs is probably down, and a copy is in hand",
        Why::NoTime => "it could hardly answer before the time is over",
        Why::InHand => "the copy in hand is worth more than a try",
        Why::TooMany => "more strategies are set than a plan has room for",
    }
}
