PRAGMA application_id = 1095782996;
PRAGMA user_version = 2;
CREATE INDEX chunks_frames ON chunks (job, first);
CREATE INDEX jobs_due ON jobs (state, not_before);
CREATE INDEX jobs_history ON jobs (settled);
CREATE INDEX jobs_output ON jobs (json_extract(request, '$.output'));
CREATE INDEX jobs_position ON jobs (position);
CREATE INDEX jobs_queue ON jobs (state, priority DESC, position, number);
CREATE INDEX jobs_turns ON jobs (state, lane, priority DESC, position, number, not_before);
CREATE TABLE chunks (
    job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    chunk INTEGER NOT NULL,
    first INTEGER NOT NULL,
    stop INTEGER NOT NULL CHECK (stop > first),
    bytes INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    receipt TEXT NOT NULL,
    PRIMARY KEY (job, chunk)
) WITHOUT ROWID;
CREATE TABLE events (
    job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    at REAL NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (job, sequence)
) WITHOUT ROWID;
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    request TEXT NOT NULL,
    priority INTEGER NOT NULL DEFAULT 0,
    position REAL NOT NULL,
    created REAL NOT NULL,
    started REAL,
    ended REAL,
    seconds REAL NOT NULL DEFAULT 0,
    frames_total INTEGER NOT NULL DEFAULT 0,
    frames_done INTEGER NOT NULL DEFAULT 0,
    fingerprint TEXT NOT NULL DEFAULT '',
    rung INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    problem TEXT,
    facts TEXT NOT NULL DEFAULT '{}',
    result TEXT NOT NULL DEFAULT '{}',
    last_sequence INTEGER NOT NULL DEFAULT 0
, label TEXT NOT NULL DEFAULT '""', clip TEXT NOT NULL DEFAULT '{}', lane TEXT NOT NULL DEFAULT 'auto', not_before REAL, settled INTEGER);
