//! The files that come with this crate.

use std::collections::BTreeMap;

use http::HeaderMap;

use super::*;
use crate::classify::{recorded::Recorded, rules::RulesError};

fn acme(class: &str, host: &str) -> Rules {
    let text = format!(
        "source: acme\naliases: [acme_inc]\nhosts: [{host:?}]\nrules:\n  - name: any\n    class: {class}\n    doc: test\n    when: {{ status: 200 }}\n"
    );
    Rules::parse(&text).unwrap()
}

fn asked(source: Option<&str>, host: &str) -> Recorded {
    Recorded {
        source: source.map(str::to_owned),
        host: host.to_owned(),
        status: Some(200),
        headers: HeaderMap::new(),
        ..Recorded::default()
    }
}

fn read_all() -> impl Iterator<Item = (&'static str, Result<Rules, RulesError>)> {
    FILES.iter().map(|(name, text)| (*name, Rules::parse(text)))
}

#[test]
fn every_built_in_file_is_well_formed() {
    let wrong = read_all().filter_map(|(name, read)| Some((name, read.err()?)));
    let wrong: Vec<String> = wrong
        .map(|(name, error)| format!("sources/{name}.yaml:\n{error}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_in_the_folder_is_built_in() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/classify/sources");
    let files = std::fs::read_dir(folder).unwrap().flatten();
    let files = files.filter_map(|file| file.file_name().into_string().ok());
    let missing: Vec<String> = files
        .filter_map(|file| file.strip_suffix(".yaml").map(str::to_owned))
        .filter(|file| !FILES.iter().any(|(name, _)| name == file))
        .collect();
    assert!(
        missing.is_empty(),
        "not in the list of sources.rs: {missing:?}"
    );
}

#[test]
fn no_name_or_host_belongs_to_two_built_in_sources() {
    let mut owners: BTreeMap<String, &str> = BTreeMap::new();
    for (file, read) in read_all() {
        let Ok(rules) = read else {
            continue; // another test says so
        };
        for name in rules.every_name() {
            let owner = owners.insert(name.clone(), file);
            assert_eq!(owner, None, "{name} is also of {file}");
        }
    }
}

#[test]
fn a_source_is_found_by_slug_then_other_name_then_host() {
    let sources = Sources::none().with(acme("blocked", "*.acme.example"));
    let is_found = |source, host| sources.find(&asked(source, host).exchange()).is_some();
    assert!(is_found(Some("acme"), ""));
    assert!(is_found(Some("acme_inc"), ""));
    assert!(is_found(None, "api.ACME.example"));
    assert!(is_found(Some("unheard_of"), "eu.api.acme.example"));
    assert!(!is_found(None, "acme.example"));
    assert!(!is_found(None, "notacme.example"));
    assert!(!is_found(Some("unheard_of"), ""));
}

#[test]
fn a_file_of_the_same_slug_replaces_the_one_before() {
    let sources = Sources::none()
        .with(acme("blocked", "a.example"))
        .with(acme("timeout", "b.example"));
    assert_eq!(sources.names().count(), 1);
    assert!(sources.find(&asked(None, "a.example").exchange()).is_none());
    assert!(sources.find(&asked(None, "b.example").exchange()).is_some());
}

#[test]
fn age_is_told_by_calendars_of_ones_own() {
    let text = "- name: never\n  zone: UTC\n  sessions:\n    - { days: [mon], open: \"09:00\", close: \"09:01\" }\n";
    let own = Calendars::built_in().with(text).unwrap();
    let rules =
        "source: acme\nfreshness:\n  - { json: /t, unit: s, max_age: 1h, calendar: never }\n";
    assert!(Rules::parse(rules).is_err());
    let rules = Rules::parse_with(rules, &own).unwrap();
    let sources = Sources::none().with(rules).with_calendars(own);
    let mut answer = asked(Some("acme"), "");
    answer.body = r#"{"t":1704207600}"#.into();
    let day_after = "2024-01-03T15:00:00Z".parse().unwrap();
    let rules = sources.find(&answer.exchange()).unwrap();
    assert_eq!(
        rules
            .on(answer.exchange())
            .stale(day_after, sources.calendars()),
        None
    );
    assert!(
        rules
            .on(answer.exchange())
            .stale(day_after, calendars())
            .is_some()
    );
}

#[test]
fn a_built_in_source_is_found_by_slug_other_name_and_host_as_among_all() {
    for (slug, host) in [
        ("fred", ""),
        ("fred_api", "127.0.0.1"),
        ("api_stlouisfed_org", "api.stlouisfed.org"),
        ("query1_finance_yahoo_com", "query1.finance.yahoo.com"),
        ("alpha", "127.0.0.1"),
        ("nobody", "127.0.0.1"),
    ] {
        let sources = Sources::built_in();
        let among_all = sources.named(Some(slug), host).map(|rules| rules.source());
        let found = rules_of(slug, host);
        assert_eq!(
            found.as_deref().map(Rules::source),
            among_all,
            "{slug} {host}"
        );
    }
    assert_eq!(edge().map(Rules::source), Some("edge"));
}
