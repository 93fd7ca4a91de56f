//! What an alternate has in common with what was asked: a fault that strikes that much strikes the alternate too.

use crate::{
    attempt::Refusal,
    vocabulary::fault::{Domain, Fault, FaultClass},
};

/// How far away an alternate is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Reach {
    /// The same, at another address of the source.
    Address,
    /// Something else, at the same address.
    Object,
    /// Another source.
    #[cfg_attr(
        not(any(test, feature = "jq")),
        expect(dead_code, reason = "other sources are asked through maps")
    )]
    Source,
}

// === impl Reach ===

impl Reach {
    /// Whether something that far away may help after these faults, of which the first is what is wrong.
    ///
    /// # Errors
    /// When the fault strikes the alternate as well, or is a limit or a wall that asking more only raises.
    pub(crate) fn helps(self, failed: &[Fault]) -> Result<(), Refusal> {
        let first = failed.first().ok_or(Refusal::NotForThisFault)?;
        if self.spares(first.domain) && self.is_for(first.class) {
            Ok(())
        } else {
            Err(Refusal::NotForThisFault)
        }
    }

    /// Whether a fault of that domain leaves it in order.
    const fn spares(self, domain: Domain) -> bool {
        match domain {
            Domain::Object | Domain::Endpoint => true,
            Domain::Upstream | Domain::Network => !matches!(self, Self::Object),
            Domain::Key | Domain::Source => matches!(self, Self::Source),
        }
    }

    const fn is_for(self, class: FaultClass) -> bool {
        match class {
            FaultClass::ServerError
            | FaultClass::Timeout
            | FaultClass::ConnectionError
            | FaultClass::StaleData
            | FaultClass::EmptyData
            | FaultClass::MalformedBody => true,
            // One address may be closed for repairs, and one plan may lack one series.
            FaultClass::Maintenance => !matches!(self, Self::Object),
            FaultClass::PremiumRequired | FaultClass::Forbidden => !matches!(self, Self::Address),
            FaultClass::RateLimit
            | FaultClass::QuotaExceeded
            | FaultClass::AuthError
            | FaultClass::Blocked => matches!(self, Self::Source),
            FaultClass::NotFound | FaultClass::InvalidRequest => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn helps(reach: Reach, class: FaultClass, domain: Domain) -> bool {
        let fault = Fault::new(class, "a_fault").striking(domain);
        reach.helps(&[fault, Fault::resting(class)]).is_ok()
    }

    #[test]
    fn what_strikes_the_alternate_too_is_not_asked_of_it() {
        use Domain as D;
        use FaultClass as F;
        use Reach as R;
        for (reach, class, domain, expected) in [
            (R::Address, F::ServerError, D::Object, true),
            (R::Address, F::ConnectionError, D::Upstream, true),
            (R::Address, F::ServerError, D::Source, false),
            (R::Address, F::RateLimit, D::Object, false),
            (R::Address, F::Blocked, D::Upstream, false),
            (R::Object, F::EmptyData, D::Object, true),
            (R::Object, F::PremiumRequired, D::Object, true),
            (R::Object, F::ConnectionError, D::Upstream, false),
            (R::Object, F::RateLimit, D::Key, false),
            (R::Source, F::RateLimit, D::Key, true),
            (R::Source, F::QuotaExceeded, D::Source, true),
            (R::Source, F::NotFound, D::Object, false),
        ] {
            let told = helps(reach, class, domain);
            assert_eq!(told, expected, "{reach:?} {class} {domain:?}");
        }
    }

    #[test]
    fn nothing_helps_where_nothing_failed() {
        assert_eq!(Reach::Source.helps(&[]), Err(Refusal::NotForThisFault));
    }
}
