//! Keeps what was learned over restarts.

use std::{sync::Arc, time::Duration};

use healing_core::{Healer, LessonLog, Store};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

/// How often what is new is saved: a kill loses no more than what was learned since.
const SAVE: Duration = Duration::from_secs(5);
/// How long the last save may take while the program stops.
const LAST_SAVE: Duration = Duration::from_secs(2);

/// Gives the healer what an earlier process learned. Without it everything is learned anew, which is no reason not to start.
pub(crate) async fn recall(healer: &Healer, store: &dyn Store) {
    match store.lessons().await {
        Ok(lessons) => healer.recall_lessons(&lessons),
        Err(error) => {
            tracing::warn!(%error, "what was learned could not be read; it is learned anew");
        }
    }
}

/// Saves what is new until it is told to stop, and once more then.
pub(crate) async fn keep(healer: Healer, store: Arc<dyn Store>, stop: CancellationToken) {
    let mut log = LessonLog::default();
    let mut due = interval(SAVE);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(due.tick()).await.is_some() {
        save(&healer, store.as_ref(), &mut log).await;
    }
    if timeout(LAST_SAVE, save(&healer, store.as_ref(), &mut log))
        .await
        .is_err()
    {
        tracing::warn!("what was learned was not saved in time while stopping");
    }
}

async fn save(healer: &Healer, store: &dyn Store, log: &mut LessonLog) {
    let before = *log;
    let new = healer.lessons(log);
    if new.is_empty() {
        return;
    }
    if let Err(error) = store.save_lessons(&new).await {
        tracing::warn!(%error, "what was learned was not saved; it is tried again");
        *log = before;
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use healing_core::{Body, FaultClass, HealLayer, MemoryStore};
    use http::{Request, Response};
    use tokio::task::JoinSet;
    use tower::{Layer, ServiceExt};

    use super::*;

    fn request() -> Request<Body> {
        let request = Request::get("http://api.test/api/quote/A");
        request.body(Body::empty()).unwrap()
    }

    /// How probably a retry works there, as a healer sees it.
    fn chance(healer: &Healer) -> f64 {
        let foresight = HealLayer::new(healer.clone()).foresee(&request(), FaultClass::ServerError);
        foresight.considered.first().unwrap().figures.unwrap().p
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_learned_is_saved_and_is_known_to_the_next_process() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let healer = Healer::builder().build();
        let untaught = chance(&healer);
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        tasks.spawn(keep(healer.clone(), Arc::clone(&store), stop.clone()));
        let down = tower::service_fn(|_: Request<Body>| async {
            let answer = Response::builder().status(500).body(Body::from("down"));
            Ok::<_, Infallible>(answer.unwrap())
        });
        let client = HealLayer::new(healer.clone()).layer(down);
        client.oneshot(request()).await.unwrap();
        let taught = chance(&healer);
        assert!(taught < 0.8 * untaught, "{taught} {untaught}");
        stop.cancel();
        tasks.join_all().await;
        let next = Healer::builder().build();
        recall(&next, store.as_ref()).await;
        let recalled = chance(&next);
        assert!((recalled - taught).abs() < 0.01, "{recalled} {taught}");
    }
}
