package config

import (
	"math"
	"strconv"
	"strings"

	"bilipaste/internal/lang"
)

// Size is a number of bytes.
type Size int64

// units are those of String and parseSize, the larger ones first, so that
// String finds the largest that fits. What has no unit is bytes.
var units = []struct {
	name  string
	bytes Size
}{
	{"TiB", 1 << 40}, {"TB", 1e12}, {"GiB", 1 << 30}, {"GB", 1e9}, {"MiB", 1 << 20}, {"MB", 1e6}, {"KiB", 1 << 10}, {"kB", 1e3},
}

// String returns the size in the largest unit in which it is a whole number.
func (s Size) String() string {
	for _, u := range units {
		if s != 0 && s%u.bytes == 0 {
			return strconv.FormatInt(int64(s/u.bytes), 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// parseSize reads a size such as 2GiB, 500MB or 1.5 GB.
func parseSize(v string) (Size, error) {
	number, unit := v, Size(1)
	for _, u := range units {
		if n := len(v) - len(u.name); n > 0 && strings.EqualFold(v[n:], u.name) {
			number, unit = v[:n], u.bytes
			break
		}
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
	bytes := n * float64(unit)
	if err != nil || !(bytes >= 0 && bytes < math.MaxInt64) || strings.ContainsAny(number, "eEpPxX_") {
		return 0, lang.Errorf("config.want.size", nil, nil)
	}
	return Size(bytes), nil
}
