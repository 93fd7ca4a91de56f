//! The ways in which an API fails, as bytes on the wire.

use std::{io::Write as _, panic::AssertUnwindSafe, time::Duration};

use flate2::{Compression, write::GzEncoder};
use futures_util::FutureExt;
use tokio::task::JoinSet;

use crate::upstream::{Act, Upstream};

/// A good answer.
pub(crate) const GOOD: &str = r#"{"symbol":"AAPL","currency":"USD","quotes":[{"date":"2026-11-19","close":229.87},{"date":"2026-11-20","close":230.02}]}"#;

/// What the API answers when it is well again.
pub(crate) const LATER: &str = r#"{"symbol":"AAPL","currency":"USD","quotes":[{"date":"2026-11-20","close":230.02},{"date":"2026-11-23","close":231.44}]}"#;

const NOTE: &str = r#"{"Note":"Thank you for using our API! Our standard API call frequency is 5 calls per minute and 500 calls per day."}"#;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json";

/// A way to fail.
#[derive(Clone, Debug)]
pub(crate) struct Form {
    pub(crate) name: &'static str,
    pub(crate) fault: Fault,
    /// The class that the answer names.
    pub(crate) class: &'static str,
}

#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It is asked, and does that.
    Acts(Act),
    /// Nobody listens.
    Refuses,
}

// === impl Form ===

impl Form {
    const fn new(name: &'static str, act: Act, class: &'static str) -> Self {
        Self {
            name,
            fault: Fault::Acts(act),
            class,
        }
    }

    /// From now on the API fails in this way.
    pub(crate) async fn strikes(&self, upstream: &mut Upstream) {
        match &self.fault {
            Fault::Acts(act) => upstream.always(act.clone()),
            Fault::Refuses => upstream.goes().await,
        }
    }

    /// From now on the API does that with every request.
    pub(crate) fn is_over(&self, upstream: &mut Upstream, act: Act) {
        upstream.always(act);
        if matches!(self.fault, Fault::Refuses) {
            upstream.comes();
        }
    }
}

/// All of them.
pub(crate) fn forms() -> Vec<Form> {
    let mut forms = statuses();
    forms.extend(connections());
    forms.extend(bodies());
    forms.extend(soft());
    forms
}

fn statuses() -> Vec<Form> {
    let page = "<html><body><h1>Bad Gateway</h1></body></html>";
    vec![
        Form::new(
            "500",
            Act::answer("HTTP/1.1 500 Oops\r\nX-Own: 1", "oops"),
            "server_error",
        ),
        Form::new(
            "502 page",
            Act::answer(
                "HTTP/1.1 502 Bad\r\nX-Own: 1\r\nContent-Type: text/html",
                page,
            ),
            "server_error",
        ),
        Form::new(
            "503 empty",
            Act::answer("HTTP/1.1 503 No\r\nX-Own: 1", ""),
            "server_error",
        ),
        Form::new(
            "429",
            Act::answer("HTTP/1.1 429 Slow\r\nX-Own: 1", "slow down"),
            "rate_limit",
        ),
    ]
}

fn connections() -> Vec<Form> {
    let refused = Form {
        name: "refused",
        fault: Fault::Refuses,
        class: "connection_error",
    };
    vec![
        refused,
        Form::new("reset", Act::send("").resets(), "connection_error"),
        Form::new(
            "reset in the head",
            Act::send("HTTP/1.1 200 OK\r\nContent-").resets(),
            "connection_error",
        ),
        Form::new("closed", Act::send("").closes(), "connection_error"),
        Form::new(
            "closed in the head",
            Act::send("HTTP/1.1 200 OK\r\nContent-").closes(),
            "connection_error",
        ),
        Form::new("hang", Act::send("").hangs(), "timeout"),
        Form::new(
            "hang in the head",
            Act::send("HTTP/1.1 200 OK\r\nContent-").hangs(),
            "timeout",
        ),
        Form::new(
            "no HTTP",
            Act::send("220 mail.test ESMTP\r\n\r\n").closes(),
            "malformed_body",
        ),
        Form::new(
            "two lengths",
            Act::send(format!(
                "{OK}\r\nContent-Length: 5\r\nContent-Length: 118\r\n\r\n{GOOD}"
            ))
            .closes(),
            "malformed_body",
        ),
    ]
}

fn bodies() -> Vec<Form> {
    let (half, _) = GOOD.split_at(GOOD.len() / 2);
    let counted = format!("{OK}\r\nContent-Length: {}\r\n\r\n{half}", GOOD.len());
    let chunk = format!("{:x}\r\n{half}\r\n", half.len());
    let chunked = format!("{OK}\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}");
    let mut cut_gzip = gzip(GOOD);
    cut_gzip.truncate(cut_gzip.len() / 2);
    let coded = |body: &[u8]| Act::answer(&format!("{OK}\r\nContent-Encoding: gzip"), body);
    vec![
        Form::new(
            "hang in the body",
            Act::send(counted.clone()).hangs(),
            "timeout",
        ),
        Form::new(
            "hang in the chunks",
            Act::send(chunked.clone()).hangs(),
            "timeout",
        ),
        Form::new("cut", Act::send(counted.clone()).closes(), "malformed_body"),
        Form::new(
            "reset in the body",
            Act::send(counted).pause(PAUSE).resets(),
            "connection_error",
        ),
        Form::new(
            "chunked without end",
            Act::send(chunked.clone()).closes(),
            "malformed_body",
        ),
        Form::new(
            "cut in a chunk",
            Act::send(format!(
                "{OK}\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n{half}"
            ))
            .closes(),
            "malformed_body",
        ),
        Form::new(
            "reset in the chunks",
            Act::send(chunked).pause(PAUSE).resets(),
            "connection_error",
        ),
        Form::new("JSON cut", Act::json(half), "malformed_body"),
        Form::new(
            "JSON cut without length",
            Act::send(format!("{OK}\r\nConnection: close\r\n\r\n{half}")).closes(),
            "malformed_body",
        ),
        Form::new("no gzip", coded(GOOD.as_bytes()), "malformed_body"),
        Form::new("gzip cut", coded(&cut_gzip), "malformed_body"),
    ]
}

/// Long enough for what was sent to have been read before the reset.
const PAUSE: Duration = Duration::from_millis(30);

fn soft() -> Vec<Form> {
    let html = "HTTP/1.1 200 OK\r\nContent-Type: text/html";
    let page = "<!doctype html><html><body>Please log in</body></html>";
    vec![
        Form::new("page", Act::answer(html, page), "malformed_body"),
        Form::new("page that says JSON", Act::json(page), "malformed_body"),
        Form::new(
            "error object",
            Act::json(r#"{"error":{"code":500,"message":"Internal error, please try later"}}"#),
            "server_error",
        ),
        Form::new("note", Act::json(NOTE), "rate_limit"),
        Form::new(
            "gzipped note",
            Act::answer(&format!("{OK}\r\nContent-Encoding: gzip"), gzip(NOTE)),
            "rate_limit",
        ),
        Form::new("nothing", Act::json(""), "empty_data"),
        Form::new(
            "nothing without length",
            Act::send(format!("{OK}\r\nConnection: close\r\n\r\n")).closes(),
            "empty_data",
        ),
        Form::new("empty object", Act::json("{}"), "empty_data"),
    ]
}

pub(crate) fn gzip(text: &str) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text.as_bytes()).expect("memory");
    encoder.finish().expect("memory")
}

/// Checks all forms at the same time, and fails with the names of all that failed.
pub(crate) async fn each<C>(forms: Vec<Form>, check: impl Fn(Form) -> C)
where
    C: Future<Output = ()> + Send + 'static,
{
    let mut checks = JoinSet::new();
    for form in forms {
        let name = form.name;
        let check = AssertUnwindSafe(check(form)).catch_unwind();
        checks.spawn(async move { check.await.err().map(|panic| (name, panic)) });
    }
    let failed = checks.join_all().await;
    let failed: Vec<String> = failed
        .into_iter()
        .flatten()
        .map(|(name, panic)| match panic.downcast_ref::<String>() {
            Some(why) => format!("{name}: {why}"),
            None => name.to_owned(),
        })
        .collect();
    assert!(
        failed.is_empty(),
        "{} forms:\n{}",
        failed.len(),
        failed.join("\n")
    );
}
