//! US Treasury Fiscal Data: average interest rates, the debt to the penny, rates of exchange.

use jiff::SignedDuration;
use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::readings;
use crate::answer::Answer;
use crate::ask::{Ask, Gate, Outcome, Refusal, settle};
use crate::calendar::is_trading_day;
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

/// Nothing is published.
const PER_MINUTE: Rate = Rate {
    calls: 1_000,
    per: SignedDuration::from_mins(1),
};
/// Rows that are there to be asked for.
const DEPTH: usize = 400;
const PATH: &str = "/services/api/fiscal_service";
const SECURITIES: [(&str, &str, f64); 5] = [
    ("Marketable", "Treasury Bills", 4.3),
    ("Marketable", "Treasury Notes", 3.1),
    ("Marketable", "Treasury Bonds", 3.3),
    (
        "Marketable",
        "Treasury Inflation-Protected Securities (TIPS)",
        0.9,
    ),
    ("Non-marketable", "Government Account Series", 3.2),
];
const CURRENCIES: [(&str, &str, f64); 4] = [
    ("Canada", "Dollar", 1.36),
    ("Euro Zone", "Euro", 0.93),
    ("Japan", "Yen", 148.0),
    ("United Kingdom", "Pound", 0.79),
];

const FORMS: &[Form] = &[
    Form::asked(
        "ok_rates",
        "/services/api/fiscal_service/v2/accounting/od/avg_interest_rates?sort=-record_date&page[size]=1",
        "average interest rates",
    ),
    Form::asked(
        "ok_debt",
        "/services/api/fiscal_service/v2/accounting/od/debt_to_penny?sort=-record_date&page[size]=1",
        "the debt",
    ),
    Form::asked(
        "empty_future",
        "/services/api/fiscal_service/v2/accounting/od/avg_interest_rates?filter=record_date:gt:2099-01-01",
        "no rows of the future",
    ),
    Form::asked(
        "bad_filter",
        "/services/api/fiscal_service/v2/accounting/od/debt_to_penny?filter=nosuch:eq:1",
        "400: an unknown field",
    ),
    Form::asked(
        "nf_endpoint",
        "/services/api/fiscal_service/v9/nothing",
        "404",
    ),
];

/// Rows, newest first, of texts under names.
type Rows = Vec<(Date, Value)>;

fn answer(ask: &Ask<'_>, gate: &Gate<'_>) -> Answer {
    settle(admit(ask, gate).and_then(|()| route(ask)))
}

fn route(ask: &Ask<'_>) -> Outcome {
    let rows = match ask.request.path.strip_prefix(PATH).unwrap_or_default() {
        "/v2/accounting/od/avg_interest_rates" => interest_rates(ask),
        "/v2/accounting/od/debt_to_penny" => debt(ask),
        "/v1/accounting/od/rates_of_exchange" => exchange_rates(ask),
        _ => return Err(refuse(Refusal::Failed(404))),
    };
    page(ask, rows)
}

fn refuse(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Throttled => error(
            429,
            "You have exceeded the number of requests that are allowed. Please try again later.",
        ),
        Refusal::Failed(status) => error(status, reason(status)),
    }
}

fn error(status: u16, text: &str) -> Answer {
    Answer::json(status, &json!({"error": reason(status), "message": text}))
}

/// Without keys there is nothing to revoke but the address.
fn admit(ask: &Ask<'_>, gate: &Gate<'_>) -> Result<(), Answer> {
    let peer = ask.peer();
    if gate.picked.revoked.hold(&peer) {
        return Err(Answer::html(
            403,
            "<html><head><title>403 Forbidden</title></head><body></body></html>",
        ));
    }
    if gate.admits(&peer, PER_MINUTE, ask.wall) {
        Ok(())
    } else {
        Err(refuse(Refusal::Throttled))
    }
}

/// The last days of months that are over, newest first.
fn month_ends(ask: &Ask<'_>) -> impl Iterator<Item = Date> {
    let this_month = readings::today(ask).first_of_month();
    std::iter::successors(this_month.yesterday().ok(), |date| {
        date.first_of_month().yesterday().ok()
    })
}

fn interest_rates(ask: &Ask<'_>) -> Rows {
    let of = |date: Date| {
        SECURITIES.iter().map(move |(kind, name, level)| {
            let rate = readings::on(ask, name, (*level, 0.1), date);
            let row = json!({
                "record_date": date.to_string(), "security_type_desc": kind, "security_desc": name,
                "avg_interest_rate_amt": format!("{rate:.3}"),
            });
            (date, row)
        })
    };
    month_ends(ask)
        .take(DEPTH / SECURITIES.len())
        .flat_map(of)
        .collect()
}

/// Of business days up to yesterday.
fn debt(ask: &Ask<'_>) -> Rows {
    let days = readings::days_back(ask, 1)
        .skip(1)
        .filter(|date| is_trading_day(*date));
    days.take(DEPTH)
        .map(|date| {
            let total = readings::on(ask, "debt to the penny", (36.5e12, 0.01), date);
            let held = readings::on(ask, "intragovernmental holdings", (7.4e12, 0.01), date);
            let row = json!({
                "record_date": date.to_string(), "debt_held_public_amt": format!("{:.2}", total - held),
                "intragov_hold_amt": format!("{held:.2}"), "tot_pub_debt_out_amt": format!("{total:.2}"),
            });
            (date, row)
        })
        .collect()
}

/// Of the ends of quarters.
fn exchange_rates(ask: &Ask<'_>) -> Rows {
    let quarters = month_ends(ask)
        .filter(|date| date.month() % 3 == 0)
        .take(DEPTH / CURRENCIES.len());
    let of = |date: Date| {
        CURRENCIES.iter().map(move |(country, currency, level)| {
            let rate = readings::on(ask, country, (*level, 0.05), date);
            let row = json!({
                "record_date": date.to_string(), "country": country, "currency": currency,
                "country_currency_desc": format!("{country}-{currency}"), "exchange_rate": format!("{rate:.3}"),
                "effective_date": date.to_string(),
            });
            (date, row)
        })
    };
    quarters.flat_map(of).collect()
}

/// Filters, sorts and cuts as the query says.
fn page(ask: &Ask<'_>, mut rows: Rows) -> Outcome {
    for condition in ask
        .param("filter")
        .unwrap_or_default()
        .split(',')
        .filter(|text| !text.is_empty())
    {
        rows = filtered(rows, condition)?;
    }
    if ask.param("sort") != Some("-record_date") {
        rows.reverse();
    }
    let number = |name: &str, default: usize| {
        let asked = ask.param(name).and_then(|text| text.parse().ok());
        asked.unwrap_or(default).clamp(1, 10_000)
    };
    let (size, number) = (number("page[size]", 100), number("page[number]", 1));
    let total = rows.len();
    let shown: Vec<Value> = rows
        .into_iter()
        .skip(size * (number - 1))
        .take(size)
        .map(|(_, row)| row)
        .collect();
    let names: Vec<String> = shown
        .first()
        .and_then(Value::as_object)
        .map(|row| row.keys().cloned().collect())
        .unwrap_or_default();
    let labels: Map<String, Value> = names
        .iter()
        .map(|name| (name.clone(), json!(title(name))))
        .collect();
    Ok(Answer::json(
        200,
        &json!({
            "data": shown,
            "meta": {"count": shown.len(), "labels": labels, "total-count": total, "total-pages": total.div_ceil(size)},
            "links": {"self": format!("&page%5Bnumber%5D={number}&page%5Bsize%5D={size}")},
        }),
    ))
}

/// `field:operator:value`; texts are compared, which is right for dates.
fn filtered(rows: Rows, condition: &str) -> Result<Rows, Answer> {
    let bad = || {
        error(
            400,
            &format!("Invalid query parameter 'filter' with value '{condition}'."),
        )
    };
    let mut parts = condition.splitn(3, ':');
    let (Some(field), Some(operator), Some(value)) = (parts.next(), parts.next(), parts.next())
    else {
        return Err(bad());
    };
    if rows
        .first()
        .is_some_and(|(_, row)| row.get(field).is_none())
    {
        return Err(bad());
    }
    let wanted = value.trim_matches(['(', ')']);
    let keep = |row: &Value| {
        let own = row.get(field).and_then(Value::as_str).unwrap_or_default();
        match operator {
            "eq" => own == wanted,
            "in" => value
                .trim_matches(['(', ')'])
                .split(',')
                .any(|one| one == own),
            "gt" => own > wanted,
            "gte" => own >= wanted,
            "lt" => own < wanted,
            "lte" => own <= wanted,
            _ => false,
        }
    };
    Ok(rows.into_iter().filter(|(_, row)| keep(row)).collect())
}

/// `record_date` as `Record Date`.
fn title(name: &str) -> String {
    let words = name.split('_').map(|word| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect::<String>())
            .unwrap_or_default()
    });
    words.collect::<Vec<_>>().join(" ")
}
