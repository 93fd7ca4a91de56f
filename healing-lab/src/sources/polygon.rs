//! Polygon.io: aggregates, previous close, last trade, snapshots.

pub(crate) mod bars;
pub(crate) mod forms;
pub(crate) mod trades;

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::ask::{Ask, Gate, Outcome, Refusal, settle};
use crate::limits::Rate;
use crate::sources::{READS, Source, reason};

/// The free plan's limit.
const PER_MINUTE: Rate = Rate {
    calls: 5,
    per: SignedDuration::from_mins(1),
};
const THROTTLED: &str = "You've exceeded the maximum requests per minute, please wait or upgrade your subscription to continue.";
const TIMEFRAME: &str =
    "Your plan doesn't include the timeframe of this data. Please upgrade your plan.";
const NOT_ENTITLED: &str = "You are not entitled to these data; please upgrade your plan.";

/// What a key may see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    /// Two years of history up to yesterday.
    Basic,
    /// Everything, with the status `DELAYED`.
    Delayed,
    Full,
}

/// A request that has passed the gate.
struct Visit<'a> {
    ask: &'a Ask<'a>,
    plan: Plan,
}

pub(crate) const SOURCE: Source = Source {
    answer,
    refuse,
    methods: READS,
    keys: &[
        "labpolygonkey1",
        "labpolygonkey2",
        "labbasickey1",
        "labdelayedkey1",
        "labpolygonkeyapi",
    ],
    forms: forms::FORMS,
};

fn answer(ask: &Ask<'_>, gate: &Gate<'_>) -> Answer {
    let answer = settle(admit(ask, gate).and_then(|plan| route(&Visit { ask, plan })));
    answer
        .with("x-request-id", ask.request_id())
        .with("server", "nginx")
}

fn route(visit: &Visit<'_>) -> Outcome {
    match visit.ask.request.segments().as_slice() {
        ["v2", "aggs", "ticker", ticker, "prev"] => bars::prev(visit, ticker),
        ["v2", "aggs", "ticker", ticker, "range", range @ ..] => bars::range(visit, ticker, range),
        [
            "v2",
            "aggs",
            "grouped",
            "locale",
            "us",
            "market",
            "stocks",
            date,
        ] => bars::grouped(visit, date),
        ["v1", "open-close", ticker, date] => bars::open_close(visit, ticker, date),
        ["v2", "last", "trade", ticker] => trades::last_trade(visit, ticker),
        ["v2", "last", "nbbo", ticker] => trades::last_quote(visit, ticker),
        ["v1", "last", "crypto", from, to] => trades::last_coin(visit, &format!("{from}-{to}")),
        ["v3", "trades", ticker] => trades::trades(visit, ticker),
        [
            "v2",
            "snapshot",
            "locale",
            "us",
            "markets",
            "stocks",
            "tickers",
        ] => trades::snapshots(visit),
        [
            "v2",
            "snapshot",
            "locale",
            "us",
            "markets",
            "stocks",
            "tickers",
            ticker,
        ] => trades::snapshot(visit, ticker),
        ["v3", "snapshot"] => trades::universal(visit, false),
        ["v3", "snapshot", "indices"] => trades::universal(visit, true),
        ["v3", "reference", "tickers", ticker] => reference(visit, ticker),
        ["v1", "marketstatus", "now"] => Ok(market_status(visit)),
        ["v1", "marketstatus", "upcoming"] => Ok(holidays()),
        _ => Err(Answer::text(404, "404 page not found")),
    }
}

fn refuse(ask: &Ask<'_>, refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Throttled => error(ask, 429, THROTTLED),
        Refusal::Failed(status) => error(ask, status, reason(status)),
    }
}

fn error(ask: &Ask<'_>, status: u16, text: &str) -> Answer {
    Answer::json(
        status,
        &json!({"status": "ERROR", "request_id": ask.request_id(), "error": text}),
    )
}

fn not_authorized(ask: &Ask<'_>, text: &str) -> Answer {
    Answer::json(
        403,
        &json!({"status": "NOT_AUTHORIZED", "request_id": ask.request_id(), "message": text}),
    )
}

fn not_found(ask: &Ask<'_>) -> Answer {
    let body = json!({"status": "NOT_FOUND", "request_id": ask.request_id(), "message": "Ticker not found."});
    Answer::json(404, &body)
}

impl Visit<'_> {
    /// The status of a sound answer in this plan.
    fn status(&self) -> &'static str {
        if self.plan == Plan::Delayed {
            "DELAYED"
        } else {
            "OK"
        }
    }

    fn not_basic(&self) -> Result<(), Answer> {
        match self.plan {
            Plan::Basic => Err(not_authorized(self.ask, NOT_ENTITLED)),
            Plan::Delayed | Plan::Full => Ok(()),
        }
    }

    /// `body` with status and request id, which nearly all answers have.
    fn sound(&self, mut body: Value) -> Answer {
        if let Some(object) = body.as_object_mut() {
            object.insert("status".to_owned(), json!(self.status()));
            object.insert("request_id".to_owned(), json!(self.ask.request_id()));
        }
        Answer::json(200, &body)
    }
}

fn admit(ask: &Ask<'_>, gate: &Gate<'_>) -> Result<Plan, Answer> {
    // Spelt exactly so: `apikey` counts as no key.
    let bearer = ask
        .request
        .header("authorization")
        .and_then(|value| value.strip_prefix("Bearer "));
    let Some(key) = ask.param("apiKey").or(bearer) else {
        return Err(error(ask, 401, "API Key was not provided"));
    };
    if !key.starts_with("lab") || gate.picked.revoked.hold(key) {
        // One route says it under another name.
        let field = if ask.request.path.starts_with("/v1/marketstatus") {
            "message"
        } else {
            "error"
        };
        let body =
            json!({"status": "ERROR", "request_id": ask.request_id(), field: "Unknown API Key"});
        return Err(Answer::json(401, &body));
    }
    if !gate.admits(key, PER_MINUTE, ask.wall) {
        return Err(refuse(ask, Refusal::Throttled));
    }
    Ok(match key {
        _ if key.contains("basic") => Plan::Basic,
        _ if key.contains("delayed") => Plan::Delayed,
        _ => Plan::Full,
    })
}

fn reference(visit: &Visit<'_>, ticker: &str) -> Outcome {
    let asset = visit
        .ask
        .market
        .asset(ticker)
        .ok_or_else(|| not_found(visit.ask))?;
    // A company may be called Error: the name says nothing of the answer.
    let name = if ticker == "ERR" {
        "Error Holdings Common Stock"
    } else {
        asset.name.as_str()
    };
    let results = json!({
        "ticker": ticker, "name": name, "market": "stocks", "locale": "us", "primary_exchange": "XNAS", "type": "CS",
        "active": true, "currency_name": "usd", "list_date": "1980-12-12", "market_cap": 2_400_000_000_000_u64,
    });
    Ok(visit.sound(json!({"results": results})))
}

/// Has no status field.
fn market_status(visit: &Visit<'_>) -> Answer {
    let ask = visit.ask;
    let open = ask
        .market
        .calendar
        .latest_session(ask.wall, ask.market.hours)
        .holds(ask.wall);
    let stocks = if open { "open" } else { "closed" };
    let local = ask
        .market
        .calendar
        .eastern(ask.now)
        .strftime("%Y-%m-%dT%H:%M:%S%:z")
        .to_string();
    let body = json!({
        "market": stocks, "serverTime": local, "afterHours": false, "earlyHours": false,
        "exchanges": {"nasdaq": stocks, "nyse": stocks, "otc": stocks}, "currencies": {"crypto": "open", "fx": "open"},
    });
    Answer::json(200, &body)
}

/// A plain list.
fn holidays() -> Answer {
    let row = |exchange| json!({"exchange": exchange, "name": "Christmas", "date": "2030-12-25", "status": "closed"});
    Answer::json(200, &json!([row("NYSE"), row("NASDAQ")]))
}
