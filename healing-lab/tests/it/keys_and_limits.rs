//! Keys and limits of each source.

use healing_lab::{Fault, Lab, Limits, SourceName, key, keys};

use crate::client::{Reply, get, get_with, get_yahoo, lab, with_limits};

async fn fred(lab: &Lab, key: &str) -> Reply {
    let target = format!("/fred/series?series_id=GDP&file_type=json&api_key={key}");
    get(lab, SourceName::FredApi, &target).await
}

async fn polygon(lab: &Lab, key: &str) -> Reply {
    get(
        lab,
        SourceName::PolygonIo,
        &format!("/v2/aggs/ticker/AAPL/prev?apiKey={key}"),
    )
    .await
}

async fn alpha(lab: &Lab, key: &str) -> Reply {
    get(
        lab,
        SourceName::AlphaVantage,
        &format!("/query?function=GLOBAL_QUOTE&symbol=IBM&apikey={key}"),
    )
    .await
}

#[tokio::test]
async fn fred_gives_a_key_120_a_minute() {
    let lab = with_limits(Limits::Real).await;
    let [first, second, ..] = keys(SourceName::FredApi) else {
        panic!()
    };
    for _ in 0..120 {
        assert_eq!(fred(&lab, first).await.status, 200);
    }
    let refused = fred(&lab, first).await;
    assert_eq!(refused.status, 429);
    assert_eq!(refused.at("/error_code"), 429);
    assert_eq!(fred(&lab, second).await.status, 200);
    lab.stop().await;
}

#[tokio::test]
async fn polygon_gives_a_key_5_a_minute() {
    let lab = with_limits(Limits::Real).await;
    for _ in 0..5 {
        assert_eq!(polygon(&lab, key(SourceName::PolygonIo)).await.status, 200);
    }
    let refused = polygon(&lab, key(SourceName::PolygonIo)).await;
    assert_eq!(
        (refused.status, refused.at("/status")),
        (429, "ERROR".into())
    );
    lab.forget_counts();
    assert_eq!(polygon(&lab, key(SourceName::PolygonIo)).await.status, 200);
    lab.stop().await;
}

#[tokio::test]
async fn alpha_vantage_refuses_a_second_request_of_a_second_inside_a_200() {
    let lab = with_limits(Limits::Real).await;
    let first = alpha(&lab, "k").await;
    assert!(!first.at("/Global Quote/05. price").is_null());
    let second = alpha(&lab, "k").await;
    assert_eq!(second.status, 200);
    assert!(
        second
            .at("/Information")
            .as_str()
            .unwrap()
            .contains("per second")
    );
    assert!(!alpha(&lab, "other").await.at("/Global Quote").is_null());
    lab.stop().await;
}

#[tokio::test]
async fn yahoo_refuses_more_than_20_at_once() {
    let lab = with_limits(Limits::Real).await;
    lab.inject(
        SourceName::YahooFinance,
        Fault::Delay(std::time::Duration::from_secs(1)),
    );
    let mut asks = Vec::new();
    for _ in 0..25 {
        asks.push(get(
            &lab,
            SourceName::YahooFinance,
            "/v1/finance/trending/US",
        ));
    }
    let mut refused = 0;
    for reply in futures(asks).await {
        if reply.status == 429 {
            assert_eq!(reply.text(), "Edge: Too Many Requests");
            refused += 1;
        }
    }
    assert_eq!(refused, 5);
    lab.stop().await;
}

/// Polls all of them at once on this task.
async fn futures<F: Future<Output = Reply>>(asks: Vec<F>) -> Vec<Reply> {
    let mut asks: Vec<_> = asks.into_iter().map(|ask| (Box::pin(ask), None)).collect();
    std::future::poll_fn(|context| {
        for (ask, reply) in &mut asks {
            if reply.is_none()
                && let std::task::Poll::Ready(ready) = ask.as_mut().poll(context)
            {
                *reply = Some(ready);
            }
        }
        if asks.iter().all(|(_, reply)| reply.is_some()) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    asks.into_iter().filter_map(|(_, reply)| reply).collect()
}

#[tokio::test]
async fn with_limits_off_nothing_is_counted() {
    let lab = lab().await;
    for _ in 0..10 {
        assert_eq!(polygon(&lab, key(SourceName::PolygonIo)).await.status, 200);
        assert!(!alpha(&lab, "k").await.at("/Global Quote").is_null());
    }
    lab.stop().await;
}

#[tokio::test]
async fn a_revoked_key_fails_and_its_neighbour_does_not() {
    let lab = lab().await;
    for source in [
        SourceName::FredApi,
        SourceName::PolygonIo,
        SourceName::AlphaVantage,
    ] {
        let revoked = keys(source)[0].to_owned();
        lab.inject(source, Fault::RevokeKey { key: Some(revoked) });
    }
    assert_eq!(fred(&lab, keys(SourceName::FredApi)[0]).await.status, 400);
    assert_eq!(fred(&lab, keys(SourceName::FredApi)[1]).await.status, 200);
    assert_eq!(
        polygon(&lab, keys(SourceName::PolygonIo)[0]).await.status,
        401
    );
    assert_eq!(
        polygon(&lab, keys(SourceName::PolygonIo)[1]).await.status,
        200
    );
    assert!(
        !alpha(&lab, keys(SourceName::AlphaVantage)[0])
            .await
            .at("/Error Message")
            .is_null()
    );
    assert!(
        !alpha(&lab, keys(SourceName::AlphaVantage)[1])
            .await
            .at("/Global Quote")
            .is_null()
    );
    lab.stop().await;
}

#[tokio::test]
async fn a_spent_quota_is_refused_in_each_sources_way() {
    let lab = lab().await;
    for source in SourceName::ALL {
        lab.inject(source, Fault::quota_spent());
    }
    assert_eq!(fred(&lab, key(SourceName::FredApi)).await.status, 429);
    assert_eq!(polygon(&lab, key(SourceName::PolygonIo)).await.status, 429);
    let note = alpha(&lab, "MYKEY").await;
    assert_eq!(note.status, 200);
    assert!(
        note.at("/Information")
            .as_str()
            .unwrap()
            .contains("as MYKEY and our standard API rate limit is 25")
    );
    assert_eq!(
        get(&lab, SourceName::YahooFinance, "/v8/finance/chart/AAPL")
            .await
            .status,
        429
    );
    assert_eq!(get(&lab, SourceName::Api, "/api/health").await.status, 429);
    lab.stop().await;
}

#[tokio::test]
async fn old_crumbs_stop_at_a_revocation_and_new_ones_work() {
    let lab = lab().await;
    let (cookie, crumb) = lab.yahoo_pass();
    let target = format!("/v7/finance/quote?symbols=AAPL&crumb={crumb}");
    let quote = || get_with(&lab, SourceName::YahooFinance, &target, ("cookie", &cookie));
    assert_eq!(quote().await.status, 200);
    lab.inject(SourceName::YahooFinance, Fault::revoke_keys());
    let refused = quote().await;
    assert_eq!(
        (refused.status, refused.at("/finance/error/description")),
        (401, "Invalid Crumb".into())
    );
    let again = get_yahoo(&lab, "/v7/finance/quote?symbols=AAPL&crumb={crumb}").await;
    assert_eq!(again.status, 200);
    lab.stop().await;
}

#[tokio::test]
async fn a_cookie_and_its_crumb_can_be_had_as_yahoo_gives_them() {
    let lab = lab().await;
    let page = get(&lab, SourceName::YahooFinance, "/").await;
    assert_eq!(page.status, 404);
    let cookie = page
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let crumb = get_with(
        &lab,
        SourceName::YahooFinance,
        "/v1/test/getcrumb",
        ("cookie", &cookie),
    )
    .await;
    assert_eq!((crumb.status, crumb.body.len()), (200, 11));
    let target = format!("/v7/finance/quote?symbols=AAPL&crumb={}", crumb.text());
    let quote = get_with(&lab, SourceName::YahooFinance, &target, ("cookie", &cookie)).await;
    assert_eq!(quote.at("/quoteResponse/result/0/symbol"), "AAPL");
    lab.stop().await;
}

#[tokio::test]
async fn polygon_takes_a_bearer_and_only_the_one_spelling_of_its_parameter() {
    let lab = lab().await;
    let bearer = format!("Bearer {}", key(SourceName::PolygonIo));
    let path = "/v2/last/trade/AAPL";
    let by_header = get_with(
        &lab,
        SourceName::PolygonIo,
        path,
        ("authorization", &bearer),
    )
    .await;
    assert_eq!(by_header.status, 200);
    let misspelt = get(
        &lab,
        SourceName::PolygonIo,
        &format!("{path}?apikey={}", key(SourceName::PolygonIo)),
    )
    .await;
    assert_eq!(misspelt.status, 401);
    lab.stop().await;
}
