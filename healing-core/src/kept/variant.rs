//! Which requests an answer that varies is for (RFC 9111, section 4.1).

use std::hash::{BuildHasher, Hash, Hasher};

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// A number that requests share for which an answer with these fields is the same; `None` when no two are.
pub(crate) fn of<H: BuildHasher>(
    hasher: &H,
    answer: &HeaderMap,
    request: &HeaderMap,
) -> Option<u64> {
    let mut sum = 0_u64;
    for name in answer
        .get_all(header::VARY)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|v| v.split(','))
    {
        let name = name.trim();
        if name == "*" {
            return None;
        }
        let Ok(name) = HeaderName::try_from(name) else {
            continue;
        };
        let mut hash = hasher.build_hasher();
        name.as_str().hash(&mut hash);
        if name == header::ACCEPT_LANGUAGE {
            languages(request).hash(&mut hash);
        } else {
            for member in members(request, &name) {
                member.hash(&mut hash);
            }
        }
        sum = sum.wrapping_add(hash.finish());
    }
    Some(sum)
}

/// The members of a field, without the white space around them and however many lines they stand on.
fn members<'a>(request: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a [u8]> {
    request
        .get_all(name)
        .iter()
        .map(HeaderValue::as_bytes)
        .flat_map(|value| value.split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
}

/// Languages mean the same in any case and, with the same weights, in any order.
fn languages(request: &HeaderMap) -> Vec<Vec<u8>> {
    let mut all: Vec<Vec<u8>> = members(request, &header::ACCEPT_LANGUAGE)
        .map(|member| {
            member
                .iter()
                .filter(|byte| !byte.is_ascii_whitespace())
                .map(u8::to_ascii_lowercase)
                .collect()
        })
        .collect();
    all.sort();
    all
}

/// Whether the language of an answer is the one that the request likes best: then it is for that request, whatever else was
/// asked before.
pub(crate) fn speaks_the_best_language(answer: &HeaderMap, request: &HeaderMap) -> bool {
    let only_by_language = {
        let mut names = answer.get_all(header::VARY).iter();
        names
            .next()
            .is_some_and(|name| name.as_bytes().eq_ignore_ascii_case(b"accept-language"))
            && names.next().is_none()
    };
    let mut spoken = answer.get_all(header::CONTENT_LANGUAGE).iter();
    let (Some(spoken), None) = (spoken.next(), spoken.next()) else {
        return false;
    };
    let best = || {
        members(request, &header::ACCEPT_LANGUAGE)
            .filter_map(|member| {
                let mut parts = member.splitn(2, |byte| *byte == b';');
                Some((parts.next()?.trim_ascii(), weight(parts.next())?))
            })
            .max_by(|(_, one), (_, other)| one.total_cmp(other))
    };
    let liked = |least: f64| {
        members(request, &header::ACCEPT_LANGUAGE)
            .filter(|member| {
                let mut parts = member.splitn(2, |byte| *byte == b';');
                parts.next();
                weight(parts.next()).is_some_and(|weight| weight >= least)
            })
            .count()
    };
    only_by_language
        && best().is_some_and(|(language, weight)| {
            weight > 0.0
                && language.eq_ignore_ascii_case(spoken.as_bytes().trim_ascii())
                && liked(weight) == 1
        })
}

/// What `;q=` says; one without it.
fn weight(parameters: Option<&[u8]>) -> Option<f64> {
    let Some(parameters) = parameters else {
        return Some(1.0);
    };
    let text = std::str::from_utf8(parameters.trim_ascii()).ok()?;
    text.strip_prefix("q=")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::hash::RandomState;

    use super::*;

    fn fields(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[track_caller]
    fn check(vary: &str, first: &[(&'static str, &str)], second: &[(&'static str, &str)]) -> bool {
        let hasher = RandomState::new();
        let answer = fields(&[("vary", vary)]);
        let one = of(&hasher, &answer, &fields(first));
        one.is_some() && one == of(&hasher, &answer, &fields(second))
    }

    #[test]
    fn what_means_the_same_is_the_same() {
        assert!(check(
            "foo",
            &[("foo", "1, 2")],
            &[("foo", "1"), ("foo", "2")]
        ));
        assert!(check("foo", &[("foo", "1,2")], &[("foo", " 1, 2 ")]));
        assert!(check("foo", &[("other", "1")], &[]));
        let language = |text| [("accept-language", text)];
        assert!(check(
            "accept-language",
            &language("en, de"),
            &language("De,eN")
        ));
        assert!(!check(
            "accept-language",
            &language("en, de"),
            &language("fr")
        ));
        assert!(!check("foo", &[("foo", "1")], &[]));
        assert!(!check(
            "foo, bar",
            &[("foo", "1"), ("bar", "2")],
            &[("foo", "2"), ("bar", "1")]
        ));
        for star in ["*", "foo, *", ", *"] {
            assert!(!check(star, &[], &[]), "{star}");
        }
    }

    #[test]
    fn an_answer_in_the_language_that_is_liked_best_fits() {
        let answer = fields(&[("vary", "accept-language"), ("content-language", "de")]);
        let fits = |text| speaks_the_best_language(&answer, &fields(&[("accept-language", text)]));
        assert!(fits("fr;q=0.5, de;q=1.0") && fits("DE"));
        assert!(!fits("fr, de") && !fits("fr, de;q=0.5") && !fits("de;q=0") && !fits("de;q=x"));
    }
}
