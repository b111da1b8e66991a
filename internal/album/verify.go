package album

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"bilipaste/internal/picture"
)

// Report is what Verify found and did.
type Report struct {
	Whole   int      `json:"whole"`             // originals that are what they were
	Bytes   int64    `json:"bytes"`             // of these
	Missing []Flaw   `json:"missing,omitempty"` // originals that are not on the disk
	Changed []Flaw   `json:"changed,omitempty"` // originals with other bytes, moved to the folder "damaged"
	Adopted int      `json:"adopted,omitempty"` // of these: the database knew nothing of them, and does now
	Strange []string `json:"strange,omitempty"` // files under originals that are not the album's, left alone
	Rescue  Rescue   `json:"rescue,omitzero"`   // of a database that was damaged
}

// Flaw is an original that is lost. It comes back when it is copied again.
type Flaw struct {
	Sum     picture.Sum `json:"sha256"`
	Name    string      `json:"name,omitempty"`
	File    string      `json:"file"`
	URL     string      `json:"url,omitempty"`     // where it can be seen still; "" if nowhere
	Pending bool        `json:"pending,omitempty"` // its upload waits for the user now
}

// Verify reads every original and the whole database of the album in a folder,
// and mends what it can: what Report tells is put right when it returns. The
// error is a lang.Teller: another program has a damaged album open, or one of
// those of Open.
func Verify(ctx context.Context, dir string, o Options) (Report, error) {
	var r Report
	a, err := Open(ctx, dir, o)
	if err == nil && !a.sound(ctx) {
		err = errors.Join(errDamaged, a.Close())
	}
	if isDamaged(err) {
		if r.Rescue, err = rescue(ctx, dir); err == nil {
			a, err = Open(ctx, dir, o)
		}
	}
	if err != nil {
		return r, explain(ctx, dir, err)
	}
	err = a.verify(ctx, &r)
	return r, a.failed(ctx, errors.Join(err, a.Close()))
}

// sound tells whether the database is whole.
func (a *Album) sound(ctx context.Context) bool {
	var said string
	err := a.db.QueryRowContext(ctx, "PRAGMA integrity_check(1)").Scan(&said)
	if err == nil && said == "ok" {
		_, err = a.db.ExecContext(ctx, "INSERT INTO words (words) VALUES ('integrity-check')")
	}
	return err == nil && said == "ok" || ctx.Err() != nil
}

func (a *Album) verify(ctx context.Context, r *Report) error {
	known, err := a.known(ctx)
	if err != nil {
		return err
	}
	for sum, p := range known {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := a.verifyOne(ctx, r, sum, p); err != nil {
			return err
		}
	}
	if err := a.adopt(ctx, r, known); err != nil {
		return err
	}
	_, err = a.db.ExecContext(ctx, "UPDATE room SET bytes = (SELECT ifnull(sum(bytes), 0) FROM pictures WHERE kept)")
	return err
}

// known are the pictures of the database, without their data.
func (a *Album) known(ctx context.Context) (map[picture.Sum]original, error) {
	rows, err := a.db.QueryContext(ctx, "SELECT sum, name, format, kept FROM pictures")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	known := map[picture.Sum]original{}
	for rows.Next() {
		var sum picture.Sum
		var o original
		var format picture.Format
		if err := rows.Scan(digits{&sum}, &o.name, &format, &o.kept); err != nil {
			return nil, err
		}
		o.file = a.File(sum, format)
		known[sum] = o
	}
	return known, rows.Err()
}

// original is a picture's file.
type original struct {
	name, file string
	kept       bool // says the database
}

// verifyOne looks at one original.
func (a *Album) verifyOne(ctx context.Context, r *Report, sum picture.Sum, o original) error {
	look := func() (state string, size int64) {
		data, err := os.ReadFile(o.file)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			return "missing", 0
		case err != nil || picture.SumOf(data) != sum:
			return "changed", 0
		}
		return "whole", int64(len(data))
	}
	state, size := look()
	if o.kept && state == "whole" {
		r.Whole++
		r.Bytes += size
		return nil
	}
	if !o.kept && state == "missing" {
		return nil
	}
	return a.change(ctx, func(tx *sql.Tx) error {
		// Others go on meanwhile: what is found while nobody writes, holds.
		var id int64
		var kept, pending bool
		err := tx.QueryRowContext(ctx, "SELECT id, kept, EXISTS (SELECT 1 FROM pending WHERE picture = p.id) FROM pictures p WHERE sum = ?", sum.String()).
			Scan(&id, &kept, &pending)
		if errors.Is(err, sql.ErrNoRows) {
			return nil // it was forgotten
		}
		if err != nil {
			return err
		}
		state, size := look()
		if !kept && pending && state != "whole" {
			return nil // it is just being written
		}
		if state == "whole" {
			r.Whole++
			r.Bytes += size
		}
		if state == "changed" {
			if err := a.setAside(o.file); err != nil {
				return err
			}
		}
		if kept == (state == "whole") {
			return nil
		}
		if _, err := tx.ExecContext(ctx, "UPDATE pictures SET kept = ? WHERE id = ?", state == "whole", id); err != nil || !kept {
			return err
		}
		flaw := Flaw{Sum: sum, Name: o.name, File: o.file}
		err = tx.QueryRowContext(ctx, "SELECT url FROM links WHERE picture = ? AND dead IS NULL ORDER BY turn DESC", id).Scan(&flaw.URL)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		done, err := tx.ExecContext(ctx, "UPDATE pending SET failed = 1, again = NULL WHERE picture = ?", id)
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		flaw.Pending = n > 0
		if state == "missing" {
			r.Missing = append(r.Missing, flaw)
		} else {
			r.Changed = append(r.Changed, flaw)
		}
		return err
	})
}

// adopt enters what is on the disk and not in the database: rows that a power
// cut or a damaged database has lost.
func (a *Album) adopt(ctx context.Context, r *Report, known map[picture.Sum]original) error {
	root := filepath.Join(a.dir, "originals")
	return filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) || err == nil && d.IsDir() {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
		name, _, _ := strings.Cut(d.Name(), ".")
		sum, err := picture.ParseSum(name)
		if o, ok := known[sum]; err == nil && ok && o.file == file {
			return nil
		}
		data, readErr := os.ReadFile(file)
		return a.change(ctx, func(tx *sql.Tx) error {
			if _, err := os.Stat(file); err != nil {
				return nil // it was forgotten meanwhile
			}
			var knownNow bool
			if err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM pictures WHERE sum = ?)", name).Scan(&knownNow); err != nil || knownNow {
				return err
			}
			p, wrong := picture.New("", data)
			if err != nil || readErr != nil || wrong != nil || picture.SumOf(data) != sum || a.File(sum, p.Format) != file {
				r.Strange = append(r.Strange, file)
				return nil
			}
			r.Adopted++
			r.Whole++
			r.Bytes += int64(len(data))
			id, err := a.enter(ctx, tx, sum, p)
			if err == nil {
				_, err = tx.ExecContext(ctx, "UPDATE pictures SET kept = 1 WHERE id = ?", id)
			}
			return err
		})
	})
}

// setAside moves a file to where it does no harm, and what it still is can be
// looked at.
func (a *Album) setAside(file string) error {
	dir := filepath.Join(a.dir, "damaged")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return os.Rename(file, filepath.Join(dir, filepath.Base(file)))
}
