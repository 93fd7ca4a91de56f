//! What is given for the values of a parameter, and what it is called.

use std::{collections::HashMap, sync::Arc};

use http::Response;

use crate::{
    attempt::{Answer, Ask, Attempts, Miss, Offer, Refusal},
    body::Body,
    strategies::reach::Reach,
    vocabulary::{fault::Fault, fidelity::Fidelity, provenance::Instead},
};

/// What is given for which value of a parameter.
#[derive(Clone, Debug)]
pub(crate) struct Substitutions {
    parameter: Box<str>,
    table: HashMap<Box<str>, Substitution>,
}

/// What is given for one value of a parameter: another value, how close its answer is, and what that is called.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Substitution {
    value: Box<str>,
    fidelity: Fidelity,
    label: Option<Arc<str>>,
}

/// Something that cannot be given for something else.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SubstitutionError {
    /// What is of another name is not just what was asked.
    #[error("{value:?} cannot be {fidelity} for another value: equivalent, reduced or substitute")]
    Fidelity {
        /// What was to be given.
        value: String,
        /// What it was to be.
        fidelity: Fidelity,
    },
    /// A label has to fit into a field.
    #[error("the label {0:?} has other characters than printable ASCII, or more than 64 of them")]
    Label(String),
    /// What is reduced has to say so.
    #[error("{0:?} is reduced, so it needs a label such as \"monthly average\"")]
    NoLabel(String),
}

// === impl Substitutions ===

impl Substitutions {
    /// None yet, for that parameter of a route that is set.
    pub(crate) fn of(parameter: &str) -> Self {
        Self {
            parameter: parameter.into(),
            table: HashMap::new(),
        }
    }

    /// Gives that where `asked` was asked.
    pub(crate) fn give(&mut self, asked: &str, given: Substitution) {
        self.table.insert(asked.into(), given);
    }

    /// What there is for a question after these faults.
    pub(crate) fn offer(&self, ask: &Ask, failed: &[Fault]) -> Result<Offer, Refusal> {
        Reach::Object.helps(failed)?;
        let given = self.given(ask).ok_or(Refusal::NothingToAsk)?;
        Ok(Offer::now(given.fidelity))
    }

    /// The question for it.
    pub(crate) fn asks(&self, ask: &Ask) -> impl Iterator<Item = Ask> + use<> {
        let given = self.given(ask);
        let there = given.and_then(|given| ask.with_value(&self.parameter, &given.value));
        there.into_iter()
    }

    /// Asks for it.
    pub(crate) async fn run(&self, ask: &Ask, to: &mut dyn Attempts) -> Result<Answer, Miss> {
        let nothing = || Miss::Refused(Refusal::NothingToAsk);
        let given = self.given(ask).ok_or_else(nothing)?;
        let there = ask.with_value(&self.parameter, &given.value);
        let there = there.ok_or_else(nothing)?;
        let response = to.attempt(&there).await?;
        Ok(given.answer(&there, response))
    }

    fn given(&self, ask: &Ask) -> Option<&Substitution> {
        self.table.get(&*ask.value(&self.parameter)?)
    }
}

// === impl Substitution ===

impl Substitution {
    /// That value, as close as that, under that label; an equivalent one needs none.
    ///
    /// # Errors
    /// When the fidelity is one that another value's answer cannot have, or the label is none.
    pub fn new(value: &str, fidelity: Fidelity, label: &str) -> Result<Self, SubstitutionError> {
        let possible = match fidelity {
            Fidelity::Equivalent | Fidelity::Reduced | Fidelity::Substitute => true,
            Fidelity::Exact | Fidelity::Stale | Fidelity::Estimate => false,
        };
        if !possible {
            return Err(SubstitutionError::Fidelity {
                value: value.to_owned(),
                fidelity,
            });
        }
        if !Instead::may_be_called(label) {
            return Err(SubstitutionError::Label(label.to_owned()));
        }
        if label.is_empty() && fidelity == Fidelity::Reduced {
            return Err(SubstitutionError::NoLabel(value.to_owned()));
        }
        Ok(Self {
            value: value.into(),
            fidelity,
            label: (!label.is_empty()).then(|| label.into()),
        })
    }

    /// One that is built in, and has a label.
    pub(crate) fn known(value: &str, fidelity: Fidelity, label: &Arc<str>) -> Self {
        Self {
            value: value.into(),
            fidelity,
            label: Some(Arc::clone(label)),
        }
    }

    /// The same, that close.
    pub(crate) const fn no_closer_than(mut self, fidelity: Fidelity) -> Self {
        self.fidelity = fidelity;
        self
    }

    /// The answer, saying what it is.
    fn answer(&self, there: &Ask, response: Response<Body>) -> Answer {
        let mut instead = Instead::at(&there.uri);
        instead.label.clone_from(&self.label);
        Answer::new(response, self.fidelity).instead(instead)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_given_for_something_else_is_refused_with_its_reason() {
        for (fidelity, label, says) in [
            (Fidelity::Exact, "", "cannot be exact"),
            (Fidelity::Stale, "", "cannot be stale"),
            (Fidelity::Reduced, "", "needs a label"),
            (Fidelity::Reduced, "µ", "printable ASCII"),
        ] {
            let error = Substitution::new("GS10", fidelity, label).unwrap_err();
            assert!(error.to_string().contains(says), "{error}");
        }
        assert!(Substitution::new("GS10", Fidelity::Equivalent, "").is_ok());
    }
}
