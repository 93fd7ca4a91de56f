//! Where the configuration of this process is from. It is read the same way at the start and at each reload.

use std::path::PathBuf;

use crate::{
    config::{Flag, Given, Reading, Variables, load},
    written_file::{self, Unread},
};

/// A file, the environment and the flags.
#[derive(Clone, Debug)]
pub(crate) struct Ways {
    /// The file; nothing where there is none.
    pub(crate) file: Option<PathBuf>,
    pub(crate) variables: Variables,
    pub(crate) flags: Vec<Flag>,
}

/// What was read, and of which text.
#[derive(Debug)]
pub(crate) struct Read {
    /// The file's name, as it was given.
    pub(crate) name: String,
    pub(crate) text: String,
    pub(crate) reading: Reading,
}

impl Ways {
    /// Reads the configuration.
    ///
    /// # Errors
    /// When the file cannot be read. What is wrong in it is in the reading.
    pub(crate) fn read(&self) -> Result<Read, Unread> {
        let text = self.text()?;
        Ok(self.read_text(text))
    }

    /// The text of the file; nothing where there is no file.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(crate) fn text(&self) -> Result<String, Unread> {
        let text = self.file.as_deref().map(written_file::read).transpose()?;
        Ok(text.unwrap_or_default())
    }

    /// Reads the configuration with that text as its file.
    pub(crate) fn read_text(&self, text: String) -> Read {
        let file = self.file.as_ref();
        let name = file.map_or_else(|| "flags".to_owned(), |file| file.display().to_string());
        let given = Given {
            file: file.map(|_| (&*name, &*text)),
            variables: &self.variables,
            flags: &self.flags,
        };
        let reading = load(&given);
        Read {
            name,
            text,
            reading,
        }
    }
}
