//! The command line.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};

fn lab() -> Command {
    Command::new(env!("CARGO_BIN_EXE_healing-lab"))
}

fn run(arguments: &[&str]) -> Output {
    lab().args(arguments).output().unwrap()
}

#[test]
fn bad_usage_is_exit_code_2_and_says_what_is_wrong() {
    let directory = std::env::temp_dir().join(format!("healing-lab-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("script.json");
    let mut written = std::fs::File::create(&file).unwrap();
    written
        .write_all(br#"[{"at": "5s", "source": "api", "fault": "explode"}]"#)
        .unwrap();
    let file = file.to_str().unwrap();
    let rows: [(&[&str], &str); 5] = [
        (&["serve", "--limits", "some"], "real"),
        (&["serve", "--port-base", "seventy"], "--port-base"),
        (&["serve", "--script", "/no/such/file"], "/no/such/file"),
        (&["serve", "--script", file], "explode"),
        (&["dance"], "dance"),
    ];
    for (arguments, part) in rows {
        let output = run(arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?} {text}");
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
    std::fs::remove_dir_all(directory).unwrap();
}

#[test]
fn serve_prints_every_address_and_how_to_break_something() {
    let mut child = lab()
        .args(["serve", "--limits", "off"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut text = String::new();
    for line in lines {
        text.push_str(&line.unwrap());
        text.push('\n');
        if text.contains("/log") {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    for part in [
        "yahoo_finance",
        "fred_api",
        "polygon_io",
        "alpha_vantage",
        "api ",
        "control",
        "/inject",
        "key lab",
    ] {
        assert!(text.contains(part), "{part:?} is not in {text}");
    }
}
