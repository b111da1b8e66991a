package uploader

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// Ledger is the memory of what was uploaded. It is safe for concurrent use,
// also by several processes.
type Ledger interface {
	// Known returns the newest living link of a picture at a place. With how,
	// sum is that of the picture as it was given, before Prepare, and how says
	// how it is prepared; a picture that was prepared otherwise is not known
	// by it. Without how, sum is that of the bytes that go to the host. A link
	// that is handed out counts as used now, and settles what is owed of a
	// picture that was found as it was given.
	Known(ctx context.Context, at Place, sum Sum, how string) (Link, bool, error)

	// Record enters an upload that succeeded, whole or not at all, and settles
	// what is owed of its picture. Entered again, it is one entry.
	Record(ctx context.Context, u Upload) error
}

// Place is where a host keeps pictures: the same bytes need not go there twice.
type Place struct {
	Host   string
	Bucket string // "" where the host has none
}

// Upload is an upload that succeeded.
type Upload struct {
	Place   Place
	Picture Picture // as it was given
	Given   Sum     // of the picture
	How     string  // how it was prepared: a short text, never ""
	Sent    Sum     // of the bytes that went to the host
	Link    Link
}

// Sum is the SHA-256 of a picture's bytes.
type Sum [sha256.Size]byte

// SumOf returns the sum of data.
func SumOf(data []byte) Sum { return sha256.Sum256(data) }

// ParseSum reads what String returns.
func ParseSum(s string) (sum Sum, err error) {
	b, err := hex.DecodeString(s)
	if err == nil && len(b) != len(sum) {
		err = fmt.Errorf("a sum of %d bytes", len(b))
	}
	copy(sum[:], b)
	return sum, err
}

// String returns the sum in hexadecimal digits.
func (s Sum) String() string { return hex.EncodeToString(s[:]) }

// MarshalText returns what String returns.
func (s Sum) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
