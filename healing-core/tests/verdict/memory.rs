//! The memory that kept copies take, measured, stays within a tenth of its bound, whatever their sizes.

use std::convert::Infallible;

use allocation_counter::measure;
use healing_core::{Body, CacheLayer, HealLayer, Healer};
use http::{Request, Response};
use tower::{ServiceBuilder, ServiceExt};

/// Large enough that a tenth of it is more than one body on its way.
const BOUND: u64 = 64 << 20;
const LARGEST: u64 = 2 << 20;

/// Numbers in no order, the same in each run.
#[derive(Debug)]
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        let Self(state) = self;
        *state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        *state >> 33
    }

    /// As often small as large: its logarithm has no order.
    fn size(&mut self) -> u64 {
        let most = 1 << (self.next() % 22);
        self.next() % most + 1
    }
}

/// Asks for new URLs and for old ones, until that many bytes have come.
async fn load(bound: u64, until: u64, mut size: impl FnMut(&mut Chance) -> u64) {
    let chance = &mut Chance(7);
    let healer = Healer::builder().copies(bound).build();
    let client = ServiceBuilder::new()
        .layer(CacheLayer::new())
        .layer(HealLayer::new(healer))
        .service_fn(|request: Request<Body>| async move {
            let size: usize = request.uri().query().unwrap().parse().unwrap();
            let body = vec![b'x'; size];
            let answer = Response::builder()
                .header("cache-control", "max-age=600")
                .header("content-type", "text/plain");
            Ok::<_, Infallible>(answer.body(Body::from(body)).unwrap())
        });
    let (mut came, mut seen) = (0, Vec::new());
    while came < until {
        let again = chance.next().is_multiple_of(4).then(|| chance.next());
        let url = again.and_then(|place| {
            let place = usize::try_from(place).unwrap() % seen.len().max(1);
            seen.get(place).cloned()
        });
        let url = url.unwrap_or_else(|| {
            let size = size(chance);
            came += size.max(1024);
            format!("http://a.test/{}?{size}", chance.next())
        });
        let request = Request::get(&url).body(Body::empty()).unwrap();
        client.clone().oneshot(request).await.unwrap();
        if seen.len() < 1_000 {
            seen.push(url);
        }
    }
}

#[track_caller]
fn check(bound: u64, until: u64, size: impl FnMut(&mut Chance) -> u64) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let used = measure(|| runtime.block_on(load(bound, until, size)));
    let most = used.bytes_max;
    assert!(most > bound / 2, "nothing was kept: {most} of {bound}");
    assert!(most < bound + bound / 10, "{most} of {bound} bytes");
}

#[test]
fn copies_of_a_byte_to_two_mebibytes_keep_to_their_bound() {
    check(BOUND, 2 * BOUND, Chance::size);
}

#[test]
fn only_large_copies_keep_to_their_bound() {
    check(BOUND, 2 * BOUND, |chance| {
        LARGEST - chance.next() % 4096 - 1
    });
}

#[test]
fn only_tiny_copies_keep_to_their_bound() {
    check(BOUND / 8, BOUND / 4, |chance| chance.next() % 16 + 1);
}
