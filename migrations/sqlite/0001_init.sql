-- Moments are integers: microseconds since 1970-01-01 UTC. Times are REAL seconds. See docs/src/store.md.

CREATE TABLE error_events (
    id TEXT NOT NULL PRIMARY KEY,
    timestamp INTEGER NOT NULL,
    source TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    error_type TEXT NOT NULL,
    detail TEXT NOT NULL,
    error_message TEXT NOT NULL,
    response_time REAL NOT NULL,
    http_status_code INTEGER,
    request_params TEXT NOT NULL,
    retry_count INTEGER NOT NULL DEFAULT 0,
    fixed_automatically INTEGER NOT NULL DEFAULT 0,
    fix_method TEXT,
    fidelity TEXT,
    age REAL,
    took REAL NOT NULL
);

-- The newest events of all, the newest of one source, and what is pruned.
CREATE INDEX error_events_by_time ON error_events (timestamp, id);
CREATE INDEX error_events_by_source ON error_events (source, timestamp, id);

CREATE TABLE endpoint_health (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    status TEXT NOT NULL,
    total_requests INTEGER NOT NULL DEFAULT 0,
    failed_requests INTEGER NOT NULL DEFAULT 0,
    error_rate REAL NOT NULL DEFAULT 0,
    avg_response_time REAL NOT NULL DEFAULT 0,
    last_success INTEGER,
    last_failure INTEGER,
    consecutive_failures INTEGER NOT NULL DEFAULT 0,
    consecutive_successes INTEGER NOT NULL DEFAULT 0,
    uptime_percentage REAL NOT NULL DEFAULT 100,
    UNIQUE (source, endpoint)
);

CREATE TABLE error_patterns (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    error_type TEXT NOT NULL,
    pattern_signature TEXT NOT NULL,
    occurrence_count INTEGER NOT NULL DEFAULT 1,
    fix_method TEXT,
    fix_success_rate REAL NOT NULL DEFAULT 0,
    avg_fix_time REAL NOT NULL DEFAULT 0,
    confidence_score REAL NOT NULL DEFAULT 0,
    first_seen INTEGER NOT NULL,
    last_seen INTEGER NOT NULL,
    UNIQUE (source, error_type, pattern_signature)
);

-- The sums that the figures of a pattern come from: they outlive the events and merge by addition.
CREATE TABLE error_pattern_fixes (
    pattern_id INTEGER NOT NULL REFERENCES error_patterns (id),
    fix_method TEXT NOT NULL,
    healed_count INTEGER NOT NULL,
    fix_time_sum REAL NOT NULL,
    last_healed INTEGER NOT NULL,
    PRIMARY KEY (pattern_id, fix_method)
) WITHOUT ROWID;
