-- What the good answers of a route look like: numbers for their paths, nothing of their content. See docs/src/store.md.

CREATE TABLE route_shapes (
    source TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    PRIMARY KEY (source, endpoint)
) WITHOUT ROWID;
