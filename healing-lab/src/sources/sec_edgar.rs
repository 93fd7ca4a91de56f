//! SEC EDGAR: filings and reported numbers of companies, for callers that say who they are.

use jiff::SignedDuration;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::readings;
use crate::answer::Answer;
use crate::ask::{Ask, Gate, Outcome, Refusal, settle};
use crate::forms::Form;
use crate::limits::Rate;
use crate::sources::{READS, Source, reason};

pub(crate) const SOURCE: Source = Source {
    answer,
    refuse: |_, refusal| refuse(refusal),
    methods: READS,
    keys: &[],
    forms: FORMS,
};

/// The documented limit of an address.
const PER_SECOND: Rate = Rate {
    calls: 10,
    per: SignedDuration::from_secs(1),
};
/// User agents of programs that do not say whose they are.
const UNDECLARED: [&str; 5] = ["curl", "go-http-client", "java", "python-requests", "wget"];
/// Number, name, ticker, industry, and yearly revenue.
const COMPANIES: [(&str, &str, &str, &str, f64); 3] = [
    ("0000320193", "Apple Inc.", "AAPL", "3571", 3.9e11),
    ("0000789019", "MICROSOFT CORP", "MSFT", "7372", 2.4e11),
    ("0001045810", "NVIDIA CORP", "NVDA", "3674", 6.1e10),
];
const CONCEPTS: [(&str, f64); 3] = [("Assets", 0.9), ("NetIncomeLoss", 0.25), ("Revenues", 1.0)];

const FORMS: &[Form] = &[
    Form::made(
        "blocked_undeclared",
        |_| undeclared(200),
        "a page for callers without a name, with 200",
    ),
    Form::made("rl_threshold", |_| threshold(), "429: a page"),
    Form::made(
        "nf_key",
        |_| no_such_key(),
        "404: XML of the storage behind it",
    ),
];

fn answer(ask: &Ask<'_>, gate: &Gate<'_>) -> Answer {
    settle(admit(ask, gate).and_then(|()| route(ask)))
}

fn route(ask: &Ask<'_>) -> Outcome {
    match ask.request.segments().as_slice() {
        ["submissions", file] => submissions(ask, file),
        ["api", "xbrl", "companyconcept", cik, "us-gaap", file] => concept(ask, cik, file),
        _ => Err(no_such_key()),
    }
}

fn refuse(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Throttled => threshold(),
        Refusal::Failed(404) => no_such_key(),
        Refusal::Failed(status) => {
            let reason = reason(status);
            let page = format!(
                "<html><head><title>{status} {reason}</title></head><body>{reason}</body></html>"
            );
            Answer::html(status, page)
        }
    }
}

fn threshold() -> Answer {
    Answer::html(
        429,
        "<!DOCTYPE html><html><head><title>SEC.gov | Request Rate Threshold Exceeded</title></head><body><h1>Request Rate Threshold Exceeded</h1></body></html>",
    )
}

fn undeclared(status: u16) -> Answer {
    let page = "<!DOCTYPE html><html><body><h1>Your Request Originates from an Undeclared Automated Tool</h1><p>To allow for equitable access to all users, SEC reserves the right to limit requests originating from undeclared automated tools.</p></body></html>";
    Answer::html(status, page).typed("text/html")
}

fn no_such_key() -> Answer {
    let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>";
    Answer::new(404, "application/xml", text)
}

/// There are no keys; what can be revoked is the welcome of an address.
fn admit(ask: &Ask<'_>, gate: &Gate<'_>) -> Result<(), Answer> {
    let agent = ask
        .request
        .header("user-agent")
        .unwrap_or_default()
        .to_lowercase();
    let peer = ask.peer();
    let nameless = !agent.contains('@') && UNDECLARED.iter().any(|name| agent.starts_with(name));
    if nameless || gate.picked.revoked.hold(&peer) {
        return Err(undeclared(403));
    }
    if gate.admits(&peer, PER_SECOND, ask.wall) {
        Ok(())
    } else {
        Err(threshold())
    }
}

type Company = (&'static str, &'static str, &'static str, &'static str, f64);

/// The company of `CIK0000320193`.
fn company(name: &str) -> Result<&'static Company, Answer> {
    let number = name.strip_prefix("CIK").unwrap_or_default();
    COMPANIES
        .iter()
        .find(|(cik, ..)| *cik == number)
        .ok_or_else(no_such_key)
}

/// The ends of quarters that are reported by now, newest first: reports come a month later.
fn quarters(ask: &Ask<'_>) -> impl Iterator<Item = Date> {
    let latest = readings::today(ask)
        .checked_sub(jiff::Span::new().days(30))
        .unwrap_or(Date::MIN);
    let ends = std::iter::successors(latest.first_of_month().yesterday().ok(), |date| {
        date.first_of_month().yesterday().ok()
    });
    ends.filter(|date| date.month() % 3 == 0)
}

fn filed(end: Date) -> Date {
    end.checked_add(jiff::Span::new().days(30)).unwrap_or(end)
}

/// Columns, newest first, as the real answer has them.
fn submissions(ask: &Ask<'_>, file: &str) -> Outcome {
    let (cik, name, ticker, industry, _) = company(file.strip_suffix(".json").unwrap_or_default())?;
    let ends: Vec<Date> = quarters(ask).take(12).collect();
    let column = |cell: &dyn Fn(Date) -> String| -> Value {
        ends.iter().map(|end| json!(cell(*end))).collect()
    };
    let form = |end: Date| if end.month() == 9 { "10-K" } else { "10-Q" };
    let body = json!({
        "cik": cik.trim_start_matches('0'), "entityType": "operating", "sic": industry, "name": name, "tickers": [ticker],
        "exchanges": ["Nasdaq"],
        "filings": {
            "recent": {
                "accessionNumber": column(&|end| format!("{cik}-{:02}-{:06}", end.year() % 100, end.day_of_year())),
                "filingDate": column(&|end| filed(end).to_string()), "reportDate": column(&|end| end.to_string()),
                "form": column(&|end| form(end).to_owned()),
                "primaryDocument": column(&|end| format!("{}-{}.htm", ticker.to_lowercase(), end.strftime("%Y%m%d"))),
            },
            "files": [],
        },
    });
    Ok(Answer::json(200, &body))
}

/// Oldest first.
fn concept(ask: &Ask<'_>, cik: &str, file: &str) -> Outcome {
    let (number, name, _, _, revenue) = company(cik)?;
    let tag = file.strip_suffix(".json").unwrap_or_default();
    let (tag, share) = CONCEPTS
        .iter()
        .find(|(known, _)| *known == tag)
        .ok_or_else(no_such_key)?;
    let mut ends: Vec<Date> = quarters(ask).take(20).collect();
    ends.reverse();
    let rows = ends.iter().map(|end| {
        let value = readings::on(ask, &format!("{number}{tag}"), (revenue * share / 4.0, 0.1), *end);
        json!({
            "end": end.to_string(), "val": readings::whole(value), "fy": end.year(), "fp": format!("Q{}", end.month() / 3), "form": "10-Q",
            "filed": filed(*end).to_string(),
        })
    });
    let body = json!({
        "cik": number.trim_start_matches('0').parse::<u64>().unwrap_or_default(), "taxonomy": "us-gaap", "tag": tag, "label": tag,
        "entityName": name, "units": {"USD": rows.collect::<Vec<Value>>()},
    });
    Ok(Answer::json(200, &body))
}
