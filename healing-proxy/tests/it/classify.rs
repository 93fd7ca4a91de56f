//! What `classify` says of recorded exchanges and `check` of files of rules: forms of input, order, exit codes, flaws that
//! are named without being shown, labels, rules of one's own.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;

/// What a run of the program came to.
#[derive(Debug)]
struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

fn program(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_healing-proxy"));
    command
        .args(args)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn run(args: &[&str], stdin: &str) -> Ran {
    let mut child = program(args).spawn().expect("the program");
    let mut pipe = child.stdin.take().expect("its stdin");
    // Fails where it ends without reading.
    let _sent = pipe.write_all(stdin.as_bytes());
    drop(pipe);
    let ended = child.wait_with_output().expect("its end");
    Ran {
        code: ended.status.code(),
        out: String::from_utf8(ended.stdout).expect("UTF-8"),
        err: String::from_utf8(ended.stderr).expect("UTF-8"),
    }
}

/// A folder with one file in it, and the file's path.
fn file(name: &str, text: &str) -> (TempDir, String) {
    let folder = TempDir::new().expect("a folder");
    let path: PathBuf = folder.path().join(name);
    fs::write(&path, text).expect("a file");
    let path = path.to_str().expect("UTF-8").to_owned();
    (folder, path)
}

fn objects(text: &str) -> Vec<Value> {
    let lines = text.lines().map(serde_json::from_str);
    lines.collect::<Result<_, _>>().expect("lines of JSON")
}

/// The ids and classes of a run, in order.
fn classes(ran: &Ran) -> Vec<(Value, Value)> {
    let rows = objects(&ran.out).into_iter();
    rows.map(|row| (row["id"].clone(), row["class"].clone()))
        .collect()
}

const GOOD: &str = r#"{"id": "a", "source": "own", "request": {"method": "GET", "host": "api.own.test", "path": "/v1?key=hunter2"}, "status": 200, "headers": {"content-type": "application/json"}, "body": "{\"price\": 1.5, \"hunter3\": 2}"}"#;
const THROTTLED: &str =
    r#"{"id": 7, "status": 429, "headers": {"retry-after": "60"}, "body": null, "unknown": [1]}"#;

const RULES: &str = "\
source: own
hosts: [api.own.test]
rules:
  - name: no_quote
    class: empty_data
    doc: the price is zero where a symbol has no quote
    when: { json: /price, equals: 1.5 }
";

#[test]
fn each_line_is_one_object_with_its_verdict_in_the_order_of_the_input() {
    let ran = run(&["classify"], &format!("{GOOD}\n\n{THROTTLED}\r\n"));
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""), "{ran:?}");
    let rows = objects(&ran.out);
    assert_eq!(rows.len(), 2, "{ran:?}");
    assert_eq!(rows[0]["id"], "a");
    assert_eq!(rows[0]["class"], "ok");
    assert_eq!(rows[0]["wait_s"], Value::Null);
    assert_eq!(rows[1]["id"], 7);
    assert_eq!(rows[1]["class"], "rate_limit");
    assert_eq!(rows[1]["retryable"], true);
    assert_eq!(rows[1]["wait_s"], 60);
    for field in ["rule", "evidence"] {
        assert!(rows[1][field].is_string(), "{ran:?}");
    }
}

#[test]
fn a_bad_line_is_named_on_stderr_and_the_others_are_answered() {
    let text = format!(
        "{GOOD}\n{{\"id\": \"hunter4\n{THROTTLED}\n{{\"status\": \"hunter5\"}}\n[]\n{THROTTLED}"
    );
    let (_folder, path) = file("a.jsonl", &text);
    let ran = run(&["classify", &path, "--json"], "");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert_eq!(objects(&ran.out).len(), 3, "{ran:?}");
    let flaws = objects(&ran.err);
    let lines: Vec<&Value> = flaws.iter().map(|flaw| &flaw["line"]).collect();
    assert_eq!(lines, [2, 4, 5], "{ran:?}");
    assert!(flaws[1]["error"].to_string().contains("`status`"));
    let said = format!("{}{}", ran.out, ran.err);
    assert!(!said.contains("hunter"), "{said}");
}

/// A HAR with a throttled answer, a good one in base64, one that never came, and a good one without its body.
fn har() -> Value {
    let entry = |url: &str, response: Value| json!({ "request": { "method": "GET", "url": url, "headers": [] }, "response": response, "time": 12.5 });
    let gzip = json!([{ "name": "Content-Encoding", "value": "gzip" }, { "name": ":status", "value": "200" }]);
    json!({ "log": { "version": "1.2", "entries": [
        entry("https://api.own.test/a?key=hunter2", json!({
            "status": 429, "headers": [{ "name": "Retry-After", "value": "30" }], "content": { "size": 0 }
        })),
        entry("https://api.own.test/b", json!({
            "status": 200, "headers": gzip,
            "content": { "size": 14, "mimeType": "application/json", "text": "eyJwcmljZSI6IDEuNX0=", "encoding": "base64" }
        })),
        entry("https://api.own.test/c", json!({
            "status": 0, "headers": [], "content": {}, "_error": "net::ERR_CONNECTION_REFUSED"
        })),
        entry("https://api.own.test/hunter3", json!({ "status": 200, "headers": [], "content": { "size": 9 } })),
    ] } })
}

#[test]
fn a_har_is_known_by_its_content_and_numbered_from_one() {
    let pretty = serde_json::to_string_pretty(&har()).expect("JSON");
    let marked = format!("\u{feff}{}", har());
    for text in [har().to_string(), pretty, marked] {
        let ran = run(&["classify", "-"], &text);
        let expected = [
            (json!(1), json!("rate_limit")),
            (json!(2), json!("ok")),
            (json!(3), json!("connection_error")),
        ];
        assert_eq!(classes(&ran), expected, "{ran:?}");
        assert_eq!(objects(&ran.out)[0]["wait_s"], 30);
        let flaws = objects(&ran.err);
        assert_eq!((ran.code, flaws.len()), (Some(1), 1), "{ran:?}");
        assert_eq!(flaws[0]["entry"], 4);
        assert!(!format!("{ran:?}").contains("hunter"), "{ran:?}");
    }
}

#[test]
fn a_body_in_base64_is_judged_and_one_in_a_coding_is_named() {
    let line = |id: u64, body: &str, coding: &str| {
        json!({ "id": id, "status": 200, "headers": { "content-encoding": coding, "content-type": "application/json" },
            "body": "ignored", "body_base64": body })
    };
    let lines = [
        line(1, "eyJwcmljZSI6IDEuNX0=", "br"),
        line(2, "H4sIAAAAAAAA/w==", "gzip"),
        line(3, "no base64", "gzip"),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let ran = run(&["classify"], &text);
    assert_eq!(classes(&ran), [(json!(1), json!("ok"))], "{ran:?}");
    let flaws = objects(&ran.err);
    let lines: Vec<&Value> = flaws.iter().map(|flaw| &flaw["line"]).collect();
    assert_eq!(lines, [2, 3], "{ran:?}");
}

#[test]
fn verdicts_come_while_the_input_is_still_open() {
    let mut child = program(&["classify"]).spawn().expect("the program");
    let mut stdin = child.stdin.take().expect("its stdin");
    let mut stdout = BufReader::new(child.stdout.take().expect("its stdout"));
    for _ in 0..3 {
        writeln!(stdin, "{THROTTLED}").expect("it reads");
        let mut row = String::new();
        stdout.read_line(&mut row).expect("it answers");
        assert_eq!(objects(&row)[0]["class"], "rate_limit");
    }
    drop(stdin);
    assert!(child.wait().expect("its end").success());
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let mut child = program(&["classify"]).spawn().expect("the program");
    let mut stdin = child.stdin.take().expect("its stdin");
    drop(child.stdout.take());
    let lines = format!("{THROTTLED}\n").repeat(1_000);
    // Fails when it has ended in the meantime.
    let _sent = stdin.write_all(lines.as_bytes());
    drop(stdin);
    let ended = child.wait_with_output().expect("its end");
    let err = String::from_utf8_lossy(&ended.stderr);
    assert_eq!((ended.status.code(), &*err), (Some(0), ""));
}

#[test]
fn explain_aligns_its_lines_and_scores_the_labels() {
    let labelled = |id: &str, status: u16, label: &str, accept: &[&str]| {
        json!({ "id": id, "source": "own", "request": { "path": "/hunter2" }, "status": status,
            "headers": { "content-type": "application/json" }, "body": "{\"price\": 1.5}",
            "label": label, "accept": accept, "retryable": false })
    };
    let lines = [
        labelled("right", 200, "ok", &[]),
        labelled("missed", 200, "rate_limit", &[]),
        labelled("accused", 429, "ok", &[]),
        labelled("near", 429, "quota_exceeded", &["rate_limit"]),
    ];
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let ran = run(&["classify", "--explain"], &text);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    let rows: Vec<&str> = ran.out.lines().take(4).collect();
    let class = |row: &str| row.split_whitespace().nth(2).unwrap().to_owned();
    let at: Vec<_> = rows.iter().map(|row| row.find(&class(row))).collect();
    assert!(at.iter().all(|place| *place == at[0]), "{}", ran.out);
    assert!(
        rows[1].ends_with("[labelled rate_limit: WRONG]"),
        "{}",
        ran.out
    );
    assert!(
        rows[3].ends_with("[labelled quota_exceeded: accepted]"),
        "{}",
        ran.out
    );
    for line in [
        "all                           4       1        2",
        "ok                            2       1        1",
        "strictly right         1 of 4 (25.0 %)",
        "leniently right        2 of 4 (50.0 %)",
        "errors called healthy  1 of 2",
        "healthy called errors  1 of 2",
        "retryable right        2 of 4 (50.0 %)",
        "                     ok   rl",
        "ok                    1    1",
        "rate_limit            1    .",
        "quota_exceeded        .    1",
        "(ok ok, rl rate_limit)",
        "own                           4       1        2",
    ] {
        assert!(
            ran.out.lines().any(|own| own == line),
            "{line:?}:\n{}",
            ran.out
        );
    }
    assert!(!ran.out.contains("hunter"), "{}", ran.out);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    for args in [
        &["classify", "no/such.jsonl"][..],
        &["classify", "--rules", "no/such.jsonl"],
        &["check", "no/such.jsonl"],
    ] {
        let ran = run(args, "");
        assert_eq!(ran.code, Some(1), "{ran:?}");
        let said = if args[0] == "check" {
            &ran.out
        } else {
            &ran.err
        };
        assert!(
            said.contains("no/such.jsonl: ") && said.contains("No such file"),
            "{ran:?}"
        );
    }
}

#[test]
fn rules_of_ones_own_decide_and_can_stand_alone() {
    let (_folder, path) = file("own.yaml", RULES);
    let expected = [(json!("a"), json!("empty_data"))];
    for args in [
        &["classify", "--rules", &path][..],
        &["classify", "--no-rules", "--rules", &path, "--json"],
    ] {
        let ran = run(args, GOOD);
        assert_eq!(classes(&ran), expected, "{ran:?}");
        assert_eq!(objects(&ran.out)[0]["rule"], "own/no_quote");
    }
    let ran = run(&["classify", "--no-rules"], GOOD);
    assert_eq!(classes(&ran), [(json!("a"), json!("ok"))], "{ran:?}");
}

#[test]
fn check_counts_the_rules_of_a_good_file() {
    let (_folder, path) = file("own.yaml", RULES);
    let ran = run(&["check", &path], "");
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!(ran.out, format!("{path}: fine: own, 1 rule\n"));
}

#[test]
fn check_names_every_mistake_with_its_line_and_goes_on_to_the_next_file() {
    let bad = RULES
        .replace("class: empty_data", "class: empty_date")
        .replace("equals:", "equal:");
    let (_bad, bad) = file("bad.yaml", &bad);
    let (_good, good) = file("own.yaml", RULES);
    let ran = run(&["check", &bad, &good], "");
    assert_eq!(ran.code, Some(2), "{ran:?}");
    let said: Vec<&str> = ran.out.split("error: ").skip(1).collect();
    assert_eq!(said.len(), 2, "{ran:?}");
    for (said, place, meant) in [(said[0], ":5:", "empty_data"), (said[1], ":7:", "equals")] {
        let place = format!("{bad}{place}");
        assert!(said.contains(&place) && said.contains(meant), "{ran:?}");
    }
    assert!(
        ran.out.ends_with(&format!("{good}: fine: own, 1 rule\n")),
        "{ran:?}"
    );
    let ran = run(&["classify", "--rules", &bad], GOOD);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), ""), "{ran:?}");
    assert!(
        ran.err.contains("bad.yaml") && ran.err.contains("line 5"),
        "{ran:?}"
    );
}

/// The page of the book shows a file of rules; people copy it.
#[test]
fn the_example_of_the_book_is_fine() {
    let page = include_str!("../../../docs/src/classify.md");
    let example = page
        .split("```yaml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next())
        .expect("an example");
    let (_folder, path) = file("example.yaml", example);
    let ran = run(&["check", &path], "");
    assert_eq!(ran.code, Some(0), "{ran:?}");
}
