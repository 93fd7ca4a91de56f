//! Rows that repeat: what stands between the values of a row is compared with the row before, and not read again.
//!
//! The rows of an array, and objects under dates or ids, are most of a long body, and a program wrote them: from one to the
//! next only the values differ. So one row is walked with the grammar, and where its values began and ended is remembered.
//! In the next row the bytes between the values are the same, or it is walked with the grammar as well. Values are checked
//! in each row. That a body is whole is thus known of every byte of it.

/// The most values of a row that are remembered. Wider rows are walked.
const MAX_VALUES: usize = 24;

/// Bytes that may be compared in vain before rows are no longer compared, beside an eighth of all bytes.
const VAIN_BYTES: usize = 1024;

/// The last row that was walked, as far as the next one may repeat it.
#[derive(Clone, Debug)]
pub(super) struct Pattern {
    values: [Value; MAX_VALUES],
    len: usize,
    /// What stands after the last value, to the row's end.
    tail: Between,
    /// The container whose row it is.
    of: Option<usize>,
    /// Whether the row is being walked.
    is_open: bool,
    /// Bytes that were compared in vain.
    vain: usize,
}

/// A value of the row, and what stands before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    pub(super) before: Between,
    /// Whether its path is remembered: a value that carried nothing so far has none.
    pub(super) is_known: bool,
}

/// Bytes between two values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Between {
    pub(super) from: usize,
    pub(super) to: usize,
}

/// A container of rows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    /// Where it begins.
    id: usize,
    /// Whether its rows can be remembered.
    repeat: bool,
    /// Whether nothing but a comma stands between its rows.
    is_list: bool,
}

// === impl Pattern ===

impl Pattern {
    pub(super) const fn new() -> Self {
        const NOTHING: Between = Between { from: 0, to: 0 };
        let value = Value {
            before: NOTHING,
            is_known: false,
        };
        Self {
            values: [value; MAX_VALUES],
            len: 0,
            tail: NOTHING,
            of: None,
            is_open: false,
            vain: 0,
        }
    }

    /// One that no row repeats.
    #[cfg(test)]
    pub(super) const fn used_up() -> Self {
        let mut pattern = Self::new();
        pattern.vain = usize::MAX;
        pattern
    }

    /// Whether the next row of that container, which begins there, may repeat this one.
    #[inline]
    pub(super) const fn may_repeat(&self, rows: &Rows, from: usize) -> bool {
        matches!(self.of, Some(id) if id == rows.id) && self.vain <= VAIN_BYTES + from / 8
    }

    /// Its value of that number.
    #[inline]
    pub(super) fn value_at(&self, n: usize) -> Option<Value> {
        self.values.get(..self.len)?.get(n).copied()
    }

    /// What stands after the last one.
    pub(super) const fn tail(&self) -> Between {
        self.tail
    }

    /// Whether the rows are values with nothing but commas between.
    #[inline]
    pub(super) const fn is_bare(&self, rows: &Rows) -> bool {
        let [first, ..] = &self.values;
        rows.is_list
            && self.len == 1
            && first.is_known
            && first.before.is_empty()
            && self.tail.is_empty()
    }

    pub(super) const fn was_in_vain(&mut self, bytes: usize) {
        self.vain = self.vain.saturating_add(bytes);
    }

    /// A row of that container is walked from here on, unless it lies in one that is. Returns whether it is remembered.
    pub(super) const fn open(&mut self, rows: &Rows, from: usize) -> bool {
        if self.is_open || !rows.repeat {
            return false;
        }
        self.is_open = true;
        self.of = Some(rows.id);
        self.len = 0;
        self.tail.from = from;
        true
    }

    /// A value of the row that is walked.
    pub(super) fn value(&mut self, from: usize, to: usize, is_known: bool) {
        let before = Between {
            from: self.tail.from,
            to: from,
        };
        match self.values.get_mut(self.len) {
            Some(free) => {
                *free = Value { before, is_known };
                self.len += 1;
                self.tail.from = to;
            }
            None => self.forget(),
        }
    }

    /// This row is not to be repeated.
    pub(super) const fn forget(&mut self) {
        self.is_open = false;
        self.of = None;
    }

    pub(super) const fn is_open(&self) -> bool {
        self.is_open
    }

    /// The row that was remembered ends here.
    pub(super) const fn close(&mut self, rows: &mut Rows, to: usize) {
        let is_mine = matches!(self.of, Some(id) if id == rows.id);
        rows.repeat = self.is_open && is_mine;
        if rows.repeat {
            self.is_open = false;
            self.tail.to = to;
        }
    }
}

// === impl Between ===

impl Between {
    const fn is_empty(self) -> bool {
        self.from == self.to
    }
}

// === impl Rows ===

impl Rows {
    /// The elements of an array that begins there.
    pub(super) const fn of_list(id: usize) -> Self {
        Self {
            id,
            repeat: true,
            is_list: true,
        }
    }

    pub(super) const fn is_list(&self) -> bool {
        self.is_list
    }

    /// The rows of another container that begins there.
    pub(super) const fn among_others(id: usize) -> Self {
        Self {
            id,
            repeat: true,
            is_list: false,
        }
    }
}
