//! Which answers may be kept.

use http::{HeaderMap, Method, StatusCode, header};

use super::Received;

/// What an origin's `Cache-Control` says about keeping a copy to be given stale, which is all that a copy is for.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Keeping {
    Shared,
    /// Only for the caller whose credentials it answers.
    Private,
    Never,
}

/// Whether a copy of that answer may be kept.
pub(super) fn is_allowed(answer: &Received<'_>) -> bool {
    let keeping = keeping(answer.headers);
    answer.method == Method::GET
        && answer.status == StatusCode::OK
        && (keeping == Keeping::Shared || (keeping == Keeping::Private && answer.with_credentials))
        && !directives(answer.request).any(|directive| directive.eq_ignore_ascii_case("no-store"))
}

fn keeping(headers: &HeaderMap) -> Keeping {
    const NEVER: [&str; 5] = [
        "no-store",
        "no-cache",
        "must-revalidate",
        "proxy-revalidate",
        "s-maxage",
    ];
    let said = directives(headers).map(|directive| {
        if NEVER
            .iter()
            .any(|never| directive.eq_ignore_ascii_case(never))
        {
            Keeping::Never
        } else if directive.eq_ignore_ascii_case("private") {
            Keeping::Private
        } else {
            Keeping::Shared
        }
    });
    said.max().unwrap_or(Keeping::Shared)
}

/// The names of the directives of `Cache-Control`.
fn directives(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers
        .get_all(header::CACHE_CONTROL)
        .iter()
        .filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(|part| part.split_once('=').map_or(part, |(name, _)| name).trim())
}
