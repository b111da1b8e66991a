//go:build windows

package watcher

import (
	"image"
	"testing"
	"time"
)

// BenchmarkWindowsCopy measures the time from another program's copy to the
// clip, and how long the clipboard is kept open to read it.
func BenchmarkWindowsCopy(b *testing.B) {
	for _, size := range []image.Point{{200, 120}, {3840, 2160}} {
		for _, content := range []winContent{
			{Name: "PNG", Data: pictureOf(size.X*size.Y, 1)},
			{Name: "CF_DIB", Data: dibOf(pixels(size.X, size.Y), 40, 24, false)},
			{Name: "CF_DIBV5", Data: dibOf(pixels(size.X, size.Y), 124, 32, false)},
		} {
			b.Run(size.String()+content.Name, func(b *testing.B) {
				d := newWinDesk(b)
				id, err := formatID(content.Name)
				if err != nil {
					b.Fatal(err)
				}
				var seen, held time.Duration
				for b.Loop() {
					d.copy(unicode("another"))
					d.expect(TextBeside)
					copied := d.do(order{Contents: []winContent{content}}).Time
					d.expect(IsPicture)
					seen += time.Since(copied)
					err := d.clipboard().opened(b.Context(), time.Second, func() error {
						start := time.Now()
						_, err := d.clipboard().latest.take(id, maxDIB)
						held += time.Since(start)
						return err
					})
					if err != nil {
						b.Fatal(err)
					}
				}
				ms := func(all time.Duration) float64 { return float64(all.Microseconds()) / 1000 / float64(b.N) }
				b.ReportMetric(ms(seen), "ms-to-clip")
				b.ReportMetric(ms(held), "ms-held")
			})
		}
	}
}
