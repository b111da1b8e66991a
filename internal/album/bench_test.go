package album_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"bilipaste/internal/album"
	"bilipaste/internal/durable"
	"bilipaste/internal/picture"
)

// many is how many links the album of the benchmarks has.
const many = 100_000

// large makes an album of many links, once: in $BILIPASTE_BENCH, where it stays.
func large(b *testing.B) string {
	b.Helper()
	dir := os.Getenv("BILIPASTE_BENCH")
	if dir == "" {
		b.Skip("BILIPASTE_BENCH names no folder for an album of 100,000 links")
	}
	if _, err := os.Stat(filepath.Join(dir, "album.db")); err == nil {
		return dir
	}
	if err := album.Fill(b.Context(), dir, many); err != nil {
		b.Fatal(err)
	}
	return dir
}

// sumOf is the sum of the picture with a number in a filled album.
func sumOf(n int) picture.Sum { return picture.SumOf(fmt.Append(nil, n)) }

func BenchmarkAlbumOpen(b *testing.B) {
	dir := large(b)
	for b.Loop() {
		a, err := album.Open(b.Context(), dir, album.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := a.History(b.Context(), album.Query{Limit: 20}); err != nil {
			b.Fatal(err)
		}
		if err := a.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAlbumSearch(b *testing.B) {
	dir := large(b)
	a, err := album.Open(b.Context(), dir, album.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	for _, q := range []struct{ name, word string }{
		{"everywhere", "hdslb"}, {"one", sumOf(777).String()[:12]}, {"never", "nowhere at all"}, {"never-but-nearly", "hdslb.com/zzz"},
		{"name", "screenshot-120.png"}, {"letter", "z"}, {"two-letters", "zy"},
		{"Chinese", "季"}, {"two-Chinese", "报告"}, {"two-Chinese-one", "纪念"}, {"two-Chinese-never", "猫狗"},
	} {
		b.Run(q.name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				entries, err := a.History(b.Context(), album.Query{Words: []string{q.word}, Limit: 20})
				if err != nil {
					b.Fatal(err)
				}
				n = len(entries)
			}
			b.ReportMetric(float64(n), "found")
		})
	}
	b.Run("another-host", func(b *testing.B) {
		for b.Loop() {
			if entries, err := a.History(b.Context(), album.Query{Host: "scdn", Limit: 20}); err != nil || len(entries) > 0 {
				b.Fatal(entries, err)
			}
		}
	})
}

func BenchmarkAlbumKnown(b *testing.B) {
	a, err := album.Open(b.Context(), large(b), album.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	const there = 1000 // of their originals
	for n := range there {
		file := a.File(sumOf(n), picture.PNG)
		if err := durable.Write(file, nil, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	for _, how := range []string{"strip", ""} {
		b.Run("how-"+how, func(b *testing.B) {
			for n := 0; b.Loop(); n++ {
				if _, ok, err := a.Known(b.Context(), live, sumOf(n%there), how); !ok || err != nil {
					b.Fatal(ok, err)
				}
			}
		})
	}
}

// The cost of a copy's safety: both are synced to the disk.
func BenchmarkAlbumKeepAndRecord(b *testing.B) {
	a, err := album.Open(b.Context(), b.TempDir(), album.Options{MaxSize: 1 << 30})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	p := drawn(b, 0)
	for n := 0; b.Loop(); n++ {
		p.Data = append(make([]byte, 200_000), fmt.Sprint(n, time.Now())...)
		if _, err := a.Keep(b.Context(), p, live); err != nil {
			b.Fatal(err)
		}
		if err := a.Record(b.Context(), upload(p)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAlbumMonths(b *testing.B) {
	a, err := album.Open(b.Context(), large(b), album.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = a.Close() }()
	for name, q := range map[string]album.Query{
		"all": {}, "host": {Host: "bilibili"}, "alive": {Life: album.Alive}, "everywhere": {Words: []string{"hdslb"}}, "two-letters": {Words: []string{"zy"}},
		"name": {Words: []string{"screenshot-120.png"}}, "many": {Words: []string{"screenshot"}}, "letter": {Words: []string{"s"}},
	} {
		b.Run(name, func(b *testing.B) {
			n := 0
			for b.Loop() {
				months, err := a.Months(b.Context(), q)
				if err != nil {
					b.Fatal(err)
				}
				n = len(months)
			}
			b.ReportMetric(float64(n), "months")
		})
	}
}
