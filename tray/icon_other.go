//go:build !unix || darwin

package tray

func iconFile(data []byte) []byte { return data }
