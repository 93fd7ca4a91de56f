//! What becomes a template, and what never does.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::*;

#[derive(Debug)]
struct Seen(String, AtomicU64);

impl Found for Seen {
    fn likeness(&self) -> u64 {
        self.1.load(Relaxed)
    }
}

fn seen(template: &str, likeness: u64) -> Arc<Seen> {
    Arc::new(Seen(template.to_owned(), AtomicU64::new(likeness)))
}

fn discovery() -> Discovery<Seen> {
    Discovery::new(seen("other", 0))
}

#[track_caller]
fn check(discovery: &Discovery<Seen>, likeness: u64, uri: &str, template: &str) {
    let route = discovery.route(&uri.parse().unwrap(), |template| seen(template, likeness));
    assert_eq!(route.0, template, "{uri}");
}

#[test]
fn segments_are_parameters_by_their_form() {
    let discovery = discovery();
    check(&discovery, 0, "/", "/");
    check(
        &discovery,
        0,
        "/api/yahoo/quote/AAPL",
        "/api/yahoo/quote/{symbol}",
    );
    check(
        &discovery,
        0,
        "/api/yahoo/quote/BRK.B?x=1",
        "/api/yahoo/quote/{symbol}",
    );
    check(
        &discovery,
        0,
        "/v8/finance/chart/^GSPC",
        "/v8/finance/chart/{symbol}",
    );
    check(
        &discovery,
        0,
        "/orders/123/2026-11-22",
        "/orders/{number}/{date}",
    );
    check(
        &discovery,
        0,
        "/users/0193f2c4-7b1e-7c3a-9d52-3f0a6c1e8b77",
        "/users/{id}",
    );
    check(&discovery, 0, "/k/s3cr3t-canary-77aa", "/k/{value}");
}

#[test]
fn eight_like_siblings_are_one_parameter_and_unlike_ones_are_not() {
    let discovery = discovery();
    let names = [
        "gdp", "unrate", "cpi", "m2", "walcl", "icsa", "payems", "fedfunds",
    ];
    for name in names {
        check(
            &discovery,
            7,
            &format!("/series/{name}"),
            &format!("/series/{name}"),
        );
    }
    check(&discovery, 7, "/series/houst", "/series/{value}");
    check(&discovery, 7, "/series/gdp", "/series/{value}");
    for (likeness, name) in (1_u64..).zip(names) {
        check(
            &discovery,
            likeness,
            &format!("/api/{name}"),
            &format!("/api/{name}"),
        );
    }
    check(&discovery, 99, "/api/other", "/api/other");
}

#[test]
fn a_function_belongs_to_the_template() {
    let discovery = discovery();
    check(
        &discovery,
        0,
        "/query?function=GLOBAL_QUOTE&symbol=IBM",
        "/query?function=GLOBAL_QUOTE",
    );
    check(
        &discovery,
        0,
        "/query?function=NEWS&symbol=IBM",
        "/query?function=NEWS",
    );
    check(&discovery, 0, "/query?function=s3cret!", "/query");
}

#[test]
fn there_are_never_more_templates_than_the_bound() {
    let discovery = discovery();
    let letters = |n: usize| -> String {
        n.to_string()
            .bytes()
            .map(|b| char::from(b - b'0' + b'a'))
            .collect()
    };
    for n in 0..MAX_TEMPLATES {
        let path = format!("/p/{}/end", letters(n));
        check(&discovery, 0, &path, &path);
    }
    check(&discovery, 0, "/p/zzz/end", "other");
    assert_eq!(discovery.all().len(), MAX_TEMPLATES + 1);
}

#[test]
fn the_source_is_the_first_telling_segment() {
    for (path, source) in [
        ("/api/yahoo/quote/AAPL", "yahoo"),
        ("/api/v1/fred/series", "fred"),
        ("/v8/finance/chart/AAPL", "finance"),
        ("/", "root"),
        ("/api", "root"),
        ("/123/x", "root"),
    ] {
        assert_eq!(source_of(path).as_str(), source, "{path}");
    }
}

proptest::proptest! {
    #[test]
    fn no_path_makes_it_panic_and_the_same_path_has_the_same_route(path in "(/[a-zA-Z0-9%.~-]{0,12}){0,16}") {
        let discovery = discovery();
        let uri: Uri = if path.is_empty() { "/".parse().unwrap() } else { path.parse().unwrap() };
        let first = discovery.route(&uri, |template| seen(template, 0));
        let again = discovery.route(&uri, |_| panic!("it is known"));
        proptest::prop_assert!(Arc::ptr_eq(&first, &again));
    }
}
