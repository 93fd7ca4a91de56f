//! Says why a request was answered as it was, what would be tried for a URL now, or what another order of its route's
//! strategies would gain: `healing-proxy explain`.
//!
//! A running proxy knows; it is asked on its admin port.

use std::{
    io::{Write, stdout},
    process::ExitCode,
};

use anyhow::{Context, Result};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::{
    admin_client::{AdminPort, number, runtime, text},
    cli::ExplainArgs,
};

/// Explains.
///
/// # Errors
/// When no proxy answers there, it knows nothing of the request, or stdout is closed.
pub(crate) fn explain(args: &ExplainArgs) -> Result<ExitCode> {
    let admin = AdminPort::of(&args.admin)?;
    let told = runtime()?.block_on(admin.reads(&page(args)))?;
    let said = if args.admin.json {
        format!("{}\n", serde_json::to_string_pretty(&told)?)
    } else if args.id.is_some() {
        decision(&told)
    } else if !args.order.is_empty() {
        comparison(&told)
    } else {
        foresight(&told)
    };
    stdout()
        .write_all(said.as_bytes())
        .context("stdout is closed")?;
    Ok(ExitCode::SUCCESS)
}

/// The page that tells.
fn page(args: &ExplainArgs) -> String {
    match (args.id, &args.url) {
        (Some(id), _) => format!("/api/v1/decisions/{id}"),
        (None, url) => {
            let target = url.as_ref().map_or("/", |url| url.target.as_str());
            let target = utf8_percent_encode(target, NON_ALPHANUMERIC);
            let host = url.as_ref().and_then(|url| url.host.as_ref());
            let host = host.map_or_else(String::new, |host| format!("&host={host}"));
            if !args.order.is_empty() {
                let order = args.order.join(",");
                let order = utf8_percent_encode(&order, NON_ALPHANUMERIC);
                return format!("/api/v1/order?url={target}{host}&order={order}");
            }
            format!("/api/v1/foresight?url={target}{host}&when={}", args.when)
        }
    }
}

/// A decision for people.
fn decision(told: &Value) -> String {
    let calls = match told.get("attempts").and_then(Value::as_u64) {
        Some(0) => "the upstream was not asked".to_owned(),
        Some(1) => "1 upstream call".to_owned(),
        _ => format!("{} upstream calls", number(told, "attempts")),
    };
    let mut said = format!(
        "{} {}  ->  {}\n{}  after {} ms of {} ms, {calls}\nfirst      {} ({})\n",
        text(told, "source"),
        text(told, "route"),
        given(told),
        text(told, "time"),
        number(told, "took_ms"),
        number(told, "deadline_ms"),
        text(told, "class"),
        text(told, "detail"),
    );
    if let Some(meaning) = told.get("detail_meaning").and_then(Value::as_str) {
        said.push_str(&format!("           {meaning}\n"));
    }
    said.push_str(&in_hand(told));
    if let Some(propensity) = told.get("propensity").and_then(Value::as_f64)
        && propensity < 1.0
    {
        said.push_str(&format!(
            "drawn      what was tried first had a probability of {propensity} to be\n"
        ));
    }
    said.push_str(&table(told));
    said
}

/// What the caller was given.
fn given(told: &Value) -> String {
    let status = number(told, "status");
    match text(told, "given") {
        "as_it_came" => format!("not healed: the upstream's own answer as it came, {status}"),
        "problem" => format!("not healed: an error of the proxy, {status}"),
        "client_error" => "not healed: the client's own error".to_owned(),
        _ => format!(
            "{} by {}, {status}",
            text(told, "fidelity"),
            text(told, "answered_by")
        ),
    }
}

/// What another order comes to, for people.
fn comparison(told: &Value) -> String {
    let names = |name: &str| {
        let all = told.get(name).and_then(Value::as_array);
        let all = all.into_iter().flatten().filter_map(Value::as_str);
        all.collect::<Vec<_>>().join(", ")
    };
    let gain = match told.get("gain").filter(|gain| gain.is_number()) {
        Some(_) => format!(
            "{} for each healed request, between {} and {}",
            number(told, "gain"),
            number(told, "gain_from"),
            number(told, "gain_to"),
        ),
        None => "no figure".to_owned(),
    };
    format!(
        "{} {}\nnow        {}\nchanged    {}\nverdict    {}\ngain       {gain}\nfrom       {} healed requests with a choice; {} would begin otherwise, {} effective ones did\nuntold     {} more would begin with what was never first\n",
        text(told, "source"),
        text(told, "route"),
        names("held"),
        names("changed"),
        text(told, "verdict"),
        number(told, "episodes"),
        number(told, "differing"),
        number(told, "effective"),
        number(told, "unsupported"),
    )
}

/// A foresight for people.
fn foresight(told: &Value) -> String {
    let resting = match told.get("resting").and_then(Value::as_str) {
        Some(class) => format!("the upstream rests after {class}"),
        None => "the upstream is asked first".to_owned(),
    };
    let mut said = format!(
        "{} {}  if it failed now with {}\n{resting}\n",
        text(told, "source"),
        text(told, "route"),
        text(told, "when"),
    );
    said.push_str(&in_hand(told));
    said.push_str(&table(told));
    let last = if has_copy(told) {
        "the copy in hand"
    } else {
        "the upstream's own answer as it came; where none came, an error of the proxy"
    };
    said.push_str(&format!("at last    {last}\n"));
    if let Some(latest) = told.get("latest").filter(|latest| latest.is_object()) {
        said.push_str(&format!("latest     {}\n", text(latest, "id")));
    }
    said
}

fn has_copy(told: &Value) -> bool {
    told.get("in_hand_age_s").is_some_and(Value::is_number)
}

/// What is in hand and may be given.
fn in_hand(told: &Value) -> String {
    let hand = if has_copy(told) {
        format!("a copy, {} s old", number(told, "in_hand_age_s"))
    } else {
        format!("nothing: {}", text(told, "no_copy_meaning"))
    };
    format!("floor      {}\nin hand    {hand}\n", text(told, "floor"))
}

/// What was considered, a line a strategy.
fn table(told: &Value) -> String {
    let rows = told.get("considered").and_then(Value::as_array);
    let rows = rows.map(Vec::as_slice).unwrap_or_default();
    if rows.is_empty() {
        return "considered nothing: no strategy that takes part is set for this route\n"
            .to_owned();
    }
    let mut said = format!(
        "     {:<28} {:<11} {:>6} {:>6} {:>7} {:>8}  {}\n",
        "strategy", "offers", "p", "up", "index", "limit", "outcome"
    );
    for (n, row) in rows.iter().enumerate() {
        let limit = number(row, "limit_ms");
        let limit = if limit == "-" {
            limit
        } else {
            format!("{limit} ms")
        };
        let why = row.get("why").and_then(Value::as_str);
        let why = why.map_or_else(String::new, |why| format!(": {why}"));
        said.push_str(&format!(
            "{:>3}  {:<28} {:<11} {:>6} {:>6} {:>7} {:>8}  {}{why}\n",
            n + 1,
            text(row, "strategy"),
            text(row, "fidelity"),
            number(row, "p"),
            number(row, "up"),
            number(row, "index"),
            limit,
            text(row, "outcome"),
        ));
    }
    said.push_str(&meanings(rows));
    said
}

/// What the reasons mean that stand in a table, each once.
fn meanings(rows: &[Value]) -> String {
    let mut said = String::new();
    for row in rows {
        let meaning = row.get("meaning").and_then(Value::as_str);
        let line = meaning.map(|meaning| format!("       {}: {meaning}\n", text(row, "why")));
        let line = line.unwrap_or_default();
        if !said.contains(&line) {
            said.push_str(&line);
        }
    }
    said
}
