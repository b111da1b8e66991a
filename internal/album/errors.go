package album

import (
	"context"
	"errors"
	"io/fs"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"bilipaste/internal/lang"
)

// ErrTaken is the error of a pending upload that another living process is at,
// or another part of this one.
var ErrTaken = errors.New("the upload is being done elsewhere")

// ErrNotPending is the error of an upload that is not pending any more: it was
// done, or given up.
var ErrNotPending = errors.New("the upload is not pending any more")

// ErrLost is among the causes where an original is missing, or not what it was.
var ErrLost = errors.New("the original is lost")

func (a *Album) failed(ctx context.Context, err error) error { return explain(ctx, a.dir, err) }

// explain says an error as a lang.Teller, unless it is one, or ctx is done, or
// it is one of the sentinels.
func explain(ctx context.Context, dir string, err error) error {
	if err == nil || errors.Is(err, ErrTaken) || errors.Is(err, ErrNotPending) {
		return err
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if _, ok := errors.AsType[lang.Teller](err); ok {
		return err
	}
	id, cause := "album.failed", err.Error()
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		id, cause = "album.unwritable", e.Err.Error()
	}
	if isDamaged(err) {
		id = "album.damaged"
	} else if isBusy(err) {
		id = "album.busy"
	} else if e, ok := errors.AsType[*sqlite.Error](err); ok {
		switch e.Code() & 0xff { // without the finer reason
		case sqlite3.SQLITE_FULL:
			id = "album.full"
		case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM, sqlite3.SQLITE_IOERR:
			id = "album.unwritable"
		}
		if e.Code() == sqlite3.SQLITE_IOERR_SHMSIZE { // no room for album.db-shm
			id = "album.full"
		}
	}
	if isFull(err) {
		id = "album.full"
	}
	return lang.Errorf(id, lang.Data{"Folder": dir, "Cause": cause}, err)
}

// isBusy tells whether err is that of a database that another program has for
// itself.
func isBusy(err error) bool {
	e, ok := errors.AsType[*sqlite.Error](err)
	return ok && e.Code()&0xff == sqlite3.SQLITE_BUSY
}
