//! Yahoo's crumb and cookie: renewed for all callers at once, never shown, and no help against another refusal.

use futures_util::future::join_all;
use healing_lab::{Fault, Injection, Limits, SourceName};

use crate::{
    stage::{Answer, get},
    stand::{Stand, lab},
};

const QUOTE: &str = "/yahoo/v7/finance/quote?symbols=AAPL";

async fn yahoo() -> Stand {
    let lines = "sources:\n  yahoo_finance: { upstreams: [YAHOO], mount: /yahoo }\nroutes:\n  - match: /yahoo/v7/finance/quote\n    source: yahoo_finance\n    heal: [{ crumb_renewal: { cookies: YAHOO } }]\nlog: { level: debug }";
    Stand::of(lab(Limits::Off).await, lines, &[]).await
}

/// The calls for cookies and for crumbs.
fn renewals(stand: &Stand) -> (usize, usize) {
    let asked = stand.asked(SourceName::YahooFinance);
    let count = |path: &str| asked.iter().filter(|target| **target == path).count();
    (count("/"), count("/v1/test/getcrumb"))
}

#[track_caller]
fn is_renewed(answer: &Answer) {
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = answer.get("healing");
    assert!(
        told.starts_with("exact") && told.contains("crumb_renewal"),
        "{told}"
    );
    assert!(answer.text().contains("\"symbol\":\"AAPL\""), "{answer:?}");
}

#[tokio::test]
async fn an_old_crumb_is_renewed_once_for_all_and_never_shown() {
    let stand = yahoo().await;
    let (cookie, crumb) = stand.lab.yahoo_pass();
    let old = get(&format!("{QUOTE}&crumb=OLDCRUMB123"));
    let answers = join_all((0..2).map(|_| stand.proxy.ask(&old))).await;
    answers.iter().for_each(is_renewed);
    assert_eq!(renewals(&stand), (1, 1));
    let page = stand.until_told("/api/v1/events", "crumb_renewal").await;
    let shown = format!(
        "{answers:?} {page} {} {}",
        stand.proxy.out(),
        stand.proxy.err()
    );
    for secret in [&*cookie, &*crumb] {
        assert!(!shown.contains(secret), "{secret} is shown: {shown}");
    }
}

#[tokio::test]
async fn a_crumb_that_stops_working_is_renewed_again_but_not_at_once() {
    let stand = yahoo().await;
    is_renewed(&stand.proxy.get(QUOTE).await);
    let revoked = Injection::new(Fault::revoke_keys()).times(1);
    stand.lab.inject(SourceName::YahooFinance, revoked);
    let answer = stand.proxy.get(QUOTE).await;
    assert_eq!(answer.status, 401, "a pair a minute: {answer:?}");
    assert_eq!(renewals(&stand), (1, 1));
}

#[tokio::test]
async fn a_crumb_that_works_and_a_refusal_of_another_kind_are_left_alone() {
    let stand = yahoo().await;
    let (cookie, crumb) = stand.lab.yahoo_pass();
    let field = format!("\r\nCookie: {cookie}\r\n\r\n");
    let own = get(&format!("{QUOTE}&crumb={crumb}")).replace("\r\n\r\n", &field);
    let answer = stand.proxy.ask(&own).await;
    assert!(
        answer.status == 200 && !answer.head.has("healing"),
        "{answer:?}"
    );
    for form in ["auth_feature", "rl_edge_429"] {
        let refusal = Injection::new(Fault::form(form)).times(1);
        stand.lab.inject(SourceName::YahooFinance, refusal);
        let other = own.replace("AAPL", form);
        let answer = stand.proxy.ask(&other).await;
        assert!(answer.status >= 400, "{form}: {answer:?}");
    }
    assert_eq!(renewals(&stand), (0, 0));
}

#[tokio::test]
async fn a_throttled_crumb_is_none() {
    let stand = yahoo().await;
    let throttled = Injection::new(Fault::form("rl_crumb_edge_200")).on_path("/v1/test/getcrumb");
    stand.lab.inject(SourceName::YahooFinance, throttled);
    let answer = stand.proxy.get(QUOTE).await;
    assert_eq!(answer.status, 401, "{answer:?}");
    assert_eq!(stand.asked(SourceName::YahooFinance).len(), 3);
}

#[tokio::test]
async fn a_caller_that_keeps_to_its_old_crumb_costs_no_extra_calls_for_long() {
    let stand = yahoo().await;
    let old = get(&format!("{QUOTE}&crumb=OLDCRUMB123"));
    let mut healed = 0;
    for _ in 0..20 {
        healed += u32::from(stand.proxy.ask(&old).await.status == 200);
    }
    let calls = stand.asked(SourceName::YahooFinance).len();
    assert!(
        healed >= 18 && calls <= 20 + 6,
        "{healed} of 20, {calls} calls"
    );
}
