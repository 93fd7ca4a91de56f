//! Every endpoint answers as `endpoints.md` says, as long as its sources do.

use std::collections::BTreeSet;

use flask_api::{FlaskApi, variable};
use healing_lab::{SourceName, key};
use serde_json::Value;

use crate::client::{Reply, Stage, lab};

const TABLE: &str = include_str!("../../endpoints.md");

/// A row of the table.
struct Endpoint {
    pattern: &'static str,
    example: &'static str,
    answer: &'static str,
}

fn table() -> Vec<Endpoint> {
    let rows = TABLE.lines().filter(|line| line.starts_with("| `/api"));
    let rows = rows.map(|line| {
        let cells: Vec<&str> = line
            .split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect();
        Endpoint {
            pattern: cells[1],
            example: cells[2],
            answer: cells[3],
        }
    });
    rows.collect()
}

/// What is not as the table says.
fn wrong(endpoint: &Endpoint, reply: &Reply) -> Option<String> {
    if reply.status != 200 {
        return Some(format!("status {}", reply.status));
    }
    let (kind, fields) = match endpoint.answer.split_once(": ") {
        Some((kind, fields)) => (kind, fields),
        None if endpoint.answer == "list" => ("list", ""),
        None => ("", endpoint.answer),
    };
    if kind == "csv" {
        let head = reply.text.lines().next().unwrap_or_default();
        let same = head == fields.replace(", ", ",") && reply.text.lines().count() > 1;
        return (!same || !reply.content_type.contains("csv")).then(|| format!("{head:?}"));
    }
    let body = reply.json();
    let object = match kind {
        "" => Some(&body),
        _ => body.as_array().and_then(|rows| rows.first()),
    };
    let missing = |field: &&str| {
        object
            .and_then(|object| object.get(field))
            .is_none_or(Value::is_null)
    };
    let missing: Vec<&str> = fields
        .split(", ")
        .filter(|field| !field.is_empty())
        .filter(missing)
        .collect();
    (object.is_none() || !missing.is_empty()).then(|| format!("no {missing:?} in {body}"))
}

#[tokio::test]
async fn every_endpoint_answers_with_its_documented_shape() {
    let stage = Stage::new().await;
    let table = table();
    assert!(table.len() > 52, "{}", table.len());
    let mut faults = Vec::new();
    for endpoint in &table {
        let reply = stage.get(endpoint.example).await;
        if let Some(fault) = wrong(endpoint, &reply) {
            faults.push(format!("{}: {fault}", endpoint.example));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    for source in SourceName::ALL
        .into_iter()
        .filter(|name| variable(*name).is_some())
    {
        assert!(stage.lab.count(source) > 0, "{source} was not asked");
    }
    stage.stop().await;
}

#[tokio::test]
async fn the_table_has_every_route_and_no_other() {
    let stage = Stage::new().await;
    let listed = stage.get("/api").await.json();
    let rows = listed["endpoints"].as_array().unwrap();
    let routes: BTreeSet<&str> = rows
        .iter()
        .map(|row| row["path"].as_str().unwrap())
        .collect();
    let table = table();
    let written: BTreeSet<&str> = table.iter().map(|endpoint| endpoint.pattern).collect();
    assert_eq!(routes, written);
    for row in rows {
        assert!(TABLE.contains(row["about"].as_str().unwrap()), "{row}");
    }
    stage.stop().await;
}

#[tokio::test]
async fn a_base_address_may_have_a_path() {
    let lab = lab().await;
    let api = FlaskApi::asking(|source| format!("{}/{source}/", lab.url(source)))
        .await
        .unwrap();
    let stage = Stage::of(lab, api);
    stage.get("/api/fred/latest/DGS10").await;
    let asked = stage.lab.asked_of(SourceName::FredApi);
    let target = &asked.last().unwrap().target;
    assert!(
        target.starts_with("/fred_api/fred/series/observations?"),
        "{target}"
    );
    stage.stop().await;
}

#[test]
fn the_environment_for_the_lab_names_its_ports_and_keys() {
    let mut expected = String::new();
    for (source, port) in SourceName::ALL.into_iter().zip(7_100..) {
        let Some(name) = variable(source) else {
            continue;
        };
        expected.push_str(&format!("{name}_BASE=http://127.0.0.1:{port}\n"));
        if !key(source).is_empty() {
            expected.push_str(&format!("{name}_KEY={}\n", key(source)));
        }
    }
    let written: Vec<&str> = include_str!("../../lab.env").lines().skip(1).collect();
    assert_eq!(written, expected.lines().collect::<Vec<_>>());
}

#[test]
fn the_readme_has_every_variable() {
    let readme = include_str!("../../README.md");
    for name in SourceName::ALL.into_iter().filter_map(variable) {
        assert!(readme.contains(&format!("`{name}_BASE`")), "{name}");
    }
}

#[tokio::test]
async fn the_page_comes_with_its_parts_and_asks_endpoints_that_are_there() {
    let stage = Stage::new().await;
    let page = stage.get("/").await;
    assert!(page.content_type.starts_with("text/html") && page.text.contains("page/page.js"));
    let script = stage.get("/page/page.js").await;
    assert!(
        script.content_type.contains("javascript"),
        "{}",
        script.content_type
    );
    assert_eq!(stage.get("/page/style.css").await.status, 200);
    let paths: Vec<&str> = script
        .text
        .split('"')
        .filter(|part| part.starts_with("/api/"))
        .collect();
    assert_eq!(paths.len(), 12);
    for path in paths {
        assert_eq!(stage.get(path).await.status, 200, "{path}");
    }
    stage.stop().await;
}

#[tokio::test]
async fn dropping_the_stage_ends_the_application() {
    let lab = lab().await;
    let api = FlaskApi::start(&lab).await.unwrap();
    let address = api.address();
    drop(api);
    let gone = async {
        while tokio::net::TcpStream::connect(address).await.is_ok() {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), gone)
        .await
        .unwrap();
    lab.stop().await;
}
