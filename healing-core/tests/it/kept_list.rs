//! What is kept as it is shown to people, and thrown away by them.

use healing_core::{CopyPattern, CopyRow, Healer};
use tokio::time::sleep;

use crate::{
    cache_support::cached_by,
    layers_support::{NEWER, SERIES, URL, Upstream, ask, get, get_with, json, seconds},
};

fn pattern(text: &str) -> CopyPattern {
    text.parse().expect("a pattern")
}

fn targets(rows: &[CopyRow]) -> Vec<&str> {
    rows.iter().map(|row| row.target.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_row_tells_age_and_times_and_hides_what_could_be_a_secret() {
    let upstream = Upstream::that(json(SERIES).with("cache-control", "max-age=60"));
    let healer = Healer::builder().build();
    let client = cached_by(&upstream, healer.clone());
    let secret = "http://fred.test/fred/9f8e7d6c5b4a39281706/series?series_id=DGS10&api_key=s3cret";
    ask(&client, get(secret)).await;
    upstream.becomes(json(SERIES));
    ask(
        &client,
        get_with(
            "http://fred.test/fred/own",
            &[("authorization", "Bearer k")],
        ),
    )
    .await;
    sleep(seconds(10)).await;
    let rows = healer.kept_copies(None);
    assert_eq!(
        targets(&rows),
        [
            "/fred/REDACTED/series?series_id=DGS10&api_key=REDACTED",
            "/fred/own"
        ]
    );
    let [one, own] = rows.as_slice() else {
        panic!("{rows:?}")
    };
    assert_eq!((one.status, one.age, one.ttl), (200, seconds(10), Some(50)));
    assert_eq!(one.heals_for, Some(seconds(60 + 900 - 10)));
    assert!(one.bytes > SERIES.len() && !one.is_for_one_caller);
    assert_eq!(
        (own.ttl, own.heals_for, own.is_for_one_caller),
        (None, Some(seconds(890)), true)
    );
    assert_eq!(
        own.route.as_ref().map(healing_core::Route::template),
        Some("/fred/own")
    );
}

#[tokio::test(start_paused = true)]
async fn what_a_pattern_means_is_thrown_away_for_all_callers_and_nothing_else() {
    let upstream = Upstream::that(json(SERIES).with("cache-control", "max-age=60"));
    let healer = Healer::builder().build();
    let client = cached_by(&upstream, healer.clone());
    let other = "http://fred.test/fred/other?token=s3cret";
    let bearer = || get_with(URL, &[("authorization", "Bearer k")]);
    ask(&client, get(URL)).await;
    ask(&client, bearer()).await;
    ask(&client, get(other)).await;
    upstream.becomes(json(NEWER).with("cache-control", "max-age=60"));
    assert_eq!(healer.purge_copies(&pattern("/fred/nothing*")).copies, 0);
    let purged = healer.purge_copies(&pattern("/fred/series/observations"));
    assert_eq!((purged.urls, purged.copies), (2, 2), "whatever the query");
    assert_eq!(
        targets(&healer.kept_copies(None)),
        ["/fred/other?token=REDACTED"]
    );
    sleep(seconds(1)).await;
    for request in [get(URL), bearer()] {
        assert_eq!(ask(&client, request).await.text(), NEWER);
    }
    assert!(ask(&client, get(other)).await.is_hit());
    assert_eq!(
        healer
            .purge_copies(&pattern("/fred/other?token=other"))
            .copies,
        0
    );
    let exactly = healer.purge_copies(&pattern("/fred/other?token=s3cret"));
    assert_eq!(
        exactly.copies, 1,
        "by the very path and query that callers ask for"
    );
    assert_eq!(healer.purge_copies(&pattern("*")).copies, 2);
    assert!(healer.kept_copies(None).is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_began_before_is_not_kept() {
    let upstream = Upstream::that(json(SERIES).with("cache-control", "max-age=60"));
    let healer = Healer::builder().build();
    let client = cached_by(&upstream, healer.clone());
    ask(&client, get(URL)).await;
    sleep(seconds(61)).await;
    upstream.becomes(
        json(SERIES)
            .with("cache-control", "max-age=60")
            .late(seconds(1)),
    );
    let (got, ()) = tokio::join!(ask(&client, get(URL)), async {
        sleep(seconds(0)).await;
        let _purged = healer.purge_copies(&pattern("*"));
    });
    assert_eq!(got.text(), SERIES);
    assert!(!ask(&client, get(URL)).await.is_hit());
}
