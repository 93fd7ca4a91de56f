//! The control endpoint: breaking the market while it runs.

use serde_json::{Value, json};

use crate::answer::Answer;
use crate::entry;
use crate::forms::{Form, forms};
use crate::lab::Shared;
use crate::limits::Limits;
use crate::request::Request;
use crate::source_name::SourceName;

const HELP: &str =
    "GET /state, GET /log?source=, GET /forms?source=, POST /inject, POST /clear?source=";

pub(crate) fn answer(shared: &Shared, request: &Request) -> Answer {
    let result = match (request.method.as_str(), request.path.as_str()) {
        ("GET", "/" | "/state") => Ok(state(shared)),
        ("GET", "/log") => source(request).map(|source| log(shared, source)),
        ("GET", "/forms") => source(request).map(forms_of),
        ("POST", "/inject") => inject(shared, request),
        ("POST", "/clear") => source(request).map(|source| clear(shared, source)),
        (_, "/" | "/state" | "/log" | "/forms" | "/inject" | "/clear") => {
            return Answer::json(
                405,
                &json!({"error": "not this method here", "allowed": HELP}),
            );
        }
        (_, path) => {
            return Answer::json(
                404,
                &json!({"error": format!("nothing at {path}"), "allowed": HELP}),
            );
        }
    };
    match result {
        Ok(body) => Answer::json(200, &body),
        Err(error) => Answer::json(400, &json!({"error": error})),
    }
}

/// The source that is asked for; none is all of them.
fn source(request: &Request) -> Result<Option<SourceName>, String> {
    if let Some((key, _)) = request.query.iter().find(|(key, _)| key != "source") {
        return Err(format!(
            "`{key}` is not a query parameter here; `source` is"
        ));
    }
    request
        .param("source")
        .map(|text| text.parse().map_err(|error| format!("`source`: {error}")))
        .transpose()
}

fn state(shared: &Shared) -> Value {
    let limits = match shared.limits {
        Limits::Real => "real",
        Limits::Off => "off",
    };
    let row = |source: SourceName| {
        let row = json!({
            "address": shared.addresses.of(source).to_string(),
            "asked": shared.log.count(source),
            "faults": shared.injections.of(source).in_force(),
        });
        (source.slug().to_owned(), row)
    };
    let sources: serde_json::Map<String, Value> = SourceName::ALL.into_iter().map(row).collect();
    json!({
        "seed": shared.market.seed, "limits": limits, "time": shared.clock.now().to_string(), "millis": shared.millis(),
        "sources": sources, "log_dropped": shared.log.dropped(), "allowed": HELP,
    })
}

fn log(shared: &Shared, source: Option<SourceName>) -> Value {
    json!({"dropped": shared.log.dropped(), "asked": shared.log.entries(source)})
}

fn forms_of(source: Option<SourceName>) -> Value {
    let wanted = SourceName::ALL
        .into_iter()
        .filter(|name| source.is_none_or(|source| source == *name));
    let rows = |name: SourceName| {
        let row = |form: &Form| json!({"name": form.name, "about": form.about, "request": form.request()});
        (
            name.slug().to_owned(),
            forms(name).iter().map(row).collect(),
        )
    };
    Value::Object(wanted.map(rows).collect())
}

fn inject(shared: &Shared, request: &Request) -> Result<Value, String> {
    let body = serde_json::from_slice(&request.body).map_err(|error| {
        format!("the body is not JSON ({error}); it is an object such as {{\"source\": \"fred_api\", \"fault\": \"down\", \"for\": \"10s\"}}")
    })?;
    let (source, injection) = entry::read(&body).map_err(|error| error.to_string())?;
    let fault = injection.fault.name();
    shared.inject(source, injection);
    Ok(json!({"source": source.slug(), "injected": fault}))
}

fn clear(shared: &Shared, source: Option<SourceName>) -> Value {
    let cleared: Vec<&str> = SourceName::ALL
        .into_iter()
        .filter(|name| source.is_none_or(|source| source == *name))
        .map(|name| {
            shared.injections.of(name).clear();
            name.slug()
        })
        .collect();
    json!({"cleared": cleared})
}
