//! A log that is written to files, too.

use std::{fs, time::Duration};

use healing_lab::{Fault, Injection, Limits, SourceName};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    config::file,
    stage::{PATIENCE, Running},
    stand::{Stand, lab},
};

#[tokio::test]
async fn a_log_in_a_folder_has_what_stderr_has_as_lines_of_json() {
    let folder = TempDir::new().unwrap();
    let lines = format!(
        "log: {{ directory: \"{}\" }}",
        folder.path().join("log").display()
    );
    let mut stand = Stand::of(lab(Limits::Off).await, &lines, &[]).await;
    let url = "/api/fred/series/DGS10?api_key=a-secret-of-the-caller";
    assert_eq!(stand.proxy.get(url).await.status, 200);
    stand
        .lab
        .inject(SourceName::Api, Injection::new(Fault::status(503)));
    assert_eq!(stand.proxy.get(url).await.status, 200);
    let process = stand.proxy.process();
    process.signal("TERM");
    assert!(process.end(PATIENCE).await.success());
    let files: Vec<_> = fs::read_dir(folder.path().join("log")).unwrap().collect();
    assert_eq!(files.len(), 1, "{files:?}");
    let path = files[0].as_ref().unwrap().path();
    let name = path.file_name().unwrap().to_string_lossy().into_owned();
    assert!(
        name.starts_with("healing-proxy.20") && name.ends_with(".log"),
        "{name}"
    );
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let mut healed = lines.iter().filter(|line| line["message"] == "healed");
    assert_eq!(
        healed.next().unwrap()["strategy"],
        "use_cached_data",
        "{text}"
    );
    assert!(!text.contains("a-secret"), "{text}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_told() {
    let folder = TempDir::new().unwrap();
    let taken = file(
        &folder,
        "upstream: http://127.0.0.1:1\nlog: { directory: /dev/null/log }\n",
    );
    let mut running = Running::start(&["run", "-c", &taken, "--listen", "127.0.0.1:0"]);
    assert_eq!(running.end(Duration::from_secs(5)).await.code(), Some(1));
    let told = running.err();
    assert!(
        told.contains("log.directory: nothing can be written in /dev/null/log; name a folder"),
        "{told}"
    );
}
