//! What is said where there is no API.

use crate::{check, cli::ReportForm};

use super::*;

/// A source with a mount, and one with a route.
const SOURCES: &str =
    "sources:\n  one: { upstreams: [http://b], mount: /one }\n  two: { upstreams: [http://c] }\n";

/// What a start says of a text.
fn told(text: &str) -> String {
    let mut reading = of(text);
    reading.must_lead_somewhere();
    let report = check::of_config("healing.yaml", text, &reading, check::Strictness::Start);
    report.show(ReportForm::Text, false)
}

#[test]
fn sources_with_addresses_of_their_own_need_no_api() {
    let text = format!(
        "{SOURCES}routes:\n  - {{ match: /one/a }}\n  - {{ match: /b, source: two, floor: substitute, heal: [{{ fallback: {{ route: /one/a, same: {{ unit: USD }} }} }}] }}\n"
    );
    assert_eq!(
        told(&text),
        "healing.yaml: fine: 2 routes, 2 sources; no upstream is needed, served are /one, /b\n"
    );
    let with = format!("upstream: http://a\n{text}");
    assert_eq!(told(&with), "healing.yaml: fine: 2 routes, 2 sources\n");
}

#[test]
fn what_leads_nowhere_is_told_with_its_line_and_a_way_out() {
    let text = format!(
        "{SOURCES}  three: {{ match: [/three] }}\nroutes:\n  - match: /a\n  - {{ match: /b, source: one }}\n  - {{ match: /c, source: fred_api }}\n  - {{ match: /three/a, source: three }}\n  - match: /d\n    source: two\n    floor: substitute\n    heal:\n      - fallback: {{ route: /e, same: {{ unit: USD }} }}\n"
    );
    insta::assert_snapshot!(told(&text));
    // Whoever checks may give it an API at the start.
    let reading = of(&text);
    assert!(reading.mistakes.is_empty(), "{:?}", reading.mistakes);
    assert_eq!(reading.notes.len(), 5, "{:?}", reading.notes);
}
