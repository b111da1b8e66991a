//go:build !windows

package keystore

import "errors"

// seal is for Windows: elsewhere the file's rights keep others out.
func seal([]byte) ([]byte, error) { return nil, errors.ErrUnsupported }

func unseal([]byte) ([]byte, error) { return nil, errors.ErrUnsupported }
