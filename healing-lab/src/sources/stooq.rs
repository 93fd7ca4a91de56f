//! Stooq: quotes and history in CSV, every refusal a line of text with 200.

use std::fmt::Write as _;

use jiff::civil::Date;

use crate::answer::Answer;
use crate::ask::{Ask, Gate, Outcome, Refusal, settle};
use crate::assets::Asset;
use crate::forms::Form;
use crate::sources::{READS, Source, reason};

pub(crate) const SOURCE: Source = Source {
    answer,
    refuse: |_, refusal| refuse(refusal),
    methods: READS,
    keys: &[],
    forms: FORMS,
};

/// Nothing is published; about so many hits a day and address.
const PER_DAY: u32 = 200;
const SPENT: &str = "Exceeded the daily hits limit";
/// Days of a history without a range.
const YEAR: usize = 250;

const FORMS: &[Form] = &[
    Form::asked(
        "ok_quote",
        "/q/l/?s=aapl.us&f=sd2t2ohlcv&h&e=csv",
        "a quote",
    ),
    Form::asked("ok_history", "/q/d/l/?s=aapl.us&i=d", "the days"),
    Form::asked(
        "nf_history",
        "/q/d/l/?s=nosuch.us&i=d",
        "an unknown symbol, with 200",
    ),
    Form::asked(
        "nf_quote",
        "/q/l/?s=nosuch.us&f=sd2t2ohlcv&h&e=csv",
        "a quote of N/D, with 200",
    ),
    Form::made(
        "quota_daily",
        |_| Answer::text(200, SPENT),
        "the day's hits are spent, with 200",
    ),
];

fn answer(ask: &Ask<'_>, gate: &Gate<'_>) -> Answer {
    settle(admit(ask, gate).and_then(|()| route(ask)))
}

fn route(ask: &Ask<'_>) -> Outcome {
    match ask.request.path.as_str() {
        "/q/l/" => Ok(quotes(ask)),
        "/q/d/l/" => history(ask),
        _ => Err(refuse(Refusal::Failed(404))),
    }
}

fn refuse(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Throttled => Answer::text(200, SPENT),
        Refusal::Failed(status) => Answer::text(status, reason(status)),
    }
}

/// Without keys there is nothing to revoke but the address.
fn admit(ask: &Ask<'_>, gate: &Gate<'_>) -> Result<(), Answer> {
    let peer = ask.peer();
    if gate.picked.revoked.hold(&peer) {
        return Err(Answer::text(200, "Access denied"));
    }
    let today = ask.market.calendar.central(ask.wall).date();
    if gate.admits_today(&peer, PER_DAY, today) {
        Ok(())
    } else {
        Err(Answer::text(200, SPENT))
    }
}

/// `aapl.us`, `btcusd`, `eurusd` and `^spx`, in either case.
fn asset(ask: &Ask<'_>, symbol: &str) -> Option<Asset> {
    let symbol = symbol.to_uppercase();
    if symbol == "^SPX" {
        return ask.market.asset("^GSPC");
    }
    if let Some(ticker) = symbol.strip_suffix(".US") {
        return ask.market.asset(ticker);
    }
    match symbol.strip_suffix("USD") {
        Some(coin @ ("BTC" | "ETH" | "SOL")) => ask.market.asset(&format!("{coin}-USD")),
        _ if symbol.len() == 6 && symbol.contains("USD") => {
            ask.market.asset(&format!("{symbol}=X"))
        }
        _ => None,
    }
}

/// One row a symbol; several are joined with a plus sign, which reads as a space.
fn quotes(ask: &Ask<'_>) -> Answer {
    let mut text = String::from("Symbol,Date,Time,Open,High,Low,Close,Volume\r\n");
    for symbol in ask.param("s").unwrap_or_default().split([' ', ',']) {
        let name = symbol.to_uppercase();
        let Some(asset) = asset(ask, symbol) else {
            text.push_str(&format!("{name},N/D,N/D,N/D,N/D,N/D,N/D,N/D\r\n"));
            continue;
        };
        let tick = ask.market.tick(&asset, ask.now);
        let at = tick.at.strftime("%Y-%m-%d,%H:%M:%S");
        let (day, close) = (tick.day, tick.price);
        // Writing to a string cannot fail.
        let _written = write!(
            text,
            "{name},{at},{:.4},{:.4},{:.4},{close:.4},{}\r\n",
            day.open, day.high, day.low, day.volume
        );
    }
    Answer::new(200, "text/csv", text)
}

/// Oldest first. `d1` and `d2` are the first and last day, without dashes.
fn history(ask: &Ask<'_>) -> Outcome {
    let none = || Answer::text(200, "No data");
    let asset = asset(ask, ask.param("s").unwrap_or_default()).ok_or_else(none)?;
    let edge = |name: &str| {
        ask.param(name)
            .and_then(|text| Date::strptime("%Y%m%d", text).ok())
    };
    let (from, to) = (edge("d1"), edge("d2"));
    let days = ask.market.days_back(&asset, ask.now);
    let days = days.skip_while(|(session, _)| to.is_some_and(|to| session.date > to));
    let days = days.take_while(|(session, _)| from.is_none_or(|from| session.date >= from));
    let mut rows: Vec<_> = days
        .take(if from.is_some() { YEAR * 10 } else { YEAR })
        .collect();
    rows.reverse();
    if rows.is_empty() {
        return Err(none());
    }
    let mut text = String::from("Date,Open,High,Low,Close,Volume\r\n");
    for (session, bar) in rows {
        // Writing to a string cannot fail.
        let _written = write!(
            text,
            "{},{:.4},{:.4},{:.4},{:.4},{}\r\n",
            session.date, bar.open, bar.high, bar.low, bar.close, bar.volume
        );
    }
    Ok(Answer::new(200, "text/csv", text))
}
