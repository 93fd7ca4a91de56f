//! The grammar of JSON (RFC 8259), eight bytes at a time where it pays.

use crate::classify::json::{At, Key, NoJson, Scan};

/// How deep values may lie in one another.
const MAX_DEPTH: u8 = 127;

const LOW: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// A way through a text, value by value.
pub(super) struct Walk<'t, 's> {
    text: &'t str,
    at: usize,
    scan: &'s mut Scan,
}

// === impl Walk ===

impl<'t, 's> Walk<'t, 's> {
    /// Walks over a whole text, which holds one value.
    pub(super) fn over(text: &'t str, scan: &'s mut Scan) -> Result<(), NoJson> {
        let mut walk = Self { text, at: 0, scan };
        walk.value(At::ROOT)?;
        match walk.next_token() {
            Err(_) => Ok(()),
            Ok(_) => Err(NoJson::Invalid),
        }
    }

    fn value(&mut self, at: At) -> Result<(), NoJson> {
        match self.next_token()? {
            b'"' => {
                let text = self.string()?;
                self.scan.text(at, text);
                Ok(())
            }
            b'-' | b'0'..=b'9' => {
                let is_zero = self.number()?;
                self.scan.number(at, is_zero);
                Ok(())
            }
            b'{' if at.depth < MAX_DEPTH => self.object(at),
            b'[' if at.depth < MAX_DEPTH => self.array(at),
            b't' => self.word(b"true").map(|()| self.scan.leaf(at, true)),
            b'f' => self.word(b"false").map(|()| self.scan.leaf(at, false)),
            b'n' => self.word(b"null"), // carries nothing
            _ => Err(NoJson::Invalid),
        }
    }

    fn object(&mut self, at: At) -> Result<(), NoJson> {
        self.at += 1;
        if self.next_token()? == b'}' {
            self.at += 1;
            return Ok(());
        }
        loop {
            if self.next_token()? != b'"' {
                return Err(NoJson::Invalid);
            }
            let below = self.name(at)?;
            if self.next_token()? != b':' {
                return Err(NoJson::Invalid);
            }
            self.at += 1;
            self.value(below)?;
            if self.is_last(b'}')? {
                return Ok(());
            }
        }
    }

    fn array(&mut self, at: At) -> Result<(), NoJson> {
        self.scan.arrays = true;
        self.at += 1;
        if self.next_token()? == b']' {
            self.at += 1;
            return Ok(());
        }
        let row = at.row();
        loop {
            self.value(row)?;
            if self.is_last(b']')? {
                return Ok(());
            }
        }
    }

    /// Whether the container ends here, rather than going on after a comma.
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
    fn next_token(&mut self) -> Result<u8, NoJson> {
        loop {
            match self.peek() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(byte) => return Ok(byte),
                None => return Err(NoJson::Cut),
            }
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next eight bytes, filled up with zeros after the end.
    fn next_word(&self) -> u64 {
        word_of(self.text.as_bytes().get(self.at..).unwrap_or_default())
    }

    /// What stands between the quotes, its escapes not undone.
    fn string(&mut self) -> Result<Text<'t>, NoJson> {
        self.at += 1;
        let from = self.at;
        let mut is_escaped = false;
        loop {
            let special = special(self.next_word());
            if special == 0 {
                self.at += 8;
                continue;
            }
            self.at += special.trailing_zeros() as usize / 8;
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

    /// Passes a key and says where its value lies. It is read and hashed in one go: keys are most of many bodies.
    fn name(&mut self, at: At) -> Result<At, NoJson> {
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
            return Ok(at.key(name, key));
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
        Ok(at.key(name, key))
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

    /// Passes a number. Returns whether it is zero.
    fn number(&mut self) -> Result<bool, NoJson> {
        self.at += usize::from(self.peek() == Some(b'-'));
        let leading_zero = self.peek() == Some(b'0');
        let (digits, mut is_zero) = self.digits();
        if digits == 0 {
            return Err(self.unfinished());
        }
        if leading_zero && digits > 1 {
            return Err(NoJson::Invalid);
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            let (digits, zeros) = self.digits();
            if digits == 0 {
                return Err(self.unfinished());
            }
            is_zero &= zeros;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            self.at += usize::from(matches!(self.peek(), Some(b'+' | b'-')));
            if self.digits().0 == 0 {
                return Err(self.unfinished());
            }
        }
        Ok(is_zero)
    }

    /// Passes digits: how many, and whether all are zeros.
    fn digits(&mut self) -> (usize, bool) {
        let from = self.at;
        let mut zeros = true;
        loop {
            let word = self.next_word();
            let others = !digits(word) & HIGH;
            let count = others.trailing_zeros() as usize / 8;
            zeros &= first_bytes(word ^ (LOW * 0x30), count) == 0;
            self.at += count;
            if count < 8 {
                return (self.at - from, zeros);
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

/// Bytes of a key that are read where escapes must be undone first.
const MAX_KEY: usize = 64;

/// The bytes of a word that end a run of plain text: a quote, a backslash, a control character. The lowest mark is exact: a
/// borrow only reaches upwards.
const fn special(word: u64) -> u64 {
    let quote = word ^ (LOW * 0x22);
    let backslash = word ^ (LOW * 0x5c);
    let quote = quote.wrapping_sub(LOW) & !quote;
    let backslash = backslash.wrapping_sub(LOW) & !backslash;
    let control = word.wrapping_sub(LOW * 0x20) & !word;
    (quote | backslash | control) & HIGH
}

/// The bytes of a word that are digits, one mark each.
pub(super) const fn digits(word: u64) -> u64 {
    let word = word ^ (LOW * 0x30);
    let above = (word & !HIGH).wrapping_add(LOW * 0x76) | word;
    !above & HIGH
}

/// That many bytes of a word, the others zero.
const fn first_bytes(word: u64, count: usize) -> u64 {
    if count >= 8 {
        word
    } else {
        word & ((1 << (count * 8)) - 1)
    }
}

/// The first eight bytes of a text, filled up with zeros after its end.
fn word_of(text: &[u8]) -> u64 {
    match text.first_chunk() {
        Some(word) => u64::from_le_bytes(*word),
        None => text
            .iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    }
}

/// Undoes the escapes of a text that was walked over, as far as there is room.
pub(super) fn unescaped<'r>(raw: &str, room: &'r mut [u8]) -> &'r str {
    let mut used = 0;
    let mut chars = raw.chars();
    while let Some(read) = chars.next() {
        let meant = match read {
            '\\' => escaped(&mut chars),
            read => read,
        };
        let Some(free) = room.get_mut(used..used + meant.len_utf8()) else {
            break;
        };
        used += meant.encode_utf8(free).len();
    }
    let text = room.get(..used).unwrap_or_default();
    std::str::from_utf8(text).unwrap_or_default()
}

/// What is meant by what follows a backslash. Halves of a pair stand for nothing that is read here.
fn escaped(chars: &mut std::str::Chars<'_>) -> char {
    match chars.next() {
        Some('n' | 'r' | 't' | 'b' | 'f') | None => ' ',
        Some('u') => {
            let digits = chars.as_str().get(..4).unwrap_or_default();
            let code = u32::from_str_radix(digits, 16).ok();
            chars.by_ref().take(4).for_each(drop);
            code.and_then(char::from_u32)
                .unwrap_or(char::REPLACEMENT_CHARACTER)
        }
        Some(itself) => itself,
    }
}
