//! What a snapshot says of the traffic that was healed.

use healing_core::{Healer, HealthStatus};

use crate::layers_support::{NEWER, SERIES, URL, Upstream, answer, ask, get, healed_by, json};

#[tokio::test(start_paused = true)]
async fn the_first_snapshot_counts_what_came_before_it() {
    let upstream = Upstream::in_turn([json(SERIES), answer(429, "")]);
    let healer = Healer::builder().build();
    let client = healed_by(&upstream, healer.clone());
    for _ in 0..4 {
        ask(&client, get(URL)).await;
    }
    let [source] = &healer.snapshot().sources[..] else {
        panic!("one source");
    };
    let route = &source.routes[0];
    assert_eq!((route.total_requests, route.failed_requests), (4, 3));
    let shares = (source.uptime_percentage, source.actual_success_percentage);
    assert_eq!((source.requests, shares), (4, (100.0, 25.0)));
    assert_ne!(source.status, HealthStatus::Healthy, "three of four failed");
}

#[tokio::test(start_paused = true)]
async fn a_healed_answer_is_known_as_such_for_ten_seconds() {
    let upstream = Upstream::in_turn([json(SERIES), answer(503, ""), json(NEWER)]);
    let healer = Healer::builder().build();
    let client = healed_by(&upstream, healer.clone());
    let active = || healer.snapshot().sources[0].healing_active;
    ask(&client, get(URL)).await;
    assert!(!active());
    ask(&client, get(URL)).await;
    assert!(active());
    tokio::time::sleep(std::time::Duration::from_secs(11)).await;
    assert!(!active());
}
