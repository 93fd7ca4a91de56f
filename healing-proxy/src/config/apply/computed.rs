//! Answers that are computed: of which two others, with what, and by which map; or estimated, of which shares, by what.

use healing_core::{Beta, BetaError, Compute, EtfEstimate, Term};

use crate::config::{
    apply::{
        lenders::{OBSERVATIONS, Question, mapping_of, not_built_in, only_of, same_of, text_of},
        remedies::{Remedies, Remedy, Wrong, known_as},
    },
    typed::{self, Heal},
};

/// The path of Yahoo's charts.
const CHARTS: &str = "/v8/finance/chart/";

impl Remedies<'_> {
    /// What is written out, or what is built in where nothing is.
    pub(super) fn compute(&self, heal: &Heal) -> Result<Remedy, Wrong> {
        let options = &heal.options;
        let (first, second) = match (&options.first, &options.second, &options.map) {
            (Some(first), Some(second), Some(_)) => (first, second),
            (None, None, None) => return self.spread(heal),
            _ => {
                let message = "heal: compute needs first, second and map; write all three, or none for what is built in";
                return Err(Wrong::new(heal.at.own(), message));
            }
        };
        let terms = (self.term(heal, first)?, self.term(heal, second)?);
        let Some(mapping) = mapping_of(heal)? else {
            return self.spread(heal);
        };
        let mut compute = Compute::of(terms.0, terms.1, mapping);
        if let Some(only) = &options.only {
            compute = compute.only(only_of(only));
        }
        if let Some(label) = &options.label {
            compute = compute.called(label);
        }
        if let Some(same) = &options.same {
            let both = same_of(same)?;
            compute = compute.same(&both, &both);
        }
        let gives = compute.fidelity().ok();
        Ok(Remedy {
            gives: gives.map(|gives| (gives, options.at.of("same"))),
            ..Remedy::of(compute)
        })
    }

    /// FRED's difference of two yields.
    fn spread(&self, heal: &Heal) -> Result<Remedy, Wrong> {
        let is_fred = known_as(self.config, self.slug()).as_str() == "fred_api";
        if !is_fred || self.pattern.template().as_str() != OBSERVATIONS {
            return Err(not_built_in(heal, &[OBSERVATIONS]));
        }
        Compute::fred_t10y2y()
            .map(Remedy::of)
            .map_err(|error| Wrong::new(heal.at.own(), format!("heal: {error}")))
    }

    /// A share by its fund.
    pub(super) fn estimate(&self, heal: &Heal) -> Result<EtfEstimate, Wrong> {
        if !self.pattern.template().path().starts_with(CHARTS) {
            let message = format!(
                "heal: etf_estimate reads charts of Yahoo Finance; give it a route such as {CHARTS}{{symbol}} of a source with upstreams of its own"
            );
            return Err(Wrong::new(heal.at.own(), message));
        }
        let options = &heal.options;
        let estimate = EtfEstimate::of(self.param(heal, &["symbol", "ticker"])?);
        let age = options.up_to.into_iter();
        let estimate = age.fold(estimate, EtfEstimate::up_to);
        let mut shares = options.shares.iter().flatten();
        shares.try_fold(estimate, |estimate, (symbol, written)| {
            let beta = Beta::new(&written.etf, written.beta, written.r2).map_err(|error| {
                let key = if matches!(error, BetaError::RSquared(_)) {
                    "r2"
                } else if matches!(error, BetaError::Fund(_)) {
                    "etf"
                } else {
                    "beta"
                };
                let message =
                    format!("{key}: {error}; write what was measured, or take the share out");
                Wrong::new(written.at.of(key), message)
            })?;
            Ok(estimate.share(symbol, beta))
        })
    }

    /// One of the two questions.
    fn term(&self, heal: &Heal, written: &typed::Term) -> Result<Term, Wrong> {
        let question = Question {
            route: written.route.as_deref().unwrap_or_default(),
            params: &written.params,
            only: heal.options.only.as_ref(),
            at: &written.at,
        };
        let mut term = if written.route.is_some() {
            let lender = self.lender(question)?;
            let term = Term::of(lender.source, lender.pattern);
            if lender.is_of_the_same_service {
                term.with_callers_fields()
            } else {
                term
            }
        } else if written.params.is_empty() {
            let message = "params: this asks just what was asked; name what is asked instead, as in params: { series_id: DGS10 }";
            return Err(Wrong::new(written.at.own(), message));
        } else {
            Term::here()
        };
        for (name, value) in question.params {
            let value = text_of(value);
            term = match self.parameter_in(question, &value)? {
                Some(from) => term.renamed(name, &from),
                None => term.constant(name, &value),
            };
        }
        Ok(term)
    }
}
