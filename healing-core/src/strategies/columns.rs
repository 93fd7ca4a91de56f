//! Tables of moments and values (RFC 4180), a column for each series: put together and taken apart.

use std::collections::BTreeMap;

use csv::{ReaderBuilder, StringRecord, WriterBuilder};

/// A table. All its lines have as many cells as the first.
#[derive(Debug)]
pub(crate) struct Columns {
    pub(crate) head: StringRecord,
    pub(crate) lines: Vec<StringRecord>,
}

// === impl Columns ===

impl Columns {
    /// Reads a table with at least two columns.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut reader = ReaderBuilder::new()
            .has_headers(false)
            .from_reader(text.as_bytes());
        let mut lines = reader.records();
        let head = lines.next()?.ok().filter(|head| head.len() > 1)?;
        let lines: Result<_, _> = lines.collect();
        Some(Self {
            head,
            lines: lines.ok()?,
        })
    }

    /// One table with the columns of all. A moment that one of them lacks has an empty cell there, which is what a source says
    /// of a moment without a value. Nothing where their moments are not called the same, or are not in their order.
    pub(crate) fn join(all: &[Self]) -> Option<String> {
        let moment = all.first()?.head.get(0)?;
        let width: usize = all.iter().map(|own| own.head.len() - 1).sum();
        let mut head = vec![moment];
        let mut lines: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        let mut before = 0;
        for own in all {
            if own.head.get(0) != Some(moment) || !own.is_in_order() {
                return None;
            }
            head.extend(own.head.iter().skip(1));
            for line in &own.lines {
                let cells = lines.entry(line.get(0)?);
                let cells = cells.or_insert_with(|| vec![""; width]);
                for (cell, value) in cells.iter_mut().skip(before).zip(line.iter().skip(1)) {
                    *cell = value;
                }
            }
            before += own.head.len() - 1;
        }
        let lines = lines.iter();
        let lines = lines.map(|(moment, cells)| [&[*moment], &**cells].concat());
        written(std::iter::once(head).chain(lines))
    }

    /// The moments and the columns of those names, from the first line with a value in one of them to the last.
    pub(crate) fn pick(&self, is_asked: impl Fn(&str) -> bool) -> Option<String> {
        let named = self.head.iter().enumerate().skip(1);
        let own: Vec<usize> = named
            .filter(|(_, name)| is_asked(name))
            .map(|(at, _)| at)
            .collect();
        let cells = |line: &'_ StringRecord| -> Option<Vec<String>> {
            let at = std::iter::once(&0).chain(&own);
            at.map(|at| line.get(*at).map(str::to_owned)).collect()
        };
        let has_value = |line: &StringRecord| {
            let mut values = own.iter().filter_map(|at| line.get(*at));
            values.any(|value| !value.is_empty())
        };
        let first = self.lines.iter().position(has_value)?;
        let last = self.lines.iter().rposition(has_value)?;
        let lines = self.lines.get(first..=last)?.iter();
        let lines: Option<Vec<_>> = std::iter::once(&self.head)
            .chain(lines)
            .map(cells)
            .collect();
        written(lines?)
    }

    /// The lines as JSON, the head first: arrays of texts.
    #[cfg(feature = "jq")]
    pub(crate) fn to_json(&self) -> Option<Vec<u8>> {
        let lines = std::iter::once(&self.head).chain(&self.lines);
        let lines: Vec<Vec<&str>> = lines.map(|line| line.iter().collect()).collect();
        serde_json::to_vec(&lines).ok()
    }

    fn is_in_order(&self) -> bool {
        self.lines
            .is_sorted_by(|one, next| one.get(0) < next.get(0))
    }
}

fn written(lines: impl IntoIterator<Item = Vec<impl AsRef<[u8]>>>) -> Option<String> {
    let mut writer = WriterBuilder::new().from_writer(Vec::new());
    for line in lines {
        writer.write_record(line).ok()?;
    }
    String::from_utf8(writer.into_inner().ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Columns {
        Columns::read(text).unwrap()
    }

    #[test]
    fn columns_are_joined_by_their_moments() {
        let ten = read("observation_date,DGS10\n2026-03-02,4.25\n2026-03-04,4.10\n");
        let two = read("observation_date,DGS2\n2026-03-03,3.90\n2026-03-04,3.95\n");
        let joined = Columns::join(&[ten, two]).unwrap();
        assert_eq!(
            joined,
            "observation_date,DGS10,DGS2\n2026-03-02,4.25,\n2026-03-03,,3.90\n2026-03-04,4.10,3.95\n"
        );
        let one = read(&joined).pick(|name| name == "DGS2").unwrap();
        assert_eq!(
            one,
            "observation_date,DGS2\n2026-03-03,3.90\n2026-03-04,3.95\n"
        );
    }

    #[test]
    fn a_missing_value_between_two_others_stays() {
        let table = read("d,A\n1,x\n2,\n3,y\n");
        assert_eq!(table.pick(|_| true).unwrap(), "d,A\n1,x\n2,\n3,y\n");
        assert!(table.pick(|_| false).is_none(), "nobody asked for it");
    }

    #[test]
    fn what_is_no_table_of_moments_is_not_joined() {
        for other in ["DATE,B\n1,2\n", "d,B\n2,x\n1,y\n", "d,B\n1,x\n1,y\n"] {
            let own = read("d,A\n1,x\n");
            assert!(Columns::join(&[own, read(other)]).is_none(), "{other}");
        }
        for none in ["", "<html></html>", "d,A\n1\n"] {
            assert!(Columns::read(none).is_none(), "{none}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text: String, other: String) {
            if let (Some(own), Some(other)) = (Columns::read(&text), Columns::read(&other)) {
                let _picked = own.pick(|_| true);
                let _joined = Columns::join(&[own, other]);
            }
        }
    }
}
