//! Which moments are found in an answer.

use super::*;

fn newest_in(body: &str) -> Option<String> {
    let now = "2026-11-24T12:00:00Z".parse().unwrap();
    newest(body.as_bytes(), now).map(|moment| match moment {
        Moment::Day(day) => day.to_string(),
        Moment::At(at) => at.to_string(),
    })
}

#[test]
fn a_time_is_told_by_its_name_and_its_form() {
    let found =
        |body: &str, moment: &str| assert_eq!(newest_in(body).as_deref(), Some(moment), "{body}");
    found(
        r#"{"quote":{"price":1,"regularMarketTime":1795446000}}"#,
        "2026-11-23T15:00:00Z",
    );
    found(r#"{"results":{"t":1651179319000}}"#, "2022-04-28T20:55:19Z");
    found(r#"{"c":261.74,"t":1582641000}"#, "2020-02-25T14:30:00Z");
    found(
        r#"{"Global Quote":{"07. latest trading day":"2024-09-13"}}"#,
        "2024-09-13",
    );
    found(
        r#"{"Meta Data":{"3: Last Refreshed":"2017-12-20 10:45:00"}}"#,
        "2017-12-20T10:45:00Z",
    );
    found(
        r#"{"Series":{"2024-09-12":{"o":1},"2024-09-13":{"o":1}}}"#,
        "2024-09-13",
    );
    found(
        r#"{"observations":[{"date":"2024-09-12"},{"date":"2024-09-13"},{"date":"2024-09-11"}]}"#,
        "2024-09-13",
    );
    found(
        r#"{"timestamp":[1582641000,1582641060]}"#,
        "2020-02-25T14:31:00Z",
    );
    found(
        r#"{"Timestamp":"Fri Oct 14 00:00:00 UTC-04:00 2016"}"#,
        "2016-10-14T04:00:00Z",
    );
    found(
        r#"[{"publishedAt":"2025-02-08T14:00:00Z"}]"#,
        "2025-02-08T14:00:00Z",
    );
}

#[test]
fn what_tells_of_something_else_or_lies_ahead_is_none() {
    for body in [
        r#"{"firstTradeDate":345479400,"listDate":"1980-12-12","expirationDate":1734000000}"#,
        r#"{"observation_end":"9999-12-31","realtime_start":"2024-10-30"}"#,
        r#"{"volume":1582641000,"price":"2024-09-13"}"#,
        r#"{"currentTradingPeriod":{"regular":{"time":1582641000}}}"#,
        r#"{"time":"soon","date":"2031-01-01","t":12,"ts":null,"timezone":"2024-09-13"}"#,
        r#"{"date":"#,
        "date,close\n2024-09-13,1",
        "",
    ] {
        assert_eq!(newest_in(body), None, "{body}");
    }
}

#[test]
fn a_body_in_a_coding_is_read_and_a_long_one_is_not() {
    let now = "2026-11-24T12:00:00Z".parse().unwrap();
    let long = format!(
        r#"{{"date":"2024-09-13","x":"{}"}}"#,
        "a".repeat(LOOK_INTO_UP_TO)
    );
    assert_eq!(newest(long.as_bytes(), now), None);
    let chunks = Chunks::One(r#"{"date":"2024-09-13"}"#.into());
    assert!(newest_of(&HeaderMap::new(), &chunks, now).is_some());
}

proptest::proptest! {
    #[test]
    fn the_newest_of_rows_is_found_in_any_order(mut days in proptest::collection::vec(1_i64..9000, 1..40)) {
        let date = |days: i64| jiff::civil::date(2000, 1, 1) + jiff::Span::new().days(days);
        let rows: Vec<String> = days.iter().map(|n| format!(r#"{{"date":"{}"}}"#, date(*n))).collect();
        days.sort_unstable();
        let newest = days.last().map(|n| date(*n).to_string());
        proptest::prop_assert_eq!(newest_in(&format!("[{}]", rows.join(","))), newest);
    }

    #[test]
    fn no_bytes_make_it_panic(body: Vec<u8>, key in "[a-z0-9 ]{0,60}", value in "\\PC{0,60}") {
        let now = "2026-11-24T12:00:00Z".parse().unwrap();
        let _any = newest(&body, now);
        let _any = newest(serde_json::json!({ key: value }).to_string().as_bytes(), now);
    }
}

#[test]
fn a_table_is_read_in_the_columns_that_tell_a_time() {
    let now = "2026-11-24T12:00:00Z".parse().unwrap();
    let found = |text: &str| match newest_in_table(text.as_bytes(), now)? {
        Moment::Day(day) => Some(day.to_string()),
        Moment::At(at) => Some(at.to_string()),
    };
    let quote = "symbol,price,latestDay,previousClose\nAAA,1.5,2026-11-14,1.4\n";
    assert_eq!(found(quote).as_deref(), Some("2026-11-14"));
    let series = "Date,Close\n2026-11-20,1\n2026-11-23,2\n\"2026-11-24\",3\n";
    assert_eq!(found(series).as_deref(), Some("2026-11-23"));
    assert_eq!(found("name,expirationDate\nA,2026-11-20\n"), None);
    assert_eq!(found("2026-11-20"), None);
}
