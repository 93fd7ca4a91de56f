//! Sources as a whole: mounts, quotas, keys.

use std::time::Duration;

use healing_core::{Quota as Counted, written::span_text};

use super::Whole;
use crate::config::{
    apply,
    typed::{Quota, Source, UpstreamOf},
};

impl Whole<'_> {
    pub(super) fn source(&mut self, slug: &str, source: &Source) {
        if source.mount.is_some() && source.upstreams.is_empty() {
            let message = format!(
                "mount: the source {slug} has no upstreams that could be under it; add them, or take the mount out"
            );
            self.mistakes.say(source.at.of("mount"), message);
        }
        for quota in &source.quota {
            self.quota(slug, quota);
        }
    }

    /// A quota must leave something beside the probes that were asked for by a priority.
    fn quota(&mut self, slug: &str, quota: &Quota) {
        let per = quota.per.span();
        if per.is_zero() {
            self.mistakes
                .say(quota.at.of("per"), "per: must be longer than 0s");
            return;
        }
        if apply::quota_of(quota).is_err() {
            let message = format!(
                "calls: {} in {} are more than the {} that are counted one by one; write per: day or month, or fewer calls in less time",
                quota.calls,
                span_text(per),
                Counted::MAX_IN_WINDOW
            );
            self.mistakes.say(quota.at.of("calls"), message);
            return;
        }
        let asked = self
            .config
            .routes
            .iter()
            .filter(|route| route.source.as_deref() == Some(slug) && route.at.has("priority"));
        let probes: f64 = asked
            .map(|route| count(per, route.priority.interval()))
            .sum();
        let calls = quota.calls;
        if probes >= f64::from(calls) {
            let message = format!(
                "calls: {calls} in {} would be spent by probes alone, which are {probes:.0} with the priorities of the source's routes; give these a lower priority, or none",
                span_text(per)
            );
            self.mistakes.say(quota.at.of("calls"), message);
        }
    }

    /// An address is one source's, once: sources that share one without a mount are told apart by their routes.
    pub(super) fn addresses(&mut self) {
        let mut seen: Vec<(&str, &Source, &UpstreamOf)> = Vec::new();
        for (slug, source) in &self.config.sources {
            for own in &source.upstreams {
                let same = |(_, _, other): &&(&str, &Source, &UpstreamOf)| {
                    other.url.is_the_same_as(&own.url)
                };
                let mut before = seen.iter().filter(same);
                let (url, key) = (&own.url, "upstreams");
                if let Some((_, _, first)) = before.clone().find(|(name, ..)| name == slug) {
                    let line = first.at.own().line;
                    let message = format!(
                        "{key}: {url} stands there twice, first in line {line}; keep one of them"
                    );
                    self.mistakes.say(own.at.own(), message);
                } else if let Some((name, _, first)) =
                    before.find(|(_, other, _)| other.mount != source.mount)
                {
                    let line = first.at.own().line;
                    let message = format!(
                        "{key}: {url} is that of the source {name} in line {line}, too, and not under its mount; make one source of both, or give both no mount"
                    );
                    self.mistakes.say(own.at.own(), message);
                }
                seen.push((slug, source, own));
            }
        }
    }

    /// Mounts may not lie in one another, nor over routes of others.
    pub(super) fn mounts(&mut self) {
        let mounted = self.config.sources.iter();
        let mounted: Vec<_> = mounted
            .filter_map(|(slug, source)| Some((slug, source, source.mount.as_deref()?)))
            .collect();
        for (n, (_, source, mount)) in mounted.iter().enumerate() {
            let before = mounted.iter().take(n);
            let mut clash =
                before.filter(|(_, _, other)| is_under(mount, other) || is_under(other, mount));
            if let Some((other, _, at)) = clash.next() {
                let message = format!(
                    "mount: {mount:?} and {at:?} of the source {other} lie in one another; give each a path of its own"
                );
                self.mistakes.say(source.at.of("mount"), message);
            }
        }
        for route in &self.config.routes {
            let own = route.source.as_deref();
            let mut over = mounted.iter().filter(|(slug, _, mount)| {
                is_under(&route.r#match, mount) && own.is_some_and(|own| own != slug.as_str())
            });
            if let Some((slug, _, mount)) = over.next() {
                let message = format!(
                    "match: {:?} is under the mount {mount:?} of the source {slug}, and names another source; change the path, or the source",
                    route.r#match
                );
                self.mistakes.say(route.at.of("match"), message);
            }
        }
    }
}

/// How many probes of an interval there are in a time.
fn count(time: Duration, interval: Duration) -> f64 {
    time.as_secs_f64() / interval.as_secs_f64()
}

/// Whether a path is a mount, or below it.
fn is_under(path: &str, mount: &str) -> bool {
    path.strip_prefix(mount)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
