//! What breaks when. Comes round every minute.

use std::time::Duration;

use healing_lab::{ErrorBody, Fault, Injection, RetryAfter, Script, SourceName};
use tokio::time::{Instant, sleep_until};

/// A fault of the schedule: when it begins, how long it lasts, where, and what people are told.
struct Act {
    at: u64,
    lasts: u64,
    source: SourceName,
    on: Option<&'static str>,
    told: &'static str,
}

/// The round.
pub(super) const ROUND: Duration = Duration::from_mins(1);

/// Every fault comes after a time of health, so that there is something to fall back on.
const ACTS: [Act; 7] = [
    Act {
        at: 6,
        lasts: 6,
        source: SourceName::FredApi,
        on: None,
        told: "FRED throttles: 429, wait 5 s",
    },
    Act {
        at: 14,
        lasts: 5,
        source: SourceName::YahooFinance,
        on: None,
        told: "Yahoo Finance is down: connections refused",
    },
    Act {
        at: 21,
        lasts: 6,
        source: SourceName::AlphaVantage,
        on: None,
        told: "Alpha Vantage puts a throttle note into a 200",
    },
    Act {
        at: 29,
        lasts: 5,
        source: SourceName::Api,
        on: Some("/api/polygon"),
        told: "the API cuts Polygon's answers short",
    },
    Act {
        at: 36,
        lasts: 6,
        source: SourceName::Api,
        on: Some("/api/yahoo"),
        told: "the API hangs on Yahoo's routes",
    },
    Act {
        at: 45,
        lasts: 4,
        source: SourceName::PolygonIo,
        on: None,
        told: "Polygon answers every second call with 503",
    },
    Act {
        at: 51,
        lasts: 3,
        source: SourceName::Api,
        on: None,
        told: "the whole API resets its connections",
    },
];

/// The schedule as the lab plays it.
pub(super) fn script() -> Script {
    let start = Script::new().repeat_every(ROUND);
    ACTS.iter().enumerate().fold(start, |script, (n, act)| {
        let mut injection = Injection::new(fault(n)).lasting(Duration::from_secs(act.lasts));
        if let Some(prefix) = act.on {
            injection = injection.on_path(prefix);
        }
        if act.told.contains("every second") {
            injection = injection.every(2);
        }
        script.at(Duration::from_secs(act.at), act.source, injection)
    })
}

/// The schedule as people read it.
pub(super) fn printed() -> String {
    let line = |act: &Act| format!("  {:>5} s  for {} s   {}", act.at, act.lasts, act.told);
    ACTS.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Tells each fault as it begins and ends.
pub(super) struct Telling {
    begun: Instant,
    /// Moments of one round, and what is said then.
    moments: Vec<(u64, String)>,
    next: usize,
}

/// Tells a schedule that began then.
pub(super) fn telling(begun: Instant) -> Telling {
    let begins = ACTS
        .iter()
        .map(|act| (act.at, format!("  --  {}", act.told)));
    let ends = ACTS
        .iter()
        .map(|act| (act.at + act.lasts, "  --  over".to_owned()));
    let mut moments: Vec<_> = begins.chain(ends).collect();
    moments.sort_by_key(|(at, _)| *at);
    Telling {
        begun,
        moments,
        next: 0,
    }
}

impl Telling {
    /// The next line, when it is its time.
    pub(super) async fn next(&mut self) -> Option<String> {
        let length = self.moments.len();
        let round = u32::try_from(self.next.checked_div(length)?).ok()?;
        let (at, line) = self.moments.get(self.next % length)?.clone();
        sleep_until(self.begun + ROUND * round + Duration::from_secs(at)).await;
        self.next += 1;
        Some(line)
    }
}

fn fault(act: usize) -> Fault {
    match act {
        0 => Fault::Status {
            code: 429,
            retry_after: Some(RetryAfter::Seconds(5)),
            body: ErrorBody::Json,
        },
        1 => Fault::Down,
        2 => Fault::Note,
        3 => Fault::CutBody,
        4 => Fault::HangHead,
        5 => Fault::status(503),
        _ => Fault::Reset,
    }
}
