package keystore

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// seal encrypts a secret so that only this user, on this machine, can unseal
// it (DPAPI): the rights of a file say less on Windows than elsewhere.
func seal(secret []byte) ([]byte, error) {
	in, out := blob(secret), windows.DataBlob{}
	err := windows.CryptProtectData(&in, nil, nil, 0, nil, windows.CRYPTPROTECT_UI_FORBIDDEN, &out)
	if err != nil {
		return nil, err
	}
	return take(out), nil
}

// unseal returns the secret that was sealed.
func unseal(sealed []byte) ([]byte, error) {
	in, out := blob(sealed), windows.DataBlob{}
	err := windows.CryptUnprotectData(&in, nil, nil, 0, nil, windows.CRYPTPROTECT_UI_FORBIDDEN, &out)
	if err != nil {
		return nil, err
	}
	return take(out), nil
}

func blob(data []byte) windows.DataBlob {
	return windows.DataBlob{Size: uint32(len(data)), Data: unsafe.SliceData(data)}
}

// take copies what Windows has allocated, and gives that back.
func take(b windows.DataBlob) []byte {
	data := append([]byte{}, unsafe.Slice(b.Data, b.Size)...)
	clear(unsafe.Slice(b.Data, b.Size))
	_, _ = windows.LocalFree(windows.Handle(unsafe.Pointer(b.Data))) // there is nothing to do about it
	return data
}
