//! A page's worth of requests: a dozen widgets that refresh, each by a caller that checks what it gets by itself.

use std::{
    collections::{BTreeSet, HashMap},
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Empty};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::Value;
use tokio::{
    task::JoinSet,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use tokio_util::sync::CancellationToken;

/// What the page shows.
pub(super) const WIDGETS: [&str; 10] = [
    "/api/yahoo/quote/AAPL",
    "/api/yahoo/quote/MSFT",
    "/api/yahoo/chart/SPY",
    "/api/fred/series/DGS10",
    "/api/fred/series/UNRATE",
    "/api/polygon/prev/AAPL",
    "/api/polygon/aggs/MSFT",
    "/api/alpha/quote/IBM",
    "/api/alpha/daily/IBM",
    "/api/yahoo/quote/NVDA",
];

/// How often each refreshes.
const EVERY: Duration = Duration::from_secs(1);

/// A caller gives up after this.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the callers saw.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) requests: u64,
    pub(super) direct: u64,
    /// Good answers that were healed, by strategy.
    pub(super) healed: HashMap<String, u64>,
    /// Honest errors where nothing good had come before.
    pub(super) honest: u64,
    /// Bad answers, or none, where a good one had come before: the demonstration has failed.
    pub(super) lost: u64,
    /// What the first lost answers were.
    pub(super) losses: Vec<String>,
    pub(super) slowest: Duration,
}

/// The callers.
pub(super) struct Load {
    seen: Arc<Mutex<Seen>>,
    callers: JoinSet<()>,
}

/// One answer as its caller saw it.
struct Answer {
    status: StatusCode,
    strategy: Option<String>,
    keys: BTreeSet<String>,
}

// === impl Load ===

impl Load {
    /// Starts a caller for each widget, spread over the second.
    pub(super) fn start(proxy: SocketAddr, stop: &CancellationToken) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let mut callers = JoinSet::new();
        let between = EVERY / u32::try_from(WIDGETS.len()).unwrap_or(1);
        for (n, path) in (0_u32..).zip(WIDGETS) {
            let (seen, stop) = (Arc::clone(&seen), stop.clone());
            callers.spawn(async move {
                let first = Instant::now() + between * n;
                stop.run_until_cancelled(call(proxy, path, first, &seen))
                    .await;
            });
        }
        Self { seen, callers }
    }

    /// What was seen so far.
    pub(super) fn seen(&self) -> Seen {
        self.seen
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Waits for the callers, and tells what they saw.
    pub(super) async fn end(mut self) -> Seen {
        while self.callers.join_next().await.is_some() {}
        self.seen()
    }
}

async fn call(proxy: SocketAddr, path: &str, first: Instant, seen: &Mutex<Seen>) {
    let client: Client<_, Empty<bytes::Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let Ok(uri) = format!("http://{proxy}{path}").parse::<Uri>() else {
        return;
    };
    let mut promised: Option<BTreeSet<String>> = None;
    let mut due = interval(EVERY);
    due.set_missed_tick_behavior(MissedTickBehavior::Delay);
    due.reset_at(first);
    loop {
        due.tick().await;
        let begun = Instant::now();
        let answer = timeout(PATIENCE, ask(&client, uri.clone())).await;
        let answer = answer
            .map_err(|_| "no answer in 5 s".to_owned())
            .and_then(|answer| answer);
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.slowest = seen.slowest.max(begun.elapsed());
        seen.count(path, answer, &mut promised);
    }
}

async fn ask<C>(client: &Client<C, Empty<bytes::Bytes>>, uri: Uri) -> Result<Answer, String>
where
    C: hyper_util::client::legacy::connect::Connect + Clone + Send + Sync + 'static,
{
    let mut request = Request::new(Empty::new());
    *request.uri_mut() = uri;
    let response = client
        .request(request)
        .await
        .map_err(|error| error.to_string())?;
    let (head, body) = response.into_parts();
    let body = body
        .collect()
        .await
        .map_err(|error| error.to_string())?
        .to_bytes();
    let keys = match serde_json::from_slice(&body) {
        Ok(Value::Object(object)) => object.into_iter().map(|(key, _)| key).collect(),
        Ok(_) | Err(_) => BTreeSet::new(),
    };
    let healing = head
        .headers
        .get("healing")
        .and_then(|value| value.to_str().ok());
    let strategy = healing.and_then(|value| {
        value
            .split(';')
            .find_map(|part| part.strip_prefix("strategy="))
    });
    Ok(Answer {
        status: head.status,
        strategy: strategy.map(str::to_owned),
        keys,
    })
}

// === impl Seen ===

impl Seen {
    fn count(
        &mut self,
        path: &str,
        answer: Result<Answer, String>,
        promised: &mut Option<BTreeSet<String>>,
    ) {
        self.requests += 1;
        let loss = match answer {
            Ok(answer)
                if answer.status == StatusCode::OK
                    && promised.as_ref().is_none_or(|keys| *keys == answer.keys) =>
            {
                match answer.strategy {
                    Some(strategy) => *self.healed.entry(strategy).or_default() += 1,
                    None => self.direct += 1,
                }
                // A first answer that is an error object in a 200 must not become what is promised.
                if !answer.keys.is_empty() && !answer.keys.contains("error") {
                    promised.get_or_insert(answer.keys);
                }
                return;
            }
            Ok(answer) => format!("{path}: status {} with {:?}", answer.status, answer.keys),
            Err(error) => format!("{path}: {error}"),
        };
        if promised.is_none() {
            self.honest += 1;
            return;
        }
        self.lost += 1;
        if self.losses.len() < 5 {
            self.losses.push(loss);
        }
    }
}
