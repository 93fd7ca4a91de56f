//! Every remedy that a route may allow, through the proxy: it acts on the fault that it is for, and on nothing else. Not on
//! a fault that is not its own, not on a request that may have an effect, not below what the caller takes.
//!
//! In each of these tests a remedy stands alone, so that what heals can be nothing else. What it gives in detail is in the
//! tests of its own (`docs/src/remedies-tests.md`).

use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tokio::time::sleep;

use crate::{
    config::{before, file, started},
    forms::GOOD,
    remedy_cases::{Case, Staged, cases},
    stage::{Answer, PATIENCE, Running},
    stand::page_of,
    upstream::{Act, Upstream},
};

/// What each case's check found wrong.
async fn each<C>(cases: Vec<Case>, check: impl Fn(Case) -> C)
where
    C: Future<Output = Option<String>>,
{
    let mut wrong = Vec::new();
    for case in cases {
        let id = case.id;
        let found = check(case).await;
        wrong.extend(found.map(|found| format!("{id}: {found}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong where not just the source's own answer came, after one call.
fn unless_left_alone(staged: &Staged, answer: &Answer) -> Option<String> {
    let calls = staged.calls();
    let may_be = answer.status >= 400 || staged.is_late();
    let is_own = may_be && !answer.get("healing").contains("strategy=");
    (!is_own || calls != 1).then(|| format!("{calls} calls, {:?}", answer.head))
}

#[tokio::test]
async fn each_remedy_acts_on_the_fault_that_it_is_for() {
    each(cases(), |case| async {
        let told = case.told();
        let staged = case.strikes().await;
        let answer = staged.asks("GET", "").await;
        let acted = answer.status / 100 == 2 && answer.get("healing").contains(&told);
        (!acted).then(|| format!("{:?}", answer.head))
    })
    .await;
}

#[tokio::test]
async fn no_remedy_acts_on_a_fault_that_is_not_its_own() {
    each(cases(), |case| async {
        let other = case.other.clone();
        let staged = case.meets(other).await;
        let answer = staged.asks("GET", "").await;
        unless_left_alone(&staged, &answer)
    })
    .await;
}

#[tokio::test]
async fn no_remedy_acts_on_a_request_that_may_have_an_effect() {
    each(cases(), |case| async {
        let staged = case.strikes().await;
        let answer = staged.asks("POST", "Content-Length: 0\r\n").await;
        unless_left_alone(&staged, &answer)
    })
    .await;
}

#[tokio::test]
async fn no_remedy_gives_what_is_below_the_callers_floor() {
    let mut less = cases();
    less.retain(|case| case.gives_less);
    each(less, |case| async {
        let staged = case.strikes().await;
        let answer = staged.asks("GET", "Healing-Floor: exact\r\n").await;
        unless_left_alone(&staged, &answer)
    })
    .await;
}

#[tokio::test]
async fn a_copy_older_than_it_may_be_is_not_given() {
    let cached = "{ use_cached_data: { up_to: 1s } }";
    for (heal, keys, heals_for, is_given) in [
        ("use_cached_data", "", 15 * 60, true),
        (cached, "", 1, false),
        ("alphavantage_aggressive_cache", "", 24 * 3_600, true),
        ("alphavantage_aggressive_cache", ", heal_for: 1s", 1, false),
    ] {
        let mut upstream = Upstream::that(Act::json(GOOD));
        let folder = TempDir::new().unwrap();
        let route = format!("routes:\n  - {{ match: /api/quote, heal: [{heal}]{keys} }}\n");
        let proxy = started(&file(&folder, &before(&upstream, &route))).await;
        assert_eq!(proxy.get("/api/quote").await.text(), GOOD);
        let copies = page_of(&proxy, "/api/v1/cache").await;
        let left = copies["copies"][0]["heals_for_s"].as_f64().unwrap();
        let whole = f64::from(heals_for);
        assert!((whole - 60.0..=whole).contains(&left), "{heal}: {copies}");
        sleep(Duration::from_millis(1_100)).await;
        upstream.goes().await;
        let answer = proxy.get("/api/quote").await;
        let is_stale = answer.get("healing").starts_with("stale;");
        let given = (answer.status == 200, is_stale);
        assert_eq!(given, (is_given, is_given), "{heal}: {answer:?}");
    }
}

/// What cannot be shown by one fault of the lab: an estimate takes minutes of prices of a market that is open. It is in
/// `config_estimates`.
const ELSEWHERE: [&str; 1] = ["etf_estimate"];

/// The names of strategies that a route may have, as the schema tells them.
fn names(schema: &Value) -> Option<Vec<String>> {
    let has = |name: &Value| name == "use_cached_data";
    match schema {
        Value::Array(items) if items.iter().any(has) => {
            let names = items.iter().filter_map(Value::as_str);
            Some(names.map(str::to_owned).collect())
        }
        Value::Array(items) => items.iter().find_map(names),
        Value::Object(keys) => keys.values().find_map(names),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => None,
    }
}

#[tokio::test]
async fn these_are_all_the_remedies_that_a_configuration_knows() {
    let mut running = Running::start(&["config", "schema"]);
    assert!(running.end(PATIENCE).await.success());
    let schema: Value = serde_json::from_str(&running.out()).unwrap();
    let mut known = names(&schema).unwrap();
    let tried = cases().into_iter().map(|case| case.id);
    let mut tried: Vec<String> = tried.chain(ELSEWHERE).map(str::to_owned).collect();
    known.sort_unstable();
    tried.sort_unstable();
    assert_eq!(tried, known);
}
