package album

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"

	"bilipaste/internal/picture"
)

// mark notes that this process is putting an original on the disk that the
// database does not know yet, with the picture's name in it. Until the mark is
// removed, whoever opens the album after a kill enters the original.
func (a *Album) mark(sum picture.Sum, p picture.Picture) (mark string, err error) {
	me, err := a.me()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(a.arriving(), 0o700); err != nil {
		return "", err
	}
	mark = filepath.Join(a.arriving(), me+"."+sum.String()+p.Format.Ext())
	return mark, os.WriteFile(mark, []byte(p.Name), 0o600)
}

// arrived removes a mark, "" for none, and with it an original that could not
// be entered, as on a disk that is full.
func (a *Album) arrived(ctx context.Context, mark string, sum picture.Sum, p picture.Picture, err error) {
	if mark == "" {
		return
	}
	if err != nil {
		_ = a.change(ctx, func(tx *sql.Tx) error { // nobody enters it meanwhile
			var kept bool
			err := tx.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM pictures WHERE sum = ? AND kept)", sum.String()).Scan(&kept)
			if err == nil && !kept {
				err = os.Remove(a.File(sum, p.Format))
			}
			return err
		})
	}
	_ = os.Remove(mark)
}

func (a *Album) arriving() string { return filepath.Join(a.dir, "arriving") }

// enterArrived enters the originals that killed processes left behind: their
// uploads are owed. What cannot be entered stays marked.
func (a *Album) enterArrived(ctx context.Context) {
	marks, _ := os.ReadDir(a.arriving()) // none, as a rule
	for _, m := range marks {
		owner, file, _ := strings.Cut(m.Name(), ".")
		if living(a.owners(), owner) {
			continue
		}
		mark := filepath.Join(a.arriving(), m.Name())
		name, err := os.ReadFile(mark)
		if err == nil {
			err = a.enterOne(ctx, file, string(name))
		}
		if err == nil {
			_ = os.Remove(mark)
		}
	}
}

// enterOne enters an original, unless it never came or a link shows it.
func (a *Album) enterOne(ctx context.Context, file, name string) error {
	digits, _, _ := strings.Cut(file, ".")
	sum, err := picture.ParseSum(digits)
	if err != nil {
		return nil // no mark of ours
	}
	data, err := os.ReadFile(filepath.Join(a.dir, "originals", digits[:2], file))
	if os.IsNotExist(err) {
		return nil
	}
	p, wrong := picture.New(name, data)
	if wrong != nil || picture.SumOf(data) != sum {
		return err
	}
	var shown bool
	err = a.db.QueryRowContext(ctx, `
SELECT EXISTS (SELECT 1 FROM links l JOIN pictures p ON p.id = l.picture WHERE p.sum = ? AND l.dead IS NULL)`, sum.String()).Scan(&shown)
	if err != nil || shown {
		return err
	}
	d, err := a.Keep(ctx, p)
	if err == nil {
		_, err = a.db.ExecContext(ctx, "UPDATE debts SET owner = NULL WHERE id = ?", d.ID)
	}
	return err
}
