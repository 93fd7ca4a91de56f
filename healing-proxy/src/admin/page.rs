//! The dashboard: four files that are part of the program, so it works without a network.

use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::LazyLock,
};

use axum::{
    Router,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::get,
};

use super::Admin;

/// A file of the dashboard.
struct Asset {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
    /// Other pages may load it: it is the client that they are meant to include.
    shared: bool,
}

static ASSETS: [Asset; 4] = [
    Asset {
        path: "/health-dashboard",
        kind: "text/html; charset=utf-8",
        text: include_str!("../../assets/health-dashboard/index.html"),
        shared: false,
    },
    Asset {
        path: "/health-dashboard/dashboard.css",
        kind: "text/css; charset=utf-8",
        text: include_str!("../../assets/health-dashboard/dashboard.css"),
        shared: false,
    },
    Asset {
        path: "/health-dashboard/dashboard.js",
        kind: "text/javascript; charset=utf-8",
        text: include_str!("../../assets/health-dashboard/dashboard.js"),
        shared: false,
    },
    Asset {
        path: "/health-dashboard/health_monitor.js",
        kind: "text/javascript; charset=utf-8",
        text: include_str!("../../assets/health-dashboard/health_monitor.js"),
        shared: true,
    },
];

/// One entity tag for all files: they come and go with the program.
static TAG: LazyLock<String> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    for asset in &ASSETS {
        asset.text.hash(&mut hasher);
    }
    format!("\"{:016x}\"", hasher.finish())
});

/// The routes of all files.
pub(super) fn routes() -> Router<Admin> {
    let router = Router::new().route("/health-dashboard/", get(to_the_dashboard));
    ASSETS.iter().fold(router, |router, asset| {
        router.route(
            asset.path,
            get(move |headers: HeaderMap| async move { asset.answer(&headers) }),
        )
    })
}

/// Sends a reader to the dashboard.
pub(super) async fn to_the_dashboard() -> Redirect {
    Redirect::temporary("/health-dashboard")
}

// === impl Asset ===

impl Asset {
    /// The file, or 304 where the client has it. It is asked for each time, so that no page outlives its program.
    fn answer(&self, headers: &HeaderMap) -> Response {
        let tag = TAG.as_str();
        let known = headers
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let mut known = known
            .flat_map(|list| list.split(','))
            .map(|one| one.trim().trim_start_matches("W/"));
        let mut response = if known.any(|one| one == tag || one == "*") {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            (
                [(header::CONTENT_TYPE, HeaderValue::from_static(self.kind))],
                self.text,
            )
                .into_response()
        };
        let fields = response.headers_mut();
        fields.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        if let Ok(tag) = HeaderValue::from_str(tag) {
            fields.insert(header::ETAG, tag);
        }
        if self.shared {
            let policy = HeaderName::from_static("cross-origin-resource-policy");
            fields.insert(policy, HeaderValue::from_static("cross-origin"));
        }
        response
    }
}
