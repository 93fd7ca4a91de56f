//! Parts, heads, and word that the caller has it.

use http_body_util::BodyExt;

use super::*;

fn fields(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
    pairs
        .iter()
        .map(|(name, value)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        })
        .collect()
}

async fn given(
    answer: &[(&'static str, &'static str)],
    asked: &[(&'static str, &'static str)],
) -> (u16, HeaderMap, Bytes) {
    let mut chunks = Chunks::None;
    for chunk in ["012", "3456", "789"] {
        chunks.push(chunk.into());
    }
    let mut response = Response::new(Body::of(chunks));
    *response.headers_mut() = fields(answer);
    let (head, body) = tailor(response, &Method::GET, &fields(asked)).into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    (head.status.as_u16(), head.headers, body)
}

#[tokio::test]
async fn a_range_is_cut_out_of_the_chunks() {
    for (range, expected, said) in [
        ("bytes=0-1", "01", "bytes 0-1/10"),
        ("bytes=2-7", "234567", "bytes 2-7/10"),
        ("bytes=8-", "89", "bytes 8-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=5-100", "56789", "bytes 5-9/10"),
    ] {
        let (status, headers, body) = given(&[], &[("range", range)]).await;
        assert_eq!((status, &*body), (206, expected.as_bytes()), "{range}");
        assert_eq!(headers["content-range"], said);
        assert_eq!(headers["content-length"], expected.len().to_string());
    }
}

#[tokio::test]
async fn what_is_no_single_range_gives_all_and_one_past_the_end_nothing() {
    for range in [
        "bytes=1-0",
        "bytes=x-",
        "bytes=0-1,4-5",
        "lines=1-2",
        "bytes=-",
    ] {
        let (status, _, body) = given(&[], &[("range", range)]).await;
        assert_eq!((status, body.len()), (200, 10), "{range}");
    }
    let (status, headers, body) = given(&[], &[("range", "bytes=10-")]).await;
    assert_eq!((status, body.len()), (416, 0));
    assert_eq!(headers["content-range"], "bytes */10");
}

#[tokio::test]
async fn a_range_of_another_answer_gives_all() {
    let tagged = [("etag", "\"a\"")];
    for (condition, status) in [("\"a\"", 206), ("\"b\"", 200), ("W/\"a\"", 200)] {
        let asked = [("range", "bytes=0-1"), ("if-range", condition)];
        assert_eq!(given(&tagged, &asked).await.0, status, "{condition}");
    }
}

#[tokio::test]
async fn who_has_it_is_told_so_by_tag_before_date() {
    let answer = [
        ("etag", "W/\"a,b\""),
        ("last-modified", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("content-type", "text/plain"),
    ];
    let older = ("if-modified-since", "Sun, 06 Nov 1994 08:49:36 GMT");
    let same = ("if-modified-since", "Sunday, 06-Nov-94 08:49:37 GMT");
    for (asked, status) in [
        (vec![("if-none-match", "\"x\", \"a,b\"")], 304),
        (vec![("if-none-match", "*")], 304),
        (vec![("if-none-match", "\"a\""), same], 200),
        (vec![("if-none-match", "\"a,b\""), older], 304),
        (vec![same], 304),
        (vec![older], 200),
    ] {
        let (given, headers, body) = given(&answer, &asked).await;
        assert_eq!(given, status, "{asked:?}");
        assert_eq!(body.is_empty(), status == 304);
        assert_eq!(headers.contains_key("content-type"), status != 304);
    }
}
