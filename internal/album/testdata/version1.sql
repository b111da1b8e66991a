-- An album of version 1, as it was then, with what it can hold.
CREATE TABLE pictures (
	id     INTEGER PRIMARY KEY,
	sum    TEXT    NOT NULL UNIQUE, -- SHA-256 of the original
	name   TEXT    NOT NULL,
	format TEXT    NOT NULL,
	width  INTEGER NOT NULL,
	height INTEGER NOT NULL,
	bytes  INTEGER NOT NULL,
	taken  INTEGER NOT NULL,        -- when it was last copied or uploaded
	kept   INTEGER NOT NULL         -- 1: the original is on the disk
) STRICT;
CREATE INDEX pictures_kept ON pictures (taken) WHERE kept;

-- The bytes of the originals that are on the disk.
CREATE TABLE room (bytes INTEGER NOT NULL) STRICT;
INSERT INTO room VALUES (0);
CREATE TRIGGER room_insert AFTER INSERT ON pictures WHEN new.kept
	BEGIN UPDATE room SET bytes = bytes + new.bytes; END;
CREATE TRIGGER room_update AFTER UPDATE OF bytes, kept ON pictures
	BEGIN UPDATE room SET bytes = bytes + new.bytes * new.kept - old.bytes * old.kept; END;
CREATE TRIGGER room_delete AFTER DELETE ON pictures WHEN old.kept
	BEGIN UPDATE room SET bytes = bytes - old.bytes; END;

CREATE TABLE links (
	id      INTEGER PRIMARY KEY AUTOINCREMENT, -- the number in the history: never given twice
	picture INTEGER NOT NULL REFERENCES pictures (id) ON DELETE CASCADE,
	name    TEXT    NOT NULL,        -- the picture's, then
	host    TEXT    NOT NULL,
	bucket  TEXT    NOT NULL,
	url     TEXT    NOT NULL,
	how     TEXT    NOT NULL,        -- how the picture was prepared
	sent    TEXT    NOT NULL,        -- SHA-256 of what went to the host
	differs INTEGER NOT NULL,        -- 1: the host holds other bytes
	format  TEXT    NOT NULL,        -- these four: of what the host holds
	width   INTEGER NOT NULL,
	height  INTEGER NOT NULL,
	bytes   INTEGER NOT NULL,
	made    INTEGER NOT NULL,
	used    INTEGER NOT NULL,        -- when it was last handed out
	turn    INTEGER NOT NULL UNIQUE, -- grows with each use: the order of the history
	dead    INTEGER,                 -- when it was seen to be dead
	UNIQUE (picture, url)
) STRICT;
CREATE INDEX links_sent ON links (sent);
CREATE INDEX links_url ON links (url);

CREATE TABLE debts (
	id       INTEGER PRIMARY KEY AUTOINCREMENT, -- the order in which they came
	picture  INTEGER NOT NULL REFERENCES pictures (id),
	since    INTEGER NOT NULL,
	owner    TEXT,                    -- the file under owners of the process that is at it
	tries    INTEGER NOT NULL DEFAULT 0,
	why      TEXT NOT NULL DEFAULT '', -- what the last try said
	again    INTEGER,                 -- when to try again
	for_good INTEGER NOT NULL DEFAULT 0 -- 1: it waits for the user
) STRICT;
CREATE INDEX debts_picture ON debts (picture);

INSERT INTO pictures VALUES (1, 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', '报告.png', 'png', 4, 3, 100, 1700000000000, 0);
INSERT INTO pictures VALUES (2, 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', '', 'jpeg', 40, 30, 1000, 1700000001000, 1);
INSERT INTO links VALUES (1, 1, '报告.png', 'bilibili', 'live', 'https://i0.hdslb.com/bfs/live/one.png', 'strip',
	'cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 0, 'png', 4, 3, 90, 1700000000000, 1700000005000, 3, NULL);
INSERT INTO links VALUES (2, 1, '报告.png', 'scdn', '', 'https://img.scdn.io/i/two.webp', 'strip',
	'dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd', 1, 'webp', 4, 3, 80, 1700000002000, 1700000002000, 2, 1700000003000);
INSERT INTO debts VALUES (1, 2, 1700000001000, 'NOBODY', 2, 'the network cannot be reached', 1700000009000, 0);
PRAGMA user_version = 1;
