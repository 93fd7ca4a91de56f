-- Kept answers to callers without credentials, so that a restart in an outage still heals. See docs/src/store.md.

CREATE TABLE copies (
    -- A keyed hash of the URL, and its key.
    name BLOB NOT NULL,
    hash_key BLOB NOT NULL,
    variant INTEGER NOT NULL,
    -- Microseconds since 1970.
    kept_at INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    about TEXT NOT NULL,
    fields BLOB NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (name, variant)
);

CREATE INDEX copies_by_age ON copies (kept_at DESC, bytes);
