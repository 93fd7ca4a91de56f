//! Each remedy with a route that allows it alone, a request there, the fault that it is for, and one that it is not for.

use std::time::Duration;

use healing_lab::{ErrorBody, Fault, Injection, Lab, Limits, RetryAfter, SourceName, key, keys};

use crate::{
    stage::{Answer, get},
    stand::{Stand, lab},
};

/// A route that allows one remedy alone.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    /// Its name in a configuration.
    pub(crate) id: &'static str,
    /// Whether its answer is less than what was asked.
    pub(crate) gives_less: bool,
    /// The configuration's lines; `FIRST` is an address of Yahoo's that fails while `YAHOO` does not.
    lines: String,
    path: String,
    /// Whose fault it is.
    source: SourceName,
    fault: Fault,
    /// A fault that it is not for.
    pub(crate) other: Fault,
    /// Whether it was asked before.
    is_known: bool,
}

/// A case on its stand.
#[derive(Debug)]
pub(crate) struct Staged {
    stand: Stand,
    /// Where it fails; nothing where that is the stand's own lab.
    first: Option<Lab>,
    case: Case,
    before: usize,
}

// === impl Case ===

impl Case {
    fn new(id: &'static str, source: SourceName, fault: Fault) -> Self {
        Self {
            id,
            gives_less: false,
            lines: String::new(),
            path: String::new(),
            source,
            fault,
            other: Fault::status(429),
            is_known: false,
        }
    }

    fn asked(self, lines: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            lines: lines.into(),
            path: path.into(),
            ..self
        }
    }

    fn gives_less(self) -> Self {
        Self {
            gives_less: true,
            ..self
        }
    }

    fn not_for(self, other: Fault) -> Self {
        Self { other, ..self }
    }

    fn known(self) -> Self {
        Self {
            is_known: true,
            ..self
        }
    }

    /// What an answer says where it acted.
    pub(crate) fn told(&self) -> String {
        let strategy = match self.id {
            // A copy is a copy, whatever allows it.
            "alphavantage_aggressive_cache" => "use_cached_data",
            id => id,
        };
        format!("strategy={strategy};")
    }

    /// A stand where the next request meets its own fault.
    pub(crate) async fn strikes(self) -> Staged {
        let fault = self.fault.clone();
        self.meets(fault).await
    }

    /// A stand where the next request meets that fault.
    pub(crate) async fn meets(self, fault: Fault) -> Staged {
        let mut lines = self.lines.clone();
        let mut first = None;
        if lines.contains("FIRST") {
            let other = lab(Limits::Off).await;
            lines = lines.replace("FIRST", &other.url(self.source));
            first = Some(other);
        }
        let ring = keys(self.source).join("\n");
        let stand = Stand::of(lab(Limits::Off).await, &lines, &[("keys", &ring)]).await;
        let mut staged = Staged {
            stand,
            first,
            case: self,
            before: 0,
        };
        if staged.case.is_known {
            let known = staged.asks("GET", "").await;
            assert_eq!(known.status, 200, "{known:?}");
            staged.before = staged.calls();
        }
        let failing = staged.first.as_ref().unwrap_or(&staged.stand.lab);
        let once = Injection::new(fault).times(1);
        failing.inject(staged.case.source, once);
        staged
    }
}

// === impl Staged ===

impl Staged {
    /// The case's request by that method, with those fields before the last line.
    pub(crate) async fn asks(&self, method: &str, fields: &str) -> Answer {
        let own = get(&self.case.path).replacen("GET", method, 1);
        let asked = own.replace("\r\n\r\n", &format!("\r\n{fields}\r\n"));
        self.stand.proxy.ask(&asked).await
    }

    /// Whether an answer may be good where nothing healed it.
    pub(crate) const fn is_late(&self) -> bool {
        matches!(self.case.fault, Fault::Delay(_))
    }

    /// How often any source was asked since the fault.
    pub(crate) fn calls(&self) -> usize {
        let first = self.first.as_ref().map(Lab::asked).unwrap_or_default();
        first.len() + self.stand.lab.asked().len() - self.before
    }
}

/// A route of a source that stands at its own addresses under `/x`.
fn route(source: &str, addresses: &str, path: &str, keys: &str) -> String {
    format!(
        "sources:\n  {source}: {{ upstreams: [{addresses}], mount: /x }}\nroutes:\n  - match: \"/x{path}\"\n    source: {source}\n    {keys}"
    )
}

/// The same for two sources, the second of which is Yahoo.
fn lent(source: &str, address: &str, path: &str, keys: &str) -> String {
    let own = route(source, address, path, keys).replace(", mount: /x", "");
    let yahoo = "sources:\n  yahoo_finance: { upstreams: [YAHOO], mount: /yahoo }";
    own.replace("\"/x", "\"").replacen("sources:", yahoo, 1)
}

fn throttled() -> Fault {
    Fault::Status {
        code: 429,
        retry_after: Some(RetryAfter::Seconds(1)),
        body: ErrorBody::Json,
    }
}

/// Every remedy.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = general();
    cases.extend(of_yahoo());
    cases.extend(of_fred());
    cases.extend(of_polygon());
    cases.extend(of_alpha_vantage());
    cases
}

fn general() -> Vec<Case> {
    let fred = |keys| route("fred_api", "FRED", "/fred/series", keys);
    let series = format!(
        "/x/fred/series?series_id=DGS10&file_type=json&api_key={}",
        key(SourceName::FredApi)
    );
    let polygons = "sources:\n  polygon_io:\n    upstreams: [POLYGON]\n    mount: /x\n    keys: { in: query, name: apiKey, values_file: FOLDER/keys }\nroutes:\n  - { match: \"/x/v2/aggs/ticker/{ticker}/prev\", source: polygon_io, heal: [api_key_rotation] }";
    let first = keys(SourceName::PolygonIo).first();
    let revoked = Fault::RevokeKey {
        key: first.map(|key| (*key).to_owned()),
    };
    let days = "{ unit: usd, adjustment: split, calendar: us_equities, granularity: 1d }";
    let chart = format!(
        "sources:\n  yahoo_finance: {{ upstreams: [YAHOO], mount: /yahoo }}\nroutes:\n  - match: \"/api/yahoo/chart/{{symbol}}\"\n    source: yahoo_finance\n    heal:\n      - fallback: {{ route: \"/yahoo/v8/finance/chart/{{symbol}}\", same: {days} }}"
    );
    vec![
        Case::new(
            "exponential_backoff_retry",
            SourceName::FredApi,
            Fault::status(503),
        )
        .asked(fred("heal: [exponential_backoff_retry]"), &series)
        .not_for(Fault::status(403)),
        Case::new("use_cached_data", SourceName::PolygonIo, Fault::status(503))
            .asked(
                route(
                    "polygon_io",
                    "POLYGON",
                    "/v2/aggs/ticker/{ticker}/prev",
                    "heal: [use_cached_data]",
                ),
                format!(
                    "/x/v2/aggs/ticker/AAPL/prev?apiKey={}",
                    key(SourceName::PolygonIo)
                ),
            )
            .known()
            .gives_less()
            .not_for(Fault::status(404)),
        Case::new("request_queuing", SourceName::FredApi, throttled())
            .asked(fred("heal: [request_queuing]"), &series)
            .not_for(Fault::status(503)),
        Case::new("api_key_rotation", SourceName::PolygonIo, revoked)
            .asked(polygons, "/x/v2/aggs/ticker/AAPL/prev")
            .not_for(Fault::status(503)),
        Case::new("fallback", SourceName::Api, Fault::status(503))
            .asked(chart, "/api/yahoo/chart/AAPL")
            .gives_less()
            .not_for(Fault::status(404)),
    ]
}

fn of_yahoo() -> Vec<Case> {
    let chart = "/x/v8/finance/chart/AAPL?interval=1m&range=1d";
    let path = "/v8/finance/chart/{symbol}";
    let yahoo = |keys| route("yahoo_finance", "YAHOO", path, keys);
    let spans = "params: { interval: { query: interval } }\n    floor: reduced\n    heal: [daily_instead_of_intraday]";
    let crumb = Fault::form("auth_invalid_crumb");
    vec![
        Case::new(
            "alternate_endpoint",
            SourceName::YahooFinance,
            Fault::status(503),
        )
        .asked(
            route(
                "yahoo_finance",
                "FIRST, YAHOO",
                path,
                "heal: [alternate_endpoint]",
            ),
            chart,
        ),
        Case::new(
            "hedged_request",
            SourceName::YahooFinance,
            Fault::Delay(Duration::from_secs(4)),
        )
        .asked(
            route(
                "yahoo_finance",
                "FIRST, YAHOO",
                path,
                "heal: [hedged_request]",
            ),
            chart,
        ),
        Case::new("crumb_renewal", SourceName::YahooFinance, crumb)
            .asked(
                route(
                    "yahoo_finance",
                    "YAHOO",
                    "/v7/finance/quote",
                    "heal: [{ crumb_renewal: { cookies: YAHOO } }]",
                ),
                "/x/v7/finance/quote?symbols=AAPL",
            )
            .not_for(Fault::form("auth_feature")),
        Case::new("etf_proxy", SourceName::YahooFinance, Fault::status(500))
            .asked(yahoo("floor: substitute\n    heal: [etf_proxy]"), chart)
            .gives_less(),
        Case::new(
            "daily_instead_of_intraday",
            SourceName::YahooFinance,
            Fault::status(500),
        )
        .asked(yahoo(spans), chart)
        .gives_less(),
    ]
}

fn of_fred() -> Vec<Case> {
    let rows = format!(
        "/x/fred/series/observations?series_id=DGS10&file_type=json&sort_order=desc&limit=20&api_key={}",
        key(SourceName::FredApi)
    );
    let fred = |keys: &str| {
        let params = "params: { series_id: { query: series_id }, limit: { query: limit } }";
        let keys = format!("{params}\n    floor: reduced\n    heal: [{keys}]");
        route("fred_api", "FRED", "/fred/series/observations", &keys)
    };
    let graph = "sources:\n  fred_graph: { upstreams: [FRED] }";
    vec![
        Case::new("alternate_series", SourceName::FredApi, Fault::status(503))
            .asked(fred("alternate_series"), &rows)
            .gives_less(),
        Case::new(
            "reduce_request_size",
            SourceName::FredApi,
            Fault::status(503),
        )
        .asked(fred("reduce_request_size"), &rows)
        .gives_less(),
        Case::new("fred_fallback_csv", SourceName::FredApi, Fault::status(503))
            .asked(
                fred("fred_fallback_csv")
                    .replace(", mount: /x", "")
                    .replace("\"/x", "\"")
                    .replacen("sources:", graph, 1),
                rows.replacen("/x", "", 1),
            )
            .gives_less()
            .not_for(Fault::status(404)),
        Case::new("compute", SourceName::FredApi, Fault::status(500))
            .asked(fred("compute"), rows.replace("DGS10", "T10Y2Y"))
            .gives_less(),
        Case::new("batch_requests", SourceName::FredApi, Fault::status(503)).asked(
            route(
                "fred_api",
                "FRED",
                "/graph/fredgraph.csv",
                "params: { id: { query: id } }\n    heal: [batch_requests]",
            ),
            "/x/graph/fredgraph.csv?id=DGS10,DGS2&cosd=2026-01-05&coed=2026-02-06",
        ),
    ]
}

fn of_polygon() -> Vec<Case> {
    let with_key = |path: &str| format!("{path}?apiKey={}", key(SourceName::PolygonIo));
    let polygon = |path, heal: &str| {
        let keys = format!("floor: reduced\n    heal: [{heal}]");
        route("polygon_io", "POLYGON", path, &keys)
    };
    let minutes = "/v2/aggs/ticker/{ticker}/range/1/{timespan}/{from}/{to}";
    let early = Fault::form("prem_before_end_of_day");
    let not_entitled = || Fault::form("prem_not_entitled_error");
    let previous = "/v2/aggs/ticker/{ticker}/prev";
    vec![
        Case::new("aggregate_data", SourceName::PolygonIo, Fault::status(500))
            .asked(
                polygon(minutes, "aggregate_data"),
                with_key("/x/v2/aggs/ticker/AAPL/range/1/minute/2026-03-02/2026-03-04"),
            )
            .gives_less(),
        Case::new("previous_trading_day", SourceName::PolygonIo, early)
            .asked(
                polygon("/v1/open-close/{ticker}/{date}", "previous_trading_day"),
                with_key("/x/v1/open-close/AAPL/2026-01-20"),
            )
            .gives_less()
            .not_for(Fault::status(500)),
        Case::new("shorter_range", SourceName::PolygonIo, not_entitled())
            .asked(
                polygon(
                    "/v2/aggs/ticker/{ticker}/range/1/day/{from}/{to}",
                    "shorter_range",
                ),
                with_key("/x/v2/aggs/ticker/AAPL/range/1/day/2025-01-06/2026-03-04"),
            )
            .gives_less(),
        Case::new("historical_fallback", SourceName::PolygonIo, not_entitled())
            .asked(
                polygon("/v2/last/trade/{ticker}", "historical_fallback"),
                with_key("/x/v2/last/trade/AAPL"),
            )
            .gives_less(),
        Case::new(
            "polygon_fallback_yahoo",
            SourceName::PolygonIo,
            Fault::form("rl_429_error"),
        )
        .asked(
            lent(
                "polygon_io",
                "POLYGON",
                previous,
                "heal: [polygon_fallback_yahoo]",
            ),
            with_key("/v2/aggs/ticker/AAPL/prev"),
        )
        .gives_less()
        .not_for(Fault::status(404)),
    ]
}

fn of_alpha_vantage() -> Vec<Case> {
    let quote = format!(
        "/query?function=GLOBAL_QUOTE&symbol=AAPL&apikey={}",
        key(SourceName::AlphaVantage)
    );
    let alpha = |keys| {
        lent(
            "alpha_vantage",
            "ALPHA",
            "/query?function=GLOBAL_QUOTE",
            keys,
        )
    };
    let wrong = || Fault::status(404);
    vec![
        Case::new(
            "alphavantage_fallback_yahoo",
            SourceName::AlphaVantage,
            Fault::quota_spent(),
        )
        .asked(alpha("heal: [alphavantage_fallback_yahoo]"), &quote)
        .gives_less()
        .not_for(wrong()),
        Case::new(
            "alphavantage_aggressive_cache",
            SourceName::AlphaVantage,
            Fault::quota_spent(),
        )
        .asked(alpha("heal: [alphavantage_aggressive_cache]"), &quote)
        .known()
        .gives_less()
        .not_for(wrong()),
    ]
}
