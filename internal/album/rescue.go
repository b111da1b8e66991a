package album

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"bilipaste/internal/lang"
)

// Rescue is what became of a damaged database.
type Rescue struct {
	File string `json:"file"` // where it is now; "" if there was no damage

	// What could be read of it.
	Pictures int64 `json:"pictures"`
	Links    int64 `json:"links"`
	Pending  int64 `json:"pending"`
}

// errDamaged is the error of a database in which a check found faults.
var errDamaged = errors.New("its parts do not fit together")

func isDamaged(err error) bool {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		switch e.Code() & 0xff { // without the finer reason
		case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
			return true
		}
	}
	return errors.Is(err, errDamaged)
}

// rescue puts a new database in the place of a damaged one, with what can be
// read of it. Nobody else may have the album open.
func rescue(ctx context.Context, dir string) (Rescue, error) {
	var r Rescue
	lock := flock.New(lockFile(dir))
	alone, err := lock.TryLock()
	if err != nil {
		return r, err
	}
	defer func() { _ = lock.Close() }()
	if !alone {
		return r, lang.Errorf("album.open_elsewhere", lang.Data{"Folder": dir}, nil)
	}

	old := filepath.Join(dir, "album.db")
	fresh := old + ".new"
	for _, end := range sides {
		_ = os.Remove(fresh + end) // of a rescue that was killed
	}
	to, err := create(ctx, fresh)
	if err != nil {
		return r, err
	}
	from, err := connect(old, url.Values{"_pragma": {"writable_schema(1)"}}) // so that it reads what was cut off
	if err != nil {
		return r, errors.Join(err, to.Close())
	}
	r.Pictures, err = salvage(ctx, from, to, "pictures")
	if err == nil {
		r.Links, err = salvage(ctx, from, to, "links")
	}
	if err == nil {
		r.Pending, err = salvage(ctx, from, to, "pending")
	}
	for _, table := range []string{"dynamics", "runs", "steps", "edits", "checks"} {
		if err == nil {
			_, err = salvage(ctx, from, to, table)
		}
	}
	if err == nil {
		_, err = to.ExecContext(ctx, "INSERT INTO words (words) VALUES ('optimize')") // else the next searches and uses do it
	}
	_ = from.Close() // it may well say that it is damaged
	if err = errors.Join(err, to.Close()); err != nil {
		return r, err
	}

	aside := filepath.Join(dir, "damaged")
	if err := os.MkdirAll(aside, 0o700); err != nil {
		return r, err
	}
	r.File = filepath.Join(aside, "album-"+time.Now().Format("20060102-150405")+".db")
	for _, end := range sides { // its log first: a new database must not get it
		if err := os.Rename(old+end, r.File+end); err != nil && !errors.Is(err, os.ErrNotExist) {
			return r, err
		}
	}
	return r, os.Rename(fresh, old)
}

// sides are what SQLite writes beside a database, and the database itself.
var sides = []string{"-wal", "-shm", ""}

// salvage copies the rows of a table that can be read: from its first on, and,
// where one cannot be read, from its last back.
func salvage(ctx context.Context, from, to *sql.DB, table string) (n int64, err error) {
	columns, err := to.QueryContext(ctx, "SELECT * FROM "+table+" LIMIT 0")
	if err != nil {
		return 0, err
	}
	names, err := columns.Columns()
	if err = errors.Join(err, columns.Close()); err != nil {
		return 0, err
	}
	insert := "INSERT OR IGNORE INTO " + table + " (" + strings.Join(names, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(names)-1) + ")"
	row := make([]any, len(names))
	into := make([]any, len(names))
	for i := range row {
		into[i] = &row[i]
	}
	tx, err := to.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	for _, order := range []string{"ASC", "DESC"} {
		rows, err := from.QueryContext(ctx, "SELECT "+strings.Join(names, ", ")+" FROM "+table+" ORDER BY id "+order)
		if err != nil {
			continue
		}
		for rows.Next() && rows.Scan(into...) == nil {
			done, err := tx.ExecContext(ctx, insert, row...)
			if err != nil {
				continue // a row that makes no sense here
			}
			more, _ := done.RowsAffected()
			if n += more; more == 0 && order == "DESC" {
				break // the rest was read from the other end
			}
		}
		err = rows.Err()
		if _ = rows.Close(); err == nil {
			break
		}
	}
	if ctx.Err() != nil {
		return n, errors.Join(ctx.Err(), tx.Rollback())
	}
	return n, tx.Commit()
}
