//! Remedies that change how much is asked in one call.

use healing_core::{
    AlternateSeries, BatchRequests, Clock, Fidelity, Parts, ReduceRequest, ShorterRange,
    written::unknown,
};

use crate::config::{
    apply::remedies::{Remedies, Remedy, Wrong, known_as},
    typed::Heal,
};

/// The paths whose answers are known.
const QUOTES: &str = "/v7/finance/quote";
const COLUMNS: &str = "/graph/fredgraph.csv";
const OBSERVATIONS: &str = "/fred/series/observations";

impl Remedies<'_> {
    /// Fewer rows, or all of them in halves.
    pub(super) fn fewer(&self, heal: &Heal) -> Result<Remedy, Wrong> {
        let options = &heal.options;
        let usual = ["limit", "count", "size", "rows", "page_size", "outputsize"];
        let param = self.param(heal, &usual)?;
        if param == "outputsize" && known_as(self.config, self.slug()).as_str() == "alpha_vantage" {
            return Ok(Remedy {
                gives: Some((Fidelity::Reduced, heal.at.own())),
                ..Remedy::of(AlternateSeries::alpha_vantage_compact(param))
            });
        }
        let fewer = ReduceRequest::of(param).at_least(options.at_least.unwrap_or(1));
        let (offset, rows) = match (&options.offset, &options.rows) {
            (Some(offset), Some(rows)) => (self.offset(heal, offset)?, &**rows),
            (Some(_), None) => {
                let message = "offset: nothing says where the rows stand; write rows: and a pointer such as /observations";
                return Err(Wrong::new(options.at.of("offset"), message));
            }
            (None, Some(_)) => {
                let message = "rows: nothing says which parameter leaves rows out; write offset: and its name";
                return Err(Wrong::new(options.at.of("rows"), message));
            }
            (None, None) if self.is_known("fred_api", OBSERVATIONS) && self.has("offset") => {
                ("offset", "/observations")
            }
            (None, None) => {
                return Ok(Remedy {
                    gives: Some((Fidelity::Reduced, heal.at.own())),
                    ..Remedy::of(fewer)
                });
            }
        };
        Ok(Remedy::of(fewer.joined(offset, rows)))
    }

    /// The later part of a span.
    pub(super) fn shorter(&self, heal: &Heal) -> Result<ShorterRange, Wrong> {
        let options = &heal.options;
        let from = self.param(heal, &["from", "start", "start_date"])?;
        let names: Vec<&str> = self.pattern.names().collect();
        let usual = ["to", "end", "end_date"];
        let end = options.end.as_deref();
        let end = end.or_else(|| usual.into_iter().find(|name| names.contains(name)));
        let end = end.filter(|end| names.contains(end));
        let end = end.ok_or_else(|| {
            let message = options.end.as_ref().map_or_else(
                || "heal: nothing says where the span of shorter_range ends; write end: and a parameter of the route".to_owned(),
                |end| format!("end: {}", unknown("parameter of the route", end, &names)),
            );
            let at = if options.end.is_some() { options.at.of("end") } else { heal.at.own() };
            Wrong::new(at, message)
        })?;
        let shorter = ShorterRange::of(from, end, Clock::started_now());
        let depth = options.depth.into_iter();
        Ok(depth.fold(shorter, ShorterRange::reaching_back))
    }

    /// Lists in parts, and single things together.
    pub(super) fn batch(&self, heal: &Heal) -> Result<BatchRequests, Wrong> {
        let options = &heal.options;
        let usual = ["symbols", "ids", "tickers", "symbol", "id"];
        let param = self.param(heal, &usual)?;
        let parts = match (&options.rows, &options.object) {
            (Some(rows), _) if rows == "columns" => Parts::Columns,
            (Some(rows), Some(object)) => Parts::rows(rows, object),
            (Some(rows), None) => Parts::entries(rows),
            (None, Some(_)) => {
                let message = "object: nothing says where the rows stand that it names; write rows: and a pointer such as /data";
                return Err(Wrong::new(options.at.of("object"), message));
            }
            (None, None) if self.is_known("yahoo_finance", QUOTES) => {
                Parts::rows("/quoteResponse/result", "symbol")
            }
            (None, None) if self.is_known("fred_api", COLUMNS) => Parts::Columns,
            (None, None) => {
                let message = format!(
                    "heal: batch_requests does not know where the rows of {} stand; name their place and the field that names an object, as in rows: /data and object: symbol",
                    self.route.r#match
                );
                return Err(Wrong::new(heal.at.own(), message));
            }
        };
        let batch = BatchRequests::of(param, parts);
        let batch = options
            .at_most
            .into_iter()
            .fold(batch, BatchRequests::at_most);
        let separator = options.separator.into_iter();
        Ok(separator.fold(batch, BatchRequests::separated_by))
    }

    /// Whether it is that path of that source itself.
    fn is_known(&self, source: &str, path: &str) -> bool {
        known_as(self.config, self.slug()).as_str() == source
            && self.pattern.template().path() == path
    }

    fn has(&self, name: &str) -> bool {
        self.pattern.names().any(|own| own == name)
    }

    fn offset<'h>(&self, heal: &'h Heal, name: &'h str) -> Result<&'h str, Wrong> {
        if self.has(name) {
            return Ok(name);
        }
        let names: Vec<&str> = self.pattern.names().collect();
        let message = unknown("parameter of the route", name, &names);
        Err(Wrong::new(heal.options.at.of("offset"), message))
    }
}
