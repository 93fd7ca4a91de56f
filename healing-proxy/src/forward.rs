//! One request through the house: hop hygiene, the healing stack, tunnels. Every caller gets an answer.

use std::{any::Any, convert::Infallible, panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use healing_core::{Body, Cache, Label, Problem, Provenance, strip_hop_fields};
use http::{HeaderValue, Method, Request, Response, StatusCode, Version, header};
use hyper::{body::Incoming, upgrade::OnUpgrade};
use hyper_util::rt::TokioIo;
use ipnet::IpNet;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service;

use crate::{
    hop::{self, Caller},
    places::Places,
    upstream::Upstream,
};

/// Paths that are named to a caller who asked for none of them.
const TOLD: usize = 32;

/// The stack of a worker, outermost first.
pub(crate) type Stack = Label<Cache<Upstream>>;

/// What forwards the requests of one worker.
#[derive(Debug)]
pub(crate) struct Forward {
    pub(crate) stack: Stack,
    pub(crate) hop: Arc<Hop>,
    pub(crate) places: Arc<Places>,
    /// Whether there is an API for what goes to no source.
    pub(crate) has_api: bool,
    /// The tunnels of upgraded connections, which outlive their requests.
    pub(crate) tunnels: TaskTracker,
    pub(crate) stop: CancellationToken,
}

/// Who this hop is.
#[derive(Debug)]
pub(crate) struct Hop {
    name: String,
    via: HeaderValue,
    upstream_is_near: bool,
    /// The proxies before this one that are believed.
    pub(crate) trusted: Vec<IpNet>,
}

// === impl Hop ===

impl Hop {
    /// A hop of that name before an upstream that is near (on this machine or in this network) or not.
    ///
    /// # Errors
    /// When the name cannot stand in a field.
    pub(crate) fn new(
        name: &str,
        upstream_is_near: bool,
    ) -> Result<Self, header::InvalidHeaderValue> {
        let via = HeaderValue::from_str(&format!("1.1 {name}"))?;
        Ok(Self {
            name: name.to_owned(),
            via,
            upstream_is_near,
            trusted: Vec::new(),
        })
    }

    /// The same, behind proxies in these networks.
    pub(crate) fn trusting(mut self, networks: impl IntoIterator<Item = IpNet>) -> Self {
        self.trusted.extend(networks);
        self
    }
}

// === impl Forward ===

impl Forward {
    /// Answers a request of that caller.
    pub(crate) async fn answer(
        self: Arc<Self>,
        request: Request<Incoming>,
        caller: Arc<Caller>,
    ) -> Result<Response<Body>, Infallible> {
        let via = self.hop.via.clone();
        let answer = AssertUnwindSafe(self.forward(request, &caller))
            .catch_unwind()
            .await;
        let mut response = answer.unwrap_or_else(|panic| panicked(&*panic));
        response.headers_mut().append(header::VIA, via);
        Ok(response)
    }

    async fn forward(&self, mut request: Request<Incoming>, caller: &Caller) -> Response<Body> {
        if let Some(refusal) = self.refuse(&request) {
            return refusal;
        }
        let protocol = hop::upgrade(request.headers());
        let tunnel = protocol.as_ref().map(|_| hyper::upgrade::on(&mut request));
        let place = self.places.send(request.uri_mut());
        if place.is_none() && !self.has_api {
            return nothing_there(&self.places);
        }
        let is_near = place.map_or(self.hop.upstream_is_near, |place| place.is_near);
        let headers = request.headers_mut();
        strip_hop_fields(headers);
        hop::forward(headers, caller, is_near);
        headers.append(header::VIA, self.hop.via.clone());
        if let Some(protocol) = protocol {
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(header::UPGRADE, protocol);
        }
        match self.stack.clone().call(request).await {
            Ok(response) if response.status() == StatusCode::SWITCHING_PROTOCOLS => {
                self.switch(response, tunnel)
            }
            Ok(mut response) => {
                self.locate(&mut response);
                response
            }
            // The healer is set up to answer errors of the upstream itself.
            Err(_) => problem(
                StatusCode::BAD_GATEWAY,
                "upstream-unreachable",
                "The source cannot be reached",
            ),
        }
    }

    /// Where what was given instead stands: at the paths of this proxy, which may have a mount before those of its source.
    fn locate(&self, response: &mut Response<Body>) {
        let Some(location) = response.headers().get(header::CONTENT_LOCATION) else {
            return;
        };
        let truth = response.extensions().get::<Provenance>();
        let instead = truth.and_then(|truth| truth.instead.as_ref());
        let authority = instead.and_then(|instead| instead.authority.as_ref());
        let mount = authority.and_then(|authority| self.places.mount_of(authority));
        if let (Some(mount), Ok(path)) = (mount, location.to_str())
            && let Ok(location) = HeaderValue::try_from(format!("{mount}{path}"))
        {
            response
                .headers_mut()
                .insert(header::CONTENT_LOCATION, location);
        }
    }

    /// The requests that are not for the upstream.
    fn refuse(&self, request: &Request<Incoming>) -> Option<Response<Body>> {
        if matches!(*request.method(), Method::TRACE | Method::CONNECT) {
            let mut refusal = problem(
                StatusCode::METHOD_NOT_ALLOWED,
                "denied",
                "TRACE and CONNECT are not passed on",
            );
            let allow = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
            refusal.headers_mut().insert(header::ALLOW, allow);
            return Some(refusal);
        }
        if request.version() == Version::HTTP_11
            && request.headers().get_all(header::HOST).iter().count() != 1
        {
            let title = "A request names its host once, in one field Host (RFC 9112, section 3.2)";
            return Some(problem(StatusCode::BAD_REQUEST, "denied", title));
        }
        if hop::has_passed(request.headers(), &self.hop.name) {
            let title = "The upstream is this proxy itself: give --upstream another address";
            let mut refusal = problem(StatusCode::BAD_GATEWAY, "loop", title);
            if let Ok(status) =
                HeaderValue::try_from(format!("{};error=proxy_loop_detected", self.hop.name))
            {
                refusal.headers_mut().insert("proxy-status", status);
            }
            return Some(refusal);
        }
        None
    }

    /// The upstream has switched protocols: from now on bytes are passed as they are.
    fn switch(&self, mut response: Response<Body>, caller: Option<OnUpgrade>) -> Response<Body> {
        let Some(caller) = caller else {
            let title = "The upstream switched protocols without being asked";
            return problem(StatusCode::BAD_GATEWAY, "upstream-broken", title);
        };
        let upstream = hyper::upgrade::on(&mut response);
        let stop = self.stop.clone();
        self.tunnels.spawn(async move {
            let tunnel = async {
                let (caller, upstream) = tokio::try_join!(caller, upstream).ok()?;
                let (mut caller, mut upstream) = (TokioIo::new(caller), TokioIo::new(upstream));
                tokio::io::copy_bidirectional(&mut caller, &mut upstream)
                    .await
                    .ok()
            };
            // A tunnel ends when either side ends it; how is nobody's business here.
            let _bytes = stop.run_until_cancelled(tunnel).await;
        });
        let (parts, _) = response.into_parts();
        Response::from_parts(parts, Body::empty())
    }
}

fn panicked(_: &(dyn Any + Send)) -> Response<Body> {
    // The message may quote a request; the panic hook has logged where it happened.
    problem(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "The proxy made a mistake with this request",
    )
}

/// What is said of a path that no source is at.
fn nothing_there(places: &Places) -> Response<Body> {
    let served = places.served();
    let told: Vec<&str> = served.iter().take(TOLD).copied().collect();
    let more = match served.len().saturating_sub(TOLD) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let detail = format!("this proxy serves {}{more}", told.join(", "));
    Problem::new(
        StatusCode::NOT_FOUND,
        "no-source",
        "No source is at this path",
    )
    .detail(detail)
    .with("served", told)
    .response()
}

fn problem(status: StatusCode, kind: &'static str, title: &'static str) -> Response<Body> {
    Problem::new(status, kind, title).response()
}
