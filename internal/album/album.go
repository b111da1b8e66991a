// Package album is the program's memory: every picture that was taken, kept
// as it was, with its links, and the pictures whose upload is pending.
//
// An album is a folder with the database album.db, the pictures under
// originals, and under owners a file for each process that is at an upload.
// docs/album.md describes it for whoever reads it without this program. Any
// number of processes may have it open at once.
package album

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
	_ "modernc.org/sqlite" // the driver

	"bilipaste/internal/durable"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/uploader"
)

// Options are the album's settings.
type Options struct {
	MaxSize int64 // bytes of originals that are kept, beside those whose upload is pending; 0: no bound
}

// Album is an open album. It is safe for concurrent use.
type Album struct {
	dir     string
	options Options
	db      *sql.DB
	reader  *sql.DB // a connection for what must wait for no writer
	shared  *flock.Flock

	newFolder atomic.Bool // a folder was made under originals, and its name is not synced yet

	mu         sync.Mutex
	own        *owner // of the pending uploads that this Album is at; nil until there was one
	statements map[statement]*sql.Stmt
}

// statement is a query of a connection.
type statement struct {
	db    *sql.DB
	query string
}

var _ uploader.Ledger = (*Album)(nil)

// Open opens the album in a folder, which it makes if it is not there. The
// error is a lang.Teller: the album was made by a newer program, is damaged, or
// its folder cannot be written.
func Open(ctx context.Context, dir string, o Options) (*Album, error) {
	a := &Album{dir: dir, options: o}
	if err := a.open(ctx); err != nil {
		return nil, a.failed(ctx, err)
	}
	a.checkInterrupted(ctx)
	return a, nil
}

func (a *Album) open(ctx context.Context) error {
	if err := durable.MakeFolder(filepath.Join(a.dir, "originals")); err != nil {
		return err
	}
	a.shared = flock.New(lockFile(a.dir), flock.SetPermissions(0o600))
	soon, stop := context.WithTimeout(ctx, patience)
	defer stop()
	if _, err := a.shared.TryRLockContext(soon, 50*time.Millisecond); err != nil {
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			err = lang.Errorf("album.busy", lang.Data{"Folder": a.dir}, err)
		}
		return errors.Join(err, a.shared.Close())
	}
	// SQLite itself does not wait for another one that is just making the
	// database, or closing it as the last.
	for {
		var err error
		if a.db, err = create(ctx, a.file()); err == nil {
			a.reader, err = connect(a.file(), settings()) // which connects when it is first needed
			return err
		}
		if !isBusy(err) || soon.Err() != nil {
			return errors.Join(err, a.shared.Close())
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-soon.Done():
		}
	}
}

// patience is how long another one is waited for: for the right to write, or
// until it has mended the album.
const patience = 20 * time.Second

// lockFile is locked by all who have an album open, and by one alone who mends it.
func lockFile(dir string) string { return filepath.Join(dir, "lock") }

// create opens a database, which it makes if it is not there.
func create(ctx context.Context, name string) (*sql.DB, error) {
	// SQLite gives its other files the rights of this one. An empty file is an
	// empty database.
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = file.Close()
	}
	if err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	db, err := connect(name, settings())
	if err != nil {
		return nil, err
	}
	if err := prepare(ctx, db); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// Close lets go of the pending uploads that this Album is at and closes it.
func (a *Album) Close() error {
	err := errors.Join(a.reader.Close(), a.db.Close(), a.shared.Close())
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.own != nil {
		err = errors.Join(err, a.own.end())
		a.own = nil
	}
	return err
}

// Dir returns the album's folder.
func (a *Album) Dir() string { return a.dir }

func (a *Album) file() string { return filepath.Join(a.dir, "album.db") }

// settings set up every connection alike: a commit outlives a kill, and a power
// cut once the log is synced; a writer waits for another one, and transactions
// take the right to write when they begin.
func settings() url.Values {
	return url.Values{
		"_busy_timeout": {strconv.FormatInt(patience.Milliseconds(), 10)},
		"_journal_mode": {"WAL"},
		"_synchronous":  {"NORMAL"},
		"_foreign_keys": {"1"},
		"_txlock":       {"immediate"},
		"_dqs":          {"0"},
		"_pragma":       {"cache_size(-256)", "temp_store(memory)", "journal_size_limit(1048576)"},
	}
}

// connect opens a database, one connection at a time: each has a cache of its
// own, and calls are short.
func connect(file string, settings url.Values) (*sql.DB, error) {
	file = filepath.ToSlash(file)
	if runtime.GOOS == "windows" && !strings.HasPrefix(file, "/") {
		file = "/" + file // C:/…
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: file, RawQuery: settings.Encode()}).String())
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

// change does something in one transaction, as a whole or not at all.
func (a *Album) change(ctx context.Context, do func(*sql.Tx) error) error {
	tx, err := a.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := do(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}

// prepare parses a query once for all times: that takes longer than most of
// them. It is not to be called within a transaction of db.
func (a *Album) prepare(ctx context.Context, db *sql.DB, query string) (*sql.Stmt, error) {
	a.mu.Lock()
	s := a.statements[statement{db, query}]
	a.mu.Unlock()
	if s != nil {
		return s, nil
	}
	s, err := db.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if there := a.statements[statement{db, query}]; there != nil {
		_ = s.Close()
		return there, nil
	}
	if a.statements == nil {
		a.statements = map[statement]*sql.Stmt{}
	}
	a.statements[statement{db, query}] = s
	return s, nil
}

// In the database a time is the milliseconds since 1970, UTC.
func millis(t time.Time) int64 { return t.UnixMilli() }

func now() int64 { return millis(time.Now()) }

// orNull is millis, NULL for the zero time.
func orNull(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return millis(t)
}

// moment is a time of the database, the zero time for NULL.
type moment struct{ time.Time }

// Scan reads a column.
func (m *moment) Scan(v any) error {
	var n sql.NullInt64
	if err := n.Scan(v); err != nil {
		return err
	}
	m.Time = time.Time{}
	if n.Valid {
		m.Time = time.UnixMilli(n.Int64)
	}
	return nil
}

// digits is a picture's sum in the database.
type digits struct{ *picture.Sum }

// Scan reads a column.
func (d digits) Scan(v any) error {
	var s sql.NullString
	err := s.Scan(v)
	if err == nil {
		*d.Sum, err = picture.ParseSum(s.String)
	}
	return err
}
