//! Give the fund of a share's sector in place of the share, as itself.
//!
//! A price of XLK is no price of AAPL: it says how the sector did, and nothing of the share. So it is a substitute: given only
//! to callers that allow substitutes, under status 203, with `Content-Location` and label, and with the fund's own symbol in
//! its body. It is never kept as the share's copy.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use http::StatusCode;

use crate::{
    attempt::{Answer, Ask, Attempts, Miss, Offer, Refusal, Strategy},
    strategies::substitution::{Substitution, Substitutions},
    vocabulary::{fault::Fault, fidelity::Fidelity, provenance::StrategyId},
};

/// Shares and the fund of their sector (GICS), with where each was read: `first specification`, or `constituents`, the list
/// of the S&P 500 in `datasets/s-and-p-500-companies`, less those that a later revision of GICS has moved. The fund of each
/// sector is from `library.unearnedinc.com/home/stock-market-sectors`.
const SECTORS: &str = include_str!("substitute/sectors.csv");

/// `etf_proxy`: the same request for the fund of the asked share's sector.
///
/// ```
/// use healing_core::{EtfProxy, Fidelity, Substitution};
/// let gold = Substitution::new("GLD", Fidelity::Substitute, "gold fund")?;
/// let proxy = EtfProxy::of("symbol").sectors().give("GC=F", gold).status(http::StatusCode::OK);
/// # let _ = proxy;
/// # Ok::<(), healing_core::SubstitutionError>(())
/// ```
#[derive(Clone, Debug)]
pub struct EtfProxy {
    given: Substitutions,
    status: StatusCode,
}

// === impl EtfProxy ===

impl EtfProxy {
    /// Funds for values of that parameter of a route that is set; none yet.
    #[must_use]
    pub fn of(parameter: &str) -> Self {
        Self {
            given: Substitutions::of(parameter),
            status: StatusCode::NON_AUTHORITATIVE_INFORMATION,
        }
    }

    /// The same, with the sectors of large American shares, which are built in.
    #[must_use]
    pub fn sectors(mut self) -> Self {
        let label: Arc<str> = "sector fund".into();
        for line in SECTORS.lines().skip(1) {
            let mut columns = line.split(',');
            if let (Some(share), Some(fund)) = (columns.next(), columns.next()) {
                let given = Substitution::known(fund, Fidelity::Substitute, &label);
                self.given.give(share, given);
            }
        }
        self
    }

    /// Gives that where `asked` was asked. Whatever fidelity it names, it is given as a substitute.
    #[must_use]
    pub fn give(mut self, asked: &str, given: Substitution) -> Self {
        let given = given.no_closer_than(Fidelity::Substitute);
        self.given.give(asked, given);
        self
    }

    /// Under that status in place of 203, for callers that cannot read it.
    #[must_use]
    pub const fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }
}

impl Strategy for EtfProxy {
    fn id(&self) -> StrategyId {
        StrategyId::ETF_PROXY
    }

    fn is_beside(&self) -> bool {
        true
    }

    fn offer(&self, ask: &Ask, failed: &[Fault]) -> Result<Offer, Refusal> {
        self.given.offer(ask, failed)
    }

    fn asks(&self, ask: &Ask) -> Vec<Ask> {
        self.given.asks(ask).collect()
    }

    fn run<'a>(
        &'a self,
        ask: &'a Ask,
        to: &'a mut dyn Attempts,
    ) -> BoxFuture<'a, Result<Answer, Miss>> {
        Box::pin(async move {
            let mut answer = self.given.run(ask, to).await?;
            if answer.response.status() == StatusCode::OK {
                *answer.response.status_mut() = self.status;
            }
            Ok(answer)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_line_of_the_sectors_has_a_share_a_fund_of_a_sector_and_its_source() {
        const FUNDS: [&str; 11] = [
            "XLB", "XLC", "XLE", "XLF", "XLI", "XLK", "XLP", "XLRE", "XLU", "XLV", "XLY",
        ];
        let mut shares = HashSet::new();
        for line in SECTORS.lines().skip(1) {
            let columns: Vec<&str> = line.split(',').collect();
            let [share, fund, source] = columns[..] else {
                panic!("{line}");
            };
            assert!(FUNDS.contains(&fund) && !FUNDS.contains(&share), "{line}");
            assert!(
                ["first specification", "constituents"].contains(&source),
                "{line}"
            );
            assert!(shares.insert(share), "twice: {line}");
        }
        assert!(shares.contains("AAPL"));
    }
}
