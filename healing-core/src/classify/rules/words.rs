//! Tests of a text: what it is, holds or starts with, ignoring the case of ASCII letters. Nothing is copied.

/// What a text must be like. Any of the words will do; they are kept in lower case.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Words {
    /// It is there.
    Any,
    /// It is one of these.
    Equals(Vec<Box<str>>),
    /// It holds one of these.
    Contains(Vec<Box<str>>),
    /// It starts with one of these.
    Starts(Vec<Box<str>>),
    /// It is a number above this.
    Above(f64),
    /// It is a number below this.
    Below(f64),
}

impl Words {
    /// The place of the first word that fits a text, white space around it not counted; 0 where there are no words.
    pub(super) fn which(&self, text: &[u8]) -> Option<usize> {
        let text = text.trim_ascii();
        let first = |words: &[Box<str>], fits: fn(&[u8], &[u8]) -> bool| {
            words.iter().position(|word| fits(text, word.as_bytes()))
        };
        match self {
            Self::Any => Some(0),
            Self::Equals(words) => first(words, <[u8]>::eq_ignore_ascii_case),
            Self::Contains(words) => first(words, contains),
            Self::Starts(words) => first(words, starts),
            Self::Above(limit) => number(text).filter(|number| number > limit).map(|_| 0),
            Self::Below(limit) => number(text).filter(|number| number < limit).map(|_| 0),
        }
    }
}

/// The number that a text is.
pub(super) fn number(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let number: f64 = text.trim().parse().ok()?;
    number.is_finite().then_some(number)
}

fn starts(text: &[u8], word: &[u8]) -> bool {
    text.get(..word.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(word))
}

/// Whether a word stands in a text. The word is in lower case.
fn contains(text: &[u8], word: &[u8]) -> bool {
    let Some((first, rest)) = word.split_first() else {
        return true;
    };
    let mut text = text;
    while let Some(at) = text
        .iter()
        .position(|byte| byte.to_ascii_lowercase() == *first)
    {
        text = text.get(at + 1..).unwrap_or_default();
        if starts(text, rest) {
            return true;
        }
    }
    false
}
