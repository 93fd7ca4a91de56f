//! Watches the folder of a file: editors put a new file in the old one's place, and Kubernetes swaps a link to a folder.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::Notify;

/// Tells of everything that happens in the folder of a file, for as long as the watcher lives.
///
/// # Errors
/// When the folder cannot be watched.
pub(super) fn watch(file: &Path, changed: &Arc<Notify>) -> notify::Result<RecommendedWatcher> {
    let told = Arc::clone(changed);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        // Reading the file is an event, too. One that cannot be read may have been a change.
        if event.is_ok_and(|event| matches!(event.kind, EventKind::Access(_))) {
            return;
        }
        told.notify_one();
    })?;
    watcher.watch(&folder(file), RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

/// The folder that a file is in.
fn folder(file: &Path) -> PathBuf {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        Some(_) | None => PathBuf::from("."),
    }
}
