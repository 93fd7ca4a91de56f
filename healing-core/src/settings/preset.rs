//! Settings of the sources that are known best: where their keys stand, and how often they may be asked.
//!
//! The numbers are those of the free plans, as published or as observed in 2026. They change often, and other plans have
//! others: what is set after a preset is in its place.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::{
    keys::{KeyPlace, Keys},
    quota::{Per, Quota, QuotaScope},
    settings::SourceSettings,
    vocabulary::source::Source,
};

/// A source that is known.
struct Preset {
    slug: &'static str,
    /// The other names that it goes by, as in the files of rules.
    aliases: &'static [&'static str],
    /// The parameter that its key stands in.
    key: Option<&'static str>,
    quotas: fn() -> Quotas,
}

type Quotas = Vec<(u32, Per, QuotaScope)>;

const PRESETS: [Preset; 4] = [
    Preset {
        slug: "alpha_vantage",
        aliases: &["alpha", "alphavantage"],
        key: Some("apikey"),
        quotas: alpha_vantage,
    },
    Preset {
        slug: "fred_api",
        aliases: &["fred"],
        key: Some("api_key"),
        quotas: fred_api,
    },
    Preset {
        slug: "polygon_io",
        aliases: &["polygon", "massive"],
        key: Some("apiKey"),
        quotas: polygon_io,
    },
    Preset {
        slug: "yahoo_finance",
        aliases: &["yahoo", "yfinance"],
        key: None,
        quotas: yahoo_finance,
    },
];

/// A name that no preset has.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error(
    "there is no preset {0:?}; there are alpha_vantage, fred_api, polygon_io and yahoo_finance. Other sources need none: their rules are found by their slug"
)]
pub struct PresetError(String);

// === impl SourceSettings ===

impl SourceSettings {
    /// The settings of a known source, by its slug or another of its names. Its keys are to be added, see
    /// [`Keys::with`].
    ///
    /// ```
    /// use healing_core::{Secret, SourceSettings};
    /// let mut fred = SourceSettings::preset("fred")?;
    /// assert_eq!((fred.source.as_str(), fred.quotas[0].calls), ("fred_api", 120));
    /// fred.keys = fred.keys.map(|keys| keys.with(vec![Secret::new("abcdef".to_owned())])).transpose()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// When there is no preset of that name; the error names those that there are.
    pub fn preset(name: &str) -> Result<Self, PresetError> {
        let known = PRESETS
            .iter()
            .find(|preset| preset.slug == name || preset.aliases.contains(&name));
        let preset = known.ok_or_else(|| PresetError(name.to_owned()))?;
        let mut settings = Self::new(Source::slug_of(preset.slug));
        settings.keys = preset.key.and_then(|name| {
            let place = KeyPlace::Query(name.to_owned());
            Keys::new(place, Vec::new()).ok()
        });
        let quotas = (preset.quotas)().into_iter();
        settings.quotas = quotas
            .filter_map(|(calls, per, scope)| Quota::new(calls, per, scope).ok())
            .collect();
        Ok(settings)
    }
}

/// 25 a day, New York's, and one a second.
fn alpha_vantage() -> Quotas {
    let new_york = TimeZone::get("America/New_York").unwrap_or(TimeZone::UTC);
    let second = Per::Window(Duration::from_secs(1));
    vec![
        (25, Per::Day(new_york), QuotaScope::Key),
        (1, second, QuotaScope::Key),
    ]
}

/// 120 a minute.
fn fred_api() -> Quotas {
    let minute = Per::Window(Duration::from_mins(1));
    vec![(120, minute, QuotaScope::Key)]
}

/// 5 a minute.
fn polygon_io() -> Quotas {
    let minute = Per::Window(Duration::from_mins(1));
    vec![(5, minute, QuotaScope::Key)]
}

/// Nothing is published. What clients saw: bans above 20 at once, and about 2,000 an hour.
fn yahoo_finance() -> Quotas {
    let hour = Per::Window(Duration::from_hours(1));
    let at_once = Per::Even(Duration::from_secs(10));
    vec![
        (2_000, hour, QuotaScope::Address),
        (20, at_once, QuotaScope::Address),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_preset_is_made_whole_under_each_of_its_names() {
        for preset in PRESETS {
            for name in [&[preset.slug], preset.aliases].concat() {
                let settings = SourceSettings::preset(name).unwrap();
                assert_eq!(settings.source.as_str(), preset.slug);
                assert_eq!(settings.quotas.len(), (preset.quotas)().len(), "{name}");
                assert_eq!(settings.keys.is_some(), preset.key.is_some(), "{name}");
            }
        }
        let alpha = SourceSettings::preset("alpha_vantage").unwrap();
        assert_ne!(alpha.quotas[0].per, Per::Day(TimeZone::UTC));
    }

    #[test]
    fn an_unknown_name_is_told_which_ones_there_are() {
        let error = SourceSettings::preset("fredd").unwrap_err().to_string();
        for preset in PRESETS {
            assert!(error.contains(preset.slug), "{error}");
        }
    }
}
