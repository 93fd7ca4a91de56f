//! The local file for events while the store is away: one JSON object a line, appended, read from the front, and removed when
//! all of it is in the store. Nothing remembers how far it was read, so after a crash it is read from the front again.
//!
//! A line counts as kept once it is on the disk (`fdatasync`).

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use crate::store::stored::StoredEvent;

/// The file.
#[derive(Debug)]
pub(super) struct Spill {
    path: PathBuf,
    max_bytes: u64,
    /// Bytes that are in the store already.
    read_to: u64,
    /// Bytes in the file.
    len: u64,
}

/// Some events from the front of the file.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) events: Vec<StoredEvent>,
    /// Lines that are no events.
    pub(super) skipped: usize,
    /// Where the next chunk begins.
    end: u64,
    /// Whether nothing comes after it.
    last: bool,
}

// === impl Spill ===

impl Spill {
    pub(super) const fn new(path: PathBuf, max_bytes: u64) -> Self {
        Self {
            path,
            max_bytes,
            read_to: 0,
            len: 0,
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether there is something to bring in.
    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Looks for what an earlier process left.
    pub(super) async fn look(&mut self) -> io::Result<()> {
        let path = self.path.clone();
        self.len = blocking(move || found(fs::metadata(path)))
            .await?
            .map_or(0, |file| file.len());
        Ok(())
    }

    /// Appends events and answers how many of them fitted, from the first on.
    pub(super) async fn append(&mut self, events: &[StoredEvent]) -> io::Result<usize> {
        let lines = events.iter().map(line).collect::<Result<Vec<_>, _>>()?;
        let (path, max_bytes) = (self.path.clone(), self.max_bytes);
        let (fitted, len) = blocking(move || append(&path, max_bytes, &lines)).await?;
        self.len = len;
        Ok(fitted)
    }

    /// The next events, at most so many.
    pub(super) async fn chunk(&self, most: usize) -> io::Result<Chunk> {
        let (path, from) = (self.path.clone(), self.read_to);
        blocking(move || read(&path, from, most)).await
    }

    /// Goes on behind a chunk that is in the store now.
    pub(super) async fn done_with(&mut self, chunk: &Chunk) -> io::Result<()> {
        self.read_to = chunk.end;
        if chunk.last {
            let path = self.path.clone();
            blocking(move || found(fs::remove_file(path))).await?;
            (self.read_to, self.len) = (0, 0);
        }
        Ok(())
    }
}

fn line(event: &StoredEvent) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    Ok(line)
}

/// How many lines fitted, and how long the file is now.
fn append(path: &Path, max_bytes: u64, lines: &[Vec<u8>]) -> io::Result<(usize, u64)> {
    let mut file = own_file().open(path)?;
    let before = file.metadata()?.len();
    let mut bytes = if ends_torn(&mut file, before)? {
        vec![b'\n']
    } else {
        Vec::new()
    };
    let room = usize::try_from(max_bytes.saturating_sub(before)).unwrap_or(usize::MAX);
    let mut fitted = 0;
    for line in lines {
        if bytes.len().saturating_add(line.len()) > room {
            break;
        }
        bytes.extend_from_slice(line);
        fitted += 1;
    }
    if fitted == 0 {
        return Ok((0, before));
    }
    if let Err(error) = file.write_all(&bytes).and_then(|()| file.sync_data()) {
        // The events stay in memory and come again: a half of them here would only be read twice.
        return Err(file.set_len(before).err().unwrap_or(error));
    }
    Ok((fitted, before.saturating_add(bytes.len() as u64)))
}

/// Whether a crash left half a line, which must not swallow the next one.
fn ends_torn(file: &mut File, len: u64) -> io::Result<bool> {
    if len == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::Start(len - 1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

fn read(path: &Path, from: u64, most: usize) -> io::Result<Chunk> {
    let mut chunk = Chunk {
        events: Vec::new(),
        skipped: 0,
        end: from,
        last: false,
    };
    let Some(mut file) = found(File::open(path))? else {
        chunk.last = true;
        return Ok(chunk);
    };
    file.seek(SeekFrom::Start(from))?;
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    while chunk.events.len() < most {
        line.clear();
        let read = reader.read_until(b'\n', &mut line)?;
        if read == 0 {
            chunk.last = true;
            break;
        }
        chunk.end = chunk.end.saturating_add(read as u64);
        match serde_json::from_slice(&line) {
            Ok(event) => chunk.events.push(event),
            Err(_) => chunk.skipped += 1,
        }
    }
    Ok(chunk)
}

fn own_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A file that somebody took away is no failure: there is nothing in it.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        result => result.map(Some),
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)?
}
