//! What alerts say. Only our own words, numbers and checked slugs, so that a title is safe wherever it is shown.

use crate::{
    incidents::{AlertLevel, HealingState, ResolveReason},
    vocabulary::{fault::FaultClass, source::Source},
};

/// What to do when all or half of the sources have failed.
pub(super) const WIDE_RECOMMENDATION: &str =
    "Check this machine's own network and name resolution first: sources rarely fail together.";

/// The title of a cause's alert.
pub(super) fn title(
    source: &Source,
    class: FaultClass,
    level: AlertLevel,
    flapping: bool,
) -> String {
    let what = match level {
        _ if flapping => "comes and goes",
        AlertLevel::Warning => "degraded, healing is active",
        AlertLevel::Error | AlertLevel::Critical => "healing failed",
    };
    format!("{source}: {what} ({class})")
}

/// The title of everybody's alert.
pub(super) fn wide_title(failed: usize, all: usize) -> String {
    format!("system-wide: {failed} of {all} sources have failed")
}

/// What to do about a class.
pub(super) const fn recommendation(class: FaultClass) -> &'static str {
    match class {
        FaultClass::RateLimit => "Ask this source less often, or keep its answers for longer.",
        FaultClass::QuotaExceeded => {
            "The quota is spent: wait for the next window, or raise the plan's limit."
        }
        FaultClass::AuthError => "Check the key of this source.",
        FaultClass::Forbidden => "Check what the key of this source is allowed to do.",
        FaultClass::NotFound | FaultClass::InvalidRequest => "Check what the caller asks for.",
        FaultClass::ServerError => {
            "The source fails by itself: look at its status page or its log."
        }
        FaultClass::Timeout => "The source is slow: look at its load, or raise the timeout.",
        FaultClass::ConnectionError => {
            "Check that the source is running and that its address is right."
        }
        FaultClass::StaleData => "The source answers with old data: look at what feeds it.",
        FaultClass::EmptyData => "The source answers without data: look at what feeds it.",
        FaultClass::MalformedBody => {
            "The answers have lost their shape: look for a change of the source's API."
        }
        FaultClass::PremiumRequired => {
            "The plan does not include this: ask for something else, or upgrade it."
        }
        FaultClass::Blocked => {
            "A wall stands before the source: look at how and from where it is asked."
        }
        FaultClass::Maintenance => "The source is down on purpose: wait.",
    }
}

// === impl AlertLevel ===

impl AlertLevel {
    /// Its word on the feed, which is also a CSS class.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
        }
    }
}

// === impl HealingState ===

impl HealingState {
    /// Its word on the feed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotAttempted => "not_attempted",
            Self::Running => "running",
            Self::Failed => "failed",
        }
    }
}

// === impl ResolveReason ===

impl ResolveReason {
    /// Its word on the feed.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recovered => "recovered",
            Self::Expired => "expired",
        }
    }
}
