//! Fallbacks from one route to another: one hop, and not back.

use std::collections::BTreeMap;

use healing_core::written::{Place, unknown};

use super::{Whole, routes::shape};
use crate::config::typed::{Heal, Route};

/// A route with a fallback, and where that stands.
#[derive(Clone, Debug)]
struct Hop {
    to: String,
    line: u64,
}

impl Whole<'_> {
    pub(super) fn fallbacks(&mut self) {
        let routes = &self.config.routes;
        let hops = routes.iter().flat_map(|route| {
            of(route).filter_map(|heal| {
                let hop = Hop {
                    to: shape(heal.options.route.as_deref()?),
                    line: heal.at.own().line,
                };
                Some((shape(&route.r#match), hop))
            })
        });
        let hops: BTreeMap<String, Hop> = hops.collect();
        for route in routes {
            for heal in of(route) {
                self.fallback(route, heal, &hops);
            }
        }
    }

    fn fallback(&mut self, route: &Route, heal: &Heal, hops: &BTreeMap<String, Hop>) {
        let Some(to) = &heal.options.route else {
            return;
        };
        let at = heal.options.at.of("route");
        let (here, there) = (shape(&route.r#match), shape(to));
        let before = self.mistakes.len();
        self.is_listed(to, at);
        if here == there {
            self.mistakes.say(
                at,
                format!("route: {to:?} is this route itself; name another one"),
            );
        } else if let Some(hop) = hops.get(&there) {
            let message = if hop.to == here {
                format!(
                    "route: {to:?} falls back to this route (line {}), which is a circle; take one of the two out",
                    hop.line
                )
            } else {
                format!(
                    "route: {to:?} has a fallback of its own (line {}), and a chain is one hop long; name the route at its end",
                    hop.line
                )
            };
            self.mistakes.say(at, message);
        }
        if self.mistakes.len() == before {
            self.made(route, heal);
        }
        if heal.options.same.is_none() {
            let message = "fallback: without `same` nothing says that both routes give the same thing, and the fallback is not used";
            self.notes.say(heal.at.own(), message);
        }
    }

    /// An unlisted route can be asked, too; one that is nearly listed is a slip of the pen.
    fn is_listed(&mut self, to: &str, at: Place) {
        let known: Vec<&str> = self
            .config
            .routes
            .iter()
            .map(|route| &*route.r#match)
            .collect();
        if known.iter().any(|route| shape(route) == shape(to)) {
            return;
        }
        let is_near = known
            .iter()
            .any(|route| to.len() >= 12 && strsim::levenshtein(route, to) <= 3);
        if is_near || !self.config.discover {
            self.mistakes.say(at, unknown("route", to, &known));
        }
    }
}

fn of(route: &Route) -> impl Iterator<Item = &Heal> {
    let allowed = route.heal.iter().flatten();
    allowed.filter(|heal| heal.options.route.is_some())
}
