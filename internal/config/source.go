package config

// Source is where the settings come from: the file, and above it what the
// command line sets for the life of the program.
type Source struct {
	File string
	Over []Value // as flags; they hold whatever the file says
}

// Value is a key and its value as text.
type Value struct{ Key, Text string }

// Load reads the file, as Load does, and sets what stands above it.
func (s Source) Load() (Config, error) {
	c, err := Load(s.File)
	for _, v := range s.Over {
		if bad := c.Set(v.Key, v.Text); bad != nil && err == nil {
			err = bad
		}
	}
	return c, err
}

// Without returns the source in which only the file says what key is.
func (s Source) Without(key string) Source {
	var over []Value
	for _, v := range s.Over {
		if v.Key != key {
			over = append(over, v)
		}
	}
	s.Over = over
	return s
}
