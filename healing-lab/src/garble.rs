//! Spoiling the values of a sound JSON body while it stays well-formed, or nearly.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::answer::json_bytes;
use crate::fault::Garble;

/// A number no lab price has, replaced in the text by what JSON cannot write.
const MARK: f64 = -987_654_321.25;
const MARK_TEXT: &str = "-987654321.25";
const SHORT_PRICES: [&str; 7] = ["o", "h", "l", "c", "p", "vw", "value"];

/// The body spoilt. One that is not JSON is only ever cut.
pub(crate) fn garble(body: &Bytes, how: Garble) -> Bytes {
    if how == Garble::Cut {
        return body.slice(..body.len() / 2);
    }
    let Ok(mut value) = serde_json::from_slice::<Value>(body) else {
        return body.clone();
    };
    match how {
        Garble::Cut => {}
        Garble::Currency => currency(&mut value),
        Garble::Hundredfold => prices(&mut value, &|price| json!(price * 100.0)),
        Garble::Missing => lists(&mut value, &|list| {
            let mut place = 0;
            list.retain(|_| {
                place += 1;
                place % 3 != 2
            });
        }),
        Garble::NotNumbers => prices(&mut value, &|_| json!(MARK)),
        Garble::Null => prices(&mut value, &|_| Value::Null),
        Garble::Renamed => rename(&mut value),
        Garble::Reversed => lists(&mut value, &|list| list.reverse()),
        Garble::Zero => prices(&mut value, &|_| json!(0.0)),
    }
    let spoilt = json_bytes(&value);
    if how != Garble::NotNumbers {
        return spoilt;
    }
    let text = String::from_utf8_lossy(&spoilt)
        .replacen(MARK_TEXT, "1e999", 1)
        .replace(MARK_TEXT, "NaN");
    Bytes::from(text)
}

/// Whether values under this key are prices, in the words of any of the sources.
fn is_price(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let word = key.rsplit([' ', '.']).next().unwrap_or(&key);
    let named = ["price", "open", "high", "low", "close", "rate"]
        .iter()
        .any(|part| word.contains(part));
    (named && !word.contains("hint") && !word.contains("time")) || SHORT_PRICES.contains(&word)
}

fn prices(value: &mut Value, change: &dyn Fn(f64) -> Value) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                if is_price(key) {
                    leaves(field, change);
                } else {
                    prices(field, change);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| prices(item, change)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Numbers, and texts that are numbers, below a price's key.
fn leaves(value: &mut Value, change: &dyn Fn(f64) -> Value) {
    match value {
        Value::Number(number) => *value = change(number.as_f64().unwrap_or_default()),
        Value::String(text) => {
            if let Ok(number) = text.parse() {
                let changed = change(number);
                *value = if changed.is_null() {
                    changed
                } else {
                    Value::String(changed.to_string())
                };
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| leaves(item, change)),
        Value::Object(_) => prices(value, change),
        Value::Null | Value::Bool(_) => {}
    }
}

fn lists(value: &mut Value, change: &dyn Fn(&mut Vec<Value>)) {
    match value {
        Value::Object(fields) => fields.values_mut().for_each(|field| lists(field, change)),
        Value::Array(items) => {
            change(items);
            items.iter_mut().for_each(|item| lists(item, change));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn rename(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let old = std::mem::take(fields);
            for (key, mut field) in old {
                rename(&mut field);
                let key = if is_price(&key) {
                    format!("{key}Value")
                } else {
                    key
                };
                fields.insert(key, field);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(rename),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn currency(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields {
                if key.eq_ignore_ascii_case("currency") && field.is_string() {
                    *field = json!("GBp");
                } else {
                    currency(field);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(currency),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{Garble, garble, is_price};
    use bytes::Bytes;

    const BODY: &str = r#"{"currency":"USD","n":[1,2,3,4],"quote":{"close":[1.5,2.5],"regularMarketPrice":10.0,"volume":7},"value":"4.2"}"#;

    #[track_caller]
    fn check(how: Garble, expected: &str) {
        let spoilt = garble(&Bytes::from_static(BODY.as_bytes()), how);
        assert_eq!(std::str::from_utf8(&spoilt).unwrap(), expected);
    }

    #[test]
    fn each_way_changes_what_it_says_and_nothing_else() {
        check(
            Garble::Zero,
            r#"{"currency":"USD","n":[1,2,3,4],"quote":{"close":[0.0,0.0],"regularMarketPrice":0.0,"volume":7},"value":"0.0"}"#,
        );
        check(
            Garble::Hundredfold,
            r#"{"currency":"USD","n":[1,2,3,4],"quote":{"close":[150.0,250.0],"regularMarketPrice":1000.0,"volume":7},"value":"420.0"}"#,
        );
        check(
            Garble::Null,
            r#"{"currency":"USD","n":[1,2,3,4],"quote":{"close":[null,null],"regularMarketPrice":null,"volume":7},"value":null}"#,
        );
        check(
            Garble::NotNumbers,
            r#"{"currency":"USD","n":[1,2,3,4],"quote":{"close":[1e999,NaN],"regularMarketPrice":NaN,"volume":7},"value":"NaN"}"#,
        );
        check(
            Garble::Reversed,
            r#"{"currency":"USD","n":[4,3,2,1],"quote":{"close":[2.5,1.5],"regularMarketPrice":10.0,"volume":7},"value":"4.2"}"#,
        );
        check(
            Garble::Missing,
            r#"{"currency":"USD","n":[1,3,4],"quote":{"close":[1.5],"regularMarketPrice":10.0,"volume":7},"value":"4.2"}"#,
        );
        check(
            Garble::Renamed,
            r#"{"currency":"USD","n":[1,2,3,4],"quote":{"closeValue":[1.5,2.5],"regularMarketPriceValue":10.0,"volume":7},"valueValue":"4.2"}"#,
        );
        check(Garble::Currency, &BODY.replace("USD", "GBp"));
        check(Garble::Cut, BODY.get(..BODY.len() / 2).unwrap());
    }

    #[test]
    fn prices_are_known_in_the_words_of_every_source() {
        for key in [
            "regularMarketPrice",
            "4. close",
            "05. price",
            "5. Exchange Rate",
            "c",
            "vw",
            "value",
            "adjclose",
        ] {
            assert!(is_price(key), "{key}");
        }
        for key in [
            "priceHint",
            "regularMarketTime",
            "t",
            "5. volume",
            "07. latest trading day",
            "symbol",
        ] {
            assert!(!is_price(key), "{key}");
        }
    }
}
