-- A journal as version 1 kept it.
PRAGMA application_id = 1095782996;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE chunks (
    job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    chunk INTEGER NOT NULL,
    first INTEGER NOT NULL,
    stop INTEGER NOT NULL CHECK (stop > first),
    bytes INTEGER NOT NULL,
    sequence INTEGER NOT NULL,                  -- of the event that reported it
    receipt TEXT NOT NULL,
    PRIMARY KEY (job, chunk)
) WITHOUT ROWID;
INSERT INTO "chunks" VALUES(1,0,0,4,7,2,'{"job":"00000001-1111-4222-8333-444444444444","chunk":0,"first":0,"stop":4,"segment":{"name":"chunk-000000.mkv","bytes":7,"sha256":"0000000000000000000000000000000000000000000000000000000000000000"},"carry":{"name":"chunk-000000.carry","bytes":5,"sha256":"1111111111111111111111111111111111111111111111111111111111111111"},"fingerprint":"f1","recipe":{"tile":64}}');
INSERT INTO "chunks" VALUES(1,1,4,8,7,3,'{"job":"00000001-1111-4222-8333-444444444444","chunk":1,"first":4,"stop":8,"segment":{"name":"chunk-000001.mkv","bytes":7,"sha256":"0000000000000000000000000000000000000000000000000000000000000000"},"carry":{"name":"chunk-000001.carry","bytes":5,"sha256":"1111111111111111111111111111111111111111111111111111111111111111"},"fingerprint":"f1","recipe":{"tile":64}}');
INSERT INTO "chunks" VALUES(2,0,0,4,7,2,'{"job":"00000002-1111-4222-8333-444444444444","chunk":0,"first":0,"stop":4,"segment":{"name":"chunk-000000.mkv","bytes":7,"sha256":"0000000000000000000000000000000000000000000000000000000000000000"},"carry":{"name":"chunk-000000.carry","bytes":5,"sha256":"1111111111111111111111111111111111111111111111111111111111111111"},"fingerprint":"f1","recipe":{"tile":64}}');
CREATE TABLE events (
    job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    at REAL NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (job, sequence)
) WITHOUT ROWID;
INSERT INTO "events" VALUES(1,1,1700000001.0,'{"event":"state","state":"queued"}');
INSERT INTO "events" VALUES(1,2,1700000110.0,'{"event":"chunk","receipt":{"job":"00000001-1111-4222-8333-444444444444","chunk":0,"first":0,"stop":4,"segment":{"name":"chunk-000000.mkv","bytes":7,"sha256":"0000000000000000000000000000000000000000000000000000000000000000"},"carry":{"name":"chunk-000000.carry","bytes":5,"sha256":"1111111111111111111111111111111111111111111111111111111111111111"},"fingerprint":"f1","recipe":{"tile":64}},"seconds":1.5,"flow_cache":{"hits":0,"misses":0},"frames_done":4,"frames_total":8}');
INSERT INTO "events" VALUES(1,3,1700000111.0,'{"event":"chunk","receipt":{"job":"00000001-1111-4222-8333-444444444444","chunk":1,"first":4,"stop":8,"segment":{"name":"chunk-000001.mkv","bytes":7,"sha256":"0000000000000000000000000000000000000000000000000000000000000000"},"carry":{"name":"chunk-000001.carry","bytes":5,"sha256":"1111111111111111111111111111111111111111111111111111111111111111"},"fingerprint":"f1","recipe":{"tile":64}},"seconds":1.5,"flow_cache":{"hits":0,"misses":0},"frames_done":8,"frames_total":8}');
INSERT INTO "events" VALUES(2,1,1700000002.0,'{"event":"state","state":"queued"}');
INSERT INTO "events" VALUES(2,2,1700000110.0,'{"event":"chunk","receipt":{"job":"00000002-1111-4222-8333-444444444444","chunk":0,"first":0,"stop":4,"segment":{"name":"chunk-000000.mkv","bytes":7,"sha256":"0000000000000000000000000000000000000000000000000000000000000000"},"carry":{"name":"chunk-000000.carry","bytes":5,"sha256":"1111111111111111111111111111111111111111111111111111111111111111"},"fingerprint":"f1","recipe":{"tile":64}},"seconds":1.5,"flow_cache":{"hits":0,"misses":0},"frames_done":4,"frames_total":8}');
INSERT INTO "events" VALUES(3,1,1700000003.0,'{"event":"state","state":"queued"}');
INSERT INTO "events" VALUES(4,1,1700000004.0,'{"event":"state","state":"queued"}');
INSERT INTO "events" VALUES(5,1,1700000005.0,'{"event":"state","state":"queued"}');
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,   -- never given twice, also after a job was deleted
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    request TEXT NOT NULL,                      -- JSON in ASCII, as are problem, facts and result
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
);
INSERT INTO "jobs" VALUES(1,'00000001-1111-4222-8333-444444444444','restore','done','{"input":"/film/1.mov","output":"/out/1.mov"}',1,1.0,1700000001.0,1700000100.0,1700000200.0,8.5,8,8,'f1',0,0,NULL,'{}','{"event":"done","output":"/out/1.mov","frames":8,"seconds":8.5}',3);
INSERT INTO "jobs" VALUES(2,'00000002-1111-4222-8333-444444444444','restore','running','{"input":"/film/2.mov","output":"/out/2.mov"}',0,2.0,1700000002.0,1700000100.0,NULL,0.0,8,4,'f1',0,0,NULL,'{}','{}',2);
INSERT INTO "jobs" VALUES(3,'00000003-1111-4222-8333-444444444444','restore','queued','{"input":"/film/3.mov","output":"/out/3.mov"}',1,3.0,1700000003.0,NULL,NULL,0.0,0,0,'',0,0,NULL,'{}','{}',1);
INSERT INTO "jobs" VALUES(4,'00000004-1111-4222-8333-444444444444','restore','failed','{"input":"/film/4.mov","output":"/out/4.mov"}',0,4.0,1700000004.0,1700000100.0,1700000200.0,0.0,0,0,'',0,0,'{"code":"bad_media","message":"No.","remedy":"","exit_code":2}','{}','{}',1);
INSERT INTO "jobs" VALUES(5,'00000005-1111-4222-8333-444444444444','preview','paused','{"input":"/film/5.mov","output":"/out/5.mov"}',1,5.0,1700000005.0,NULL,NULL,0.0,0,0,'',0,0,NULL,'{}','{}',1);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('jobs',5);
COMMIT;
