//! Other routes that a route's answers may come from: which one, with what, and how close they are.

use std::collections::BTreeMap;

use healing_core::{
    Fallback, Mapping, Only, Pattern, Same, Source, StrategyId,
    written::{Place, unknown},
};
use serde_json::Value as Json;

use crate::{
    config::{
        apply::{
            pattern_of,
            remedies::{Remedies, Remedy, Wrong, known_as},
            slug_of, with_params,
        },
        meaning::shape,
        typed::{self, Heal, Table},
    },
    upstream::Origin,
};

/// The routes of Polygon.io, of Alpha Vantage and of FRED for which something is built in.
const PREVIOUS: &str = "/v2/aggs/ticker/{ticker}/prev";
const DAYS: &str = "/v2/aggs/ticker/{ticker}/range/1/day/{from}/{to}";
const LAST_TRADE: &str = "/v2/last/trade/{ticker}";
const QUOTE: &str = "/query?function=GLOBAL_QUOTE";
pub(super) const OBSERVATIONS: &str = "/fred/series/observations";

/// The source of FRED's CSV, which is another than its API: it has neither its keys nor its limits.
const GRAPH: &str = "fred_graph";

/// Another route, as it is asked from this one.
#[derive(Debug)]
pub(super) struct Lender {
    pub(super) source: Source,
    pub(super) pattern: Pattern,
    /// Whether both are answered by one service, which knows the caller already.
    pub(super) is_of_the_same_service: bool,
}

/// What is written of a question to another route.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'h> {
    pub(super) route: &'h str,
    pub(super) params: &'h BTreeMap<String, Json>,
    pub(super) only: Option<&'h typed::Only>,
    pub(super) at: &'h typed::Places,
}

impl Remedies<'_> {
    /// A fallback that is written out.
    pub(super) fn fallback(&self, heal: &Heal) -> Result<Remedy, Wrong> {
        let options = &heal.options;
        let question = Question {
            route: options.route.as_deref().unwrap_or_default(),
            params: &options.params,
            only: options.only.as_ref(),
            at: &options.at,
        };
        let lender = self.lender(question)?;
        let mut fallback = Fallback::to(lender.source, lender.pattern);
        if heal.name == "historical_fallback" {
            fallback = fallback.named(StrategyId::HISTORICAL_FALLBACK);
        }
        for (name, value) in &options.params {
            fallback = match self.parameter_in(question, &text_of(value))? {
                Some(from) => fallback.renamed(name, &from),
                None => fallback.constant(name, &text_of(value)),
            };
        }
        if let Some(only) = &options.only {
            fallback = fallback.only(only_of(only));
        }
        if options.reads.as_deref() == Some("csv") {
            fallback = fallback.reads_csv();
        }
        if let Some(mapping) = mapping_of(heal)? {
            fallback = fallback.map(mapping);
        }
        if lender.is_of_the_same_service {
            fallback = fallback.with_callers_fields();
        }
        if let Some(same) = &options.same {
            let both = same_of(same)?;
            fallback = fallback.same(&both, &both);
        }
        let gives = fallback.fidelity().ok();
        Ok(Remedy {
            gives: gives.map(|gives| (gives, options.at.of("same"))),
            ..Remedy::of(fallback)
        })
    }

    /// What is built in of other sources from Yahoo Finance, which is to be an address of its own.
    pub(super) fn yahoos(&self, heal: &Heal) -> Result<Fallback, Wrong> {
        let yahoo = self.yahoo(heal)?;
        let authority = yahoo.authority().clone();
        let made = match (&*heal.name, self.pattern.template().as_str()) {
            ("polygon_fallback_yahoo", PREVIOUS) => {
                Fallback::polygon_previous_day_from_yahoo(authority)
            }
            ("polygon_fallback_yahoo", DAYS) => Fallback::polygon_days_from_yahoo(authority),
            ("alphavantage_fallback_yahoo", QUOTE) => {
                Fallback::alpha_vantage_quote_from_yahoo(authority)
            }
            ("polygon_fallback_yahoo", _) => {
                return Err(not_built_in(heal, &[PREVIOUS, DAYS]));
            }
            _ => return Err(not_built_in(heal, &[QUOTE])),
        };
        made.map(|fallback| fallback.by(yahoo.scheme().clone()))
            .map_err(|error| Wrong::new(heal.at.own(), format!("heal: {error}")))
    }

    /// The close of the last day in place of a last trade, from the same address.
    pub(super) fn last_trade(&self, heal: &Heal) -> Result<Fallback, Wrong> {
        if self.pattern.template().as_str() != LAST_TRADE {
            return Err(not_built_in(heal, &[LAST_TRADE]));
        }
        Fallback::polygon_last_trade_from_previous_day()
            .map_err(|error| Wrong::new(heal.at.own(), format!("heal: {error}")))
    }

    /// The CSV of FRED, which is to be an address of its own.
    pub(super) fn fred_csv(&self, heal: &Heal) -> Result<Fallback, Wrong> {
        if self.pattern.template().as_str() != OBSERVATIONS {
            return Err(not_built_in(heal, &[OBSERVATIONS]));
        }
        let graph = self.first_of(GRAPH).ok_or_else(|| {
            let message = format!(
                "heal: {} has no address of FRED's CSV; name it under sources, as in {GRAPH}: {{ upstreams: [https://fred.stlouisfed.org], mount: /fred_graph }}",
                heal.name
            );
            Wrong::new(heal.at.own(), message)
        })?;
        Fallback::fred_observations_from_csv(graph.authority().clone())
            .map(|fallback| fallback.by(graph.scheme().clone()))
            .map_err(|error| Wrong::new(heal.at.own(), format!("heal: {error}")))
    }

    /// The first address of Yahoo Finance.
    fn yahoo(&self, heal: &Heal) -> Result<&Origin, Wrong> {
        self.first_of("yahoo_finance").ok_or_else(|| {
            let message = format!(
                "heal: {} has no Yahoo Finance to ask; name it under sources, as in yahoo_finance: {{ upstreams: [https://query1.finance.yahoo.com], mount: /yahoo }}",
                heal.name
            );
            Wrong::new(heal.at.own(), message)
        })
    }

    /// The first address of a source that is known as that.
    fn first_of(&self, known: &str) -> Option<&Origin> {
        let mut sources = self.config.sources.keys();
        let slug = sources.find(|slug| known_as(self.config, slug).as_str() == known)?;
        self.places.of(slug)?.origins.first()
    }

    /// The other route, with all that is set for its requests.
    pub(super) fn lender(&self, question: Question<'_>) -> Result<Lender, Wrong> {
        let to = question.route;
        let lender = self.route_of(to).ok_or_else(|| {
            let message = format!("route: {to:?} is no path; write one such as /api/series/{{id}}");
            Wrong::new(question.at.of("route"), message)
        })?;
        self.has_values(question, &lender)?;
        Ok(Lender {
            pattern: with_more_params(question, lender.pattern),
            ..lender
        })
    }

    fn route_of(&self, to: &str) -> Option<Lender> {
        let mut routes = self.config.routes.iter();
        let listed = routes.find(|route| shape(&route.r#match) == shape(to));
        let path = |template: &str| template.split('?').next().unwrap_or_default().to_owned();
        let place = self.places.find(&path(to));
        let own = self.places.find(&path(&self.route.r#match));
        let slug = listed.map(slug_of);
        let slug = slug.or_else(|| place.map(|place| &*place.source));
        let mut pattern = pattern_of(self.places, to)?;
        if let Some(route) = listed {
            pattern = with_params(pattern, &route.params);
        }
        if let (None, Some(_), Some(api)) = (place, own, &self.config.upstream) {
            // What is asked of a source that has addresses of its own would be looked for there.
            let here = [api.authority().clone()];
            pattern = pattern.at(here).by(api.scheme().clone());
        }
        let service =
            |place: Option<&crate::places::Place>| place.map(|place| place.source.clone());
        Some(Lender {
            source: Source::slug_of(slug.unwrap_or_else(|| super::first_telling(to))),
            pattern,
            is_of_the_same_service: service(place) == service(own),
        })
    }

    /// Whether every parameter of the lender's path has a value.
    fn has_values(&self, question: Question<'_>, lender: &Lender) -> Result<(), Wrong> {
        let given = |name: &str| {
            question.params.contains_key(name) || self.pattern.names().any(|own| own == name)
        };
        let mut names = lender.pattern.template().names();
        let Some(name) = names.find(|name| !given(name)) else {
            return Ok(());
        };
        let own = self.pattern.names().next().unwrap_or("symbol");
        let message = format!(
            "route: nothing says what {{{name}}} is; write params: {{ {name}: \"{{{own}}}\" }} for the value of a parameter of this route, or a value of its own"
        );
        Err(Wrong::new(question.at.of("route"), message))
    }

    /// The parameter of this route whose value is meant by `{name}`.
    pub(super) fn parameter_in(
        &self,
        question: Question<'_>,
        value: &str,
    ) -> Result<Option<String>, Wrong> {
        let inside = value.strip_prefix('{');
        let Some(name) = inside.and_then(|rest| rest.strip_suffix('}')) else {
            return Ok(None);
        };
        let listed = question.only.into_iter().flat_map(BTreeMap::keys);
        let known = self.pattern.names().chain(listed.map(String::as_str));
        let known: Vec<&str> = known.collect();
        if known.contains(&name) {
            return Ok(Some(name.to_owned()));
        }
        let message = if known.is_empty() {
            format!(
                "params: this route has no parameter {name:?}; say under its params where it stands"
            )
        } else {
            format!(
                "params: {}",
                unknown("parameter of this route", name, &known)
            )
        };
        Err(Wrong::new(question.at.of("params"), message))
    }
}

/// The lender's requests with all that is set for them: what has no other place stands in the query.
fn with_more_params(question: Question<'_>, pattern: Pattern) -> Pattern {
    let names: Vec<String> = pattern.names().map(str::to_owned).collect();
    let more = question.params.keys();
    let more = more.filter(|name| !names.contains(name));
    more.fold(pattern, |pattern, name| {
        pattern.param(name, healing_core::Param::Query(name.as_str().into()))
    })
}

/// What the query of a request may hold.
pub(super) fn only_of(written: &typed::Only) -> Only {
    written
        .iter()
        .fold(Only::default(), |only, (name, values)| {
            let values: Vec<String> = values.iter().map(text_of).collect();
            if values.iter().any(|value| value == "any") {
                return only.any(name);
            }
            let values: Vec<&str> = values.iter().map(String::as_str).collect();
            only.one_of(name, &values)
        })
}

/// A text, a number or a bool as a request has it.
pub(super) fn text_of(value: &Json) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// The map, where one is written.
pub(super) fn mapping_of(heal: &Heal) -> Result<Option<Mapping>, Wrong> {
    let Some(Table::Text(program)) = &heal.options.map else {
        return Ok(None);
    };
    let wrong = |error| Wrong::new(heal.options.at.of("map"), format!("map: {error}"));
    Mapping::compile(program).map(Some).map_err(wrong)
}

/// What is set down of both routes at once.
pub(super) fn same_of(written: &typed::Same) -> Result<Same, Wrong> {
    let text = |value: &Option<String>| value.as_deref().map(Box::from);
    let mut same = Same::default();
    same.unit = text(&written.unit);
    same.currency = text(&written.currency);
    same.adjustment = text(&written.adjustment);
    same.calendar = text(&written.calendar);
    let granularity = written.granularity.as_deref();
    same.granularity = granularity.map(str::parse).transpose().map_err(|error| {
        let at: Place = written.at.of("granularity");
        Wrong::new(at, format!("granularity: {error}; write one of these"))
    })?;
    Ok(same)
}

pub(super) fn not_built_in(heal: &Heal, routes: &[&str]) -> Wrong {
    let instead = if heal.name == "compute" {
        "its first, second, map and same"
    } else {
        "fallback, with route, map and same"
    };
    let message = format!(
        "heal: {} is built in for {} alone; for other routes write {}",
        heal.name,
        routes.join(" and "),
        instead
    );
    Wrong::new(heal.at.own(), message)
}
