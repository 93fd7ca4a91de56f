-- What was learned, so that a restart does not begin anew: numbers, nothing of what was asked or answered. See docs/src/store.md.

CREATE TABLE lessons (
    -- What a row is about, as a JSON list of words.
    name TEXT NOT NULL PRIMARY KEY,
    -- Microseconds since 1970: the moment for which the numbers hold.
    at INTEGER NOT NULL,
    -- How the state is written.
    encoding INTEGER NOT NULL,
    state TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX lessons_by_age ON lessons (at DESC);
