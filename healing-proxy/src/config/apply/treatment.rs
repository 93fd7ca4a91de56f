//! How the requests of a route are treated.

use std::{sync::Arc, time::Duration};

use healing_core::{Freshness, Pattern, Range, Retry, Thresholds, Treatment, written::Mistakes};

use crate::{
    config::{
        apply::remedies::{Remedies, Wrong, known_as},
        rules,
        typed::{self, Config, Route},
    },
    places::Places,
};

/// How old a copy of Alpha Vantage may be that heals: it allows few calls a day (the specification's 24 h).
const HEAL_ALPHA_VANTAGE_FOR: Duration = Duration::from_hours(24);

/// Requests of routes that are not listed.
pub(super) fn otherwise(config: &Config) -> Treatment {
    let mut treatment = Treatment::default();
    treatment.deadline = config.deadline;
    treatment.timeout = config.timeout;
    treatment.caching.overrides = config.cache.r#override;
    treatment.randomises = config.learning.randomise;
    treatment.gives_copies = config.discover;
    if config.discover {
        treatment.strategies.push(Arc::new(Retry::default()));
    }
    treatment
}

/// Requests of a route with that pattern, whose data is that source's.
pub(super) fn of(
    (config, places): (&Config, &Places),
    route: &Route,
    (slug, pattern): (&str, &Pattern),
) -> Treatment {
    let mut treatment = Treatment::default();
    treatment.deadline = route.deadline.unwrap_or(config.deadline);
    treatment.timeout = route.timeout.unwrap_or(config.timeout);
    // A deadline of all routes gives way to the timeout of one.
    treatment.deadline = treatment.deadline.min(treatment.timeout);
    treatment.floor = route.floor;
    treatment.floor_for_callers = route.floor_for_callers.unwrap_or(route.floor);
    let by_source = if known_as(config, slug).as_str() == "alpha_vantage" {
        HEAL_ALPHA_VANTAGE_FOR
    } else {
        treatment.heal_for
    };
    treatment.heal_for = route.heal_for.unwrap_or(by_source);
    treatment.fresh_for = Some(route.fresh_for).filter(|time| !time.is_zero());
    treatment.caching.overrides = config.cache.r#override;
    treatment.observe = route.observe;
    treatment.randomises = config.learning.randomise;
    treatment.thresholds = thresholds(route.windows);
    // What cannot be made was said when the configuration was read.
    let promised = rules::of_route(route, slug, &mut Mistakes::default());
    treatment.rules = promised.map(Arc::new);
    treatment.freshness = freshness(route).unwrap_or_default().map(Arc::new);
    treatment.range = range(route).unwrap_or_default().map(Arc::new);
    if let Some(allowed) = &route.heal {
        let remedies = Remedies::of((config, places), route, pattern);
        treatment.gives_copies = false;
        for heal in allowed {
            match heal.name.as_str() {
                "use_cached_data" => {
                    treatment.gives_copies = true;
                    treatment.heal_for = heal.options.up_to.unwrap_or(treatment.heal_for);
                }
                "alphavantage_aggressive_cache" => {
                    treatment.gives_copies = true;
                    treatment.heal_for = route.heal_for.unwrap_or(HEAL_ALPHA_VANTAGE_FOR);
                }
                _ => {
                    let remedy = remedies.make(heal).unwrap_or_default();
                    let strategy = remedy.map(|remedy| remedy.strategy);
                    treatment.strategies.extend(strategy);
                }
            }
        }
    } else {
        treatment.strategies.push(Arc::new(Retry::default()));
    }
    treatment
}

fn thresholds(windows: typed::Windows) -> Thresholds {
    let mut thresholds = Thresholds::default();
    thresholds.degraded_from = windows.degraded;
    thresholds.critical_from = windows.critical;
    thresholds.slow = windows.slow;
    thresholds.tune = windows.tune;
    thresholds
}

/// How old the answers of a route may be, where that is set.
///
/// # Errors
/// When its pointer leads too many ways.
pub(in crate::config) fn freshness(route: &Route) -> Result<Option<Freshness>, Wrong> {
    let Some(set) = &route.freshness else {
        return Ok(None);
    };
    let wrong = |error| Wrong::new(set.at.of("field"), format!("field: {error}"));
    let fresh = Freshness::of(&set.field, &set.unit).map_err(wrong)?;
    let fresh = fresh
        .max_age(set.max_age)
        .calendar(&set.calendar)
        .map_err(wrong)?;
    Ok(Some(fresh))
}

/// The number of a route's answers that is watched, where one is.
///
/// # Errors
/// When its pointer leads too many ways, or nothing lies within its bounds.
pub(in crate::config) fn range(route: &Route) -> Result<Option<Range>, Wrong> {
    let Some(set) = &route.range else {
        return Ok(None);
    };
    let range = Range::of(&set.field)
        .map_err(|error| Wrong::new(set.at.of("field"), format!("field: {error}")))?;
    if let (Some(least), Some(most)) = (set.at_least, set.at_most)
        && least > most
    {
        let message = format!(
            "at_least: {least} is more than at_most, which is {most}, so every number would be odd; make it the smaller one"
        );
        return Err(Wrong::new(set.at.of("at_least"), message));
    }
    let range = set.at_least.into_iter().fold(range, Range::at_least);
    Ok(Some(set.at_most.into_iter().fold(range, Range::at_most)))
}
