//! Reads a file that people wrote, and says what it is where it is none.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// The longest file that is read.
const LONGEST_FILE: u64 = 1024 * 1024;

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unread {
    #[error("cannot be read: {0}")]
    Failed(#[from] io::Error),
    #[error("cannot be read: it is a folder; name the file in it")]
    Folder,
    #[error("longer than {} KiB", LONGEST_FILE / 1024)]
    TooLong,
    #[error("no UTF-8 in line {line}; save it as UTF-8")]
    NoText { line: usize },
}

/// Reads a file; `-` is stdin.
pub(crate) fn read(file: &Path) -> Result<String, Unread> {
    if file == Path::new("-") {
        return read_all(&mut io::stdin().lock());
    }
    read_named(file)
}

/// Reads a file of that name, whatever the name is.
pub(crate) fn read_named(file: &Path) -> Result<String, Unread> {
    let mut open = File::open(file)?;
    if open.metadata()?.is_dir() {
        return Err(Unread::Folder);
    }
    read_all(&mut open)
}

fn read_all(from: &mut dyn Read) -> Result<String, Unread> {
    let mut bytes = Vec::new();
    // One byte more, to tell the longest file from one that is longer.
    let mut bounded = from.take(LONGEST_FILE + 1);
    bounded.read_to_end(&mut bytes)?;
    if bounded.limit() == 0 {
        return Err(Unread::TooLong);
    }
    String::from_utf8(bytes).map_err(|error| {
        let good = error
            .as_bytes()
            .iter()
            .take(error.utf8_error().valid_up_to());
        let line = 1 + good.filter(|byte| **byte == b'\n').count();
        Unread::NoText { line }
    })
}
