//! What is newest of an answer, and when that is too old.

use crate::{
    FaultClass,
    classify::{finding::Finding, recorded::Recorded, rules::Rules, sources},
};

fn answer(status: u16, body: &str) -> Recorded {
    Recorded {
        status: Some(status),
        body: body.to_owned().into(),
        ..Recorded::default()
    }
}

fn stale(freshness: &str, body: &str, now: &str) -> Option<Finding> {
    let text = format!("source: a\nfreshness:\n  - {freshness}\n");
    let now = now.parse().unwrap();
    Rules::parse(&text)
        .unwrap()
        .on(answer(200, body).exchange())
        .stale(now, sources::calendars())
}

#[test]
fn age_is_of_the_newest_match() {
    let hour = "{ json: '/rows/*/t', unit: s, max_age: 1h }";
    let body = r#"{"rows":[{"t":1704200000},{"t":"1704207600"},{"t":0}]}"#; // 15:00
    assert_eq!(stale(hour, body, "2024-01-02T15:59:59Z"), None);
    let found = stale(hour, body, "2024-01-02T16:00:01Z").unwrap();
    assert_eq!(found.class, Some(FaultClass::StaleData));
    assert_eq!(
        (&*found.rule, &*found.evidence),
        ("a/freshness", "/rows/*/t is 2024-01-02T15:00:00Z")
    );
    assert_eq!(
        stale(hour, r#"{"rows":[{"t":0}]}"#, "2024-01-02T16:00:01Z"),
        None
    );
}

#[test]
fn age_is_read_in_the_zone_of_the_source() {
    let ten = "{ json: /t, unit: datetime, zone: America/New_York, max_age: 10m }";
    let body = r#"{"t":"2024-01-02 10:00:00"}"#;
    assert_eq!(stale(ten, body, "2024-01-02T15:09:00Z"), None);
    assert!(stale(ten, body, "2024-01-02T15:11:00Z").is_some());
    let with_offset = r#"{"t":"2024-01-02T15:00:00Z"}"#;
    assert!(stale(ten, with_offset, "2024-01-02T15:11:00Z").is_some());
    assert_eq!(stale(ten, with_offset, "2024-01-02T15:09:00Z"), None);
}

#[test]
fn age_of_a_day_is_counted_in_sessions() {
    let one = "{ csv: Date, unit: date, sessions: 1, calendar: us_equities }";
    let body = "Date,Close\r\n2024-01-04,1\r\n2024-01-05,\"1,5\"\r\n"; // a Friday
    assert_eq!(stale(one, body, "2024-01-08T22:00:00Z"), None);
    assert!(stale(one, body, "2024-01-09T22:00:00Z").is_some());
    assert_eq!(
        stale(one, "Day\n2024-01-05\n", "2024-01-09T22:00:00Z"),
        None
    );
}

#[test]
fn the_first_age_that_finds_its_field_decides() {
    let text = concat!(
        "source: a\nfreshness:\n",
        "  - { when: { path: /other/ }, json: /t, unit: s, max_age: 1s }\n",
        "  - { json: /missing, unit: s, max_age: 1s }\n",
        "  - { json: /t, unit: s, max_age: 1h }\n",
        "  - { json: /t, unit: s, max_age: 1s }\n",
    );
    let now = "2024-01-02T15:30:00Z".parse().unwrap();
    let rules = Rules::parse(text).unwrap();
    let recorded = answer(200, r#"{"t":1704207600}"#);
    let found = rules
        .on(recorded.exchange())
        .stale(now, sources::calendars());
    assert_eq!(found, None);
}
