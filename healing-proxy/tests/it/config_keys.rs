//! Keys and quotas of a configuration, against sources that keep theirs.

use std::time::Duration;

use healing_lab::{Fault, Limits, SourceName, keys};

use crate::stand::{Stand, lab};

const PREVIOUS: &str = "/v2/aggs/ticker/AAPL/prev";
const SERIES: &str = "/fred/series?series_id=DGS10&file_type=json";

/// A file of two keys, and a route with that remedy.
async fn fred(quota: &str, heal: &str) -> Stand {
    let lines = format!(
        "sources:\n  fred_api:\n    preset: fred_api\n    upstreams: [FRED]\n    {quota}\n    keys: {{ in: query, name: api_key, values_file: FOLDER/keys }}\nroutes:\n  - {{ match: /fred/series, source: fred_api, heal: [{heal}] }}"
    );
    let [first, second, ..] = keys(SourceName::FredApi) else {
        panic!("two keys");
    };
    let ring = format!("{first}\n\n{second}\n");
    Stand::of(lab(Limits::Off).await, &lines, &[("keys", &ring)]).await
}

fn revoked(source: SourceName, n: usize) -> Fault {
    let key = keys(source).get(n).map(|key| (*key).to_owned());
    Fault::RevokeKey { key }
}

fn keys_of_polygon() -> impl Iterator<Item = &'static str> {
    keys(SourceName::PolygonIo).iter().copied()
}

/// Two keys and a route that asks with the first one.
async fn polygon(heal: &str) -> Stand {
    let lines = format!(
        "sources:\n  polygon_io:\n    upstreams: [POLYGON]\n    keys: {{ in: query, name: apiKey, values_file: FOLDER/keys }}\nroutes:\n  - {{ match: \"/v2/aggs/ticker/{{ticker}}/prev\", source: polygon_io, heal: [{heal}] }}"
    );
    let ring: Vec<&str> = keys_of_polygon().take(2).collect();
    Stand::of(
        lab(Limits::Off).await,
        &lines,
        &[("keys", &ring.join("\n"))],
    )
    .await
}

#[tokio::test]
async fn a_revoked_key_gives_way_to_the_next_one_and_neither_is_told() {
    let stand = polygon("api_key_rotation").await;
    assert_eq!(stand.proxy.get(PREVIOUS).await.status, 200);
    stand
        .lab
        .inject(SourceName::PolygonIo, revoked(SourceName::PolygonIo, 0));
    let answer = stand.proxy.get(PREVIOUS).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    let told = answer.get("healing");
    assert!(
        told.contains("api_key_rotation") && told.contains("exact"),
        "{answer:?}"
    );
    let asked = stand.asked(SourceName::PolygonIo);
    let keys: Vec<&str> = asked
        .iter()
        .filter_map(|target| target.rsplit("apiKey=").next())
        .collect();
    assert!(
        keys.len() == 3 && keys[0] == keys[1] && keys[1] != keys[2],
        "{keys:?}"
    );
    // The next request begins with the key that works.
    assert!(!stand.proxy.get(PREVIOUS).await.head.has("healing-event"));
    assert_eq!(stand.asked(SourceName::PolygonIo).len(), 4);
    let events = stand.until_told("/api/v1/events", "api_key_rotation").await;
    let status = stand.until_told("/api/v1/status", "polygon_io").await;
    for said in [events, status, stand.proxy.err(), format!("{answer:?}")] {
        assert!(keys_of_polygon().all(|key| !said.contains(key)), "{said}");
    }
}

#[tokio::test]
async fn freds_400_for_a_key_is_known_and_the_next_key_is_asked_with() {
    for (rotates, form) in [(true, "json"), (true, "xml"), (false, "json")] {
        let heal = if rotates { "api_key_rotation" } else { "" };
        let stand = fred("", heal).await;
        stand
            .lab
            .inject(SourceName::FredApi, revoked(SourceName::FredApi, 0));
        let answer = stand.proxy.get(&SERIES.replace("json", form)).await;
        let asked = stand.asked(SourceName::FredApi);
        if rotates {
            assert_eq!((answer.status, asked.len()), (200, 2), "{answer:?}");
            let told = answer.get("healing");
            assert!(told.contains("class=auth_error"), "{told}");
        } else {
            assert_eq!((answer.status, asked.len()), (400, 1), "{answer:?}");
        }
        let events = stand.until_told("/api/v1/events", "auth_error").await;
        for said in [events, stand.proxy.err(), format!("{answer:?}")] {
            let mut keys = keys(SourceName::FredApi).iter();
            assert!(keys.all(|key| !said.contains(key)), "{said}");
        }
    }
}

#[tokio::test]
async fn a_series_that_freds_400_does_not_know_costs_no_key() {
    let stand = fred("", "api_key_rotation").await;
    let answer = stand.proxy.get(&SERIES.replace("DGS10", "NOSUCH")).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(stand.asked(SourceName::FredApi).len(), 1);
}

#[tokio::test]
async fn without_the_rotation_a_refused_key_is_not_changed_for_another() {
    let stand = polygon("exponential_backoff_retry").await;
    stand
        .lab
        .inject(SourceName::PolygonIo, revoked(SourceName::PolygonIo, 0));
    assert!(stand.proxy.get(PREVIOUS).await.status >= 400);
    assert_eq!(stand.asked(SourceName::PolygonIo).len(), 1);
}

#[tokio::test]
async fn a_callers_own_key_is_left_as_it_is() {
    let stand = fred("", "api_key_rotation").await;
    stand
        .lab
        .inject(SourceName::FredApi, revoked(SourceName::FredApi, 2));
    let own = keys(SourceName::FredApi)[2];
    let answer = stand.proxy.get(&format!("{SERIES}&api_key={own}")).await;
    assert_eq!(answer.status, 400, "{answer:?}");
    assert_eq!(stand.asked(SourceName::FredApi).len(), 1);
}

#[tokio::test]
async fn a_quota_is_never_overrun_and_the_source_is_not_asked_beyond_it() {
    let quota = "quota: [{ calls: 3, per: 1h, scope: address }]";
    let stand = fred(quota, "exponential_backoff_retry").await;
    let mut given = 0;
    for _ in 0..8 {
        given += u32::from(stand.proxy.get(SERIES).await.status == 200);
    }
    assert_eq!((given, stand.asked(SourceName::FredApi).len()), (3, 3));
    let events = stand.until_told("/api/v1/events", "own_quota").await;
    assert!(events.contains("fred_api"), "{events}");
}

#[tokio::test]
async fn a_request_waits_for_its_turn_where_that_is_soon() {
    let quota = "quota: [{ calls: 1, per: 1s, scope: address }]";
    let stand = fred(quota, "request_queuing").await;
    for _ in 0..3 {
        let answer = stand.proxy.get(SERIES).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let at: Vec<u64> = stand
        .lab
        .asked_of(SourceName::FredApi)
        .iter()
        .map(|asked| asked.millis)
        .collect();
    assert!(at.is_sorted_by(|one, next| next - one >= 1_000), "{at:?}");
}

#[tokio::test]
async fn a_turn_that_is_far_away_is_not_waited_for() {
    let quota = "quota: [{ calls: 1, per: 1h, scope: address }]";
    let stand = fred(quota, "request_queuing").await;
    assert_eq!(stand.proxy.get(SERIES).await.status, 200);
    let answer = stand.proxy.get(SERIES).await;
    assert_eq!(answer.status, 503, "{answer:?}");
    let wait: u64 = answer.get("retry-after").parse().unwrap();
    assert!((3_000..=3_600).contains(&wait), "{answer:?}");
    assert!(answer.took < Duration::from_secs(2), "{:?}", answer.took);
    assert_eq!(stand.asked(SourceName::FredApi).len(), 1);
}
