//! Computations that are built in.

use crate::{
    mapping::Mapping,
    strategies::{
        compute::{Compute, Term},
        fallback::FallbackError,
        only::Only,
        same::Same,
    },
};

const T10Y2Y: &str = include_str!("fred_t10y2y.jq");

impl Compute {
    /// FRED's `T10Y2Y` for the route `/fred/series/observations`: the yield of ten years less that of two, which is how FRED
    /// makes it (`fred.stlouisfed.org/series/T10Y2Y`), day by day and to two places as FRED prints it. A day that lacks one of
    /// them is `.`. Equivalent.
    ///
    /// Only for the plain question ([`Only::fred_observations`]): a change of the difference, or its average of a month, is
    /// no difference of theirs.
    ///
    /// # Errors
    /// Never, as long as what is built in stands.
    pub fn fred_t10y2y() -> Result<Self, FallbackError> {
        let percent = Same {
            unit: Some("percent".into()),
            currency: None,
            adjustment: Some("none".into()),
            calendar: Some("us_equities".into()),
            granularity: "1d".parse().ok(),
        };
        let [ten, two] = ["DGS10", "DGS2"].map(|id| Term::here().constant("series_id", id));
        let only = Only::fred_observations().one_of("series_id", &["T10Y2Y"]);
        Ok(Self::of(ten, two, Mapping::compile(T10Y2Y)?)
            .only(only)
            .same(&percent, &percent)
            .called("DGS10 less DGS2"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::vocabulary::fidelity::Fidelity;

    type Rows<'a> = &'a [(&'a str, &'a str)];

    fn answer(rows: Rows<'_>) -> Value {
        let rows = rows.iter();
        let rows = rows.map(|(date, value)| json!({"realtime_start": "2026-03-05", "realtime_end": "2026-03-05", "date": date, "value": value}));
        json!({"realtime_start": "2026-03-05", "realtime_end": "2026-03-05", "count": 99, "observations": rows.collect::<Vec<_>>()})
    }

    fn made(ten: Rows<'_>, two: Rows<'_>, asked: &[(&str, &str)]) -> Option<Value> {
        let both = json!({"first": answer(ten), "second": answer(two)});
        let mapping = Mapping::compile(T10Y2Y).unwrap();
        let made = mapping
            .apply_here(both.to_string().as_bytes(), asked)
            .ok()?;
        serde_json::from_slice(&made).ok()
    }

    fn rows(ten: Rows<'_>, two: Rows<'_>, asked: &[(&str, &str)]) -> Option<Vec<(String, String)>> {
        let made = made(ten, two, asked)?;
        let rows = made["observations"].as_array()?.clone();
        let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
        let rows = rows.iter();
        Some(
            rows.map(|row| (text(row, "date"), text(row, "value")))
                .collect(),
        )
    }

    #[track_caller]
    fn check(ten: Rows<'_>, two: Rows<'_>, asked: &[(&str, &str)], expected: Rows<'_>) {
        let expected = expected
            .iter()
            .map(|(day, value)| ((*day).to_owned(), (*value).to_owned()));
        assert_eq!(rows(ten, two, asked), Some(expected.collect()));
    }

    const DESC: (&str, &str) = ("sort_order", "desc");

    #[test]
    fn the_difference_is_made_day_by_day_to_two_places() {
        check(
            &[
                ("2026-02-13", "4.05"),
                ("2026-02-16", "."),
                ("2026-02-17", "3.40"),
                ("2026-02-18", "3.41"),
                ("2026-02-19", "14.60"),
            ],
            &[
                ("2026-02-13", "3.98"),
                ("2026-02-16", "."),
                ("2026-02-17", "3.41"),
                ("2026-02-18", "3.41"),
                ("2026-02-19", "1.1"),
            ],
            &[],
            &[
                ("2026-02-13", "0.07"),
                ("2026-02-16", "."),
                ("2026-02-17", "-0.01"),
                ("2026-02-18", "0.00"),
                ("2026-02-19", "13.50"),
            ],
        );
    }

    #[test]
    fn a_day_that_lacks_one_of_the_two_has_no_value() {
        check(
            &[("2026-02-17", "4.05"), ("2026-02-18", "4.00")],
            &[
                ("2026-02-17", "."),
                ("2026-02-18", "3.40"),
                ("2026-02-19", "3.41"),
            ],
            &[],
            &[
                ("2026-02-17", "."),
                ("2026-02-18", "0.60"),
                ("2026-02-19", "."),
            ],
        );
        check(
            &[("2026-02-18", "4.00"), ("2026-02-17", "4.05")],
            &[("2026-02-19", "3.41"), ("2026-02-18", "3.40")],
            &[DESC, ("limit", "2")],
            &[("2026-02-19", "."), ("2026-02-18", "0.60")],
        );
    }

    #[test]
    fn it_begins_where_both_begin_and_says_how_many_rows_there_are_where_that_is_known() {
        let ten: Rows<'_> = &[
            ("1976-05-28", "7.9"),
            ("1976-06-01", "7.94"),
            ("1976-06-02", "7.94"),
        ];
        let two: Rows<'_> = &[("1976-06-01", "7.26"), ("1976-06-02", "7.23")];
        let both: Rows<'_> = &[("1976-06-01", "0.68"), ("1976-06-02", "0.71")];
        check(ten, two, &[], both);
        assert_eq!(made(ten, two, &[]).unwrap()["count"], 2);
        assert_eq!(made(ten, two, &[]).unwrap()["realtime_start"], "2026-03-05");
        check(
            &[ten[2], ten[1], ten[0]],
            &[two[1], two[0]],
            &[DESC],
            &[both[1], both[0]],
        );
        let newest = made(
            &[ten[2], ten[1]],
            &[two[1], two[0]],
            &[DESC, ("limit", "2")],
        )
        .unwrap();
        assert!(newest.get("count").is_none(), "{newest}");
    }

    #[test]
    fn rows_that_a_limit_cut_off_are_not_called_missing() {
        let early: Rows<'_> = &[("1962-01-02", "4.06"), ("1962-01-03", "4.03")];
        let late: Rows<'_> = &[("1976-06-01", "7.26"), ("1976-06-02", "7.23")];
        assert_eq!(rows(early, late, &[("limit", "2")]), None);
        assert_eq!(rows(&[], &[], &[]), None);
        assert_eq!(
            rows(early, &[("1962-01-02", "n/a"), early[1]], &[]),
            None,
            "no number"
        );
    }

    #[test]
    fn ten_years_of_days_are_within_the_bounds_of_a_map() {
        let day = |n: i32| jiff::civil::date(2016, 1, 4) + jiff::Span::new().days(n);
        let days: Vec<String> = (0..2_600).map(|n| day(n).to_string()).collect();
        let series = |value| {
            days.iter()
                .map(|day| (day.as_str(), value))
                .collect::<Vec<_>>()
        };
        let made = rows(&series("4.05"), &series("3.98"), &[]).unwrap();
        assert_eq!(made.len(), 2_600);
    }

    #[test]
    fn what_is_built_in_stands() {
        assert_eq!(
            Compute::fred_t10y2y().unwrap().fidelity(),
            Ok(Fidelity::Equivalent)
        );
    }
}
