//! Which routes are probed while nobody asks them, and how often.

use std::time::Duration;

use healing_core::{
    Pattern, Per, Quota, Route as Name, Settings, Source,
    written::{Mistakes, span_text},
};
use http::Uri;

use crate::{
    config::{
        Meant,
        apply::{route_pattern, slug_of},
        typed::{Config, Priority, Route},
    },
    places::Places,
    probes::Probe,
};

/// The share of a quota that probes may have.
const SHARE: f64 = 0.1;
/// Rarer than this they would say nothing.
const TOO_RARE: Duration = Duration::from_hours(1);

impl Meant {
    /// What is probed, where requests go to these places.
    pub(crate) fn probes(&self, places: &Places) -> Vec<Probe> {
        let settings = self.settings(places);
        let routes = self.config.routes.iter();
        let probed = routes.filter_map(|route| {
            let uri = sent(places, route)?;
            if uri.authority().is_none() && self.config.upstream.is_none() {
                return None; // its source is known from the next start on
            }
            let pattern: Pattern = route_pattern(places, route)?;
            let every = every(&self.config, &settings, route);
            (every <= TOO_RARE).then(|| Probe {
                route: Name::new(Source::slug_of(slug_of(route)), pattern.template().as_str()),
                uri,
                every,
            })
        });
        probed.collect()
    }

    /// Notes what has a priority and is not probed all the same.
    pub(in crate::config) fn note_probes(&self, notes: &mut Mistakes) {
        let places = self.places();
        let settings = self.settings(&places);
        for route in self
            .config
            .routes
            .iter()
            .filter(|route| route.at.has("priority"))
        {
            let at = route.at.of("priority");
            if asked(route).is_none() {
                let message = "priority: nothing is probed, for it is not known what {} may be; name a request under `probe`, such as /api/quote/AAPL";
                let template = &route.r#match;
                notes.say(
                    at,
                    message.replace("{}", &format!("the parameters of {template:?}")),
                );
                continue;
            }
            let every = every(&self.config, &settings, route);
            if every > TOO_RARE {
                let message = format!(
                    "priority: nothing is probed, for a tenth of its source's quota is one probe in {}",
                    span_text(every)
                );
                notes.say(at, message);
            }
        }
    }
}

/// What is asked of a route, as callers ask it: what it names, else its own path where that has no parameters.
fn asked(route: &Route) -> Option<&str> {
    let own = route.probe.as_deref();
    let itself =
        || Some(&*route.r#match).filter(|path| !path.contains('{') && route.params.is_empty());
    own.or_else(itself)
}

/// The request of a probe as it leaves; `None` where the route is not probed.
fn sent(places: &Places, route: &Route) -> Option<Uri> {
    if !route.at.has("priority") && route.probe.is_none() {
        return None;
    }
    let mut uri: Uri = asked(route)?.parse().ok()?;
    places.send(&mut uri);
    Some(uri)
}

/// How often, within the share of the quotas of its source that all its probes have together.
fn every(config: &Config, settings: &Settings, route: &Route) -> Duration {
    let own = interval(config, route.priority);
    let slug = slug_of(route);
    let mut sources = settings.sources.iter();
    let Some(source) = sources.find(|source| source.source.as_str() == slug) else {
        return own;
    };
    let routes = config.routes.iter();
    let probed = routes.filter(|other| {
        slug_of(other) == slug && other.at.has("priority") && asked(other).is_some()
    });
    let many = u32::try_from(probed.count()).unwrap_or(u32::MAX).max(1);
    let rarest = source.quotas.iter().map(|quota| of_share(quota) * many);
    rarest.fold(own, Duration::max)
}

/// The time that one probe is to fill.
fn of_share(quota: &Quota) -> Duration {
    let span = match &quota.per {
        Per::Window(span) | Per::Even(span) => *span,
        Per::Day(_) => Duration::from_hours(24),
        Per::Month(_) => Duration::from_hours(30 * 24),
    };
    span.div_f64(SHARE * f64::from(quota.calls))
}

/// The interval of a priority: that of the specification's file, which is for the high one, or the usual one.
fn interval(config: &Config, priority: Priority) -> Duration {
    let monitoring = config.monitoring.as_ref();
    let high = monitoring.and_then(|monitoring| monitoring.check_interval);
    let usual = Priority::High.interval();
    let ratio = priority.interval().as_secs_f64() / usual.as_secs_f64();
    high.map_or_else(|| priority.interval(), |high| high.mul_f64(ratio))
}
