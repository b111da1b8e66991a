package album

import (
	"context"
	"database/sql"
	"errors"
	"strconv"
	"strings"

	"bilipaste/internal/lang"
)

// steps lead from each version of the schema to the next one; the first makes the
// tables. They are never changed, as there are albums of each version.
var steps = []string{tables, months}

// current is the version of the schema.
var current = len(steps)

// months finds the links of a time: those of each month are counted.
const months = "CREATE INDEX links_used ON links (used, turn);"

const tables = `
CREATE TABLE pictures (
	id     INTEGER PRIMARY KEY,
	sum    TEXT    NOT NULL UNIQUE, -- SHA-256 of the original
	name   TEXT    NOT NULL,
	format TEXT    NOT NULL,
	width  INTEGER NOT NULL,
	height INTEGER NOT NULL,
	bytes  INTEGER NOT NULL,
	taken  INTEGER NOT NULL,        -- when it was last copied or uploaded
	kept   INTEGER NOT NULL         -- 1: the original is on the disk; 0: it is being written, was not kept, or is gone
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
	folded  TEXT    NOT NULL,        -- name and url as the search compares them
	UNIQUE (picture, url)
) STRICT;
CREATE INDEX links_sent ON links (sent);
CREATE INDEX links_url ON links (url);
CREATE INDEX links_host ON links (host, turn);

-- The search: which three characters follow each other in which link.
CREATE VIRTUAL TABLE words USING fts5 (text, content = '', detail = none, tokenize = 'trigram case_sensitive 1');
CREATE VIRTUAL TABLE trigrams USING fts5vocab (words, row);
CREATE TRIGGER words_insert AFTER INSERT ON links BEGIN
	INSERT INTO words (rowid, text) VALUES (new.turn, new.folded);
END;
CREATE TRIGGER words_update AFTER UPDATE OF turn, folded ON links BEGIN
	INSERT INTO words (words, rowid, text) VALUES ('delete', old.turn, old.folded);
	INSERT INTO words (rowid, text) VALUES (new.turn, new.folded);
END;
CREATE TRIGGER words_delete AFTER DELETE ON links BEGIN
	INSERT INTO words (words, rowid, text) VALUES ('delete', old.turn, old.folded);
END;

CREATE TABLE pending (
	id      INTEGER PRIMARY KEY AUTOINCREMENT, -- the order in which they came
	picture INTEGER NOT NULL REFERENCES pictures (id),
	host    TEXT    NOT NULL,          -- these two: where it is to go
	bucket  TEXT    NOT NULL,
	since   INTEGER NOT NULL,
	owner   TEXT,                      -- the file under owners of the process that is at it
	tries   INTEGER NOT NULL DEFAULT 0,
	why     TEXT    NOT NULL DEFAULT '', -- what the last try said
	again   INTEGER,                   -- when to try again
	failed  INTEGER NOT NULL DEFAULT 0, -- 1: it waits for the user
	UNIQUE (picture, host, bucket)
) STRICT;

-- The journal of what was to be published on Bilibili, so that nothing is
-- published twice.
CREATE TABLE dynamics (
	id       INTEGER PRIMARY KEY,
	document TEXT    NOT NULL, -- the SHA-256 of what was to be published, and by whom
	author   INTEGER NOT NULL,
	text     TEXT    NOT NULL,
	title    TEXT    NOT NULL, -- of the vote in the text
	count    INTEGER NOT NULL, -- how many pictures it has
	due      INTEGER,          -- when Bilibili was to publish it; NULL: at once
	since    INTEGER NOT NULL,
	pictures TEXT    NOT NULL, -- those that Bilibili has, in JSON, by their originals' SHA-256
	vote     TEXT    NOT NULL, -- the vote that was made for it
	asked    INTEGER,          -- when Bilibili was asked to publish it, and has not refused
	number   TEXT    NOT NULL  -- the dynamic's, once Bilibili has told it
) STRICT;
CREATE INDEX dynamics_document ON dynamics (document);

-- What was changed in posts, so that it can be taken back.
CREATE TABLE runs (
	id    INTEGER PRIMARY KEY AUTOINCREMENT, -- the number that the user is told
	what  TEXT    NOT NULL,           -- "migrate" or "repair"
	key   TEXT    NOT NULL,           -- of what, and where to
	since INTEGER NOT NULL,
	ended INTEGER NOT NULL DEFAULT 0  -- 1: it came to its end
) STRICT;
CREATE TABLE steps (
	id   INTEGER PRIMARY KEY AUTOINCREMENT, -- the order in which they were done
	run  INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
	file TEXT    NOT NULL
) STRICT;
CREATE INDEX steps_run ON steps (run, file);
CREATE TABLE edits (
	id     INTEGER PRIMARY KEY,
	step   INTEGER NOT NULL REFERENCES steps (id) ON DELETE CASCADE,
	place  INTEGER NOT NULL, -- the byte of the file, as it was before the step
	was    BLOB    NOT NULL,
	became BLOB    NOT NULL
) STRICT;
CREATE INDEX edits_step ON edits (step);

-- What the last look at an address told.
CREATE TABLE checks (
	id     INTEGER PRIMARY KEY,
	url    TEXT    NOT NULL UNIQUE,
	state  TEXT    NOT NULL,
	detail TEXT    NOT NULL,
	at     INTEGER NOT NULL,
	gone   INTEGER,          -- since when it was seen to be gone
	size   INTEGER NOT NULL, -- bytes, -1: not known
	mark   TEXT    NOT NULL  -- what tells equal pictures
) STRICT;
`

// prepare leads a database to the current version.
func prepare(ctx context.Context, db *sql.DB) error {
	if v, err := version(ctx, db); err != nil || v == current {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	v, err := version(ctx, tx) // another process may have been faster
	if err == nil {
		_, err = tx.ExecContext(ctx, strings.Join(steps[v:], "\n")+"PRAGMA user_version = "+strconv.Itoa(current))
	}
	if err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// version reads the schema's version; one that is newer than ours is an error.
func version(ctx context.Context, db interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}) (v int, err error) {
	if err = db.QueryRowContext(ctx, "PRAGMA user_version").Scan(&v); err == nil && v > current {
		err = lang.Errorf("album.newer", lang.Data{"Version": v, "Known": current}, nil)
	}
	return v, err
}
