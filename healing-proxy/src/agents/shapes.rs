//! Keeps what the answers of routes look like over restarts.

use std::{sync::Arc, time::Duration};

use healing_core::{Healer, RouteShape, Store};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tokio_util::sync::CancellationToken;

/// How often it is looked whether there is something new to keep.
const SAVE: Duration = Duration::from_secs(30);
/// How long the last save may take while the program stops.
const LAST_SAVE: Duration = Duration::from_secs(2);

/// Gives the healer what an earlier process kept. Without it routes are learned anew, which is no reason not to start.
pub(crate) async fn recall(healer: &Healer, store: &dyn Store) {
    match store.shapes().await {
        Ok(shapes) => healer.recall_shapes(shapes),
        Err(error) => {
            tracing::warn!(%error, "what routes looked like could not be read; it is learned anew");
        }
    }
}

/// Saves what is new until it is told to stop, and once more then.
pub(crate) async fn keep(healer: Healer, store: Arc<dyn Store>, stop: CancellationToken) {
    let mut saved = Vec::new();
    let mut due = interval(SAVE);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    while stop.run_until_cancelled(due.tick()).await.is_some() {
        save(&healer, store.as_ref(), &mut saved).await;
    }
    if timeout(LAST_SAVE, save(&healer, store.as_ref(), &mut saved))
        .await
        .is_err()
    {
        tracing::warn!("what routes look like was not saved in time while stopping");
    }
}

/// Writes the rows that differ from what was saved last.
async fn save(healer: &Healer, store: &dyn Store, saved: &mut Vec<RouteShape>) {
    let all = healer.shapes();
    let new: Vec<RouteShape> = all
        .iter()
        .filter(|shape| !saved.contains(shape))
        .cloned()
        .collect();
    if new.is_empty() {
        return;
    }
    match store.save_shapes(&new).await {
        Ok(()) => *saved = all,
        Err(error) => tracing::warn!(%error, "what routes look like was not saved"),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use healing_core::{Body, HealLayer, MemoryStore};
    use http::{Request, Response};
    use tokio::task::JoinSet;
    use tower::{Layer, ServiceExt};

    use super::*;

    /// The status that an API gives to a symbol, through the healer: rows for all but D.
    async fn status(healer: &Healer, symbol: &str) -> u16 {
        let api = tower::service_fn(|request: Request<Body>| async move {
            let rows = if request.uri().path().ends_with('D') {
                "{}"
            } else {
                r#"{"rows":[{"v":1}]}"#
            };
            Ok::<_, Infallible>(Response::new(Body::from(rows)))
        });
        let client = HealLayer::new(healer.clone()).layer(api);
        let request = Request::get(format!("http://api.test/api/quote/{symbol}"));
        let request = request.body(Body::empty()).unwrap();
        client.oneshot(request).await.unwrap().status().as_u16()
    }

    #[tokio::test]
    async fn what_was_learned_is_saved_and_is_known_to_the_next_process() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::default());
        let healer = Healer::builder().build();
        let (stop, mut tasks) = (CancellationToken::new(), JoinSet::new());
        tasks.spawn(keep(healer.clone(), Arc::clone(&store), stop.clone()));
        assert_eq!(status(&healer, "A").await, 200);
        assert_eq!(status(&healer, "B").await, 200);
        stop.cancel();
        tasks.join_all().await;
        assert_eq!(store.shapes().await.unwrap(), healer.shapes());
        let next = Healer::builder().build();
        recall(&next, store.as_ref()).await;
        assert_eq!(status(&next, "C").await, 200);
        assert_eq!(status(&next, "D").await, 502, "three others had rows");
        assert_eq!(status(&Healer::builder().build(), "D").await, 200);
    }
}
