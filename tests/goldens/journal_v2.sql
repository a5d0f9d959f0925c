-- A journal as version 2 keeps it.
PRAGMA application_id = 1095782996;
PRAGMA user_version = 2;
BEGIN TRANSACTION;
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
INSERT INTO "chunks" VALUES(1,0,8,12,1234,3,'{"job":"0b9f3a52-6c1e-4a80-9d57-3f9f0f9a2c11","chunk":0,"first":8,"stop":12,"segment":{"name":"chunk-000002.mkv","bytes":1234,"sha256":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"},"carry":{"name":"chunk-000002.carry","bytes":99,"sha256":"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"},"fingerprint":"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff","recipe":{"chunk":4,"tile_cells":64,"batch":1,"rung":3,"dtype":"float16","opens_shot":true}}');
CREATE TABLE events (
    job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE,
    sequence INTEGER NOT NULL,
    at REAL NOT NULL,
    event TEXT NOT NULL,
    PRIMARY KEY (job, sequence)
) WITHOUT ROWID;
INSERT INTO "events" VALUES(1,1,1700000000.25,'{"event":"state","state":"queued","problem":null}');
INSERT INTO "events" VALUES(1,2,1700000000.25,'{"event":"warning","message":"W"}');
INSERT INTO "events" VALUES(1,3,1700000000.25,'{"event":"chunk","receipt":{"job":"0b9f3a52-6c1e-4a80-9d57-3f9f0f9a2c11","chunk":0,"first":8,"stop":12,"segment":{"name":"chunk-000002.mkv","bytes":1234,"sha256":"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"},"carry":{"name":"chunk-000002.carry","bytes":99,"sha256":"eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"},"fingerprint":"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff","recipe":{"chunk":4,"tile_cells":64,"batch":1,"rung":3,"dtype":"float16","opens_shot":true}},"seconds":1.5,"flow_cache":{"hits":1,"misses":2},"frames_done":4,"frames_total":24}');
INSERT INTO "events" VALUES(2,1,1700000000.25,'{"event":"state","state":"queued","problem":null}');
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
INSERT INTO "jobs" VALUES(1,'0b9f3a52-6c1e-4a80-9d57-3f9f0f9a2c11','restore','paused','{"input":"/films/a.mov","output":"/films/Restored/a_restored_v02.mov","model":"tiny-x4","task":"denoise","scale":"3/2","size":null,"range":"14:38","chunk":4,"steps":2,"seed":7,"strength":0.5,"noise":"flow","consistency":false,"options":{"fusion":"weak"},"interpret":{"rate":"24000/1001","start_timecode":"10:00:00:00","pixel_aspect":"16/15","levels":"full","fields":"top","sound":"no"},"codec":"prores4444","device":"cpu","overwrite":true}',3,1.0,1700000000.25,1700000001.5,NULL,1.5,24,4,'ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',3,1,'{"code":"disk_full","message":"M","remedy":"R","exit_code":4,"needed_bytes":5,"folder":"/f"}','{"model":"tiny-x4","device":"cpu","estimate":{"scratch_bytes":9}}','{}',3,'"a.mov"','{"media":"/films/a.mov","range":{"first":"20","stop":"32"},"editor":{"answerprint_place":"1","mode":"track","project":"project-1","project_name":"Film","timeline":"timeline-1","timeline_name":"Reel 1","item":"item-1","clip":"clip-1","name":"a.mov","first":"20","stop":"32","restored_first":"18","restored_stop":"34","record":"86410","duration":"12","track":"1","rate":"30000/1001","offset":"1/3","speed":"-2","attributes":"{\"FPS\": \"29.97\", \"Reel Name\": \"A001\"}","metadata":"{\"Scene\": \"12 \\u00e4\"}","left":"5/2","skip":"3"}}','cpu',1700000100.0,NULL);
INSERT INTO "jobs" VALUES(2,'33334444-0000-4000-8000-000000000000','preview','done','{"input":"/films/a.mov","output":"/films/a-preview","model":"swift-x4","task":"sr","scale":null,"size":[1920,1080],"range":null,"chunk":null,"steps":null,"seed":0,"strength":1.0,"noise":null,"consistency":true,"options":{},"interpret":{},"codec":null,"device":"auto","overwrite":false,"frame":240,"count":3}',0,2.0,1700000000.25,NULL,1700000009.0,0.0,0,0,'',0,0,NULL,'{}','{"output":"/films/a-preview","frames":3,"files":["/films/a-preview/a-000240.png"]}',1,'"preview of a.mov"','{}','auto',NULL,1);
CREATE INDEX jobs_queue ON jobs (state, priority DESC, position, number);
CREATE INDEX jobs_turns ON jobs (state, lane, priority DESC, position, number, not_before);
CREATE INDEX jobs_due ON jobs (state, not_before);
CREATE INDEX jobs_output ON jobs (json_extract(request, '$.output'));
CREATE INDEX jobs_history ON jobs (settled);
CREATE INDEX jobs_position ON jobs (position);
CREATE INDEX chunks_frames ON chunks (job, first);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('jobs',2);
COMMIT;
