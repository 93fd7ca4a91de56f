//! The grammar of JSON (RFC 8259), eight bytes at a time where it pays.

use wide::u8x16;

use crate::classify::json::{
    At, Key, NoJson, Scan, Type,
    blocks::{self, block_of},
    columns,
    escapes::unescaped,
    rows::{Between, Pattern, Rows},
    words::{first_bytes, special, word_of},
};

/// How deep values may lie in one another.
const MAX_DEPTH: u8 = 127;

/// A way through a text, value by value.
pub(super) struct Walk<'t, 's> {
    text: &'t str,
    at: usize,
    scan: &'s mut Scan,
    pattern: Pattern,
}

// === impl Walk ===

impl<'t, 's> Walk<'t, 's> {
    /// A way through that text.
    pub(super) const fn over(text: &'t str, scan: &'s mut Scan, pattern: Pattern) -> Self {
        Self {
            text,
            at: 0,
            scan,
            pattern,
        }
    }

    /// Walks over a whole text, which holds one value.
    pub(super) fn whole(mut self) -> Result<(), NoJson> {
        self.value(At::ROOT)?;
        match self.next_token() {
            Err(_) => Ok(()),
            Ok(_) => Err(NoJson::Invalid),
        }
    }

    /// Walks over a whole text, which holds a value on each line.
    pub(super) fn lines(mut self) -> Result<(), NoJson> {
        self.scan.arrays = true;
        let (row, mut rows) = (At::ROOT.row(), Rows::among_others(0));
        while self.next_token().is_ok() {
            self.row(row, &mut rows)?;
            while let Some(b' ' | b'\t' | b'\r') = self.peek() {
                self.at += 1;
            }
            if !matches!(self.peek(), None | Some(b'\n')) {
                return Err(NoJson::Invalid);
            }
        }
        Ok(())
    }

    fn value(&mut self, at: At) -> Result<(), NoJson> {
        let first = self.next_token()?;
        let from = self.at;
        match first {
            b'"' => {
                let text = self.string()?;
                self.scan.text(at, &text, from + 1);
            }
            b'-' | b'0'..=b'9' => {
                self.number()?;
                let raw = self.text.as_bytes().get(from..self.at);
                self.scan.number(at, raw.unwrap_or_default());
            }
            b'{' if at.depth < MAX_DEPTH => return self.object(at),
            b'[' if at.depth < MAX_DEPTH => return self.array(at),
            b't' => self
                .word(b"true")
                .map(|()| self.scan.leaf(at, true, Type::Bool))?,
            b'f' => self
                .word(b"false")
                .map(|()| self.scan.leaf(at, false, Type::Bool))?,
            b'n' => self.word(b"null")?, // carries nothing
            _ => return Err(NoJson::Invalid),
        }
        if self.pattern.is_open() {
            self.remember(at, from);
        }
        Ok(())
    }

    /// Remembers where a value of the row stands that the next one may repeat.
    fn remember(&mut self, at: At, from: usize) {
        if at.under_error {
            return self.pattern.forget();
        }
        let is_known = self.scan.is_known(at.path);
        self.pattern.value(from, self.at, is_known);
    }

    /// A row: the value of an array, or of a key that is a value.
    fn row(&mut self, at: At, rows: &mut Rows) -> Result<(), NoJson> {
        self.next_token()?;
        if self.pattern.may_repeat(rows, self.at) && self.repeats(rows) {
            return Ok(());
        }
        let is_open = self.pattern.open(rows, self.at);
        self.value(at)?;
        if is_open {
            self.pattern.close(rows, self.at);
        }
        Ok(())
    }

    /// Passes rows that repeat the last one; stays before one that does not. Returns whether there was one.
    fn repeats(&mut self, rows: &Rows) -> bool {
        if self.scan.reads_texts() {
            return false;
        }
        let is_bare = self.pattern.is_bare(rows);
        let mut passed = None;
        loop {
            let from = self.at;
            let found = if is_bare {
                self.bare_rows()
            } else {
                self.repeated()
            };
            let Some(found) = found else {
                self.pattern.was_in_vain(self.at - from);
                self.at = passed.unwrap_or(from);
                return passed.is_some();
            };
            self.scan.add(found);
            if !rows.is_list() || self.peek() != Some(b',') {
                return true;
            }
            passed = Some(self.at);
            self.at += 1;
        }
    }

    /// Passes the values of a row and what is between them.
    fn repeated(&mut self) -> Option<Found> {
        let mut found = Found::default();
        let mut n = 0;
        while let Some(value) = self.pattern.value_at(n) {
            self.same(value.before)?;
            let carries = self.scalar(&mut found)?;
            if carries && !value.is_known {
                return None;
            }
            n += 1;
        }
        self.same(self.pattern.tail())?;
        Some(found)
    }

    /// Passes values that stand one after the other with nothing but commas between, as in a column of numbers.
    fn bare_rows(&mut self) -> Option<Found> {
        let mut found = Found::default();
        let mut numbers = 0;
        self.scalar(&mut found)?;
        while self.peek() == Some(b',') {
            if found.numbers > numbers {
                let passed = columns::pass(self.text.as_bytes().get(self.at..)?);
                self.at += passed.bytes;
                found.leaves += passed.numbers;
                found.numbers += passed.numbers;
            }
            numbers = found.numbers;
            let comma = self.at;
            self.at += 1;
            self.at += usize::from(self.peek() == Some(b' '));
            if self.scalar(&mut found).is_none() {
                self.at = comma;
                break;
            }
        }
        Some(found)
    }

    /// Passes a value that is no container. Returns whether it carries something.
    #[inline]
    fn scalar(&mut self, found: &mut Found) -> Option<bool> {
        let carries = match self.peek()? {
            b'"' => !matches!(self.string().ok()?, Text::Plain("")),
            b'-' | b'0'..=b'9' => {
                self.number().ok()?;
                found.numbers += 1;
                true
            }
            b't' => self.word(b"true").ok().map(|()| true)?,
            b'f' => self.word(b"false").ok().map(|()| true)?,
            b'n' => self.word(b"null").ok().map(|()| false)?,
            _ => return None,
        };
        found.leaves += u32::from(carries);
        Some(carries)
    }

    /// Passes the same bytes as stand there.
    #[inline]
    fn same(&mut self, there: Between) -> Option<()> {
        let mut from = there.from;
        while from < there.to {
            let theirs = block_of(self.text.as_bytes().get(from..)?);
            let count = (there.to - from).min(blocks::BLOCK as usize);
            if (blocks::common(theirs, self.next_block()) as usize) < count {
                return None;
            }
            from += count;
            self.at += count;
        }
        Some(())
    }

    fn object(&mut self, at: At) -> Result<(), NoJson> {
        let mut rows = Rows::among_others(self.at);
        self.at += 1;
        if self.next_token()? == b'}' {
            self.at += 1;
            return Ok(());
        }
        loop {
            if self.next_token()? != b'"' {
                return Err(NoJson::Invalid);
            }
            let (below, is_row) = self.name(at)?;
            if self.next_token()? != b':' {
                return Err(NoJson::Invalid);
            }
            self.at += 1;
            if is_row {
                self.row(below, &mut rows)?;
            } else {
                self.value(below)?;
            }
            if self.is_last(b'}')? {
                return Ok(());
            }
        }
    }

    fn array(&mut self, at: At) -> Result<(), NoJson> {
        self.scan.arrays = true;
        let mut rows = Rows::of_list(self.at);
        self.at += 1;
        if self.next_token()? == b']' {
            self.at += 1;
            return Ok(());
        }
        let row = at.row();
        loop {
            self.row(row, &mut rows)?;
            if self.is_last(b']')? {
                return Ok(());
            }
        }
    }

    /// Whether the container ends here, rather than going on after a comma.
    #[inline]
    fn is_last(&mut self, end: u8) -> Result<bool, NoJson> {
        let token = self.next_token()?;
        self.at += 1;
        match token {
            b',' => Ok(false),
            token if token == end => Ok(true),
            _ => Err(NoJson::Invalid),
        }
    }

    /// The next byte that is no white space, and stays before it.
    #[inline]
    fn next_token(&mut self) -> Result<u8, NoJson> {
        loop {
            match self.peek() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(byte) => return Ok(byte),
                None => return Err(NoJson::Cut),
            }
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next eight bytes, filled up with zeros after the end.
    #[inline]
    fn next_word(&self) -> u64 {
        word_of(self.text.as_bytes().get(self.at..).unwrap_or_default())
    }

    /// The next sixteen bytes, filled up with zeros after the end.
    #[inline]
    fn next_block(&self) -> u8x16 {
        block_of(self.text.as_bytes().get(self.at..).unwrap_or_default())
    }

    /// What stands between the quotes, its escapes not undone.
    #[inline]
    fn string(&mut self) -> Result<Text<'t>, NoJson> {
        self.at += 1;
        let from = self.at;
        let mut is_escaped = false;
        loop {
            let plain = blocks::plain(self.next_block());
            self.at += plain as usize;
            if plain == blocks::BLOCK {
                continue;
            }
            match self.peek().ok_or(NoJson::Cut)? {
                b'"' => {
                    let raw = self.text.get(from..self.at).ok_or(NoJson::Invalid)?;
                    self.at += 1;
                    return Ok(if is_escaped {
                        Text::Escaped(raw)
                    } else {
                        Text::Plain(raw)
                    });
                }
                b'\\' => {
                    is_escaped = true;
                    self.escape()?;
                }
                _ => return Err(NoJson::Invalid), // a control character
            }
        }
    }

    /// Passes a key and says where its value lies, and whether the key is a value itself. It is read and hashed in one go: keys are most of many bodies.
    fn name(&mut self, at: At) -> Result<(At, bool), NoJson> {
        let from = self.at;
        self.at += 1;
        let mut key = Key::new();
        loop {
            let word = self.next_word();
            let special = special(word);
            if special == 0 {
                key.add(word);
                self.at += 8;
                continue;
            }
            let count = special.trailing_zeros() as usize / 8;
            self.at += count;
            if self.peek() != Some(b'"') {
                break;
            }
            if count > 0 {
                key.add(first_bytes(word, count));
            }
            let name = self.text.get(from + 1..self.at).unwrap_or_default();
            self.at += 1;
            return Ok((at.key(name, key), key.is_value()));
        }
        self.at = from;
        let mut room = [0; MAX_KEY];
        let name = match self.string()? {
            Text::Plain(name) => name,
            Text::Escaped(raw) => unescaped(raw, &mut room),
        };
        let mut key = Key::new();
        name.as_bytes()
            .chunks(8)
            .map(word_of)
            .for_each(|word| key.add(word));
        Ok((at.key(name, key), key.is_value()))
    }

    fn escape(&mut self) -> Result<(), NoJson> {
        self.at += 1;
        let digits = match self.peek().ok_or(NoJson::Cut)? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => 0,
            b'u' => 4,
            _ => return Err(NoJson::Invalid),
        };
        self.at += 1;
        for _ in 0..digits {
            if !self.peek().ok_or(NoJson::Cut)?.is_ascii_hexdigit() {
                return Err(NoJson::Invalid);
            }
            self.at += 1;
        }
        Ok(())
    }

    /// Passes a number.
    #[inline]
    fn number(&mut self) -> Result<(), NoJson> {
        let length = blocks::number(self.next_block()) as usize;
        if length > 0 {
            self.at += length;
            return Ok(());
        }
        self.at += usize::from(self.peek() == Some(b'-'));
        let leading_zero = self.peek() == Some(b'0');
        let digits = self.digits();
        if digits == 0 {
            return Err(self.unfinished());
        }
        if leading_zero && digits > 1 {
            return Err(NoJson::Invalid);
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(self.unfinished());
            }
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            if self.digits() == 0 {
                return Err(self.unfinished());
            }
        }
        Ok(())
    }

    /// Passes digits, and says how many.
    fn digits(&mut self) -> usize {
        let from = self.at;
        loop {
            let count = blocks::digits(self.next_block());
            self.at += count as usize;
            if count < blocks::BLOCK {
                return self.at - from;
            }
        }
    }

    fn word(&mut self, word: &'static [u8]) -> Result<(), NoJson> {
        let rest = self.text.as_bytes().get(self.at..).unwrap_or_default();
        if rest.starts_with(word) {
            self.at += word.len();
            Ok(())
        } else if word.starts_with(rest) {
            Err(NoJson::Cut)
        } else {
            Err(NoJson::Invalid)
        }
    }

    /// Why something is missing here.
    fn unfinished(&self) -> NoJson {
        match self.peek() {
            None => NoJson::Cut,
            Some(_) => NoJson::Invalid,
        }
    }
}

/// What stands between two quotes.
#[derive(Clone, Copy)]
pub(super) enum Text<'t> {
    Plain(&'t str),
    /// Its escapes are not undone.
    Escaped(&'t str),
}

/// What a row that repeats another one holds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    /// Values that carry something.
    pub(super) leaves: u32,
    /// Those of them that are numbers.
    pub(super) numbers: u32,
}

/// Bytes of a key that are read where escapes must be undone first.
const MAX_KEY: usize = 64;
