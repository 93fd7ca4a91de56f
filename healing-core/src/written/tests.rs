//! Places, keys that stand twice, anchors, spans of time.

use proptest::prelude::*;

use super::*;

fn read_well(text: &str) -> Node {
    let mut mistakes = Mistakes::default();
    let node = read(text, &mut mistakes);
    assert!(mistakes.is_empty(), "{mistakes:?}");
    node.unwrap()
}

fn said(text: &str) -> Vec<String> {
    let mut mistakes = Mistakes::default();
    read(text, &mut mistakes);
    let all = mistakes.in_order();
    all.iter().map(ToString::to_string).collect()
}

#[test]
fn a_place_is_the_text_that_stands_there() {
    let text = "a: 1\nb: { č: [+049, \"x y\"] }\n";
    let file = read_well(text);
    let list = file.find("b").unwrap().find("č").unwrap();
    let written: Vec<_> = list
        .each()
        .iter()
        .map(|node| text.get(node.at.start..node.at.end).unwrap())
        .collect();
    assert_eq!(written, ["+049", "\"x y\""]);
    assert_eq!((list.each()[0].at.line, list.each()[0].at.column), (2, 10));
    let key = &file.entries()[1].0;
    assert_eq!(text.get(key.at.start..key.at.end), Some("b"));
}

#[test]
fn a_key_that_stands_twice_is_a_mistake_and_the_first_is_kept() {
    let text = "a: 1\nb: { x: 1, x: 2 }\na: 3\n";
    assert_eq!(
        said(text),
        [
            "line 2, column 12: the key \"x\" stands in line 2 already; keep one of them",
            "line 3, column 1: the key \"a\" stands in line 1 already; keep one of them",
        ]
    );
    let file = read("a: 1\na: 3\n", &mut Mistakes::default()).unwrap();
    assert_eq!(file.find("a").unwrap().number(), Some(1.0));
}

#[test]
fn anchors_and_merges_are_followed() {
    let file = read_well("base: &base { x: 1, y: 2 }\nown: { <<: *base, y: 3 }\nsame: *base\n");
    let own = file.find("own").unwrap();
    assert_eq!(own.find("x").unwrap().number(), Some(1.0));
    assert_eq!(own.find("y").unwrap().number(), Some(3.0));
    assert_eq!(
        file.find("same").unwrap().find("y").unwrap().number(),
        Some(2.0)
    );
}

#[test]
fn what_is_no_yaml_is_said_with_its_place() {
    for text in ["a: [1\nb: 2", "a: 'x", "a: *nobody", "a: b: c"] {
        let said = said(text);
        assert_eq!(said.len(), 1, "{text}: {said:?}");
        assert!(
            said[0].starts_with("line ") && said[0].contains("no YAML"),
            "{text}: {said:?}"
        );
    }
}

#[test]
fn a_deep_text_and_a_bomb_of_aliases_are_refused() {
    assert_eq!(said(&"[".repeat(10_000)).len(), 1);
    let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..12 {
        bomb += &format!(
            "a{n}: &a{n} [{}]\n",
            vec![format!("*a{}", n - 1); 10].join(", ")
        );
    }
    assert_eq!(said(&bomb).len(), 1);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,80}") {
        read(&text, &mut Mistakes::default());
    }

    #[test]
    fn a_span_is_read_as_it_is_written(millis in 0_u64..1_000_000_000_000) {
        let time = std::time::Duration::from_millis(millis);
        prop_assert_eq!(span(&span_text(time)), Some(time));
    }
}
