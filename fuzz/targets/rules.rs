//! The reader of rules: any text is rules or a list of mistakes, and rules that were read can judge.
#![no_main]

use healing_core::classify::{Recorded, Rules, Sources, judge};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match text.parse::<Rules>() {
        Ok(rules) => {
            let recorded = Recorded {
                source: Some(rules.source().to_owned()),
                method: "GET".to_owned(),
                host: "api.example".to_owned(),
                target: "/v1/prices?symbol=AAPL".to_owned(),
                status: Some(200),
                body: r#"{"note":"500 calls per day","rows":[{"t":"2026-11-20","v":1.5}]}"#.into(),
                ..Recorded::default()
            };
            let _verdict = judge(&recorded, &Sources::none().with(rules));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
