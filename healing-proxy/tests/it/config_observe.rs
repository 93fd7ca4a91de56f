//! A route that is only watched.

use healing_lab::{Fault, Injection, Limits, SourceName};

use crate::stand::{Stand, lab};

#[tokio::test]
async fn a_watched_route_gives_what_came_and_tells_what_would_have_been_given() {
    let lines = "routes:\n  - { match: \"/api/fred/series/{series}\", observe: true }";
    let stand = Stand::of(lab(Limits::Off).await, lines, &[]).await;
    let url = "/api/fred/series/DGS10";
    assert_eq!(stand.proxy.get(url).await.status, 200);
    stand
        .lab
        .inject(SourceName::Api, Injection::new(Fault::status(503)));
    let answer = stand.proxy.get(url).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    let told = answer.get("server-timing");
    assert!(
        told.contains("would: ") && told.contains("cached copy"),
        "{answer:?}"
    );
}
