//! Asks the proxy for what is to be kept before anybody waits for it.
//!
//! The questions are those of a caller: what the source allows, what is kept and what is healed is decided as for everybody else.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    str::FromStr,
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Empty};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::time::timeout;

use crate::{cli::Target, written_file};

/// How long one answer is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many are asked for at a time at the start.
const AT_START: usize = 4;

/// Bad lines that are named in the log.
const NAMED: usize = 20;

/// What is to be asked for.
#[derive(Debug, Default)]
pub(crate) struct List {
    pub(crate) wanted: Vec<Wanted>,
    /// The lines that are none, counted from one, and why.
    pub(crate) bad: Vec<(usize, String)>,
}

/// A line of a list.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) line: usize,
    target: Target,
}

/// Whom it is asked, and how.
#[derive(Clone, Debug)]
pub(crate) struct Asking {
    pub(crate) proxy: SocketAddr,
    /// The host of lines that are a path alone.
    pub(crate) host: Option<String>,
    pub(crate) at_a_time: usize,
}

/// What one question came to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Came {
    /// It is kept now, or was.
    Kept,
    /// It was answered, and the answer may not be kept.
    NotKept,
    /// It was answered with an error.
    Refused(StatusCode),
    /// Nobody answered.
    Nothing,
}

/// What all came to.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct Sum {
    pub(crate) kept: usize,
    pub(crate) not_kept: usize,
    /// The lines that failed, and why.
    pub(crate) failed: Vec<(usize, String)>,
}

// === impl List ===

impl List {
    /// Reads a text, a URL or a path a line. Empty lines and those that begin with `#` are left out.
    pub(crate) fn of(text: &str) -> Self {
        let mut list = Self::default();
        let lines = text.lines().map(str::trim).enumerate();
        for (n, line) in lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#')) {
            let line_number = n + 1;
            match Target::from_str(line) {
                Ok(target) => list.wanted.push(Wanted {
                    line: line_number,
                    target,
                }),
                Err(way_out) => list.bad.push((line_number, way_out)),
            }
        }
        list
    }
}

// === impl Asking ===

impl Asking {
    /// Asks for all, and tells of each.
    pub(crate) async fn ask_all(&self, wanted: &[Wanted], mut told: impl FnMut()) -> Sum {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let mut questions = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            questions.push(self.ask(&client, wanted));
        }
        let mut answers = stream::iter(questions).buffer_unordered(self.at_a_time.max(1));
        let mut sum = Sum::default();
        while let Some((line, came)) = answers.next().await {
            match came {
                Came::Kept => sum.kept += 1,
                Came::NotKept => sum.not_kept += 1,
                Came::Refused(status) => sum.failed.push((line, format!("answered {status}"))),
                Came::Nothing => sum.failed.push((line, "was not answered".to_owned())),
            }
            told();
        }
        sum.failed.sort();
        sum
    }

    async fn ask(
        &self,
        client: &Client<HttpConnector, Empty<Bytes>>,
        wanted: &Wanted,
    ) -> (usize, Came) {
        let Some(request) = self.question(&wanted.target) else {
            return (wanted.line, Came::Nothing);
        };
        timeout(PATIENCE, answer(client, request))
            .await
            .map_or((wanted.line, Came::Nothing), |came| (wanted.line, came))
    }

    fn question(&self, target: &Target) -> Option<Request<Empty<Bytes>>> {
        let uri: Uri = format!("http://{}{}", self.proxy, target.target)
            .parse()
            .ok()?;
        let mut request = Request::get(uri).body(Empty::new()).ok()?;
        if let Some(host) = target.host.as_ref().or(self.host.as_ref()) {
            request
                .headers_mut()
                .insert(header::HOST, HeaderValue::from_str(host).ok()?);
        }
        request
            .headers_mut()
            .insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        Some(request)
    }
}

/// Asks for what stands in a file, and says in the log what came of it.
pub(crate) async fn at_start(file: &Path, mut proxy: SocketAddr) {
    if proxy.ip().is_unspecified() {
        proxy.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    let list = match written_file::read_named(file) {
        Ok(text) => List::of(&text),
        Err(error) => {
            tracing::warn!(file = %file.display(), %error, "the list of what is asked for at the start is passed over");
            return;
        }
    };
    for (line, why) in list.bad.iter().take(NAMED) {
        tracing::warn!(file = %file.display(), line, "cache.warm: {why}");
    }
    let asking = Asking {
        proxy,
        host: None,
        at_a_time: AT_START,
    };
    let sum = asking.ask_all(&list.wanted, || {}).await;
    tracing::info!(
        asked = list.wanted.len(),
        kept = sum.kept,
        not_kept = sum.not_kept,
        failed = sum.failed.len(),
        bad_lines = list.bad.len(),
        "what was to be asked for at the start was asked for"
    );
}

async fn answer(
    client: &Client<HttpConnector, Empty<Bytes>>,
    request: Request<Empty<Bytes>>,
) -> Came {
    let Ok(response) = client.request(request).await else {
        return Came::Nothing;
    };
    let status = response.status();
    let said = response
        .headers()
        .get_all("cache-status")
        .iter()
        .next_back();
    let is_kept = said
        .and_then(|said| said.to_str().ok())
        .is_some_and(says_kept);
    let mut body = response.into_body();
    while let Some(frame) = body.frame().await {
        if frame.is_err() {
            return Came::Nothing;
        }
    }
    if status.is_client_error() || status.is_server_error() {
        return Came::Refused(status);
    }
    if is_kept { Came::Kept } else { Came::NotKept }
}

/// Whether the last member of `Cache-Status` (RFC 9211), which is the proxy's, says that it has the answer now.
fn says_kept(said: &str) -> bool {
    let last = said.rsplit(',').next().unwrap_or_default();
    let mut words = last.split(';').skip(1).map(str::trim);
    words.any(|word| word == "stored" || word == "hit")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_lines_are_named_and_the_rest_is_read() {
        let text = "/a?b=1\n\n# a word\nhttp://api.test/b\nnonsense\n  /c  \nftp:\n";
        let list = List::of(text);
        let lines: Vec<_> = list.wanted.iter().map(|wanted| wanted.line).collect();
        assert_eq!(lines, [1, 4, 6]);
        let bad: Vec<_> = list.bad.iter().map(|(line, _)| *line).collect();
        assert_eq!(bad, [5, 7]);
        assert!(list.bad.iter().all(|(_, why)| why.contains("give a URL")));
    }

    #[test]
    fn the_last_member_says_whether_it_is_kept() {
        assert!(
            says_kept("heal-1;fwd=uri-miss;stored") && says_kept("a;fwd=miss, heal-1;hit;ttl=3")
        );
        assert!(
            !says_kept("heal-1;fwd=uri-miss")
                && !says_kept("a;hit, heal-1;fwd=uri-miss")
                && !says_kept("")
        );
    }
}
