package picture

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

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
