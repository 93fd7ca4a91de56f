//! A configuration as plain values: what every key that is acted on comes to, defaults filled in. The table of keys has
//! looked at the others by then.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf, time::Duration};

use healing_core::{Expose, Fidelity, written::Place};
use ipnet::IpNet;
use secrecy::SecretString;
use serde::{Deserialize, Deserializer, de::Error};

use crate::{config::forms::network, upstream::Origin};

/// The whole of a configuration.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Config {
    #[serde(rename = "@")]
    pub(crate) at: Places,
    pub(crate) listen: SocketAddr,
    pub(crate) admin: Admin,
    #[serde(default, deserialize_with = "some_parsed")]
    pub(crate) upstream: Option<Origin>,
    pub(crate) discover: bool,
    pub(crate) identity: Identity,
    #[serde(deserialize_with = "millis")]
    pub(crate) deadline: Duration,
    #[serde(deserialize_with = "millis")]
    pub(crate) timeout: Duration,
    pub(crate) body: Body,
    #[serde(deserialize_with = "networks")]
    pub(crate) trusted_proxies: Vec<IpNet>,
    pub(crate) sources: BTreeMap<String, Source>,
    pub(crate) routes: Vec<Route>,
    pub(crate) cache: Cache,
    pub(crate) budget: Budget,
    pub(crate) learning: Learning,
    pub(crate) store: Store,
    pub(crate) log: Log,
    pub(crate) monitoring: Option<Monitoring>,
    pub(crate) alerts: Option<Alerts>,
}

/// What healing may cost.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Budget {
    #[serde(rename = "@")]
    pub(crate) at: Places,
    pub(crate) share: f64,
    pub(crate) floor_per_s: f64,
    pub(crate) healing_calls_at_most: f64,
}

/// What is tried so that more is known.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Learning {
    pub(crate) randomise: bool,
}

/// What the specification's file watches. Its endpoints are routes by now.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Monitoring {
    #[serde(default, deserialize_with = "some_millis")]
    pub(crate) check_interval: Option<Duration>,
}

/// The channels of the specification's file.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Alerts {
    pub(crate) email: Option<Channel>,
    pub(crate) sms: Option<Channel>,
}

/// A way to tell people.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Channel {
    #[serde(rename = "@")]
    pub(crate) at: Places,
}

/// The places of a map and of its keys.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Places(BTreeMap<String, (u64, u64, usize, usize)>);

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Admin {
    #[serde(rename = "@")]
    pub(crate) at: Places,
    #[serde(deserialize_with = "or_off")]
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) token_env: Option<String>,
    pub(crate) allowed_hosts: Vec<String>,
    pub(crate) allowed_origins: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Identity {
    pub(crate) name: Option<String>,
    #[serde(default, deserialize_with = "exposed")]
    pub(crate) expose: Option<Expose>,
}

/// Bytes that are held of bodies.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Body {
    pub(crate) judge_up_to: u64,
    pub(crate) memory: u64,
    pub(crate) replay_up_to: u64,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Source {
    #[serde(rename = "@")]
    pub(crate) at: Places,
    pub(crate) preset: Option<String>,
    pub(crate) upstreams: Vec<UpstreamOf>,
    pub(crate) mount: Option<String>,
    pub(crate) r#match: Vec<String>,
    pub(crate) quota: Vec<Quota>,
    pub(crate) keys: Option<Keys>,
    pub(crate) promise: Option<Promise>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct UpstreamOf {
    #[serde(rename = "@")]
    pub(crate) at: Places,
    #[serde(deserialize_with = "parsed")]
    pub(crate) url: Origin,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Quota {
    #[serde(rename = "@")]
    pub(crate) at: Places,
    pub(crate) calls: u32,
    pub(crate) per: Per,
    pub(crate) zone: String,
    pub(crate) scope: Scope,
}

/// In which time the calls of a quota are counted.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(untagged)]
pub(crate) enum Per {
    Calendar(Calendar),
    /// Any stretch so long, in milliseconds.
    Millis(u64),
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Calendar {
    Day,
    Month,
}

/// Who shares a quota.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Scope {
    Key,
    Address,
    Source,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Keys {
    #[serde(rename = "@")]
    pub(crate) at: Places,
    pub(crate) r#in: KeyIn,
    pub(crate) name: String,
    pub(crate) values_env: Vec<String>,
    pub(crate) values_file: Option<PathBuf>,
}

/// Where in a request a key stands.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum KeyIn {
    Query,
    Header,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Promise {
    pub(crate) json: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Route {
    #[serde(rename = "@")]
    pub(crate) at: Places,
    pub(crate) r#match: String,
    pub(crate) source: Option<String>,
    pub(crate) params: BTreeMap<String, Param>,
    #[serde(deserialize_with = "millis")]
    pub(crate) fresh_for: Duration,
    #[serde(default, deserialize_with = "some_millis")]
    pub(crate) heal_for: Option<Duration>,
    pub(crate) freshness: Option<Freshness>,
    pub(crate) promise: Option<Promise>,
    pub(crate) range: Option<Range>,
    #[serde(deserialize_with = "parsed")]
    pub(crate) floor: Fidelity,
    #[serde(default, deserialize_with = "some_parsed")]
    pub(crate) floor_for_callers: Option<Fidelity>,
    pub(crate) priority: Priority,
    pub(crate) probe: Option<String>,
    pub(crate) heal: Option<Vec<Heal>>,
    pub(crate) observe: bool,
    #[serde(default, deserialize_with = "some_millis")]
    pub(crate) deadline: Option<Duration>,
    #[serde(default, deserialize_with = "some_millis")]
    pub(crate) timeout: Option<Duration>,
    pub(crate) windows: Windows,
}

/// Where a parameter stands. One of the three.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Param {
    #[serde(rename = "@")]
    pub(crate) at: Places,
    pub(crate) path: Option<String>,
    pub(crate) query: Option<String>,
    pub(crate) header: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Freshness {
    #[serde(rename = "@")]
    pub(crate) at: Places,
    pub(crate) field: String,
    pub(crate) unit: String,
    #[serde(deserialize_with = "millis")]
    pub(crate) max_age: Duration,
    pub(crate) calendar: String,
}

/// A number that is watched.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Range {
    #[serde(rename = "@")]
    pub(crate) at: Places,
    pub(crate) field: String,
    pub(crate) at_least: Option<f64>,
    pub(crate) at_most: Option<f64>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Priority {
    Critical,
    High,
    Medium,
    Low,
}

/// A strategy that is allowed.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Heal {
    #[serde(rename = "@")]
    pub(crate) at: Places,
    pub(crate) name: String,
    pub(crate) options: Options,
}

/// The options that are acted on, of all strategies together; each has some of them.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Options {
    #[serde(rename = "@")]
    pub(crate) at: Places,
    #[serde(default, deserialize_with = "some_millis")]
    pub(crate) up_to: Option<Duration>,
    pub(crate) same_address: Option<bool>,
    pub(crate) param: Option<String>,
    pub(crate) at_least: Option<u64>,
    pub(crate) at_most: Option<usize>,
    pub(crate) separator: Option<char>,
    pub(crate) offset: Option<String>,
    pub(crate) rows: Option<String>,
    pub(crate) object: Option<String>,
    #[serde(default, deserialize_with = "some_parsed")]
    pub(crate) cookies: Option<Origin>,
    pub(crate) calendar: Option<String>,
    pub(crate) end: Option<String>,
    #[serde(default, deserialize_with = "some_millis")]
    pub(crate) depth: Option<Duration>,
    pub(crate) label: Option<String>,
    pub(crate) table: Option<Table>,
    pub(crate) shares: Option<BTreeMap<String, Beta>>,
    pub(crate) status: Option<u16>,
    pub(crate) route: Option<String>,
    #[serde(default)]
    pub(crate) params: BTreeMap<String, serde_json::Value>,
    pub(crate) first: Option<Term>,
    pub(crate) second: Option<Term>,
    pub(crate) only: Option<Only>,
    pub(crate) reads: Option<String>,
    pub(crate) map: Option<Table>,
    pub(crate) same: Option<Same>,
}

/// The parameters that a query may hold, each with its values.
pub(crate) type Only = BTreeMap<String, Vec<serde_json::Value>>;

/// One of two questions of whose answers another is computed.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Term {
    #[serde(rename = "@")]
    pub(crate) at: Places,
    pub(crate) route: Option<String>,
    pub(crate) params: BTreeMap<String, serde_json::Value>,
}

/// How a share moves with an ETF.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Beta {
    #[serde(rename = "@")]
    pub(crate) at: Places,
    pub(crate) etf: String,
    pub(crate) beta: f64,
    pub(crate) r2: f64,
}

/// What stands for what: pairs, or a text that says it.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Table {
    Text(String),
    Pairs(BTreeMap<String, String>),
}

/// In what two routes agree.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Same {
    #[serde(rename = "@")]
    pub(crate) at: Places,
    pub(crate) unit: Option<String>,
    pub(crate) currency: Option<String>,
    pub(crate) adjustment: Option<String>,
    pub(crate) calendar: Option<String>,
    pub(crate) granularity: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Windows {
    pub(crate) degraded: f64,
    pub(crate) critical: f64,
    #[serde(deserialize_with = "millis")]
    pub(crate) slow: Duration,
    pub(crate) tune: bool,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Cache {
    #[serde(rename = "@")]
    pub(crate) at: Places,
    pub(crate) memory: u64,
    pub(crate) r#override: bool,
    #[serde(default, deserialize_with = "some_secret")]
    pub(crate) redis: Option<SecretString>,
    pub(crate) redis_password_env: Option<String>,
    pub(crate) warm: Option<PathBuf>,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Store {
    #[serde(rename = "@")]
    pub(crate) at: Places,
    pub(crate) url: String,
    #[serde(deserialize_with = "millis")]
    pub(crate) retention: Duration,
}

#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Log {
    pub(crate) format: String,
    pub(crate) level: String,
    pub(crate) directory: Option<PathBuf>,
}

// === impl Places ===

impl Places {
    /// The place of a key, or of the map where the key has none.
    pub(crate) fn of(&self, key: &str) -> Place {
        let found = self.0.get(key).or_else(|| self.0.get(""));
        found.map_or_else(Place::default, |(line, column, start, end)| Place {
            line: *line,
            column: *column,
            start: *start,
            end: *end,
        })
    }

    /// Whether the key stands there.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }

    /// The place of the map.
    pub(crate) fn own(&self) -> Place {
        self.of("")
    }
}

// === impl Per ===

impl Per {
    /// How long that is, where a month has 30 days.
    pub(crate) const fn span(self) -> Duration {
        match self {
            Self::Calendar(Calendar::Day) => Duration::from_hours(24),
            Self::Calendar(Calendar::Month) => Duration::from_hours(30 * 24),
            Self::Millis(millis) => Duration::from_millis(millis),
        }
    }
}

// === impl Priority ===

impl Priority {
    /// How long from one probe to the next, without callers.
    pub(crate) const fn interval(self) -> Duration {
        match self {
            Self::Critical | Self::High => Duration::from_secs(30),
            Self::Medium => Duration::from_mins(2),
            Self::Low => Duration::from_mins(10),
        }
    }
}

fn millis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_millis)
}

fn some_millis<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    millis(deserializer).map(Some)
}

fn parsed<'de, D: Deserializer<'de>, T>(deserializer: D) -> Result<T, D::Error>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    String::deserialize(deserializer)?
        .parse()
        .map_err(D::Error::custom)
}

fn some_parsed<'de, D: Deserializer<'de>, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    parsed(deserializer).map(Some)
}

/// A text that may hold a password.
fn some_secret<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<SecretString>, D::Error> {
    String::deserialize(deserializer)
        .map(SecretString::from)
        .map(Some)
}

fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<IpNet>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    Ok(texts.iter().filter_map(|text| network(text)).collect())
}

fn or_off<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SocketAddr>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text == "off" {
        return Ok(None);
    }
    text.parse().map(Some).map_err(D::Error::custom)
}

fn exposed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Expose>, D::Error> {
    Ok(match String::deserialize(deserializer)?.as_str() {
        "full" => Some(Expose::Full),
        "errors" => Some(Expose::Errors),
        _ => Some(Expose::None),
    })
}
