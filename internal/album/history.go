package album

import (
	"context"
	"database/sql"
	"errors"
	"io/fs"
	"iter"
	"math"
	"os"
	"strings"
	"time"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/uploader"
)

// Query says which links History returns.
type Query struct {
	IDs   []int64      // these alone; none: all
	Words []string     // each is in the name or the link, in upper or lower case, composed or not
	URL   string       // "": all
	Sum   *picture.Sum // of the original; nil: all
	Since time.Time    // used since then
	Until time.Time    // used before; zero: until now
	Host  string       // "": all

	Bucket string // "": all
	Life   Life   // whether they were seen to be dead
	Before *int64 // an Entry's Key: those that were used before it; nil: all
	After  *int64 // those that were used after it
	Limit  int    // 0: all
}

// Life says which links of the history are asked for.
type Life string

// The links that are asked for.
const (
	Any   Life = ""
	Alive Life = "alive" // not seen to be dead
	Dead  Life = "dead"
)

// Entry is a link of the history.
type Entry struct {
	ID      int64 // never given twice
	Key     int64 // its place in the history: grows with each use
	Sum     picture.Sum
	Picture picture.Picture // as it was given, without its data
	Bytes   int64           // of the original
	Kept    bool            // the original is on the disk
	Link    uploader.Link
	Used    time.Time // when it was last handed out
	Dead    time.Time // when it was seen to be dead; zero: it was not
}

// History returns links, the one that was used last first. The error is a
// lang.Teller.
func (a *Album) History(ctx context.Context, q Query) ([]Entry, error) {
	var entries []Entry
	for e, err := range a.Each(ctx, q) {
		if err != nil {
			return nil, err
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// Each goes through what History returns, however much it is. An error is the
// last of it. The album can do nothing else meanwhile.
func (a *Album) Each(ctx context.Context, q Query) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		rows, err := a.find(ctx, q)
		if errors.Is(err, errNothing) {
			return
		}
		if err == nil {
			defer rows.Close()
			for rows.Next() && err == nil {
				var e Entry
				if e, err = scanEntry(rows); err == nil && !yield(e, nil) {
					return
				}
			}
			err = errors.Join(err, rows.Err())
		}
		if err != nil {
			yield(Entry{}, a.failed(ctx, err))
		}
	}
}

// find asks for the links of a query; the error may be errNothing.
func (a *Album) find(ctx context.Context, q Query) (*sql.Rows, error) {
	return a.query(ctx, q, `l.id, l.turn, p.sum, l.name, p.format, p.width, p.height, p.bytes, p.kept,
	l.url, l.host, l.bucket, l.made, l.differs, l.format, l.width, l.height, l.bytes, l.used, l.dead`, "CROSS JOIN pictures p ON p.id = l.picture")
}

// query asks for columns of the links of a query; the error may be errNothing.
func (a *Album) query(ctx context.Context, q Query, columns, join string) (*sql.Rows, error) {
	match, err := a.match(ctx, q.folded())
	if err != nil {
		return nil, err
	}
	return a.matching(ctx, q, match, columns, join)
}

// folded are the words of a query as the search compares them.
func (q Query) folded() (words []string) {
	for _, w := range q.Words {
		words = append(words, fold(w))
	}
	return words
}

// matching is query where it is known what the index is asked for.
func (a *Album) matching(ctx context.Context, q Query, match, columns, join string) (*sql.Rows, error) {
	from, order, where, args := "links l", "l.turn", []string{"true"}, []any{}
	if match != "" { // CROSS: the index comes first
		from, order = "words CROSS JOIN links l ON l.turn = words.rowid", "words.rowid"
		where, args = append(where, "words MATCH ?"), append(args, match)
	}
	for _, w := range q.folded() { // the index finds a few too many
		where, args = append(where, "instr(l.folded, ?) > 0"), append(args, w)
	}
	if len(q.IDs) > 0 {
		where = append(where, "l.id IN (?"+strings.Repeat(", ?", len(q.IDs)-1)+")")
		for _, id := range q.IDs {
			args = append(args, id)
		}
	}
	if q.Sum != nil {
		where, args = append(where, "l.picture = (SELECT id FROM pictures WHERE sum = ?)"), append(args, q.Sum.String())
	}
	for condition, value := range map[string]any{"l.url = ?": q.URL, "l.host = ?": q.Host, "l.bucket = ?": q.Bucket} {
		if value != "" {
			where, args = append(where, condition), append(args, value)
		}
	}
	for _, bound := range []struct {
		condition string
		value     *int64
	}{
		{"l.used >= ?", orNil(q.Since)}, {"l.used < ?", orNil(q.Until)}, {order + " < ?", q.Before}, {order + " > ?", q.After},
	} {
		if bound.value != nil {
			where, args = append(where, bound.condition), append(args, *bound.value)
		}
	}
	switch q.Life {
	case Alive:
		where = append(where, "l.dead IS NULL")
	case Dead:
		where = append(where, "l.dead IS NOT NULL")
	}
	if q.Limit <= 0 {
		q.Limit = -1
	}
	return a.db.QueryContext(ctx, "SELECT "+columns+" FROM "+from+" "+join+`
WHERE `+strings.Join(where, " AND ")+` ORDER BY `+order+` DESC LIMIT ?`, append(args, q.Limit)...)
}

// orNil is a time in milliseconds, nil for the zero time.
func orNil(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	return new(millis(t))
}

func scanEntry(rows *sql.Rows) (e Entry, err error) {
	var made, used, dead moment
	p, l := &e.Picture, &e.Link
	err = rows.Scan(&e.ID, &e.Key, digits{&e.Sum}, &p.Name, &p.Format, &p.Width, &p.Height, &e.Bytes, &e.Kept,
		&l.URL, &l.Host, &l.Bucket, &made, &l.Differs, &l.Format, &l.Width, &l.Height, &l.Bytes, &used, &dead)
	l.Made, e.Used, e.Dead = made.Time, used.Time, dead.Time
	return e, err
}

// Month is how much of the history is of one month.
type Month struct {
	Month string // such as 2026-11, in local time
	Count int
	Key   int64 // the first one of it is the first before this
}

// Months returns the months of the links that a query is for, the newest first.
// The error is a lang.Teller.
func (a *Album) Months(ctx context.Context, q Query) ([]Month, error) {
	match, err := a.match(ctx, q.folded())
	if errors.Is(err, errNothing) {
		return nil, nil
	}
	var all []span
	switch {
	case err != nil:
	case match != "": // few are left
		all, err = a.walk(ctx, q, match)
	default:
		all, err = a.spans(ctx)
	}
	if err != nil {
		return nil, a.failed(ctx, err)
	}
	var months []Month
	for _, s := range all {
		if match == "" && !q.isAll() {
			if s, err = a.within(ctx, q, s); err != nil {
				return nil, a.failed(ctx, err)
			}
		}
		n := len(months)
		switch {
		case s.count == 0:
		case n > 0 && months[n-1].Month == s.month:
			months[n-1].Count += s.count
		default:
			months = append(months, Month{s.month, s.count, s.last + 1})
		}
	}
	return months, nil
}

// isAll tells whether a query is for all links.
func (q Query) isAll() bool {
	return len(q.IDs) == 0 && len(q.Words) == 0 && q.URL == "" && q.Sum == nil && q.Since.IsZero() && q.Until.IsZero() &&
		q.Host == "" && q.Bucket == "" && q.Life == Any && q.Before == nil && q.After == nil
}

// span are links that follow each other in the history, all of one month.
type span struct {
	month       string
	count       int
	first, last int64 // their turns
}

// within returns those of a span that a query is for.
func (a *Album) within(ctx context.Context, q Query, s span) (span, error) {
	if q.After == nil || *q.After < s.first {
		q.After = new(s.first - 1)
	}
	if q.Before == nil || *q.Before > s.last {
		q.Before = new(s.last + 1)
	}
	rows, err := a.matching(ctx, q, "", "count(*), ifnull(max(l.turn), 0)", "")
	if err != nil {
		return s, err
	}
	defer rows.Close()
	if rows.Next() {
		err = rows.Scan(&s.count, &s.last)
	}
	return s, errors.Join(err, rows.Err())
}

// spans returns all of the history, the newest first.
func (a *Album) spans(ctx context.Context) ([]span, error) {
	var all []span
	for end, begin := int64(math.MaxInt64), int64(0); ; end = begin {
		var newest sql.NullInt64
		if err := a.db.QueryRowContext(ctx, "SELECT max(used) FROM links WHERE used < ?", end).Scan(&newest); err != nil || !newest.Valid {
			return all, err
		}
		s := span{}
		var until int64
		s.month, begin, until = monthOf(newest.Int64)
		err := a.db.QueryRowContext(ctx, "SELECT count(*), min(turn), max(turn) FROM links WHERE used >= ? AND used < ?", begin, until).Scan(&s.count, &s.first, &s.last)
		if err != nil {
			return nil, err
		}
		if n := len(all); n > 0 && s.last >= all[n-1].first { // a clock that was set back
			return a.walk(ctx, Query{}, "")
		}
		all = append(all, s)
	}
}

// walk returns the links of a query, one after the other.
func (a *Album) walk(ctx context.Context, q Query, match string) ([]span, error) {
	rows, err := a.matching(ctx, q, match, "l.turn, l.used", "")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []span
	var begin, end int64 // of the last one's month
	for rows.Next() {
		var turn, used int64
		if err := rows.Scan(&turn, &used); err != nil {
			return nil, err
		}
		if len(all) == 0 || used < begin || used >= end {
			s := span{last: turn}
			s.month, begin, end = monthOf(used)
			all = append(all, s)
		}
		s := &all[len(all)-1]
		s.count, s.first = s.count+1, turn
	}
	return all, rows.Err()
}

// monthOf returns the month of a time in milliseconds, and when that begins and
// ends, in local time.
func monthOf(used int64) (name string, begin, end int64) {
	t := time.UnixMilli(used)
	first := time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, t.Location())
	return first.Format("2006-01"), millis(first), millis(first.AddDate(0, 1, 0))
}

// mostMatches is for how many links the index is asked; it is as quick to look at
// the links themselves for what more of them have.
const mostMatches = 5000

// isCommon tells whether more links than that match.
func (a *Album) isCommon(ctx context.Context, match string) (is bool, err error) {
	err = a.db.QueryRowContext(ctx, "SELECT EXISTS (SELECT 1 FROM words WHERE words MATCH ? LIMIT 1 OFFSET ?)", match, mostMatches).Scan(&is)
	return is, err
}

// mostTrigrams is how many of a word's trigrams the index is asked for.
const mostTrigrams = 3

// mostEnds is for how many trigrams it is better to look into the index than
// at the links, one after the other.
const mostEnds = 200

// errNothing tells that no link has the words.
var errNothing = errors.New("no link has them")

// match is what the index is asked for words: rare trigrams of each, and of one
// that is shorter those that begin with it. It is "" where the index is of no
// use, and the error is errNothing where it knows that no link has them.
func (a *Album) match(ctx context.Context, words []string) (string, error) {
	var all []string
	for _, w := range words {
		runes := []rune(w)
		for i, found := len(runes)-3, 0; i >= 0 && found < mostTrigrams; i-- { // words differ at their ends
			term := quote(string(runes[i : i+3]))
			common, err := a.isCommon(ctx, term)
			if err != nil {
				return "", err
			}
			if !common {
				all = append(all, term)
				found++
			}
		}
		if n := len(runes); n == 0 || n > 2 {
			continue
		}
		rows, err := a.db.QueryContext(ctx, "SELECT term FROM trigrams WHERE term >= ? AND term < ? LIMIT ?", w, w+"\U0010ffff", mostEnds+1)
		if err != nil {
			return "", err
		}
		var some []string
		for rows.Next() {
			var term string
			if err := rows.Scan(&term); err != nil {
				return "", errors.Join(err, rows.Close())
			}
			some = append(some, quote(term))
		}
		if err := rows.Err(); err != nil {
			return "", err
		}
		switch {
		case len(some) == 0:
			return "", errNothing
		case len(some) <= mostEnds:
			either := "(" + strings.Join(some, " OR ") + ")"
			common, err := a.isCommon(ctx, either)
			if err != nil {
				return "", err
			}
			if !common {
				all = append(all, either)
			}
		}
	}
	return strings.Join(all, " AND "), nil
}

// quote is a word in the index's language.
func quote(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// fold is a text as the search compares it: letters of either case, and composed
// in either way, are the same.
func fold(s string) string { return norm.NFC.String(folding.String(norm.NFC.String(s))) }

var folding = cases.Fold()

// folded is what the search looks at of a link: its name and its address, each
// with an end of two characters that no word has, so that each of its own
// characters begins a trigram.
func folded(name, url string) string { return fold(name) + end + fold(url) + end }

const end = "\x1f\x1f"

// Forget removes a link, and its picture with the original unless it has
// another link or is pending. The error is a lang.Teller: there is no such link,
// or the original cannot be removed, and nothing is forgotten.
func (a *Album) Forget(ctx context.Context, id int64) error {
	err := a.change(ctx, func(tx *sql.Tx) error {
		var row int64
		err := tx.QueryRowContext(ctx, "DELETE FROM links WHERE id = ? RETURNING picture", id).Scan(&row)
		if errors.Is(err, sql.ErrNoRows) {
			return lang.Errorf("album.no_entry", lang.Data{"ID": id}, nil)
		}
		if err != nil {
			return err
		}
		var sum picture.Sum
		var format picture.Format
		err = tx.QueryRowContext(ctx, `
DELETE FROM pictures AS p WHERE id = ? AND NOT EXISTS (SELECT 1 FROM links WHERE picture = p.id)
	AND NOT EXISTS (SELECT 1 FROM pending WHERE picture = p.id) RETURNING sum, format`, row).Scan(digits{&sum}, &format)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		if err == nil {
			err = os.Remove(a.File(sum, format))
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	if err == nil {
		err = a.syncLog()
	}
	return a.failed(ctx, err)
}

// WithURL returns the numbers of the links with this address.
func (a *Album) WithURL(ctx context.Context, url string) (ids []int64, err error) {
	rows, err := a.db.QueryContext(ctx, "SELECT id FROM links WHERE url = ?", url)
	if err != nil {
		return nil, a.failed(ctx, err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return nil, a.failed(ctx, err)
		}
		ids = append(ids, id)
	}
	return ids, a.failed(ctx, rows.Err())
}
