//! Maps: small jq programs that give one source's answer the shape of another's.
//!
//! jq can compute anything, so it can also never end. A map is the operator's own text, but what it reads comes from outside,
//! so it is bounded all the same: in steps (every term that is evaluated and every element that is made is one; a million),
//! in memory (what is made is paid in steps, by its size), in depth (of values and of the call stack), in input and output
//! (2 and 4 MiB). Definitions and imports are refused. It runs on a thread for blocking work, two runs of one map at a time;
//! a run that nobody waits for any more ends by its steps. Whatever stops it is a [`MapFault`], which quotes no upstream.

mod meter;
mod natives;
mod scan;
mod value;

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use bytes::Bytes;
use jaq_core::{
    Compiler, Ctx, DataT, Filter, Lut, Vars,
    data::HasLut,
    load::{self, Arena, File, Lexer, Loader, lex::Tok, lex::Token},
};
use jaq_json::read::parse_single;
use tokio::sync::Semaphore;

use crate::mapping::value::Metered;

/// The longest map, in bytes.
const MAX_TEXT: usize = 4096;

/// The deepest brackets of a map.
const MAX_BRACKETS: usize = 64;

/// The longest answer that is mapped, in bytes.
const MAX_INPUT: usize = 2 * 1024 * 1024;

/// The longest answer that a map may make, in bytes.
const MAX_OUTPUT: usize = 4 * 1024 * 1024;

/// Runs of one map at the same time.
const AT_ONCE: usize = 2;

/// A jq program that makes one JSON text from another. `$asked` holds the parameters of the asked route.
///
/// ```
/// use healing_core::Mapping;
/// let closes = Mapping::compile("{symbol: $asked.ticker, close: [.rows[].c]}")?;
/// let made = closes.apply_here(br#"{"rows":[{"c":1.5},{"c":2}]}"#, &[("ticker", "AAPL")]);
/// assert_eq!(made.as_deref(), Ok(&br#"{"symbol":"AAPL","close":[1.5,2]}"#[..]));
/// # Ok::<(), healing_core::MappingError>(())
/// ```
#[derive(Clone)]
pub struct Mapping(Arc<Program>);

struct Program {
    text: Box<str>,
    filter: Filter<Jq>,
    runs: Arc<Semaphore>,
}

/// A text that is no map.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MappingError {
    /// It is too long, or its brackets are too deep.
    #[error("a map has at most 4096 bytes and 64 brackets in one another; this one has more")]
    TooLarge,
    /// Something else should stand somewhere.
    #[error("in the map, line {line}, column {column}: expected {expected}")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column, from 1, in characters.
        column: usize,
        /// What should stand there.
        expected: String,
    },
    /// It uses what there is not.
    #[error(
        "in the map, line {line}, column {column}: there is no {what} {name}; maps have jq's plain functions, nothing of files, environment or regular expressions"
    )]
    Undefined {
        /// The line, from 1.
        line: usize,
        /// The column, from 1, in characters.
        column: usize,
        /// What kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// It defines or imports something.
    #[error(
        "in the map, line {line}, column {column}: {word:?} may not stand in a map; write what it would name in its place"
    )]
    Definition {
        /// The line, from 1.
        line: usize,
        /// The column, from 1, in characters.
        column: usize,
        /// The word.
        word: String,
    },
}

/// Why a map came to nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum MapFault {
    /// What it was to read is no JSON.
    #[error("the answer is no JSON")]
    NotJson,
    /// What it was to read is no CSV.
    #[error("the answer is no CSV")]
    NotCsv,
    /// What it was to read, or made, is too long.
    #[error("the answer is longer than a map may read or make")]
    TooLarge,
    /// What it was to read, or made, has too many levels, or its calls have.
    #[error("the answer has too many levels, or the map calls itself too deep")]
    TooDeep,
    /// It took more steps than a map may.
    #[error("the map takes too many steps")]
    OutOfSteps,
    /// It says that the answer is not one that it can map, or does with it what cannot be done.
    #[error("the map does not fit the answer")]
    Failed,
    /// It gave nothing.
    #[error("the map gives nothing")]
    NoOutput,
    /// It gave more than one value.
    #[error("the map gives more than one value")]
    SeveralOutputs,
    /// What it gave is no JSON.
    #[error("the map gives what is no JSON")]
    OutputNotJson,
}

/// The kind of data that maps work on.
struct Jq;

/// The program, counting how often it is looked into: once for every term that is evaluated.
#[derive(Clone)]
struct Counted<'a>(&'a Lut<Jq>);

// === impl Jq ===

impl DataT for Jq {
    type V<'a> = Metered;
    type Data<'a> = Counted<'a>;
}

impl<'a> HasLut<'a, Jq> for Counted<'a> {
    fn lut(&self) -> &'a Lut<Jq> {
        meter::step();
        self.0
    }
}

// === impl Mapping ===

impl Mapping {
    /// Reads a map.
    ///
    /// # Errors
    /// When it is none; the error names the place.
    pub fn compile(text: &str) -> Result<Self, MappingError> {
        if text.len() > MAX_TEXT || brackets(text) > MAX_BRACKETS {
            return Err(MappingError::TooLarge);
        }
        refuse_definitions(text)?;
        let arena = Arena::default();
        let file = File {
            code: text,
            path: (),
        };
        let modules = Loader::new(natives::definitions())
            .load(&arena, file)
            .map_err(|errors| unread(text, errors))?;
        let filter = Compiler::default()
            .with_funs(natives::functions())
            .with_global_vars(["$asked"])
            .compile(modules)
            .map_err(|errors| undefined(text, errors))?;
        Ok(Self(Arc::new(Program {
            text: text.into(),
            filter,
            runs: Arc::new(Semaphore::new(AT_ONCE)),
        })))
    }

    /// The text that it was read from.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// Maps an answer, on a thread for blocking work. Waits where two are being mapped already.
    ///
    /// # Errors
    /// With the reason why it came to nothing.
    pub async fn apply(
        &self,
        body: Bytes,
        asked: Vec<(String, String)>,
    ) -> Result<Bytes, MapFault> {
        let permit = Arc::clone(&self.0.runs).acquire_owned().await;
        let own = self.clone();
        let run = tokio::task::spawn_blocking(move || {
            let _one_of_two = permit;
            let asked: Vec<(&str, &str)> = asked.iter().map(|(n, v)| (&**n, &**v)).collect();
            own.apply_here(&body, &asked)
        });
        run.await.unwrap_or(Err(MapFault::Failed))
    }

    /// Maps an answer, here and now.
    ///
    /// # Errors
    /// With the reason why it came to nothing.
    pub fn apply_here(&self, body: &[u8], asked: &[(&str, &str)]) -> Result<Bytes, MapFault> {
        if body.len() > MAX_INPUT {
            return Err(MapFault::TooLarge);
        }
        let depth = scan::depth(body)?;
        let input = parse_single(body).map_err(|_| MapFault::NotJson)?;
        meter::start();
        let run = || self.run(Metered::read(input, depth), asked);
        // A run that is stopped by its meter unwinds; so would a mistake in what runs it.
        let made = catch_unwind(AssertUnwindSafe(run)).unwrap_or(Err(MapFault::Failed));
        let made = meter::stopped().map_or(made, Err)?;
        serde_json::from_slice::<serde::de::IgnoredAny>(&made)
            .map_err(|_| MapFault::OutputNotJson)?;
        Ok(made)
    }

    fn run(&self, input: Metered, asked: &[(&str, &str)]) -> Result<Bytes, MapFault> {
        let asked = Metered::object(asked);
        let program = &self.0.filter;
        let context = Ctx::<Jq>::new(Counted(&program.lut), Vars::new([asked]));
        let mut outputs = program.id.run((context, input));
        let made = outputs.next().ok_or(MapFault::NoOutput)?;
        let made = made.map_err(|_| MapFault::Failed)?;
        if outputs.next().is_some() {
            return Err(MapFault::SeveralOutputs);
        }
        let text = made.to_string();
        if text.len() > MAX_OUTPUT {
            return Err(MapFault::TooLarge);
        }
        Ok(text.into())
    }
}

impl fmt::Debug for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mapping").field(&self.0.text).finish()
    }
}

impl PartialEq for Mapping {
    fn eq(&self, other: &Self) -> bool {
        self.0.text == other.0.text
    }
}

impl Eq for Mapping {}

// === impl MapFault ===

impl MapFault {
    /// The finer word of the fault that it is, for events and metrics.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        match self {
            Self::NotJson => "map_not_json",
            Self::NotCsv => "map_not_csv",
            Self::TooLarge => "map_too_large",
            Self::TooDeep => "map_too_deep",
            Self::OutOfSteps => "map_out_of_steps",
            Self::Failed => "map_failed",
            Self::NoOutput => "map_no_output",
            Self::SeveralOutputs => "map_several_outputs",
            Self::OutputNotJson => "map_output_not_json",
        }
    }
}

/// How deep brackets stand in one another at the most; those inside of texts count as well.
fn brackets(text: &str) -> usize {
    let mut open = 0_usize;
    let depths = text.bytes().map(|byte| {
        match byte {
            b'(' | b'[' | b'{' => open += 1,
            b')' | b']' | b'}' => open = open.saturating_sub(1),
            _ => {}
        }
        open
    });
    depths.max().unwrap_or(0)
}

fn refuse_definitions(text: &str) -> Result<(), MappingError> {
    let tokens = Lexer::new(text).lex().map_err(|errors| {
        let found = errors.into_iter().next();
        let (expected, at) = found.map_or(("a program", ""), |(expect, at)| (word_of(&expect), at));
        syntax(text, at, expected)
    })?;
    let definition = tokens.iter().find_map(definition_in);
    definition.map_or(Ok(()), |word| {
        let (line, column) = place(text, word);
        Err(MappingError::Definition {
            line,
            column,
            word: word.to_owned(),
        })
    })
}

/// What the lexer missed; its own word for some of them panics.
fn word_of(expect: &load::lex::Expect<&str>) -> &'static str {
    if matches!(expect, load::lex::Expect::Delim(_)) {
        "the end of what was opened"
    } else {
        expect.as_str()
    }
}

fn definition_in<'t>(token: &Token<&'t str>) -> Option<&'t str> {
    match &token.1 {
        Tok::Word => ["def", "import", "include"]
            .contains(&token.0)
            .then_some(token.0),
        Tok::Block(inside) => inside.iter().find_map(definition_in),
        Tok::Str(parts) => parts.iter().find_map(|part| match part {
            load::lex::StrPart::Term(term) => definition_in(term),
            load::lex::StrPart::Str(_) | load::lex::StrPart::Char(_) => None,
        }),
        Tok::Var | Tok::Fmt | Tok::Num | Tok::Sym => None,
    }
}

fn unread(text: &str, errors: load::Errors<&str, ()>) -> MappingError {
    let first = errors.into_iter().next().map(|(_, error)| error);
    match first {
        Some(load::Error::Lex(errors)) => {
            let found = errors.into_iter().next();
            let (expected, at) =
                found.map_or(("a program", ""), |(expect, at)| (word_of(&expect), at));
            syntax(text, at, expected)
        }
        Some(load::Error::Parse(errors)) => {
            let found = errors.into_iter().next();
            let (expected, at) =
                found.map_or(("a program", ""), |(expect, at)| (expect.as_str(), at));
            syntax(text, at, expected)
        }
        Some(load::Error::Io(_)) | None => syntax(text, "", "a program without imports"),
    }
}

fn undefined(text: &str, errors: jaq_core::compile::Errors<&str, ()>) -> MappingError {
    let mut missing = errors.into_iter().flat_map(|(_, missing)| missing);
    let Some((name, what)) = missing.next() else {
        return syntax(text, "", "a program");
    };
    let (line, column) = place(text, name);
    MappingError::Undefined {
        line,
        column,
        what: what.as_str(),
        name: name.to_owned(),
    }
}

fn syntax(text: &str, at: &str, expected: &str) -> MappingError {
    let (line, column) = place(text, at);
    MappingError::Syntax {
        line,
        column,
        expected: expected.to_owned(),
    }
}

/// Line and column of a part of the text; those of its end for what is no part of it.
fn place(text: &str, part: &str) -> (usize, usize) {
    let start = part.as_ptr().addr().wrapping_sub(text.as_ptr().addr());
    let before = text.get(..start).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before
        .rsplit('\n')
        .next()
        .unwrap_or_default()
        .chars()
        .count()
        + 1;
    (line, column)
}

#[cfg(test)]
mod tests;
