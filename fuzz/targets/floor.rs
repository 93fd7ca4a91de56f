//! `Healing-Floor` on a request through the whole layer: refused with a 400, or answered.
#![no_main]

use std::{cell::RefCell, convert::Infallible, future};

use healing_core::{Body, Fidelity, HealLayer, Healer};
use http::{HeaderValue, Request, Response};
use libfuzzer_sys::fuzz_target;
use tokio::runtime::{Builder, Runtime};
use tower::{Layer, ServiceExt, util::BoxCloneService};

type Client = BoxCloneService<Request<Body>, Response<Body>, Infallible>;

thread_local! {
    static RUNTIME: Option<Runtime> = Builder::new_current_thread().enable_time().build().ok();
    static CLIENT: RefCell<Client> = RefCell::new(client());
}

fuzz_target!(|value: &[u8]| {
    let Ok(field) = HeaderValue::from_bytes(value) else {
        return;
    };
    let mut request = Request::new(Body::empty());
    request.headers_mut().insert("healing-floor", field);
    let client = CLIENT.with_borrow(Client::clone);
    let answer = RUNTIME.with(|runtime| {
        let runtime = runtime.as_ref()?;
        runtime.block_on(client.oneshot(request)).ok()
    });
    let word = std::str::from_utf8(value).unwrap_or_default();
    let status = answer.map(|answer| answer.status().as_u16());
    let is_fidelity = word.parse::<Fidelity>().is_ok();
    assert!(matches!(status, Some(200)) || matches!(status, Some(400)) && !is_fidelity);
});

fn client() -> Client {
    let upstream = tower::service_fn(|_: Request<Body>| {
        future::ready(Ok::<_, Infallible>(Response::new(Body::from("{}"))))
    });
    HealLayer::new(Healer::builder().build())
        .layer(upstream)
        .boxed_clone()
}
