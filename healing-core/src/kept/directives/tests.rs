//! How the directives are read.

use super::*;

fn said(values: &[&str]) -> Directives {
    let mut headers = HeaderMap::new();
    for value in values {
        headers.append(header::CACHE_CONTROL, value.parse().unwrap());
    }
    Directives::of_answer(&headers)
}

fn targeted(value: &str) -> Directives {
    let mut headers = HeaderMap::new();
    headers.append(CDN_CACHE_CONTROL, value.parse().unwrap());
    headers.append(header::CACHE_CONTROL, "no-store".parse().unwrap());
    Directives::of_answer(&headers)
}

fn seconds(said: &Directives) -> Option<u64> {
    said.max_age.map(|time| time.as_secs())
}

#[test]
fn a_time_is_digits_and_anything_else_is_none() {
    for (value, expected) in [
        ("max-age=3600", Some(3600)),
        ("MaX-aGe=003600", Some(3600)),
        ("max-age=\"3600\"", Some(3600)),
        ("max-age=99999999999999999999999", Some(1 << 31)),
        ("max-age=-1", Some(0)),
        ("max-age=3600.0", Some(0)),
        ("max-age='3600'", Some(0)),
        ("max-age", Some(0)),
        ("max-age =3600", None),
        ("x=\"max-age=3600\"", None),
        ("x=\"a\\\", max-age=3600\", max-age=1", Some(1)),
        ("max-age=10, max-age=1", Some(1)),
    ] {
        assert_eq!(seconds(&said(&[value])), expected, "{value}");
    }
}

#[test]
fn words_are_read_in_any_case_and_on_any_line() {
    let all = said(&["public", "No-CaChE=\"set-cookie\", PRIVATE"]);
    assert!(all.says(Word::Public) && all.says(Word::NoCache) && all.says(Word::Private));
    assert!(!all.says(Word::NoStore));
}

#[test]
fn a_targeted_field_stands_in_for_the_others_only_where_it_is_whole() {
    let good = targeted("max-age=10000, foobar");
    assert!(good.is_targeted && !good.says(Word::NoStore));
    assert_eq!(seconds(&good), Some(10_000));
    for broken in [
        "max-age=10000, &&&",
        "max-age=\"10000\"",
        "max-age=(1 2)",
        "max-age=1.5",
        "",
    ] {
        assert!(targeted(broken).says(Word::NoStore), "{broken}");
    }
}

#[test]
fn the_old_pragma_counts_only_where_nothing_newer_is_said() {
    let mut headers = HeaderMap::new();
    headers.insert(header::PRAGMA, "no-cache".parse().unwrap());
    assert!(Directives::of_request(&headers).says(Word::NoCache));
    headers.insert(header::CACHE_CONTROL, "max-age=5".parse().unwrap());
    assert!(!Directives::of_request(&headers).says(Word::NoCache));
}
