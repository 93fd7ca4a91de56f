//! The named answers of each source: healthy ones that look odd, and every documented error.
//!
//! Names follow the families of recorded answers that the shapes were learned from (`nf_` not found, `rl_` rate limit,
//! `se_` server error, `prem_` premium, `maint_` maintenance, and so on).

use std::borrow::Cow;

use crate::answer::{Answer, Delivery};
use crate::ask::{Ask, Gate};
use crate::injections::Picked;
use crate::limits::{Limits, Meter};
use crate::source_name::SourceName;
use crate::sources;
use crate::sources::yahoo;

/// A named answer of a source, and how to get it: by a request, or by injecting
/// [`Fault::Form`](crate::Fault::Form), which works for every form.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// The name, unique at its source.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    how: How,
}

#[derive(Clone, Copy, Debug)]
enum How {
    /// The source answers so by itself when asked this. `{key}` and `{crumb}` stand for a valid key and crumb.
    Ask(&'static str),
    Make(fn(&Ask<'_>) -> Answer),
}

impl Form {
    pub(crate) const fn asked(
        name: &'static str,
        target: &'static str,
        about: &'static str,
    ) -> Self {
        Self {
            name,
            about,
            how: How::Ask(target),
        }
    }

    pub(crate) const fn made(
        name: &'static str,
        make: fn(&Ask<'_>) -> Answer,
        about: &'static str,
    ) -> Self {
        Self {
            name,
            about,
            how: How::Make(make),
        }
    }

    /// Path and query of a GET that provokes it, `None` where it only comes by injection. `{key}` stands for
    /// [`key`](crate::key) of the source, `{crumb}` for the crumb of [`Lab::yahoo_pass`](crate::Lab::yahoo_pass), which
    /// goes with its cookie.
    #[must_use]
    pub const fn request(&self) -> Option<&'static str> {
        match self.how {
            How::Ask(target) => Some(target),
            How::Make(_) => None,
        }
    }

    /// The answer, whatever was asked. Limits do not count here.
    pub(crate) fn answer(&self, source: SourceName, ask: &Ask<'_>) -> Answer {
        match self.how {
            How::Make(make) => make(ask),
            How::Ask(target) => {
                let pass = yahoo::pass(ask.market.seed, ask.crumb_age);
                let target = fill(target, sources::key(source), &pass.crumb);
                let mut request = ask.request.retargeted(&target);
                if let Ok(cookie) = pass.cookie.parse() {
                    request.headers.insert(http::header::COOKIE, cookie);
                }
                let gate = Gate {
                    meter: &Meter::default(),
                    limits: Limits::Off,
                    picked: &Picked::default(),
                    at_once: 1,
                };
                sources::answer(
                    source,
                    &Ask {
                        request: &request,
                        ..*ask
                    },
                    &gate,
                )
            }
        }
    }
}

/// Puts key and crumb in a target of [`Form::request`].
pub(crate) fn fill<'a>(target: &'a str, key: &str, crumb: &str) -> Cow<'a, str> {
    if target.contains('{') {
        Cow::Owned(target.replace("{key}", key).replace("{crumb}", crumb))
    } else {
        Cow::Borrowed(target)
    }
}

/// The named answers of a source. The built-in API has none of its own.
#[must_use]
pub const fn forms(source: SourceName) -> &'static [Form] {
    sources::of(source).forms
}

pub(crate) fn find(source: SourceName, name: &str) -> Option<&'static Form> {
    forms(source).iter().find(|form| form.name == name)
}

pub(crate) fn no_answer(_ask: &Ask<'_>) -> Answer {
    Answer::broken(Delivery::HangHead)
}

pub(crate) fn no_connection(_ask: &Ask<'_>) -> Answer {
    Answer::broken(Delivery::Reset)
}

#[cfg(test)]
mod tests {
    use super::{Form, SourceName, forms};
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_at_each_source() {
        for source in SourceName::ALL {
            let names: HashSet<&str> = forms(source).iter().map(|form| form.name).collect();
            assert_eq!(names.len(), forms(source).len(), "{source}");
        }
    }

    #[test]
    fn requests_are_paths() {
        let all = SourceName::ALL.into_iter().flat_map(forms);
        for target in all.filter_map(Form::request) {
            assert!(target.starts_with('/'), "{target}");
        }
    }
}
