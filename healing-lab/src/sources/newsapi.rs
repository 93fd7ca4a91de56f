//! NewsAPI: headlines and a search, with a status inside.

use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::ask::{Ask, Gate, Outcome, Refusal, settle};
use crate::forms::Form;
use crate::sources::{READS, Source, reason};

pub(crate) const SOURCE: Source = Source {
    answer,
    refuse: |_, refusal| refuse(refusal),
    methods: READS,
    keys: &["labnewskey1", "labnewskey2"],
    forms: FORMS,
};

const JSON: &str = "application/json; charset=utf-8";
/// The developer plan's requests of a key.
const PER_DAY: u32 = 100;
const THROTTLED: &str = "You have made too many requests recently. Developer accounts are limited to 100 requests over a 24 hour period (50 requests available every 12 hours). Please upgrade to a paid plan if you need more requests.";
const INVALID: &str = "Your API key is invalid or incorrect. Check your key, or go to https://newsapi.org to create a free API key.";
/// Stories go round; a new one every quarter of an hour.
const PACE: i64 = 15 * 60;
const STORIES: [(&str, &str); 6] = [
    ("Example Wire", "Markets end the day little changed"),
    (
        "Example Times",
        "Rate limit on imports is lifted, ministers say",
    ),
    (
        "Example Post",
        "Error in a spreadsheet costs a bank its quarter",
    ),
    ("Example Journal", "Oil falls as stocks build"),
    ("Example Wire", "Chip makers lead a broad rise"),
    ("Example Gazette", "Central bank holds its key rate"),
];

const FORMS: &[Form] = &[
    Form::asked(
        "ok_headlines",
        "/v2/top-headlines?country=us&apiKey={key}",
        "headlines",
    ),
    Form::asked(
        "ok_empty_search",
        "/v2/everything?q=NOSUCH&apiKey={key}",
        "a search without a hit",
    ),
    Form::asked(
        "auth_missing",
        "/v2/top-headlines?country=us",
        "401: no key",
    ),
    Form::asked(
        "auth_invalid",
        "/v2/top-headlines?country=us&apiKey=unknown",
        "401: a bad key",
    ),
    Form::asked(
        "bad_parameters",
        "/v2/everything?apiKey={key}",
        "400: nothing is searched for",
    ),
    Form::made(
        "auth_200",
        |_| Answer {
            status: 200,
            ..error(401, "apiKeyInvalid", INVALID)
        },
        "a bad key, with 200",
    ),
];

fn answer(ask: &Ask<'_>, gate: &Gate<'_>) -> Answer {
    settle(admit(ask, gate).and_then(|()| route(ask)))
}

fn route(ask: &Ask<'_>) -> Outcome {
    let missing = |text: &str| error(400, "parametersMissing", text);
    match ask.request.segments().as_slice() {
        ["v2", "top-headlines"] => {
            let scope = ["country", "category", "sources", "q"]
                .iter()
                .find_map(|name| ask.param(name));
            scope.ok_or_else(|| missing("Required parameters are missing. Please set any of the following parameters and try again: sources, q, language, country, category."))?;
            Ok(stories(ask, ask.param("q").unwrap_or_default()))
        }
        ["v2", "everything"] => {
            let query = ask.param("q").ok_or_else(|| missing("Required parameters are missing, the scope of your search is too broad. Please set any of the following required parameters and try again: q, qInTitle, sources, domains."))?;
            Ok(stories(ask, query))
        }
        _ => Err(error(404, "endpointNotFound", "No such endpoint.")),
    }
}

fn refuse(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Throttled => error(429, "rateLimited", THROTTLED),
        Refusal::Failed(status) => error(status, "unexpectedError", reason(status)),
    }
}

fn error(status: u16, code: &str, text: &str) -> Answer {
    Answer::json(
        status,
        &json!({"status": "error", "code": code, "message": text}),
    )
    .typed(JSON)
}

fn admit(ask: &Ask<'_>, gate: &Gate<'_>) -> Result<(), Answer> {
    let missing = || {
        error(
            401,
            "apiKeyMissing",
            "Your API key is missing. Append this to the URL with the apiKey param, or use the x-api-key HTTP header.",
        )
    };
    let key = ask
        .param("apiKey")
        .or_else(|| ask.request.header("x-api-key"))
        .ok_or_else(missing)?;
    if !key.starts_with("lab") || gate.picked.revoked.hold(key) {
        return Err(error(401, "apiKeyInvalid", INVALID));
    }
    let today = ask.market.calendar.eastern(ask.wall).date();
    if gate.admits_today(key, PER_DAY, today) {
        Ok(())
    } else {
        Err(refuse(Refusal::Throttled))
    }
}

/// Newest first. A query that is all capitals and unheard of finds nothing.
fn stories(ask: &Ask<'_>, query: &str) -> Answer {
    let unheard =
        !query.is_empty() && ask.market.asset(query).is_none() && query == query.to_uppercase();
    let most: usize = ask
        .param("pageSize")
        .and_then(|text| text.parse().ok())
        .unwrap_or(20)
        .min(100);
    let newest = ask.now.as_second().div_euclid(PACE);
    let count = if unheard { 0 } else { STORIES.len() };
    let rows = (0..).take(count.min(most)).filter_map(|back| {
        let number = newest - back;
        let place = usize::try_from(number.rem_euclid(6)).ok()?;
        let (source, title) = STORIES.get(place)?;
        let at = ask.now.checked_sub(SignedDuration::from_secs(ask.now.as_second() - number * PACE)).ok()?;
        let at = at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        Some(json!({
            "source": {"id": Value::Null, "name": source}, "author": Value::Null, "title": title,
            "description": format!("{title}. {query}"), "url": format!("https://example.com/{number}"), "urlToImage": Value::Null,
            "publishedAt": at, "content": Value::Null,
        }))
    });
    let rows: Vec<Value> = rows.collect();
    Answer::json(
        200,
        &json!({"status": "ok", "totalResults": count, "articles": rows}),
    )
    .typed(JSON)
}
