package album

import (
	"context"
	"database/sql"
	"fmt"

	"bilipaste/internal/picture"
)

// Fill makes an album of n links to pictures that have no original, the last
// one the newest.
func Fill(ctx context.Context, dir string, n int) error {
	a, err := Open(ctx, dir, Options{})
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	return a.change(ctx, func(tx *sql.Tx) error {
		pictures, err := tx.PrepareContext(ctx, "INSERT INTO pictures VALUES (?, ?, ?, 'png', 1200, 800, 200000, ?, 0)")
		if err != nil {
			return err
		}
		links, err := tx.PrepareContext(ctx, `
INSERT INTO links (picture, name, host, bucket, url, how, sent, differs, format, width, height, bytes, made, used, turn, folded)
VALUES (?1, ?2, 'bilibili', 'live', ?3, 'strip', ?4, 0, 'png', 1200, 800, 190000, ?5, ?5, ?1, ?6)`)
		if err != nil {
			return err
		}
		for i := range n {
			sum, name, at := picture.SumOf(fmt.Append(nil, i)).String(), "", 1_600_000_000_000+int64(i)*1_800_000
			switch {
			case i == 7:
				name = "结婚纪念.png"
			case i%10 == 0:
				name = fmt.Sprintf("screenshot-%d.png", i)
			case i%10 == 1:
				name = fmt.Sprintf("%d年第%d季度报告图%d.jpg", 2000+i%30, i%4+1, i)
			}
			if _, err := pictures.ExecContext(ctx, i+1, sum, name, at); err != nil {
				return err
			}
			url := "https://i0.hdslb.com/bfs/live/" + sum[:40] + ".png"
			if _, err := links.ExecContext(ctx, i+1, name, url, sum, at, folded(name, url)); err != nil {
				return err
			}
		}
		return nil
	})
}
