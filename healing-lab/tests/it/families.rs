//! Every family of recorded answers of the four sources has a form of the lab with the same facts.
//!
//! `families.json` holds the facts only: status, kind of content, outer keys, where the error is, which lists are empty.

use healing_lab::{Fault, Injection, Lab, SourceName, forms, key};
use serde::Deserialize;
use serde_json::Value;

use crate::client::{End, Reply, get, get_briefly, get_yahoo, lab};

const FACTS: &str = include_str!("../families.json");
/// Where an envelope may hold its error, in the order they are looked for.
const ERRORS: [&str; 13] = [
    "/chart/error",
    "/finance/error",
    "/quoteResponse/error",
    "/quoteSummary/error",
    "/optionChain/error",
    "/timeseries/error",
    "/error_code",
    "/code",
    "/Information",
    "/Note",
    "/Error Message",
    "/error",
    "/message",
];
/// Where an envelope may hold its data.
const LISTS: [&str; 12] = [
    "/chart/result",
    "/quoteResponse/result",
    "/quoteSummary/result",
    "/finance/result",
    "/timeseries/result",
    "/observations",
    "/results",
    "/bestMatches",
    "/feed",
    "/tickers",
    "/Global Quote",
    "/chart",
];

#[derive(Debug, Deserialize)]
struct Family {
    family: String,
    #[serde(flatten)]
    facts: Facts,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
struct Facts {
    status: Option<u16>,
    transport: Option<String>,
    content_type: Option<String>,
    shape: Option<String>,
    #[serde(default)]
    top: Vec<String>,
    envelope: Option<String>,
    #[serde(default)]
    hollow: Vec<String>,
}

fn facts(reply: &Reply) -> Facts {
    let transport = match reply.end {
        End::Silent => Some("timeout"),
        End::Reset | End::Refused => Some("connection"),
        End::Closed => None,
    };
    if transport.is_some() {
        return Facts {
            status: None,
            transport: transport.map(str::to_owned),
            content_type: None,
            shape: None,
            top: Vec::new(),
            envelope: None,
            hollow: Vec::new(),
        };
    }
    let text = reply.text();
    let value: Option<Value> = serde_json::from_str(&text).ok();
    let kind = kind(reply.header("content-type"));
    let top = value.as_ref().and_then(Value::as_object);
    let at = |pointer: &&&str| value.as_ref().and_then(|value| value.pointer(pointer));
    let is_hollow = |found: &Value| {
        found.is_null()
            || found.as_array().is_some_and(Vec::is_empty)
            || found.as_object().is_some_and(serde_json::Map::is_empty)
    };
    let mut top: Vec<String> = top
        .map(|top| top.keys().cloned().collect())
        .unwrap_or_default();
    top.sort();
    Facts {
        status: Some(reply.status),
        transport: None,
        shape: Some(shape(&text, value.as_ref(), (kind, reply.status)).to_owned()),
        content_type: Some(kind.to_owned()),
        top,
        envelope: ERRORS
            .iter()
            .find(|pointer| at(pointer).is_some_and(|error| !is_hollow(error)))
            .map(|&p| p.to_owned()),
        hollow: LISTS
            .iter()
            .filter(|pointer| at(pointer).is_some_and(is_hollow))
            .map(|&p| p.to_owned())
            .collect(),
    }
}

fn kind(content_type: Option<&str>) -> &str {
    match content_type.map(|kind| kind.split(';').next().unwrap_or(kind)) {
        None => "none",
        Some("application/json") => "json",
        Some("text/html") => "html",
        Some("text/plain") => "text",
        Some("text/csv") => "csv",
        Some("text/xml" | "application/xml") => "xml",
        Some("application/x-download") => "download",
        Some(other) => other,
    }
}

fn shape(text: &str, value: Option<&Value>, (kind, status): (&str, u16)) -> &'static str {
    let start = text.trim_start();
    match value {
        _ if start.is_empty() => "empty",
        Some(Value::Object(_)) => "object",
        Some(Value::Array(_)) => "array",
        _ if start.starts_with(['{', '[']) => "broken_json",
        _ if start.starts_with("<?xml") || start.starts_with("<error") => "xml",
        _ if start.starts_with('<') => "html",
        _ if ["csv", "download"].contains(&kind) && status == 200 => "csv",
        _ => "text",
    }
}

fn source(family: &str) -> SourceName {
    match family {
        "yahoo_finance" => SourceName::YahooFinance,
        "fred" => SourceName::FredApi,
        "polygon" => SourceName::PolygonIo,
        "alpha_vantage" => SourceName::AlphaVantage,
        other => panic!("{other}"),
    }
}

/// The answer to an injected form.
async fn injected(lab: &Lab, source: SourceName, name: &str) -> Reply {
    lab.inject(source, Injection::new(Fault::form(name)).times(1));
    // Only an answer that never comes is not waited for.
    if ["to", "to_read"].contains(&name) {
        return get_briefly(lab, source, "/anything").await;
    }
    get(lab, source, "/anything").await
}

#[tokio::test]
async fn every_family_has_a_form_with_the_same_facts() {
    let lab = lab().await;
    let families: Vec<Family> = serde_json::from_str(FACTS).unwrap();
    assert!(families.len() > 100);
    let mut wrong = Vec::new();
    for Family {
        family,
        facts: wanted,
    } in &families
    {
        let (owner, name) = family.split_once('/').unwrap();
        let source = source(owner);
        let second = format!("{name}_v1");
        let names = forms(source)
            .iter()
            .map(|form| form.name)
            .filter(|known| *known == name || *known == second);
        let mut got = Vec::new();
        for name in names {
            got.push(facts(&injected(&lab, source, name).await));
        }
        if !got.contains(wanted) {
            wrong.push(format!("{family}\n  wanted {wanted:?}\n  got    {got:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    lab.stop().await;
}

#[tokio::test]
async fn a_form_that_a_request_provokes_is_the_same_when_injected() {
    let lab = lab().await;
    for source in SourceName::ALL {
        for form in forms(source) {
            let Some(target) = form.request() else {
                continue;
            };
            let target = target.replace("{key}", key(source));
            let asked = if source == SourceName::YahooFinance {
                get_yahoo(&lab, &target).await
            } else {
                get(&lab, source, &target).await
            };
            assert_ne!(asked.status, 0, "{source} {}", form.name);
            let by_fault = injected(&lab, source, form.name).await;
            assert_eq!(facts(&asked), facts(&by_fault), "{source} {}", form.name);
        }
    }
    lab.stop().await;
}

#[tokio::test]
async fn names_say_which_answers_are_healthy() {
    let lab = lab().await;
    for source in SourceName::ALL {
        for form in forms(source)
            .iter()
            .filter(|form| form.name.starts_with("ok_"))
        {
            let reply = injected(&lab, source, form.name).await;
            assert_eq!(reply.status, 200, "{source} {}", form.name);
            assert_eq!(facts(&reply).envelope, None, "{source} {}", form.name);
        }
    }
    lab.stop().await;
}

#[tokio::test]
async fn a_form_that_does_not_exist_says_so_instead_of_testing_nothing() {
    let lab = lab().await;
    let reply = injected(&lab, SourceName::FredApi, "no_such_form").await;
    assert_eq!(reply.status, 500);
    assert!(
        reply.text().contains("no_such_form") && reply.text().contains("rl_423"),
        "{}",
        reply.text()
    );
    lab.stop().await;
}
