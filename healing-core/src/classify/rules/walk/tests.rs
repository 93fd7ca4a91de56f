//! What a walk over a body finds at the places that rules look at.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::classify::rules::pointer::{Pointer, Tree};

/// A plan with one look, whether something is there, for each pointer.
fn plan(pointers: &[String]) -> Plan {
    let mut tree = Tree::default();
    for (n, pointer) in pointers.iter().enumerate() {
        tree.look_at(&Pointer::parse(pointer).unwrap(), n);
    }
    Plan {
        automaton: tree.into_automaton().unwrap(),
        looks: vec![Look::There; pointers.len()],
    }
}

/// The same by the letter: whether a pointer leads anywhere in a tree.
fn leads(value: &Value, segments: &[&str]) -> bool {
    let Some((first, rest)) = segments.split_first() else {
        return true;
    };
    let below: Vec<&Value> = match value {
        Value::Object(map) if *first == "*" => map.values().collect(),
        Value::Object(map) => map.get(*first).into_iter().collect(),
        Value::Array(rows) if *first == "*" => rows.iter().collect(),
        Value::Array(rows) => {
            let row = first.parse::<usize>().ok();
            row.and_then(|row| rows.get(row)).into_iter().collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    below.into_iter().any(|value| leads(value, rest))
}

fn trees() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![Just(json!(null)), Just(json!(1)), Just(json!("x"))];
    leaf.prop_recursive(4, 40, 4, |below| {
        prop_oneof![
            proptest::collection::vec(below.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::btree_map("[ab01]", below, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn all_pointers_lead_where_each_alone_does(
        tree in trees(),
        pointers in proptest::collection::vec("(/(a|b|0|1|\\*)){0,4}", 1..8),
    ) {
        let found = plan(&pointers).walk(tree.to_string().as_bytes()).unwrap();
        for (n, pointer) in pointers.iter().enumerate() {
            let segments: Vec<&str> = pointer.split('/').skip(1).collect();
            prop_assert_eq!(found.bit(n), leads(&tree, &segments), "{} in {}", pointer, tree);
        }
    }
}
