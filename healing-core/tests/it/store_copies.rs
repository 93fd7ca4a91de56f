//! Copies in `SQLite`: they come back as they were, the newest first, and there is a bound.

use healing_core::{CopyChanges, KeptCopy, SqliteStore, Store};
use tempfile::TempDir;

use crate::store_support::second;

const NO_BOUND: u64 = u64::MAX;

fn copy(name: u8, at: u32, body: Option<&[u8]>) -> KeptCopy {
    KeptCopy {
        key: [9; 16],
        name: [name; 16],
        variant: u64::MAX - 1,
        kept_at: second(at),
        about: "{}".to_owned(),
        fields: b"a: \xff\r\n".to_vec(),
        body: body.map(<[u8]>::to_vec),
    }
}

fn changes(gone: &[u8], copies: &[KeptCopy]) -> CopyChanges {
    let mut changes = CopyChanges::default();
    changes.gone = gone.iter().map(|name| [*name; 16]).collect();
    changes.copies = copies.to_vec();
    changes
}

async fn store() -> (TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("healing.db")).await;
    (folder, store.unwrap())
}

#[tokio::test]
async fn copies_come_back_as_they_were_and_the_newest_first() {
    let (_folder, store) = store().await;
    let (old, new) = (copy(1, 1, Some(b"\0one")), copy(2, 2, Some(b"")));
    let both = changes(&[], &[old.clone(), new.clone()]);
    store.save_copies(&both, NO_BOUND).await.unwrap();
    assert_eq!(store.copies(NO_BOUND).await.unwrap(), [new.clone(), old]);
    // The same came again, and needs no body.
    let again = changes(&[], &[copy(1, 3, None)]);
    store.save_copies(&again, NO_BOUND).await.unwrap();
    let renewed = copy(1, 3, Some(b"\0one"));
    let found = store.copies(NO_BOUND).await.unwrap();
    assert_eq!(found, [renewed, new]);
    // One is void, and another takes its place.
    let other = copy(1, 4, Some(b"two"));
    let changed = changes(&[1, 2], std::slice::from_ref(&other));
    store.save_copies(&changed, NO_BOUND).await.unwrap();
    assert_eq!(store.copies(NO_BOUND).await.unwrap(), [other]);
    store.close().await;
}

#[tokio::test]
async fn the_oldest_copies_make_room() {
    let (_folder, store) = store().await;
    let body = [b'x'; 1000];
    let copies: Vec<KeptCopy> = (1..=9).map(|n| copy(n, n.into(), Some(&body))).collect();
    let size = u64::try_from(copies[0].bytes()).unwrap();
    store
        .save_copies(&changes(&[], &copies), size * 4)
        .await
        .unwrap();
    let names = |copies: Vec<KeptCopy>| -> Vec<u8> {
        let names = copies.iter().map(|copy| copy.name[0]);
        names.collect()
    };
    assert_eq!(names(store.copies(NO_BOUND).await.unwrap()), [9, 8, 7, 6]);
    assert_eq!(names(store.copies(size * 2).await.unwrap()), [9, 8]);
    store.close().await;
}
