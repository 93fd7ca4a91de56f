//! What keys are taken, and where they stand.

use super::*;

fn secrets(texts: &[&str]) -> Vec<Secret> {
    texts
        .iter()
        .map(|text| Secret::new((*text).to_owned()))
        .collect()
}

fn query() -> KeyPlace {
    KeyPlace::Query("api_key".to_owned())
}

#[track_caller]
fn refused(place: KeyPlace, texts: &[&str]) -> KeysError {
    Keys::new(place, secrets(texts)).unwrap_err()
}

#[test]
fn keys_that_cannot_be_used_are_named_by_number_and_never_shown() {
    let header = || KeyPlace::Header(HeaderName::from_static("x-api-key"));
    for (error, expected) in [
        (refused(query(), &["a", " \n"]), KeysError::Empty(2)),
        (refused(query(), &["a", "b", "a"]), KeysError::Twice(1, 3)),
        (refused(header(), &["canary\ncanary"]), KeysError::Unfit(1)),
        (
            refused(query(), &[&"canary".repeat(1000)]),
            KeysError::Long(1),
        ),
        (refused(query(), &[""; 65]), KeysError::TooMany(65)),
        (
            refused(KeyPlace::Query("a=b".to_owned()), &[]),
            KeysError::Name("a=b".to_owned()),
        ),
    ] {
        assert_eq!(error, expected);
        assert!(!error.to_string().contains("canary"), "{error}");
    }
}

#[test]
fn a_key_is_nowhere_in_what_is_printed_of_keys() {
    let keys = Keys::new(query(), secrets(&["canary\n"])).unwrap();
    assert!(!format!("{keys:?}").contains("canary"), "{keys:?}");
}

#[track_caller]
fn filled(place: &KeyPlace, uri: &str) -> Request<()> {
    let mut request = Request::get(uri).body(()).unwrap();
    place.fill(&Secret::new("a b&c-d_e".to_owned()), &mut request);
    request
}

#[test]
fn a_key_is_put_where_the_source_wants_it() {
    for (uri, expected) in [
        (
            "http://fred.test/series?id=A",
            "http://fred.test/series?id=A&api_key=a%20b%26c-d_e",
        ),
        (
            "http://fred.test/series",
            "http://fred.test/series?api_key=a%20b%26c-d_e",
        ),
        (
            "http://fred.test/series?",
            "http://fred.test/series?api_key=a%20b%26c-d_e",
        ),
        ("/series?id=A", "/series?id=A&api_key=a%20b%26c-d_e"),
    ] {
        assert_eq!(filled(&query(), uri).uri(), expected);
    }
    let place = KeyPlace::Header(HeaderName::from_static("x-api-key"));
    let request = filled(&place, "/series");
    let value = &request.headers()["x-api-key"];
    assert!(value == "a b&c-d_e" && value.is_sensitive(), "{value:?}");
}

#[test]
fn a_request_with_a_key_of_its_caller_gets_none_of_ours() {
    let keys = Keys::new(query(), secrets(&["ours"])).unwrap();
    let none = HeaderMap::new();
    for (uri, ours) in [
        ("/series?id=A", true),
        ("/series?API_KEY=x", true),
        ("/series?my_api_key=x", true),
        ("/series?api_key=theirs", false),
        ("/series?api_key", false),
        ("/series?id=A&api%5Fkey=theirs", false),
    ] {
        assert_eq!(keys.are_for(&uri.parse().unwrap(), &none), ours, "{uri}");
    }
}

#[test]
fn keys_for_some_addresses_go_nowhere_else() {
    let keys = Keys::new(query(), secrets(&["ours"])).unwrap();
    let keys = keys.only_to(["fred.test".parse().unwrap()]);
    let none = HeaderMap::new();
    for (uri, ours) in [
        ("http://fred.test/series", true),
        ("http://FRED.test/series", true),
        ("http://other.test/series", false),
        ("http://fred.test@other.test/series", false),
        ("http://fred.test:81/series", false),
        ("/series", false),
    ] {
        assert_eq!(keys.are_for(&uri.parse().unwrap(), &none), ours, "{uri}");
    }
}

#[test]
fn a_key_is_masked_wherever_it_stands_and_a_word_is_not() {
    let key = Secret::new("0123456789ab/d".to_owned());
    let masked = |text: &str| {
        key.masked(text.as_bytes())
            .map(|text| String::from_utf8(text).unwrap())
    };
    assert_eq!(
        masked("a=0123456789ab/d&b=1"),
        Some("a=**************&b=1".to_owned())
    );
    assert_eq!(
        masked("0123456789ab%2Fd 0123456789ab/d"),
        Some("**************** **************".to_owned())
    );
    assert_eq!(masked("0123456789ab"), None);
    assert_eq!(Secret::new("demo".to_owned()).masked(b"demographics"), None);
}
