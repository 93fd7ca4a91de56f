//! The lines of the demonstration.

use std::{fmt::Write, time::Duration};

use healing_core::{ErrorEvent, StrategyId};
use healing_lab::{Lab, SourceName};

use crate::{
    app::App,
    demo::{load::Seen, schedule},
};

/// What is set up, and what will happen.
pub(super) fn opening(app: &App, lab: &Lab, time: Duration) -> String {
    let mut text = format!(
        "  market     FRED {}  Yahoo {}  Polygon {}  Alpha Vantage {}\n  API        {}/api/...\n  proxy      http://{}",
        lab.address(SourceName::FredApi),
        lab.address(SourceName::YahooFinance),
        lab.address(SourceName::PolygonIo),
        lab.address(SourceName::AlphaVantage),
        lab.url(SourceName::Api),
        app.proxy,
    );
    if let Some(admin) = app.admin {
        // Writing to a string cannot fail.
        let _infallible = write!(text, "\n  dashboard  http://{admin}/health-dashboard");
    }
    format!(
        "{text}\n  load       ten callers, one request a second each, for {} s; Ctrl-C stops\n\n  what will break, round after round of {} s:\n{}\n",
        time.as_secs(),
        schedule::ROUND.as_secs(),
        schedule::printed(),
    )
}

/// A request that did not go well at the first call.
pub(super) fn event(event: &ErrorEvent, at: Duration) -> String {
    let became = match (event.healed_by, event.age) {
        (Some(StrategyId::USE_CACHED_DATA), Some(age)) => {
            format!("healed: kept copy, {} s old", age.as_secs())
        }
        (Some(StrategyId::EXPONENTIAL_BACKOFF_RETRY), _) => {
            format!("healed: asked again, {} more", event.retries)
        }
        (Some(strategy), _) => match &event.instead {
            Some(instead) => format!("healed: {strategy}, {instead}"),
            None => format!("healed: {strategy}"),
        },
        (None, _) => "NOT healed: an honest error".to_owned(),
    };
    format!(
        "{:>5.1} s  {:<34} {:<38} {became}  ({} ms)",
        at.as_secs_f64(),
        event.route.template(),
        event.message(),
        event.took.as_millis(),
    )
}

/// What the callers saw so far.
pub(super) fn sum(seen: &Seen, at: Duration) -> String {
    format!("{:>5.1} s  == {}", at.as_secs_f64(), figures(seen))
}

/// What came of it.
pub(super) fn end(seen: &Seen, calls: u64) -> String {
    let mut text = format!(
        "\n  {}\n  the API was asked {calls} times; the slowest answer took {} ms",
        figures(seen),
        seen.slowest.as_millis()
    );
    for loss in &seen.losses {
        let _infallible = write!(text, "\n  lost: {loss}");
    }
    text.push_str(if seen.lost == 0 {
        "\n  nothing that could be given was lost"
    } else {
        "\n  FAILED: answers were lost"
    });
    text
}

fn figures(seen: &Seen) -> String {
    let mut healed: Vec<_> = seen.healed.iter().collect();
    healed.sort();
    let by = healed
        .iter()
        .map(|(strategy, count)| format!("{strategy} {count}"))
        .collect::<Vec<_>>()
        .join(", ");
    let total: u64 = seen.healed.values().sum();
    let by = if by.is_empty() {
        String::new()
    } else {
        format!(" ({by})")
    };
    format!(
        "{} requests: {} as they came, {total} healed{by}, {} honest errors, {} lost",
        seen.requests, seen.direct, seen.honest, seen.lost
    )
}
