//! A host by itself: who has room, who waits, and that a place is given back.

use super::*;

/// A host that bears four.
fn limited() -> Arc<Host> {
    let host = Host::new(Clock::started_now());
    host.most.store(4, Relaxed);
    Arc::new(host)
}

fn boards(host: &Arc<Host>, whose: Boards, n: usize) -> Vec<Aboard> {
    (0..n).filter_map(|_| host.board(whose)).collect()
}

#[test]
fn a_well_host_has_room_for_all() {
    let host = Arc::new(Host::new(Clock::started_now()));
    assert_eq!(boards(&host, Boards::Extra, 1_000).len(), 1_000);
    assert_eq!(
        low(host.calls.load(Relaxed)),
        0,
        "all places are given back"
    );
}

#[test]
fn the_last_quarter_is_for_first_calls_and_nobody_is_refused_for_ever() {
    let host = limited();
    let extra = boards(&host, Boards::Extra, 10);
    let first = boards(&host, Boards::First, 10);
    assert_eq!((extra.len(), first.len()), (3, 1));
    assert_eq!(boards(&host, Boards::Regardless, 10).len(), 10);
    drop((extra, first));
    assert_eq!(boards(&host, Boards::First, 10).len(), 4);
}

#[tokio::test(start_paused = true)]
async fn who_waits_gets_the_next_place_and_nobody_who_comes_later_overtakes() {
    let host = limited();
    let mut all = boards(&host, Boards::First, 4);
    let until = Instant::now() + Duration::from_secs(3);
    let waits = tokio::time::timeout(Duration::from_secs(1), host.in_turn(until));
    let (waited, ()) = tokio::join!(waits, async {
        tokio::task::yield_now().await;
        assert!(host.board(Boards::First).is_none());
        all.pop();
        assert!(host.board(Boards::First).is_none(), "it is the other one's");
    });
    assert!(waited.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_past_the_time_nor_for_a_limit_that_is_gone() {
    let host = limited();
    let all = boards(&host, Boards::First, 4);
    let began = Instant::now();
    assert!(host.in_turn(began + Duration::from_secs(3)).await.is_none());
    assert_eq!(began.elapsed(), Duration::from_secs(3));
    let waits = host.in_turn(Instant::now() + Duration::from_secs(3));
    let (waited, ()) = tokio::join!(waits, async {
        tokio::task::yield_now().await;
        host.most.store(0, Relaxed);
        drop(all);
    });
    assert!(waited.is_some());
}
