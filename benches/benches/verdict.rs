//! What the verdict on a whole body costs by itself: no layer, no service, one thread.
//!
//! Each body is judged against what an earlier answer of its URL promised, and differs from it in its values, as it does
//! where an upstream is alive. `table` is rows of objects, `series` a chart's columns of numbers, `quote` one object with
//! many fields, `daily` objects under dates. The goals: 2 µs for 1 KiB of JSON, 50 µs for 64 KiB.
//!
//! Time is what the thread had of the processor, so that others on the machine count little.
#![expect(
    clippy::expect_used,
    reason = "a bench that cannot be set up has nothing to measure"
)]

use std::{hint::black_box, io::Write, time::Duration};

use bytes::Bytes;
use criterion::{
    Criterion,
    measurement::{Measurement, ValueFormatter, WallTime},
};
use flate2::{Compression, write::GzEncoder};
use healing_core::{Body, classify::Promise};
use http::{HeaderName, HeaderValue, Response, header, response::Parts};
use rustix::time::{ClockId, clock_gettime};

const KIB: usize = 1024;

type Bench = Criterion<ThreadTime>;

fn main() {
    let mut criterion = Criterion::default()
        .with_measurement(ThreadTime(WallTime))
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2))
        .configure_from_args();
    let json = head(&[(header::CONTENT_TYPE, "application/json")]);
    for (size, name) in [(KIB, "1k"), (64 * KIB, "64k"), (2 * KIB * KIB, "2m")] {
        for (kind, write) in [
            ("table", table as fn(usize, u32) -> String),
            ("pretty", pretty),
            ("series", series),
            ("daily", daily),
        ] {
            run(
                &mut criterion,
                &format!("{kind}_{name}"),
                &json,
                &[write(size, 4).into(), write(size, 5).into()],
            );
        }
    }
    run(
        &mut criterion,
        "quote_1k",
        &json,
        &[quote(4).into(), quote(5).into()],
    );
    in_pieces(&mut criterion, &json);
    others(&mut criterion, &json);
    criterion.final_summary();
}

/// The same table in the pieces that a connection gives.
fn in_pieces(criterion: &mut Bench, json: &Parts) {
    let pieces = |first| -> Body {
        let text = Bytes::from(table(64 * KIB, first));
        (0..text.len())
            .step_by(8 * KIB)
            .map(|from| text.slice(from..text.len().min(from + 8 * KIB)))
            .collect()
    };
    run(
        criterion,
        "table_64k_in_8_pieces",
        json,
        &[pieces(4), pieces(5)],
    );
}

/// Bodies that are no JSON, no answer, or coded.
fn others(criterion: &mut Bench, json: &Parts) {
    let csv = head(&[(header::CONTENT_TYPE, "text/csv")]);
    let lines = |first| -> Body { rows(64 * KIB, first).replace('}', "}\n").into() };
    run(criterion, "csv_64k", &csv, &[lines(4), lines(5)]);

    let gzip = head(&[
        (header::CONTENT_TYPE, "application/json"),
        (header::CONTENT_ENCODING, "gzip"),
    ]);
    let packed = |first| -> Body {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder
            .write_all(table(64 * KIB, first).as_bytes())
            .and_then(|()| encoder.finish())
            .expect("a body in memory")
            .into()
    };
    run(criterion, "gzip_64k", &gzip, &[packed(4), packed(5)]);

    let mut promise = Promise::new();
    promise
        .judge_body(json, &table(KIB, 4).into())
        .expect("a promise");
    let note = Body::from(r#"{"error":{"code":429,"message":"Too many requests, slow down."}}"#);
    criterion.bench_function("error_object", |bencher| {
        bencher.iter(|| promise.judge_body(json, black_box(&note)).is_err());
    });
}

/// Judges both bodies in turn. The first of them promises.
fn run(criterion: &mut Bench, name: &str, head: &Parts, bodies: &[Body; 2]) {
    let mut promise = Promise::new();
    let mut turns = bodies.iter().cycle();
    for body in bodies {
        promise.judge_body(head, body).expect("a good body");
    }
    criterion.bench_function(name, |bencher| {
        bencher.iter(|| {
            let body = turns.next().expect("a cycle has no end");
            promise.judge_body(head, black_box(body)).is_ok()
        });
    });
}

fn head(fields: &[(HeaderName, &'static str)]) -> Parts {
    let mut response = Response::new(());
    for (name, value) in fields {
        let value = HeaderValue::from_static(value);
        response.headers_mut().insert(name, value);
    }
    response.into_parts().0
}

/// Pieces one after the other up to a size.
fn fill(size: usize, mut piece: impl FnMut(usize) -> String) -> String {
    let mut text = String::with_capacity(size + KIB);
    for n in 0.. {
        if text.len() >= size {
            break;
        }
        text.push_str(&piece(n));
    }
    text.pop();
    text
}

fn rows(size: usize, first: u32) -> String {
    fill(size, |n| {
        let (day, value) = (n % 28 + 1, n * 37 % 100);
        format!(
            r#"{{"date":"2026-01-{day:02}","value":{first}.{value:02},"source":"fred","ok":true}},"#
        )
    })
}

fn table(size: usize, first: u32) -> String {
    format!("[{}]", rows(size, first))
}

/// As an upstream in Python writes it with an indent.
fn pretty(size: usize, first: u32) -> String {
    let rows = fill(size, |n| {
        let (day, value) = (n % 28 + 1, n * 37 % 100);
        format!(
            "\n    {{\n      \"date\": \"2026-01-{day:02}\",\n      \"value\": \"{first}.{value:02}\"\n    }},"
        )
    });
    format!("{{\n  \"count\": 100,\n  \"observations\": [{rows}\n  ]\n}}")
}

/// A chart: times, and columns of prices and volumes.
fn series(size: usize, first: u32) -> String {
    let part = size / 4;
    let times = fill(part, |n| format!("{},", 1_760_000_000 + n * 60));
    let prices = |shift: usize| {
        fill(part, |n| {
            format!(
                "{first}{}.{},",
                n % 50 + 10,
                (n + shift) * 7_919 % 100_000_000
            )
        })
    };
    let volumes = fill(part, |n| format!("{},", n * 7_919 % 1_000_000));
    format!(
        r#"{{"chart":{{"result":[{{"meta":{{"currency":"USD","symbol":"AAPL","price":{first}.5}},"timestamp":[{times}],"indicators":{{"quote":[{{"open":[{}],"close":[{}],"volume":[{volumes}]}}]}}}}],"error":null}}}}"#,
        prices(0),
        prices(3)
    )
}

/// Objects under dates, as Alpha Vantage writes them.
fn daily(size: usize, first: u32) -> String {
    let days = fill(size, |n| {
        let (year, month, day) = (1990 + n / 336, n / 28 % 12 + 1, n % 28 + 1);
        format!(
            r#""{year}-{month:02}-{day:02}":{{"1. open":"{first}7.10","2. high":"{first}8.22","3. low":"{first}6.90","4. close":"{first}7.98","5. volume":"{}"}},"#,
            n * 7_919 % 1_000_000
        )
    });
    format!(r#"{{"Meta Data":{{"2. Symbol":"IBM"}},"Time Series (Daily)":{{{days}}}}}"#)
}

/// One object with many fields.
fn quote(first: u32) -> String {
    let fields = fill(KIB - 60, |n| match n % 3 {
        0 => format!(r#""regularMarketField{n}":{first}67.{n},"#),
        1 => format!(r#""longName{n}":"Apple Inc. {first}","#),
        _ => format!(r#""tradeable{n}":false,"#),
    });
    format!(r#"{{"quoteResponse":{{"result":[{{{fields}}}],"error":null}}}}"#)
}

/// The time that this thread had of the processor.
struct ThreadTime(WallTime);

impl Measurement for ThreadTime {
    type Intermediate = Duration;
    type Value = Duration;

    fn start(&self) -> Duration {
        Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
    }

    fn end(&self, start: Duration) -> Duration {
        self.start().saturating_sub(start)
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, time: &Duration) -> f64 {
        time.as_secs_f64() * 1e9
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        self.0.formatter()
    }
}
