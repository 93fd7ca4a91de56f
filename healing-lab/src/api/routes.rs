//! The routes of the built-in API.

use serde_json::{Value, json};

use super::fetch::{FetchError, Fetched, encode, fetch};
use crate::answer::Answer;
use crate::lab::Shared;
use crate::request::Request;
use crate::source_name::SourceName;
use crate::sources::api_key;

/// One request at the API.
struct Call<'a> {
    shared: &'a Shared,
    request: &'a Request,
}

type Reply = Result<Answer, FetchError>;

pub(super) async fn route(shared: &Shared, request: &Request) -> Answer {
    let call = Call { shared, request };
    let reply = match request.segments().as_slice() {
        ["api", "health"] => Ok(Answer::json(200, &json!({"status": "ok"}))),
        ["api", "yahoo", "quote"] => call.quote(request.param("symbol").unwrap_or("AAPL")).await,
        ["api", "yahoo", "quote", symbol] => call.quote(symbol).await,
        ["api", "yahoo", "chart", symbol] => call.chart(symbol).await,
        ["api", "fred", "series", id] => call.series(id).await,
        ["api", "fred", "latest", id] => call.latest(id).await,
        ["api", "polygon", "prev", symbol] => {
            call.polygon(&format!("/v2/aggs/ticker/{}/prev", encode(symbol)))
                .await
        }
        ["api", "polygon", "trade", symbol] => {
            call.polygon(&format!("/v2/last/trade/{}", encode(symbol)))
                .await
        }
        ["api", "polygon", "snapshot", symbol] => {
            call.polygon(&format!(
                "/v2/snapshot/locale/us/markets/stocks/tickers/{}",
                encode(symbol)
            ))
            .await
        }
        ["api", "polygon", "aggs", symbol] => call.aggs(symbol).await,
        ["api", "alpha", "daily", symbol] => call.daily(symbol).await,
        ["api", "alpha", "quote", symbol] => call.alpha_quote(symbol).await,
        ["api", "market", "overview"] => call.overview().await,
        _ => Ok(Answer::json(404, &json!({"error": "no such route"}))),
    };
    match reply {
        Ok(answer) => answer,
        Err(error) => error.answer(),
    }
}

impl Call<'_> {
    async fn ask(&self, source: SourceName, target: &str) -> Result<Fetched, FetchError> {
        fetch(self.shared, source, target, None).await
    }

    fn param_or(&self, name: &str, default: &str) -> String {
        encode(self.request.param(name).unwrap_or(default))
    }

    /// Reshaped; every error of the source is a 200 with an error object.
    async fn quote(&self, symbol: &str) -> Reply {
        let failed = |text: String| Answer::json(200, &json!({"error": text, "symbol": symbol}));
        let Some((cookie, crumb)) = self.yahoo_pass().await? else {
            return Ok(failed("no crumb".to_owned()));
        };
        let target = format!(
            "/v7/finance/quote?symbols={}&crumb={}",
            encode(symbol),
            encode(&crumb)
        );
        let fetched = fetch(
            self.shared,
            SourceName::YahooFinance,
            &target,
            Some(&cookie),
        )
        .await?;
        if fetched.is_cut() {
            return Ok(fetched.pass());
        }
        if fetched.status == 401 {
            self.shared.front.remember(None);
        }
        let body = fetched.json().unwrap_or_default();
        Ok(match body.pointer("/quoteResponse/result/0") {
            Some(quote) if fetched.status == 200 => Answer::json(
                200,
                &json!({"symbol": symbol, "price": quote.get("regularMarketPrice"), "quote": quote, "source": "yahoo_finance"}),
            ),
            None if fetched.status == 200 && body.is_object() => {
                failed(format!("no quote for {symbol}"))
            }
            _ => failed(format!("yahoo answered {}", fetched.status)),
        })
    }

    /// As careless as such clients are: any 200 is taken for a crumb.
    async fn yahoo_pass(&self) -> Result<Option<(String, String)>, FetchError> {
        if let Some(pass) = self.shared.front.pass() {
            return Ok(Some(pass));
        }
        let page = self.ask(SourceName::YahooFinance, "/").await?;
        let Some(cookie) = page
            .cookie
            .as_deref()
            .and_then(|cookie| cookie.split(';').next())
        else {
            return Ok(None);
        };
        let crumb = fetch(
            self.shared,
            SourceName::YahooFinance,
            "/v1/test/getcrumb",
            Some(cookie),
        )
        .await?;
        if crumb.status != 200 {
            return Ok(None);
        }
        let pass = (
            cookie.to_owned(),
            String::from_utf8_lossy(&crumb.body).into_owned(),
        );
        self.shared.front.remember(Some(pass.clone()));
        Ok(Some(pass))
    }

    /// Handed through.
    async fn chart(&self, symbol: &str) -> Reply {
        let (range, interval) = (
            self.param_or("range", "1mo"),
            self.param_or("interval", "1d"),
        );
        let target = format!(
            "/v8/finance/chart/{}?range={range}&interval={interval}",
            encode(symbol)
        );
        self.ask(SourceName::YahooFinance, &target)
            .await
            .map(Fetched::pass)
    }

    async fn observations(&self, id: &str, limit: &str) -> Result<Fetched, FetchError> {
        let key = api_key(SourceName::FredApi);
        let target = format!(
            "/fred/series/observations?series_id={}&api_key={key}&file_type=json&sort_order=desc&limit={limit}",
            encode(id)
        );
        self.ask(SourceName::FredApi, &target).await
    }

    /// Reshaped; every error of the source is a 500.
    async fn series(&self, id: &str) -> Reply {
        let fetched = self.observations(id, &self.param_or("limit", "30")).await?;
        if fetched.is_cut() {
            return Ok(fetched.pass());
        }
        let body = fetched.json().unwrap_or_default();
        Ok(match body.get("observations").and_then(Value::as_array) {
            Some(rows) if fetched.status == 200 => {
                let rows: Vec<Value> = rows
                    .iter()
                    .map(|row| json!({"date": row.get("date"), "value": row.get("value")}))
                    .collect();
                Answer::json(
                    200,
                    &json!({"series_id": id, "observations": rows, "source": "fred_api"}),
                )
            }
            _ => {
                let text = body
                    .get("error_message")
                    .and_then(Value::as_str)
                    .unwrap_or("fred gave no observations");
                Answer::json(
                    500,
                    &json!({"error": text, "upstream_status": fetched.status}),
                )
            }
        })
    }

    /// Reshaped; every error of the source is a 200 with an error object.
    async fn latest(&self, id: &str) -> Reply {
        let fetched = self.observations(id, "10").await?;
        let body = fetched.json().unwrap_or_default();
        let rows = body.get("observations").and_then(Value::as_array);
        let newest = rows.and_then(|rows| {
            rows.iter()
                .find(|row| row.get("value").is_some_and(|value| value != "."))
        });
        Ok(match newest {
            Some(row) => Answer::json(
                200,
                &json!({"series_id": id, "date": row.get("date"), "value": row.get("value")}),
            ),
            None => Answer::json(
                200,
                &json!({"error": format!("no value for {id}"), "upstream_status": fetched.status}),
            ),
        })
    }

    /// Handed through.
    async fn polygon(&self, path: &str) -> Reply {
        let join = if path.contains('?') { '&' } else { '?' };
        let target = format!("{path}{join}apiKey={}", api_key(SourceName::PolygonIo));
        self.ask(SourceName::PolygonIo, &target)
            .await
            .map(Fetched::pass)
    }

    async fn aggs(&self, symbol: &str) -> Reply {
        let today = self
            .shared
            .market
            .calendar
            .eastern(self.shared.clock.now())
            .date();
        let month_ago = today
            .checked_sub(jiff::Span::new().days(30))
            .unwrap_or(today);
        let from = self.param_or("from", &month_ago.to_string());
        let to = self.param_or("to", &today.to_string());
        self.polygon(&format!(
            "/v2/aggs/ticker/{}/range/1/day/{from}/{to}?adjusted=true&sort=asc",
            encode(symbol)
        ))
        .await
    }

    /// Handed through, notes and all.
    async fn daily(&self, symbol: &str) -> Reply {
        let key = api_key(SourceName::AlphaVantage);
        let target = format!(
            "/query?function=TIME_SERIES_DAILY&symbol={}&apikey={key}",
            encode(symbol)
        );
        self.ask(SourceName::AlphaVantage, &target)
            .await
            .map(Fetched::pass)
    }

    /// Reshaped; a note is a 200 with an error object.
    async fn alpha_quote(&self, symbol: &str) -> Reply {
        let key = api_key(SourceName::AlphaVantage);
        let target = format!(
            "/query?function=GLOBAL_QUOTE&symbol={}&apikey={key}",
            encode(symbol)
        );
        let fetched = self.ask(SourceName::AlphaVantage, &target).await?;
        if fetched.is_cut() {
            return Ok(fetched.pass());
        }
        let body = fetched.json().unwrap_or_default();
        let notes = ["Note", "Information", "Error Message"];
        if let Some(note) = notes.iter().find_map(|name| body.get(name)) {
            return Ok(Answer::json(200, &json!({"error": note, "symbol": symbol})));
        }
        let quote = body.get("Global Quote");
        Ok(match quote.and_then(|quote| quote.get("05. price")) {
            Some(price) => Answer::json(
                200,
                &json!({
                    "symbol": symbol, "price": price, "source": "alpha_vantage",
                    "latest_trading_day": quote.and_then(|quote| quote.get("07. latest trading day")),
                }),
            ),
            None => Answer::json(
                500,
                &json!({"error": format!("no quote for {symbol}"), "upstream_status": fetched.status}),
            ),
        })
    }

    /// Of several sources; what is missing is null, and named.
    async fn overview(&self) -> Reply {
        let chart = self
            .ask(
                SourceName::YahooFinance,
                "/v8/finance/chart/SPY?range=1d&interval=1d",
            )
            .await;
        let yields = self.observations("DGS10", "1").await;
        let value = |fetched: &Result<Fetched, FetchError>, pointer: &str| {
            let body = fetched.as_ref().ok().and_then(Fetched::json)?;
            body.pointer(pointer).cloned()
        };
        let spy = value(&chart, "/chart/result/0/meta/regularMarketPrice");
        let ten_years = value(&yields, "/observations/0/value");
        let missing: Vec<&str> = [("spy", spy.is_none()), ("dgs10", ten_years.is_none())]
            .into_iter()
            .filter_map(|(name, missing)| missing.then_some(name))
            .collect();
        Ok(Answer::json(
            200,
            &json!({"spy": spy, "dgs10": ten_years, "missing": missing}),
        ))
    }
}
