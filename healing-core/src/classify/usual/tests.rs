//! What routes learn of their answers, and what they write down.

use http::{Response, header};
use proptest::prelude::*;

use super::*;
use crate::classify::shape::{self, Content};

fn shape_of(text: &str) -> Shape {
    let head = Response::builder().header(header::CONTENT_TYPE, "application/json");
    let head = head.body(()).unwrap().into_parts().0;
    match shape::look(&head, &Chunks::One(text.to_owned().into()), None) {
        Content::Seen(seen) => seen.shape(),
        other @ (Content::Empty | Content::Cut | Content::NotJson(_)) => panic!("{other:?}"),
    }
}

fn after(texts: &[&str]) -> Usual {
    let known = texts.iter().fold(None, |known: Option<Usual>, text| {
        match Usual::learn(known.as_ref(), &shape_of(text)) {
            Learned::More(usual) | Learned::Changed(usual) => Some(usual),
            Learned::Nothing => known,
        }
    });
    known.unwrap()
}

const ROWS: &str = r#"{"count":1,"rows":[{"v":1}]}"#;
const MORE: &str = r#"{"count":1,"rows":[{"v":1,"w":2}],"next":"x"}"#;
const NONE: &str = r#"{"count":0,"rows":[]}"#;

#[test]
fn three_urls_that_are_alike_are_known_and_have_all_that_any_has() {
    assert!(!after(&[ROWS, MORE]).is_known());
    let usual = after(&[ROWS, MORE, ROWS]);
    assert!(usual.is_known() && !usual.is_empty_at_times());
    assert_eq!(usual.shape(), &shape_of(ROWS).joined(&shape_of(MORE)));
}

#[test]
fn answers_without_rows_are_learned_before_and_after_those_with_rows() {
    for texts in [[NONE, ROWS, ROWS], [ROWS, NONE, ROWS], [ROWS, MORE, NONE]] {
        let usual = after(&texts);
        assert!(usual.is_known() && usual.is_empty_at_times(), "{texts:?}");
        assert!(shape_of(ROWS).is_like(usual.shape()), "{texts:?}");
    }
}

#[test]
fn answers_that_are_keyed_by_what_was_asked_expect_nothing() {
    let coin = |name: &str| format!(r#"{{"{name}":{{"usd":1.5}}}}"#);
    let coins = ["bitcoin", "ethereum", "solana", "cardano"].map(coin);
    let coins: Vec<&str> = coins.iter().map(String::as_str).collect();
    assert!(!after(&coins).is_known());
}

#[test]
fn a_change_of_what_is_known_begins_anew() {
    let known = after(&[ROWS, ROWS, ROWS]);
    let other = shape_of(r#"{"data":{"items":[{"x":1}]}}"#);
    let Learned::Changed(new) = Usual::learn(Some(&known), &other) else {
        panic!("a change");
    };
    assert!(!new.is_known());
    assert_eq!(
        Usual::learn(Some(&known), &shape_of(ROWS)),
        Learned::Nothing
    );
}

#[test]
fn what_is_written_down_is_read_again_and_nothing_else_is() {
    let usual = after(&[ROWS, NONE, MORE]);
    let text = usual.written(&[]);
    assert_eq!(Usual::read(&text), Ok((usual, Vec::new())));
    assert!(!text.contains("rows") && !text.contains("count"), "{text}");
    let other = text.replacen("\"scheme\":", "\"scheme\":1", 1);
    assert!(matches!(
        Usual::read(&other),
        Err(UsualError::OtherScheme | UsualError::Broken)
    ));
    let beyond = text.replacen("\"data\":", "\"data\":9", 1);
    assert_eq!(Usual::read(&beyond), Err(UsualError::Broken));
    assert_eq!(Usual::read("{}"), Err(UsualError::Broken));
}

proptest! {
    #[test]
    fn no_text_makes_reading_panic(text: String) {
        let _read = Usual::read(&text);
    }
}
