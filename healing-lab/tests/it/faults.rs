//! Every fault is real on the wire, narrows as it says, and ends.

use std::collections::BTreeSet;
use std::time::Duration;

use flate2::read::GzDecoder;
use healing_lab::{ErrorBody, Fault, Garble, Injection, Lab, RetryAfter, SourceName, key};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::client::{End, Reply, get, get_briefly, get_with, get_yahoo, lab};

const YAHOO: SourceName = SourceName::YahooFinance;
const CHART: &str = "/v8/finance/chart/AAPL?range=5d&interval=1d";

/// The answer to a chart under a fault.
async fn under(fault: Fault) -> Reply {
    let lab = lab().await;
    let hangs = matches!(fault, Fault::HangHead | Fault::HangBody);
    lab.inject(YAHOO, fault);
    let reply = if hangs {
        get_briefly(&lab, YAHOO, CHART).await
    } else {
        get(&lab, YAHOO, CHART).await
    };
    lab.stop().await;
    reply
}

#[tokio::test]
async fn without_a_fault_the_answer_is_whole_json() {
    let lab = lab().await;
    let reply = get(&lab, YAHOO, CHART).await;
    assert!(reply.is_whole());
    assert_eq!((reply.status, reply.end), (200, End::Closed));
    assert!(reply.header("date").is_some());
    assert_eq!(reply.at("/chart/error"), serde_json::Value::Null);
}

#[tokio::test]
async fn a_status_comes_with_its_body_and_its_wait() {
    let with = |body| Fault::Status {
        code: 429,
        retry_after: Some(RetryAfter::Seconds(7)),
        body,
    };
    let html = under(with(ErrorBody::Html)).await;
    assert_eq!((html.status, html.header("retry-after")), (429, Some("7")));
    assert!(html.text().starts_with("<html>"));
    assert_eq!(
        under(with(ErrorBody::Text)).await.text(),
        "Too Many Requests"
    );
    let empty = under(with(ErrorBody::Empty)).await;
    assert_eq!(
        (empty.text().as_str(), empty.header("content-type")),
        ("", None)
    );
    let json = under(Fault::status(503)).await;
    assert_eq!(json.at("/finance/error/code"), "Service Unavailable");
}

#[tokio::test]
async fn a_retry_date_is_counted_from_the_answer() {
    let date = |seconds| Fault::Status {
        code: 503,
        retry_after: Some(RetryAfter::Date(seconds)),
        body: ErrorBody::Text,
    };
    for seconds in [90, -90] {
        let reply = under(date(seconds)).await;
        let of = |name| httpdate::parse_http_date(reply.header(name).unwrap()).unwrap();
        let (now, then) = (of("date"), of("retry-after"));
        let apart = then.duration_since(now).map_or_else(
            |past| -past.duration().as_secs_f64(),
            |wait| wait.as_secs_f64(),
        );
        assert!((apart - seconds as f64).abs() <= 1.0, "{apart}");
    }
}

#[tokio::test]
async fn each_source_words_its_note_and_its_error_object_in_its_own_envelope() {
    let lab = lab().await;
    let rows = [
        (SourceName::FredApi, "/error_message", "/error_code"),
        (SourceName::PolygonIo, "/error", "/status"),
        (SourceName::AlphaVantage, "/Information", "/Error Message"),
        (SourceName::Api, "/error", "/error"),
    ];
    for (source, note, object) in rows {
        for (fault, pointer) in [(Fault::Note, note), (Fault::ErrorObject, object)] {
            lab.inject(source, Injection::new(fault).times(1));
            let reply = get(&lab, source, "/fred/series?file_type=json").await;
            assert_eq!(reply.status, 200, "{source}");
            assert!(!reply.at(pointer).is_null(), "{source}");
        }
    }
    lab.stop().await;
    assert_eq!(under(Fault::Note).await.text(), "Edge: Too Many Requests");
    assert_eq!(
        under(Fault::ErrorObject).await.at("/finance/error/code"),
        "Internal Server Error"
    );
}

#[tokio::test]
async fn hollow_and_foreign_bodies_come_with_a_200() {
    assert_eq!(under(Fault::EmptyBody).await.text(), "");
    assert_eq!(under(Fault::EmptyObject).await.text(), "{}");
    let html = under(Fault::HtmlInstead).await;
    assert_eq!(
        (html.status, html.header("content-type")),
        (200, Some("text/html; charset=utf-8"))
    );
    let wrong = under(Fault::WrongType).await;
    assert_eq!(
        wrong.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(wrong.at("/chart/error"), serde_json::Value::Null);
}

#[tokio::test]
async fn hanging_answers_stop_where_they_say() {
    let head = under(Fault::HangHead).await;
    assert_eq!((head.end, head.status), (End::Silent, 0));
    let body = under(Fault::HangBody).await;
    assert_eq!((body.end, body.status), (End::Silent, 200));
    assert!(!body.body.is_empty() && !body.is_whole());
}

#[tokio::test]
async fn cut_answers_end_before_their_length() {
    let cut = under(Fault::CutBody).await;
    assert_eq!((cut.end, cut.status), (End::Closed, 200));
    assert!(!cut.body.is_empty() && !cut.is_whole());
    let chunked = under(Fault::CutChunked).await;
    assert_eq!(chunked.header("transfer-encoding"), Some("chunked"));
    assert!(!chunked.text().ends_with("0\r\n\r\n"));
    let within = under(Fault::Garble(Garble::Cut)).await;
    assert!(
        within.is_whole() && serde_json::from_slice::<serde_json::Value>(&within.body).is_err()
    );
}

#[tokio::test]
async fn resets_are_resets() {
    let reset = under(Fault::Reset).await;
    assert_eq!((reset.end, reset.status), (End::Reset, 0));
    let body = under(Fault::ResetBody).await;
    assert_eq!((body.end, body.status), (End::Reset, 200));
    assert!(!body.body.is_empty());
}

#[tokio::test]
async fn two_lengths_differ_and_a_surplus_follows_the_answer() {
    let lengths = under(Fault::TwoLengths).await;
    let lengths: BTreeSet<&str> = lengths
        .headers
        .iter()
        .filter(|(name, _)| name == "content-length")
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(lengths.len(), 2);
    let surplus = under(Fault::Surplus).await;
    assert!(surplus.text().contains("HTTP/1.1 200 OK"));
}

#[tokio::test]
async fn big_answers_are_as_big_as_asked() {
    let flood = under(Fault::Flood(300_000)).await;
    assert!(flood.is_whole());
    assert_eq!(flood.json(), serde_json::json!([]));
    let wide = under(Fault::WideHead(50_000)).await;
    let width: usize = wide
        .headers
        .iter()
        .map(|(name, value)| name.len() + value.len() + 4)
        .sum();
    assert!((50_000..60_000).contains(&width), "{width}");
}

#[tokio::test]
async fn gzip_faults_are_gzip_faults() {
    let inflate = |reply: &Reply| {
        let mut body = Vec::new();
        std::io::Read::read_to_end(&mut GzDecoder::new(reply.body.as_slice()), &mut body)
            .map(|_| body)
    };
    let broken = under(Fault::BrokenGzip).await;
    assert_eq!(broken.header("content-encoding"), Some("gzip"));
    assert!(inflate(&broken).is_err());
    let bomb = under(Fault::GzipBomb(2 << 20)).await;
    assert!(bomb.body.len() < 16 << 10);
    assert_eq!(inflate(&bomb).unwrap().len(), 2 << 20);
    let lab = lab().await;
    let sound = get_with(&lab, YAHOO, CHART, ("accept-encoding", "br, gzip")).await;
    assert_eq!(sound.header("content-encoding"), Some("gzip"));
    assert!(serde_json::from_slice::<serde_json::Value>(&inflate(&sound).unwrap()).is_ok());
}

#[tokio::test]
async fn slow_answers_are_whole_and_late() {
    let lab = lab().await;
    let pause = Duration::from_millis(60);
    lab.inject(YAHOO, Injection::new(Fault::Delay(pause)).times(1));
    let start = Instant::now();
    assert!(get(&lab, YAHOO, CHART).await.is_whole());
    assert!(start.elapsed() >= pause);
    lab.inject(
        YAHOO,
        Injection::new(Fault::Drip(Duration::from_millis(2))).times(1),
    );
    let start = Instant::now();
    let dripped = get(&lab, YAHOO, "/v1/finance/trending/US").await;
    assert!(dripped.is_whole());
    assert!(
        start.elapsed() >= Duration::from_millis(2) * u32::try_from(dripped.body.len()).unwrap()
    );
    lab.stop().await;
}

#[tokio::test]
async fn values_can_be_wrong_in_a_sound_body() {
    let pointer = "/chart/result/0/meta/regularMarketPrice";
    assert_eq!(under(Fault::Garble(Garble::Zero)).await.at(pointer), 0.0);
    assert!(
        under(Fault::Garble(Garble::Null))
            .await
            .at(pointer)
            .is_null()
    );
    assert_eq!(
        under(Fault::Garble(Garble::Currency))
            .await
            .at("/chart/result/0/meta/currency"),
        "GBp"
    );
    assert!(
        under(Fault::Garble(Garble::NotNumbers))
            .await
            .text()
            .contains("NaN")
    );
    assert!(
        under(Fault::Garble(Garble::Renamed))
            .await
            .json()
            .pointer(pointer)
            .is_none()
    );
}

#[tokio::test]
async fn a_connection_that_closed_unannounced_does_not_answer_again() {
    let lab = lab().await;
    lab.inject(YAHOO, Injection::new(Fault::CloseAfter).times(1));
    let mut stream = TcpStream::connect(lab.address(YAHOO)).await.unwrap();
    stream
        .write_all(b"GET /v1/finance/trending/US HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).await.unwrap();
    let text = String::from_utf8(bytes).unwrap();
    assert!(
        text.starts_with("HTTP/1.1 200") && !text.to_lowercase().contains("connection: close"),
        "{text}"
    );
    lab.stop().await;
}

#[tokio::test]
async fn a_healthy_connection_answers_many_requests() {
    let lab = lab().await;
    let mut stream = TcpStream::connect(lab.address(YAHOO)).await.unwrap();
    let mut buffer = vec![0; 16 * 1024];
    for _ in 0..200 {
        stream
            .write_all(b"GET /v1/finance/trending/US HTTP/1.1\r\nhost: x\r\n\r\n")
            .await
            .unwrap();
        let count = stream.read(&mut buffer).await.unwrap();
        assert!(buffer[..count].starts_with(b"HTTP/1.1 200"));
    }
    assert_eq!(lab.count(YAHOO), 200);
    lab.stop().await;
}

async fn refused(lab: &Lab) -> bool {
    get(lab, YAHOO, CHART).await.end == End::Refused
}

#[tokio::test]
async fn a_source_that_is_down_refuses_until_its_time_is_over() {
    let lab = lab().await;
    let address = lab.address(YAHOO);
    let mut old = TcpStream::connect(address).await.unwrap();
    lab.inject(
        YAHOO,
        Injection::new(Fault::Down).lasting(Duration::from_millis(150)),
    );
    lab.settled().await;
    assert!(refused(&lab).await);
    // A connection from before is closed too.
    assert_eq!(old.read(&mut [0; 8]).await.unwrap_or(0), 0);
    tokio::time::sleep(Duration::from_millis(150)).await;
    lab.settled().await;
    assert_eq!(get(&lab, YAHOO, CHART).await.status, 200);
    assert_eq!(lab.address(YAHOO), address);
    lab.stop().await;
}

#[tokio::test]
async fn a_source_that_is_down_comes_back_when_it_is_cleared() {
    let lab = lab().await;
    lab.inject(YAHOO, Fault::Down);
    // No request that is sent from here on is answered, whether the listener has noticed or not.
    assert_eq!(get(&lab, YAHOO, CHART).await.status, 0);
    lab.settled().await;
    assert!(refused(&lab).await);
    assert_eq!(
        get(&lab, SourceName::FredApi, "/graph/fredgraph.csv?id=GDP")
            .await
            .status,
        200
    );
    lab.clear_all();
    lab.settled().await;
    assert_eq!(get(&lab, YAHOO, CHART).await.status, 200);
    lab.stop().await;
}

#[tokio::test]
async fn frozen_and_lagging_sources_show_old_times() {
    let lab = lab().await;
    let quote = "/v7/finance/quote?symbols=AAPL&crumb={crumb}";
    let time = |reply: &Reply| {
        reply
            .at("/quoteResponse/result/0/regularMarketTime")
            .as_i64()
            .unwrap()
    };
    let before = time(&get_yahoo(&lab, quote).await);
    lab.inject(
        YAHOO,
        Injection::new(Fault::Lag(Duration::from_hours(1))).times(1),
    );
    let lagging = get_yahoo(&lab, quote).await;
    assert!(
        (3_590..=3_600).contains(&(before - time(&lagging))),
        "{before} {}",
        time(&lagging)
    );
    assert_eq!(lagging.at("/quoteResponse/result/0/marketState"), "REGULAR");
    lab.inject(YAHOO, Fault::Freeze);
    let first = get_yahoo(&lab, quote).await;
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    let second = get_yahoo(&lab, quote).await;
    assert_eq!(first.json(), second.json());
    lab.clear(YAHOO);
    assert!(time(&get_yahoo(&lab, quote).await) > time(&first));
    lab.stop().await;
}

#[tokio::test]
async fn the_log_tells_both_what_was_asked_and_what_went_wrong() {
    let lab = lab().await;
    let target = format!(
        "/fred/series?series_id=GDP&api_key={}",
        key(SourceName::FredApi)
    );
    get_with(&lab, SourceName::FredApi, &target, ("x-request-id", "r-1")).await;
    lab.inject(SourceName::FredApi, Injection::new(Fault::Reset).times(1));
    get(&lab, SourceName::FredApi, &target).await;
    get(&lab, SourceName::FredApi, &target).await;
    let asked = lab.asked_of(SourceName::FredApi);
    let rows: Vec<_> = asked
        .iter()
        .map(|asked| (asked.status, asked.fault))
        .collect();
    assert_eq!(
        rows,
        [(Some(200), None), (None, Some("reset")), (Some(200), None)]
    );
    assert_eq!(asked[0].x_request_id.as_deref(), Some("r-1"));
    assert_eq!(
        asked[0].target,
        "/fred/series?series_id=GDP&api_key=***0001"
    );
    assert!(asked.is_sorted_by_key(|asked| asked.millis));
    assert_eq!(
        (
            lab.count(SourceName::FredApi),
            lab.asked().len(),
            lab.log_dropped()
        ),
        (3, 3, 0)
    );
    lab.stop().await;
}

#[tokio::test]
async fn a_request_whose_caller_has_left_is_in_the_log_too() {
    let lab = lab().await;
    lab.inject(YAHOO, Fault::Delay(Duration::from_hours(1)));
    assert_eq!(get_briefly(&lab, YAHOO, CHART).await.end, End::Silent);
    let rows: Vec<_> = lab
        .asked()
        .iter()
        .map(|asked| (asked.status, asked.fault))
        .collect();
    assert_eq!(rows, [(None, Some("delay"))]);
    lab.stop().await;
}
