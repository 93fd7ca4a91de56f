//! Values, defaults, and what stands over a file.

use std::time::Duration;

use healing_core::Fidelity;
use proptest::prelude::*;

use super::*;
use crate::config::{
    keys::CONFIG,
    shape::{Absent, Kind, Shape},
};
use crate::{check, places::Places};

/// The example file of the design, as it stands in the book.
const EXAMPLE: &str = include_str!("../../../../docs/src/examples/healing_config.yaml");
/// The specification's own file (its step 2), unchanged.
const SPECIFICATION: &str = include_str!("../../../../docs/src/examples/specification.yaml");

const KEYS: &[(&str, &str)] = &[
    ("FRED_KEY", "a"),
    ("FRED_KEY_2", "b"),
    ("HEALING_ADMIN_TOKEN", "c"),
];

#[test]
fn without_a_word_everything_has_its_default() {
    let config = good("upstream: http://127.0.0.1:5002\n");
    assert_eq!(config.listen, "127.0.0.1:8080".parse().unwrap());
    assert_eq!(config.admin.listen, Some("127.0.0.1:8888".parse().unwrap()));
    assert_eq!(
        (config.deadline, config.timeout),
        (Duration::from_secs(3), Duration::from_secs(10))
    );
    assert_eq!(
        (config.body.judge_up_to, config.cache.memory),
        (2 << 20, 128 << 20)
    );
    assert!(config.discover && config.routes.is_empty() && config.sources.is_empty());
    let route = &good("upstream: http://a\nroutes: [{ match: /a }]\n").routes[0];
    assert_eq!(
        (route.windows.degraded, route.windows.critical),
        (0.05, 0.2)
    );
    assert_eq!(
        (route.fresh_for, route.floor),
        (Duration::ZERO, Fidelity::Stale)
    );
}

#[test]
fn the_example_file_loads() {
    let reading = with(EXAMPLE, KEYS, &[]);
    assert!(
        reading.mistakes.is_empty() && reading.unfilled.is_empty(),
        "{:?}",
        reading.mistakes
    );
    let meant = reading.meant.unwrap();
    assert_eq!(meant.settings(&meant.places()).routes.len(), 4);
    let config = meant.config;
    assert_eq!((config.routes.len(), config.sources.len()), (4, 3));
    assert_eq!(
        config.sources["yahoo_finance"].mount.as_deref(),
        Some("/yahoo")
    );
    assert_eq!(meant.rules["my_vendor"].rule_count(), 3);
    assert_eq!(
        config.routes[0].floor_for_callers,
        Some(Fidelity::Substitute)
    );
    let allowed: Vec<&str> = config.routes[0]
        .heal
        .iter()
        .flatten()
        .map(|heal| &*heal.name)
        .collect();
    assert_eq!(
        allowed,
        [
            "exponential_backoff_retry",
            "alternate_endpoint",
            "hedged_request",
            "use_cached_data",
            "etf_proxy"
        ]
    );
}

#[test]
fn the_specifications_file_loads_and_its_endpoints_are_routes() {
    let reading = of(SPECIFICATION);
    assert!(reading.mistakes.is_empty(), "{:?}", reading.mistakes);
    let config = reading.meant.unwrap().config;
    assert_eq!(
        config.upstream.unwrap().to_string(),
        "http://localhost:5002"
    );
    let routes: Vec<_> = config
        .routes
        .iter()
        .map(|route| (&*route.r#match, route.source.as_deref(), route.timeout))
        .collect();
    let ten = Some(Duration::from_secs(10));
    assert_eq!(
        routes,
        [
            ("/api/yahoo/quote", Some("yahoo_finance"), ten),
            ("/api/fred/series", Some("fred_api"), ten),
        ]
    );
    let unfilled: Vec<u64> = reading
        .unfilled
        .iter()
        .map(|mistake| mistake.place.line)
        .collect();
    assert_eq!(unfilled, [30, 31]);
    let notes = format!("{:?}", reading.notes);
    for told in ["database", "alerts.email", "alerts.sms", "password"] {
        assert!(notes.contains(told), "{told} is not in {notes}");
    }
    assert!(!notes.contains("secure_password"));
}

#[test]
fn what_is_not_acted_on_yet_is_said_and_stands_in_the_book() {
    let file = "upstream: http://a
store: { url: \"postgres://a/b\" }
sources:
  vendor: {}
routes:
  - match: /api/vendor/quote
    source: vendor
";
    let reading = of(file);
    assert!(reading.mistakes.is_empty(), "{:?}", reading.mistakes);
    let page = include_str!("../../../../docs/src/configuration.md");
    let (_, pending) = page.split_once("## Not acted on yet").unwrap();
    let notes = reading.notes.iter().map(|note| &*note.message);
    let notes: Vec<&str> = notes.collect();
    let postgres = "store.url: a store in PostgreSQL is not acted on yet";
    assert!(notes.contains(&postgres), "{notes:?}");
    assert!(pending.contains("`store.url`"), "it is not in the book");
    assert_eq!(notes.len(), 1, "{notes:?}");
}

#[test]
fn what_is_probed_is_a_request_of_its_route_and_within_a_tenth_of_a_quota() {
    let file = "upstream: http://a
budget: { floor_per_s: 20 }
sources:
  few: { quota: [{ calls: 200, per: day }] }
routes:
  - { match: \"/few/{id}\", source: few, priority: low, probe: /few/1 }
  - { match: \"/many/{id}\", priority: high }
  - { match: \"/a/{id}?of=x\", priority: high, probe: /a/1?of=y }
";
    let reading = of(file);
    let said = |of: &[Mistake]| {
        let lines = of
            .iter()
            .map(|own| format!("{}: {}", own.place.line, own.message));
        lines.collect::<Vec<_>>()
    };
    assert_eq!(
        said(&reading.mistakes),
        [
            "2: budget: floor_per_s is 20; give calls a second from 0 to 10, such as 0.1",
            "8: probe: \"/a/1?of=y\" is no request of the route \"/a/{id}?of=x\"; name one that is",
        ]
    );
    let right = file.replace("of=y", "of=x").replace("20 }", "0.2 }");
    let reading = of(&right);
    assert!(reading.mistakes.is_empty(), "{:?}", reading.mistakes);
    assert_eq!(
        said(&reading.notes),
        [
            "6: priority: nothing is probed, for a tenth of its source's quota is one probe in 1h 12m",
            "7: priority: nothing is probed, for it is not known what the parameters of \"/many/{id}\" may be; name a request under `probe`, such as /api/quote/AAPL",
        ]
    );
    let meant = reading.meant.unwrap();
    let probes = meant.probes(&meant.places());
    let [probe] = &probes[..] else {
        panic!("{probes:?}");
    };
    assert_eq!(probe.route.template(), "/a/{id}?of=x");
    assert_eq!(
        (probe.uri.to_string(), probe.every.as_secs()),
        ("/a/1?of=x".to_owned(), 30)
    );
}

#[test]
fn the_interval_of_the_specification_is_that_of_the_high_priority() {
    let file = "monitoring:
  check_interval: 10
  endpoints:
    - { source: a, url: \"http://x/a\", priority: high }
    - { source: b, url: \"http://x/b?c=1\", priority: medium }
    - { source: c, url: \"http://x/c\" }
sources: { a: { quota: [{ calls: 5, per: 1m }] } }
";
    let reading = of(file);
    assert!(reading.mistakes.is_empty(), "{:?}", reading.mistakes);
    let meant = reading.meant.unwrap();
    let probes = meant.probes(&meant.places());
    let told: Vec<_> = probes
        .iter()
        .map(|probe| (probe.uri.to_string(), probe.every.as_secs()))
        .collect();
    // A tenth of five calls a minute is one in two minutes.
    assert_eq!(told, [("/a".to_owned(), 120), ("/b?c=1".to_owned(), 40)]);
}

#[test]
fn a_telephone_number_keeps_its_plus() {
    let node = of("upstream: http://a\nalerts: { sms: { recipients: [+1234567890] } }\n");
    assert!(node.mistakes.is_empty(), "{:?}", node.mistakes);
}

#[test]
fn flags_win_over_the_environment_and_that_over_the_file() {
    let file = "upstream: http://file\nlisten: 127.0.0.1:1\nroutes: [{ match: /a }]\n";
    let flags = [Flag {
        name: "--listen",
        path: &["listen"],
        value: "127.0.0.1:3".to_owned(),
    }];
    let variables = [
        ("HEALING_PROXY__LISTEN", "127.0.0.1:2"),
        ("HEALING_PROXY__CACHE__MEMORY", "1MiB"),
        ("HEALING_PROXY__ROUTES__0__FLOOR", "reduced"),
        ("HEALING_PROXY__ADMIN", "off"),
        ("HEALING_PROXY__STATE", "/somewhere"),
        ("HOME", "/root"),
    ];
    let reading = with(file, &variables, &flags);
    assert!(reading.mistakes.is_empty(), "{:?}", reading.mistakes);
    let config = reading.meant.unwrap().config;
    assert_eq!(config.listen.port(), 3);
    assert_eq!(config.upstream.unwrap().to_string(), "http://file");
    assert_eq!((config.cache.memory, config.admin.listen), (1 << 20, None));
    assert_eq!(config.routes[0].floor, Fidelity::Reduced);
}

#[test]
fn a_mistake_of_the_environment_or_a_flag_is_told_with_its_name() {
    let flags = [Flag {
        name: "--listen",
        path: &["listen"],
        value: "nowhere".to_owned(),
    }];
    let variables = [
        ("HEALING_PROXY__ROUTES__7__FLOOR", "stale"),
        ("HEALING_PROXY__CACHE__MEMRY", "1MiB"),
    ];
    let reading = with("upstream: http://a\nroutes: []\n", &variables, &flags);
    let report = check::of_config("healing.yaml", "", &reading, check::Strictness::Check);
    let shown = report.show(crate::cli::ReportForm::Text, false);
    for part in [
        "HEALING_PROXY__CACHE__MEMRY: unknown key of a map of cache \"memry\"; did you mean \"memory\"?",
        "HEALING_PROXY__ROUTES__7__FLOOR: there is no item 7",
        "--listen: listen: is \"nowhere\"; must be an address",
    ] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
}

#[test]
fn anchors_are_followed_and_one_item_stands_for_a_list() {
    let text = "upstream: http://a\nroutes:\n  - &first { match: /a, heal: use_cached_data }\n  - { <<: *first, match: /b }\n";
    let config = good(text);
    assert_eq!(
        config.routes[1].heal.as_ref().unwrap()[0].name,
        "use_cached_data"
    );
}

#[test]
fn an_empty_file_and_one_that_is_no_map_are_told_how_to_begin() {
    for text in ["", "# nothing\n", "- a\n", "text\n", "null"] {
        let said = said(text);
        assert!(
            said.len() == 1 && said[0].contains("upstream: http://127.0.0.1:5002"),
            "{text}: {said:?}"
        );
    }
}

#[test]
fn values_are_read_in_their_units() {
    let config = good(
        "upstream: http://a\ndeadline: 1500ms\ntimeout: 1m 30s\nbody: { memory: 1GiB, judge_up_to: 65536 }\nroutes: [{ match: /a, windows: { degraded: 2 % } }]\n",
    );
    assert_eq!(
        (config.deadline, config.timeout),
        (Duration::from_millis(1500), Duration::from_secs(90))
    );
    assert_eq!(
        (config.body.memory, config.body.judge_up_to),
        (1 << 30, 65_536)
    );
    assert!((config.routes[0].windows.degraded - 0.02).abs() < 1e-9);
}

/// Every key of a map and of those below it.
fn every_key(shape: &'static Shape, keys: &mut Vec<&'static shape::Key>) {
    for key in shape.keys {
        keys.push(key);
        below(&key.kind, keys);
    }
}

fn below(kind: &'static Kind, keys: &mut Vec<&'static shape::Key>) {
    match kind {
        Kind::Map(shape) | Kind::Short(_, shape) => every_key(shape, keys),
        Kind::Named(_, kind) | Kind::List(kind) | Kind::WordOr(_, kind) => below(kind, keys),
        Kind::Strategy => keys::OPTIONS_OF
            .iter()
            .for_each(|named| every_key(named.options, keys)),
        Kind::Bool
        | Kind::Whole(..)
        | Kind::Share
        | Kind::Amount
        | Kind::Number
        | Kind::Span
        | Kind::Seconds
        | Kind::Size
        | Kind::Origin
        | Kind::Template
        | Kind::Text(_)
        | Kind::Secret
        | Kind::Word(_)
        | Kind::Known(_)
        | Kind::Scalar
        | Kind::Rules => {}
    }
}

#[test]
fn every_key_is_in_the_schema_and_in_the_book() {
    let schema = schema().to_string();
    let page = include_str!("../../../../docs/src/configuration.md");
    let mut keys = Vec::new();
    every_key(&CONFIG, &mut keys);
    let names: std::collections::BTreeSet<&str> = keys.iter().map(|key| key.name).collect();
    let strategies = keys::OPTIONS_OF.iter().map(|named| named.name);
    for name in names.into_iter().chain(strategies) {
        assert!(
            schema.contains(&format!("{name:?}")),
            "{name} is not in the schema"
        );
        assert!(
            page.contains(&format!("`{name}`")),
            "{name} is not in the book"
        );
    }
}

#[test]
fn the_files_that_load_are_valid_by_the_schema_and_bad_ones_are_not() {
    let schema = jsonschema::validator_for(&schema()).unwrap();
    let json = |text: &str| json_of(&read(text, &mut Mistakes::default()).unwrap());
    for text in [EXAMPLE, SPECIFICATION, include_str!("../starting.yaml")] {
        let errors: Vec<_> = schema
            .iter_errors(&json(text))
            .map(|error| error.to_string())
            .collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
    for text in [
        "lisen: x",
        "deadline: 3",
        "routes: [{ floor: stale }]",
        "routes: [{ match: /a, heal: [x] }]",
    ] {
        assert!(!schema.is_valid(&json(text)), "{text}");
    }
}

/// A tree as JSON, as an editor sees it.
fn json_of(node: &Node) -> serde_json::Value {
    match &node.value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(bool) => (*bool).into(),
        Value::Number(number) if number.fract() == 0.0 => {
            serde_json::from_str(&format!("{number:.0}")).unwrap()
        }
        Value::Number(number) => (*number).into(),
        Value::Text(text) => text.as_str().into(),
        Value::List(items) => items.iter().map(json_of).collect(),
        Value::Map(entries) => entries
            .iter()
            .map(|(key, node)| (key.name.clone(), json_of(node)))
            .collect(),
    }
}

#[test]
fn what_is_shown_is_the_same_configuration_again() {
    for text in [
        EXAMPLE,
        SPECIFICATION,
        "upstream: http://a\nadmin: off\ndeadline: 1500ms\n",
    ] {
        let reading = with(text, KEYS, &[]);
        let meant = reading.meant.unwrap();
        // Rules are not shown, and the endpoints of the specification's file are routes by then.
        let shown = show(&meant, &reading.texts, false)
            .replace("rules: ...", "rules: []")
            .replace("freshness: ...", "freshness: []");
        assert!(
            !shown.contains("secure_password") && !shown.contains("YOUR_AUTH_TOKEN"),
            "{shown}"
        );
        let again = with(&shown, KEYS, &[]);
        assert!(
            again.mistakes.is_empty(),
            "{:?} of\n{shown}",
            again.mistakes
        );
        let told = Change::between(
            &meant,
            &again
                .meant
                .unwrap_or_else(|| panic!("{:?} of\n{shown}", again.mistakes)),
        );
        let told = told.to_string();
        let only = told.split("; ").all(|line| {
            line == "nothing is different"
                || line.starts_with("alerts")
                || line.starts_with("database")
                || line.starts_with("monitoring")
                || line.contains("rules")
        });
        assert!(only, "{told}\n{shown}");
    }
}

#[test]
fn every_value_is_shown_with_where_it_is_from() {
    let variables = [("HEALING_PROXY__TIMEOUT", "20s")];
    let flags = [Flag {
        name: "--listen",
        path: &["listen"],
        value: "127.0.0.1:3".to_owned(),
    }];
    let reading = with("upstream: http://a\ndeadline: 2s\n", &variables, &flags);
    let shown = show(&reading.meant.unwrap(), &reading.texts, true);
    for line in [
        "upstream: \"http://a\"  # healing.yaml:1",
        "deadline: 2s  # healing.yaml:2",
        "timeout: \"20s\"  # HEALING_PROXY__TIMEOUT",
        "listen: 127.0.0.1:3  # --listen",
        "discover: true  # default",
        "  memory: 128MiB  # default",
    ] {
        let line = line
            .replace("\"20s\"", "20s")
            .replace("\"http://a\"", "http://a");
        assert!(
            shown.lines().any(|shown| shown == line),
            "{line} is not in\n{shown}"
        );
    }
}

#[test]
fn routes_are_set_at_the_addresses_that_their_requests_go_to() {
    let text = "upstream: http://a\nsources:\n  one: { upstreams: [http://b, http://c], mount: /m }\n  two: { upstreams: [http://d] }\nroutes:\n  - { match: \"/m/x/{id}\", source: one }\n  - { match: /y, source: one }\n  - { match: \"/z?f=1\", source: two }\n";
    let meant = of(text).meant.unwrap();
    let shown = |places: &Places| -> Vec<String> {
        let settings = meant.settings(places);
        let routes = settings.routes.iter().map(|route| &route.pattern);
        routes
            .map(|pattern| {
                format!(
                    "{} at {:?}",
                    pattern.template().as_str(),
                    pattern.authorities()
                )
            })
            .collect()
    };
    assert_eq!(
        shown(&meant.places()),
        ["/x/{id} at [b, c]", "/y at []", "/z?f=1 at [d]"]
    );
    // Until the next start requests go where they went, whatever a new file says.
    let before = of("upstream: http://a\n").meant.unwrap().places();
    assert_eq!(
        shown(&before),
        ["/m/x/{id} at []", "/y at []", "/z?f=1 at []"]
    );
}

#[test]
fn changes_are_told_in_a_line_without_secrets() {
    let old = "upstream: http://a\nroutes:\n  - { match: /a, heal_for: 15m }\n  - { match: /b }\nalerts: { sms: { auth_token: one } }\n";
    let new = "upstream: http://b\nroutes:\n  - { match: /c }\n  - { match: /a, heal_for: 1h }\nalerts: { sms: { auth_token: two } }\n";
    let change = Change::between(&of(old).meant.unwrap(), &of(new).meant.unwrap()).to_string();
    for part in [
        "route /c is new",
        "route /b is gone",
        "routes /a.heal_for 900000 -> 3600000",
        "after a restart: upstream",
        "alerts.sms.auth_token is different",
    ] {
        assert!(change.contains(part), "{part} is not in {change}");
    }
    let same = Change::between(
        &of(old).meant.unwrap(),
        &of(&format!("# moved\n{old}")).meant.unwrap(),
    );
    assert_eq!(same.to_string(), "nothing is different");
}

#[test]
fn every_default_can_be_read() {
    let mut keys = Vec::new();
    every_key(&CONFIG, &mut keys);
    assert!(keys.len() > 100, "{}", keys.len());
    for key in keys {
        let Absent::Default(text) = key.absent else {
            continue;
        };
        let name = key.name;
        let shape: &'static Shape = Box::leak(Box::new(Shape {
            what: "test",
            keys: std::slice::from_ref(key),
        }));
        let mut mistakes = Mistakes::default();
        let node = read(&format!("{name}: {text}\n"), &mut mistakes).unwrap();
        let texts = Texts::of_file("", "");
        let calendars = Calendars::built_in();
        let mut reader = Reader {
            texts: &texts,
            calendars: &calendars,
            presets: &[],
            mistakes: &mut mistakes,
        };
        reader.map(&node, shape);
        assert!(mistakes.is_empty(), "{name}: {text}: {mistakes:?}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(upstream|listen|routes|sources|heal|:|-|\\{|\\}|\\[|\\]| |\n|a|/|&|\\*|1|'){0,60}") {
        let reading = of(&text);
        let report = check::of_config("f", &text, &reading, check::Strictness::Strict);
        report.show(crate::cli::ReportForm::Text, true);
    }

    #[test]
    fn no_damage_to_the_example_makes_it_panic(at in 0_usize..3000, with in "[ -~\n]{0,3}") {
        let mut text = EXAMPLE.to_owned();
        if text.is_char_boundary(at) {
            text.insert_str(at, &with);
        }
        let reading = of(&text);
        check::of_config("f", &text, &reading, check::Strictness::Check).show(crate::cli::ReportForm::Text, false);
    }
}
