package container_test

import (
	"encoding/binary"
	"testing"

	"bilipaste/internal/picture/container"
)

// chain returns a TIFF of n pages without fields.
func chain(n int) []byte {
	data := []byte("II*\x00\x08\x00\x00\x00")
	for i := range n {
		next := uint32(len(data) + 6)
		if i+1 == n {
			next = 0
		}
		data = binary.LittleEndian.AppendUint32(append(data, 0, 0), next)
	}
	return data
}

func TestPagesAreReadOnce(t *testing.T) {
	circle := chain(3)
	binary.LittleEndian.PutUint32(circle[8+2*6+2:], 8) // the last leads to the first
	for name, test := range map[string]struct {
		data  []byte
		pages int
		fails bool
	}{
		"three": {chain(3), 3, false}, "a circle": {circle, 3, false}, "very many": {chain(1 << 17), 1 << 16, true},
	} {
		pages, failed := 0, false
		for _, err := range container.TIFF(test.data) {
			if failed = err != nil; err == nil {
				pages++
			}
		}
		if pages != test.pages || failed != test.fails {
			t.Errorf("%s: %d pages, an error: %v", name, pages, failed)
		}
	}
}
