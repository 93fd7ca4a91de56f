//! Yahoo Finance: quotes, charts and the crumb that some of it needs.

pub(crate) mod chart;
pub(crate) mod forms;
pub(crate) mod quote;

use jiff::SignedDuration;
use serde_json::json;

use crate::answer::Answer;
use crate::ask::{Ask, Gate, Outcome, Refusal, settle};
use crate::limits::{Limits, Rate};
use crate::prices;
use crate::sources::{READS, Source, reason};

const JSON: &str = "application/json;charset=utf-8";
/// Nothing is published; about this is what reports speak of.
const HOURLY: Rate = Rate {
    calls: 2_000,
    per: SignedDuration::from_hours(1),
};
/// More requests than this at once are refused.
const AT_ONCE: u32 = 20;

/// A cookie field and the crumb that goes with it.
#[derive(Clone, Debug)]
pub(crate) struct Pass {
    pub(crate) cookie: String,
    pub(crate) crumb: String,
}

/// The pass that the lab itself uses.
pub(crate) fn pass(seed: u64, crumb_age: u64) -> Pass {
    let id = format!("d={:016x}", prices::hash(seed, "cookie"));
    Pass {
        crumb: crumb(seed ^ crumb_age, &id),
        cookie: format!("A3={id}"),
    }
}

pub(crate) const SOURCE: Source = Source {
    answer,
    refuse: |_, refusal| refuse(refusal),
    methods: READS,
    keys: &[],
    forms: forms::FORMS,
};

fn answer(ask: &Ask<'_>, gate: &Gate<'_>) -> Answer {
    let caller = ask.request.peer.to_string();
    let all_spent = gate.picked.spent.hold(&caller);
    let counted = gate.limits == Limits::Real
        && (gate.at_once > AT_ONCE || !gate.meter.admit(&caller, HOURLY, ask.wall));
    let answer = if all_spent || counted {
        refuse(Refusal::Throttled)
    } else {
        settle(route(ask))
    };
    answer
        .with("server", "ATS")
        .with("y-rid", ask.request_id().get(..13).unwrap_or_default())
}

fn refuse(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Throttled => Answer::text(429, "Edge: Too Many Requests").typed("text/html"),
        Refusal::Failed(status) => error(
            "finance",
            status,
            (reason(status), "The request could not be served"),
        ),
    }
}

/// The envelope of an error: `{scope: {result: null, error: {code, description}}}`.
fn error(scope: &str, status: u16, (code, description): (&str, &str)) -> Answer {
    let body =
        json!({scope: {"result": null, "error": {"code": code, "description": description}}});
    Answer::json(status, &body)
        .typed(JSON)
        .with("cache-control", "max-age=0, private")
}

fn sound(body: &serde_json::Value, max_age: u32) -> Answer {
    let cache = format!(
        "public, max-age={max_age}, stale-while-revalidate={}",
        max_age * 2 + 8
    );
    Answer::json(200, body)
        .typed(JSON)
        .with("cache-control", cache)
        .with("age", "0")
}

fn route(ask: &Ask<'_>) -> Outcome {
    match ask.request.segments().as_slice() {
        [""] => Ok(cookie_page(ask)),
        ["v1", "test", "getcrumb"] => getcrumb(ask),
        ["v7", "finance", "quote"] => need_crumb(ask).and_then(|()| quote::quote(ask)),
        ["v8", "finance", "chart", symbol] => chart::chart(ask, symbol),
        ["v10", "finance", "quoteSummary", symbol] => {
            need_crumb(ask).and_then(|()| quote::summary(ask, symbol))
        }
        ["v7", "finance", "options", symbol] => {
            need_crumb(ask).and_then(|()| quote::options(ask, symbol))
        }
        ["v7", "finance", "download", symbol] => chart::download(ask, symbol),
        ["v1", "finance", "trending", _region] => Ok(quote::trending()),
        ["ws", "insights", "v2", "finance", "insights"] => Ok(quote::insights(ask)),
        [
            "ws",
            "fundamentals-timeseries",
            "v1",
            "finance",
            "timeseries",
            symbol,
        ] => Ok(quote::fundamentals(ask, symbol)),
        ["quote", symbol] => Ok(consent_wall(symbol)),
        ["consent"] => Ok(consent_session(ask)),
        _ => Err(error("finance", 404, ("Not Found", "HTTP 404 Not Found"))),
    }
}

/// What fc.yahoo.com does: an error page whose only use is its cookie.
fn cookie_page(ask: &Ask<'_>) -> Answer {
    let cookie = pass(ask.market.seed, ask.crumb_age).cookie;
    Answer::html(
        404,
        "<html><head><title>Yahoo</title></head><body>Page not found</body></html>",
    )
    .with(
        "set-cookie",
        format!("{cookie}; Max-Age=31557600; Path=/; HttpOnly"),
    )
}

fn getcrumb(ask: &Ask<'_>) -> Outcome {
    let cookie =
        cookie(ask).ok_or_else(|| error("finance", 401, ("Unauthorized", "Invalid Cookie")))?;
    Ok(
        Answer::text(200, crumb(ask.market.seed ^ ask.crumb_age, cookie))
            .typed("text/plain;charset=utf-8")
            .with(
                "cache-control",
                "private, max-age=60, stale-while-revalidate=30",
            ),
    )
}

fn need_crumb(ask: &Ask<'_>) -> Result<(), Answer> {
    let expected = cookie(ask).map(|cookie| crumb(ask.market.seed ^ ask.crumb_age, cookie));
    match (expected, ask.param("crumb")) {
        (Some(expected), Some(crumb)) if crumb == expected => Ok(()),
        _ => Err(error("finance", 401, ("Unauthorized", "Invalid Crumb"))),
    }
}

fn cookie<'a>(ask: &Ask<'a>) -> Option<&'a str> {
    let cookies = ask.request.header("cookie")?;
    cookies
        .split(';')
        .find_map(|pair| pair.trim().strip_prefix("A3="))
}

/// Eleven characters, as long as the real one.
fn crumb(seed: u64, cookie: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.r";
    let bits = prices::hash(seed, cookie);
    let letter =
        |place: u32| LETTERS.get(usize::try_from(bits >> (place * 5) & 63).unwrap_or_default());
    (0..11)
        .filter_map(letter)
        .map(|byte| char::from(*byte))
        .collect()
}

fn consent_wall(symbol: &str) -> Answer {
    let done = format!("https%3A%2F%2Ffinance.yahoo.com%2Fquote%2F{symbol}");
    Answer::html(307, "")
        .with("cache-control", "no-store")
        .with(
            "location",
            format!("https://guce.yahoo.com/consent?brandType=nonEu&gcrumb=lab0&done={done}"),
        )
}

fn consent_session(ask: &Ask<'_>) -> Answer {
    let session = ask.request_id();
    Answer::empty(302).with(
        "location",
        format!("https://consent.yahoo.com/v2/collectConsent?sessionId=3_cc-session_{session}"),
    )
}
