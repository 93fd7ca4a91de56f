//! A healthy body that keeps its promise is judged without a single allocation.

use allocation_counter::measure;

use super::{in_pieces, json, promise_of};

/// Rows of a table. Those of a later answer have other values.
fn table(bytes: usize, later: bool) -> String {
    let value = if later { "118.2500" } else { "4.01" };
    let row = format!(r#"{{"date":"2026-01-02","value":{value},"note":"a b","flag":null}}"#);
    format!(r#"{{"rows":[{}]}}"#, vec![row; bytes / 60].join(","))
}

/// A chart's columns of numbers.
fn chart(bytes: usize, later: bool) -> String {
    let value = if later { "267.123456" } else { "-0.5" };
    let column = vec![value; bytes / 24].join(", ");
    format!(
        r#"{{"chart":{{"result":[{{"meta":{{"symbol":"AAPL"}},"open":[{column}],"close":[{column}]}}]}}}}"#
    )
}

/// One object with escapes in its keys and its values.
fn quote(bytes: usize, later: bool) -> String {
    let value = if later {
        "new \\u00e4 \\\"x\\\""
    } else {
        "\\n"
    };
    let fields: Vec<String> = (0..bytes.min(1200) / 24)
        .map(|n| format!(r#""k\u00e4{n}":"{value}""#))
        .collect();
    format!(r#"{{"quote":{{{}}}}}"#, fields.join(","))
}

#[test]
fn a_healthy_body_of_the_promised_shape_allocates_nothing() {
    let head = json();
    for (name, write) in [
        ("table", table as fn(usize, bool) -> String),
        ("chart", chart),
        ("quote", quote),
    ] {
        for bytes in [1024, 64 * 1024] {
            let mut promise = promise_of(&write(bytes, false));
            let later = write(bytes, true);
            for size in [later.len(), 1000, 16 * 1024] {
                let body = in_pieces(&later, size);
                // The first body in pieces makes the thread's room for them.
                promise.judge_body(&head, &body).expect("a good answer");
                let judged = measure(|| {
                    promise.judge_body(&head, &body).expect("a good answer");
                });
                assert_eq!(judged.count_total, 0, "{name}, {bytes} bytes by {size}");
            }
        }
    }
}
