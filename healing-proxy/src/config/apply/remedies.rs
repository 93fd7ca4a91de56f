//! What a route may be healed by, made of what is written for it. What cannot be made is said for a check with its place, by
//! the same code that makes it for a start.

use std::{collections::BTreeMap, sync::Arc};

use healing_core::{
    AlternateEndpoint, AlternateSeries, EtfProxy, Fidelity, HedgedRequest, Pattern, PreviousDay,
    Queue, RenewCrumb, Retry, RotateKey, Source, SourceSettings, Strategy, Substitution,
    classify::Calendars,
    written::{Place, unknown},
};
use http::{StatusCode, Uri, uri::PathAndQuery};

use crate::{
    config::typed::{Config, Heal, Route, Table},
    places::Places,
};

/// What a route may be healed by.
#[derive(Debug)]
pub(in crate::config) struct Remedies<'a> {
    pub(super) config: &'a Config,
    pub(super) places: &'a Places,
    pub(super) route: &'a Route,
    /// Its requests as they leave.
    pub(super) pattern: &'a Pattern,
}

/// A strategy, as it is set.
#[derive(Debug)]
pub(in crate::config) struct Remedy {
    pub(in crate::config) strategy: Arc<dyn Strategy>,
    /// How close its answers are, where that depends on what is set, and where it was said.
    pub(in crate::config) gives: Option<(Fidelity, Place)>,
}

/// Something that cannot be made of what is written there.
#[derive(Debug)]
pub(in crate::config) struct Wrong {
    pub(in crate::config) at: Place,
    pub(in crate::config) message: String,
}

/// What a source is known as: the slug of its preset, or its own.
pub(super) fn known_as(config: &Config, slug: &str) -> Source {
    let preset = config.sources.get(slug);
    let preset = preset.and_then(|source| source.preset.as_deref());
    let name = preset.unwrap_or(slug);
    SourceSettings::preset(name).map_or_else(|_| Source::slug_of(name), |known| known.source)
}

// === impl Remedy ===

impl Remedy {
    pub(super) fn of(strategy: impl Strategy + 'static) -> Self {
        Self {
            strategy: Arc::new(strategy),
            gives: None,
        }
    }
}

// === impl Wrong ===

impl Wrong {
    pub(super) fn new(at: Place, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if !message.contains("; ") {
            message.push_str("; change it, or take it out");
        }
        Self { at, message }
    }
}

// === impl Remedies ===

impl<'a> Remedies<'a> {
    /// Those of a route whose requests leave like that.
    pub(in crate::config) const fn of(
        (config, places): (&'a Config, &'a Places),
        route: &'a Route,
        pattern: &'a Pattern,
    ) -> Self {
        Self {
            config,
            places,
            route,
            pattern,
        }
    }

    /// The strategy of that name; nothing where it is none.
    ///
    /// # Errors
    /// When it cannot be made of what is set.
    pub(in crate::config) fn make(&self, heal: &Heal) -> Result<Option<Remedy>, Wrong> {
        Ok(Some(match heal.name.as_str() {
            "exponential_backoff_retry" => Remedy::of(Retry::default()),
            "request_queuing" => Remedy::of(Queue),
            "api_key_rotation" => Remedy::of(RotateKey),
            "alternate_endpoint" => Remedy::of(AlternateEndpoint::at(self.addresses())),
            "hedged_request" => Remedy::of(self.hedge(heal)),
            "reduce_request_size" => self.fewer(heal)?,
            "batch_requests" => Remedy::of(self.batch(heal)?),
            "crumb_renewal" => Remedy::of(self.crumb(heal)?),
            "alternate_series" => self.series(heal)?,
            "previous_trading_day" => Remedy::of(self.day(heal)?),
            "shorter_range" => Remedy::of(self.shorter(heal)?),
            "etf_proxy" => Remedy::of(self.fund(heal)?),
            "etf_estimate" => Remedy::of(self.estimate(heal)?),
            "daily_instead_of_intraday" => {
                let param = self.span(heal, &["interval", "timespan"])?;
                Remedy::of(AlternateSeries::daily_instead_of_intraday(param))
            }
            "aggregate_data" => {
                let param = self.span(heal, &["timespan"])?;
                Remedy::of(AlternateSeries::aggregated(param))
            }
            "fallback" | "historical_fallback" if heal.options.route.is_some() => {
                self.fallback(heal)?
            }
            "historical_fallback" => Remedy::of(self.last_trade(heal)?),
            "polygon_fallback_yahoo" | "alphavantage_fallback_yahoo" => {
                Remedy::of(self.yahoos(heal)?)
            }
            "compute" => self.compute(heal)?,
            "fred_fallback_csv" => Remedy::of(self.fred_csv(heal)?),
            _ => return Ok(None), // copies
        }))
    }

    /// The slug of the source whose data it gives.
    pub(super) fn slug(&self) -> &'a str {
        super::slug_of(self.route)
    }

    /// The addresses of the source. Where there is no second one, nothing is found to ask.
    fn addresses(&self) -> impl Iterator<Item = Uri> {
        let place = self.places.find(&self.route.r#match);
        let origins = place.into_iter().flat_map(|place| &place.origins);
        origins.filter_map(|origin| origin.at(PathAndQuery::from_static("/")))
    }

    fn hedge(&self, heal: &Heal) -> HedgedRequest {
        let elsewhere = HedgedRequest::at(self.addresses());
        if heal.options.same_address == Some(true) {
            elsewhere.or_the_same()
        } else {
            elsewhere
        }
    }

    fn crumb(&self, heal: &Heal) -> Result<RenewCrumb, Wrong> {
        let param = self.param(heal, &["crumb"])?;
        let slug = self.slug();
        if known_as(self.config, slug).as_str() != "yahoo_finance"
            || self.places.find(&self.route.r#match).is_none()
        {
            let message = format!(
                "heal: crumb_renewal is for Yahoo Finance itself; give the route a source with preset: yahoo_finance and upstreams of its own, which {slug} does not have"
            );
            return Err(Wrong::new(heal.at.own(), message));
        }
        let cookies = heal.options.cookies.as_ref();
        let cookies = cookies.filter(|origin| self.places.leads_aside(origin));
        let cookies = cookies.and_then(|origin| origin.at(PathAndQuery::from_static("/")));
        let cookies = cookies.ok_or_else(|| {
            let message = "cookies: this address is asked from the next start on; start anew";
            Wrong::new(heal.options.at.of("cookies"), message)
        })?;
        Ok(RenewCrumb::of(param, cookies))
    }

    fn series(&self, heal: &Heal) -> Result<Remedy, Wrong> {
        let source = known_as(self.config, self.slug());
        let Some(map) = pairs(heal.options.map.as_ref()) else {
            return match source.as_str() {
                "fred_api" => {
                    let monthly = AlternateSeries::fred_monthly(self.object(heal)?);
                    Ok(Remedy::of(monthly))
                }
                "alpha_vantage" => {
                    let param = self.param(heal, &["function"])?;
                    Ok(Remedy {
                        gives: Some((Fidelity::Substitute, heal.at.own())),
                        ..Remedy::of(AlternateSeries::alpha_vantage_free(param))
                    })
                }
                _ => {
                    let message = format!(
                        "heal: alternate_series knows no other series of {}; name them, as in map: {{ DGS10: GS10 }}, and what they are, as in label: monthly average",
                        self.slug()
                    );
                    Err(Wrong::new(heal.at.own(), message))
                }
            };
        };
        let table = AlternateSeries::of(self.object(heal)?);
        let table = map.iter().try_fold(table, |table, (asked, other)| {
            let given = substitution(heal, other, Fidelity::Reduced)?;
            Ok(table.give(asked, given))
        });
        table.map(Remedy::of)
    }

    fn day(&self, heal: &Heal) -> Result<PreviousDay, Wrong> {
        let param = self.param(heal, &["date", "day", "to"])?;
        let name = heal.options.calendar.as_deref().unwrap_or_default();
        let calendars = Calendars::built_in();
        let calendar = calendars.named(name).cloned().ok_or_else(|| {
            let message = format!("calendar: there is none called {name:?}; leave it out");
            Wrong::new(heal.options.at.of("calendar"), message)
        })?;
        Ok(PreviousDay::of(param, calendar))
    }

    fn fund(&self, heal: &Heal) -> Result<EtfProxy, Wrong> {
        let funds = EtfProxy::of(self.object(heal)?);
        let status = heal.options.status;
        let status = status.and_then(|status| StatusCode::from_u16(status).ok());
        let funds = status.into_iter().fold(funds, EtfProxy::status);
        let Some(table) = pairs(heal.options.table.as_ref()) else {
            return Ok(funds.sectors());
        };
        table.iter().try_fold(funds, |funds, (asked, fund)| {
            let given = substitution(heal, fund, Fidelity::Substitute)?;
            Ok(funds.give(asked, given))
        })
    }

    /// The parameter that says which series or symbol is asked for.
    fn object(&self, heal: &Heal) -> Result<&str, Wrong> {
        let names: Vec<&str> = self.pattern.names().collect();
        match (names.as_slice(), &heal.options.param) {
            ([only], None) => Ok(only),
            _ => self.param(heal, &["series_id", "series", "symbol", "ticker"]),
        }
    }

    /// The parameter that says how long the spans are that are asked for.
    fn span(&self, heal: &Heal, usual: &[&str]) -> Result<&str, Wrong> {
        let param = self.param(heal, usual)?;
        let path = self.pattern.template().path();
        let before = path.split(&format!("/{{{param}}}")).next();
        let multiplier = before.and_then(|before| before.rsplit('/').next());
        let may_be_several = |word: &str| word == "{multiplier}" || word.parse::<u64>().is_ok();
        if let Some(several) = multiplier.filter(|word| *word != "1" && may_be_several(word)) {
            let message = format!(
                "heal: {} changes what one span is, and five of one are not one of another; write 1 in place of {several} in match",
                heal.name
            );
            return Err(Wrong::new(heal.at.own(), message));
        }
        Ok(param)
    }

    /// The parameter that is named, or else the first of those that are called as it is usual.
    pub(super) fn param(&self, heal: &Heal, usual: &[&str]) -> Result<&str, Wrong> {
        let names: Vec<&str> = self.pattern.names().collect();
        let known = |wanted: &str| names.iter().find(|name| **name == wanted).copied();
        let (at, what, found) = if let Some(param) = &heal.options.param {
            let what = unknown("parameter of the route", param, &names);
            (heal.options.at.of("param"), what, known(param))
        } else {
            let what = format!(
                "heal: nothing says which parameter {} changes; write param: one of {}",
                heal.name,
                names.join(", ")
            );
            let found = usual.iter().find_map(|name| known(name));
            (heal.at.own(), what, found)
        };
        found.ok_or_else(|| {
            if names.is_empty() {
                let usual = usual.first().unwrap_or(&"symbol");
                let message = format!(
                    "heal: {} changes a parameter, and the route has none; say where it stands, as in params: {{ {usual}: {{ query: {usual} }} }}",
                    heal.name
                );
                return Wrong::new(heal.at.own(), message);
            }
            Wrong::new(at, what)
        })
    }
}

/// Another value, called as the label says.
fn substitution(heal: &Heal, value: &str, fidelity: Fidelity) -> Result<Substitution, Wrong> {
    let label = heal.options.label.as_deref().unwrap_or_default();
    Substitution::new(value, fidelity, label).map_err(|error| {
        let (key, way) = if label.is_empty() {
            ("map", "write label: beside it, and what it is")
        } else {
            ("label", "say it in fewer or other words")
        };
        let message = format!("{key}: {error}; {way}");
        Wrong::new(heal.options.at.of(key), message)
    })
}

fn pairs(table: Option<&Table>) -> Option<&BTreeMap<String, String>> {
    match table? {
        Table::Pairs(pairs) => Some(pairs),
        Table::Text(_) => None,
    }
}
