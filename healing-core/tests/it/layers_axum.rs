//! The layers around an axum router: a service heals its own handlers, and labels what it gives.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering::Relaxed},
};

use axum::{Router, body::Body, extract::State, routing};
use healing_core::{
    AlternateSeries, EtfProxy, Expose, HealLayer, Healer, Identity, LabelLayer, Pattern,
    Provenance, RetryLayer, SeriesLayer, Source, StaleLayer, StrategyId, SubstituteLayer,
};
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use tower::{ServiceBuilder, ServiceExt};

use crate::layers_support::SERIES;

/// What the handler does: 0 answers, 1 fails, 2 fails once.
#[derive(Clone, Default)]
struct Mood(Arc<AtomicU8>);

async fn series(State(mood): State<Mood>) -> Response<Body> {
    let fails = mood.0.load(Relaxed) > 0;
    if mood.0.load(Relaxed) == 2 {
        mood.0.store(0, Relaxed);
    }
    let (status, text) = if fails {
        (
            StatusCode::INTERNAL_SERVER_ERROR,
            "Traceback (most recent call last)",
        )
    } else {
        (StatusCode::OK, SERIES)
    };
    Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(text))
        .unwrap()
}

fn routes(mood: &Mood) -> Router {
    Router::new()
        .route("/api/fred/series/{id}", routing::get(series).post(series))
        .with_state(mood.clone())
}

async fn ask(app: &Router, method: &str) -> (Response<()>, String) {
    let request = Request::builder()
        .method(method)
        .uri("/api/fred/series/DGS10")
        .body(Body::empty())
        .unwrap();
    let (head, body) = app.clone().oneshot(request).await.unwrap().into_parts();
    let text = body.collect().await.unwrap().to_bytes().to_vec();
    (
        Response::from_parts(head, ()),
        String::from_utf8(text).unwrap(),
    )
}

fn truth(response: &Response<()>) -> &Provenance {
    response.extensions().get().expect("provenance")
}

#[tokio::test(start_paused = true)]
async fn a_router_gives_its_last_good_answer_when_a_handler_fails() {
    let mood = Mood::default();
    let app = routes(&mood).layer(StaleLayer::default());
    ask(&app, "GET").await;
    mood.0.store(1, Relaxed);
    let (head, text) = ask(&app, "GET").await;
    assert_eq!((head.status(), text.as_str()), (StatusCode::OK, SERIES));
    assert_eq!(truth(&head).strategy, StrategyId::USE_CACHED_DATA);
    let route = truth(&head).route.as_ref().unwrap();
    assert_eq!(
        (route.source().as_str(), route.template()),
        ("fred", "/api/fred/series/{symbol}")
    );
}

#[tokio::test(start_paused = true)]
async fn a_router_asks_its_handler_again() {
    let mood = Mood::default();
    let app = routes(&mood).layer(RetryLayer::default());
    mood.0.store(2, Relaxed);
    let (head, text) = ask(&app, "GET").await;
    assert_eq!((head.status(), text.as_str()), (StatusCode::OK, SERIES));
    assert_eq!(truth(&head).attempts, 2);
}

#[tokio::test(start_paused = true)]
async fn a_post_to_a_handler_that_fails_is_not_repeated() {
    let mood = Mood::default();
    let app = routes(&mood).layer(HealLayer::new(Healer::builder().build()));
    mood.0.store(2, Relaxed);
    let (head, _) = ask(&app, "POST").await;
    assert_eq!(head.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(mood.0.load(Relaxed), 0, "called once");
}

#[tokio::test(start_paused = true)]
async fn a_stack_of_both_layers_labels_what_a_router_gives() {
    let mood = Mood::default();
    let identity = Identity::new("heal-7f3a", Expose::Full).unwrap();
    let app = routes(&mood).layer(
        ServiceBuilder::new()
            .layer(LabelLayer::new(identity))
            .layer(HealLayer::new(Healer::builder().build())),
    );
    let (healthy, _) = ask(&app, "GET").await;
    assert!(!healthy.headers().contains_key("healing"));
    mood.0.store(1, Relaxed);
    let (healed, text) = ask(&app, "GET").await;
    assert_eq!(text, SERIES);
    let healing = healed.headers()["healing"].to_str().unwrap();
    assert!(
        healing.starts_with("stale;strategy=use_cached_data;source=fred;class=server_error"),
        "{healing}"
    );
}

/// Gives GS10 and XLK, and fails for everything else.
async fn some(axum::extract::Path(id): axum::extract::Path<String>) -> (StatusCode, &'static str) {
    match id.as_str() {
        "GS10" | "XLK" => (StatusCode::OK, SERIES),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "no such thing today"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_router_found_in_the_path_reaches_its_handler_through_a_layer() {
    let routes = Router::new()
        .route("/series/{id}", routing::get(some))
        .layer(HealLayer::new(Healer::builder().build()));
    let ask = |path: &str| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        routes.clone().oneshot(request)
    };
    assert_eq!(ask("/series/GS10").await.unwrap().status(), StatusCode::OK);
    let answer = ask("/series/DGS10").await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "no such thing today");
}

#[tokio::test(start_paused = true)]
async fn a_router_gives_something_else_and_says_so_in_status_and_fields() {
    let identity = Identity::new("heal-7f3a", Expose::Full).unwrap();
    let source = Source::new("a_source").unwrap();
    let pattern = |text: &str| Pattern::of(text.parse().unwrap());
    let series = AlternateSeries::fred_monthly("series");
    let series = SeriesLayer::new(source.clone(), pattern("/series/{series}"), series).unwrap();
    let funds = EtfProxy::of("symbol").sectors();
    let funds = SubstituteLayer::new(source, pattern("/quote/{symbol}"), funds).unwrap();
    // Around the router, not inside of it: what is asked instead has to find its own way.
    let routes = Router::new()
        .route("/series/{id}", routing::get(some))
        .route("/quote/{id}", routing::get(some));
    let routes = ServiceBuilder::new()
        .layer(LabelLayer::new(identity))
        .layer(series)
        .layer(funds)
        .service(routes);
    for (path, status, healing, location) in [
        (
            "/series/DGS10",
            200,
            "reduced;strategy=alternate_series;source=a_source;label=\"monthly average\";class=server_error;attempts=2",
            "/series/GS10",
        ),
        (
            "/quote/AAPL",
            203,
            // The outermost layer names the route, as it knows it.
            "substitute;strategy=etf_proxy;source=quote;label=\"sector fund\";class=server_error;attempts=2",
            "/quote/XLK",
        ),
    ] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let answer = routes.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
        let field = |name: &str| answer.headers()[name].to_str().unwrap();
        assert!(
            field("healing").starts_with(healing),
            "{}",
            field("healing")
        );
        assert_eq!(field("content-location"), location);
        assert_eq!(field("cache-control"), "no-store");
    }
}
