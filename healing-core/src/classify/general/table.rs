//! A table of text: rows that name a thing and hold no value for it.

use crate::{
    classify::{exchange::Exchange, finding::Finding},
    vocabulary::fault::FaultClass,
};

use super::{
    envelope::says_missing,
    request::{Asks, asks},
};

/// Rows that are looked at. A longer table holds data.
const MAX_ROWS: usize = 16;

/// With so many columns one row is enough to tell; with fewer one value may be missing on a holiday.
const COLUMNS_OF_ONE_ROW: usize = 4;

/// What is wrong with a table that has a head and rows.
pub(super) fn judge(exchange: &Exchange<'_>, text: &str) -> Option<Finding> {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty());
    let columns = lines.next()?.split(',').count();
    let mut rows = 0;
    for line in lines {
        rows += 1;
        if rows > MAX_ROWS || !is_hollow(line) {
            return None;
        }
    }
    if rows == 0 || (rows == 1 && columns < COLUMNS_OF_ONE_ROW) {
        return None;
    }
    let class = match asks(exchange) {
        Asks::Thing => FaultClass::NotFound,
        Asks::Search | Asks::Span | Asks::Unknown => FaultClass::EmptyData,
    };
    let evidence = "the body: rows without a value";
    Some(Finding::of(class, "hollow_rows", evidence))
}

/// Whether a row holds nothing beyond its first cell.
fn is_hollow(line: &str) -> bool {
    let mut cells = line.split(',').skip(1).peekable();
    cells.peek().is_some() && cells.all(says_missing)
}
