//go:build linux || windows

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
)

// reference does only what must be done, one step after the other: it notices a
// copy, reads the picture, writes it to the disk with one fsync, sends it, and
// puts the link on the clipboard.
func reference(gateway, dir string) error {
	d, err := open()
	if err != nil {
		return err
	}
	defer d.close()
	number := 0
	ready := func() { fmt.Fprintln(os.Stderr, "watching") }
	return d.watch(ready, func(picture []byte) (string, error) {
		number++
		if err := write(filepath.Join(dir, fmt.Sprint(number)), picture); err != nil {
			return "", err
		}
		return send(gateway, picture)
	})
}

// write writes a file that outlives a power cut.
func write(name string, data []byte) error {
	file, err := os.Create(name)
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Write(data); err != nil {
		return err
	}
	return file.Sync()
}

// send uploads a picture and returns its link.
func send(gateway string, picture []byte) (string, error) {
	var head bytes.Buffer
	form := multipart.NewWriter(&head)
	_ = form.WriteField("bucket", "live") // into memory: it never fails
	if _, err := form.CreateFormFile("file", "image.png"); err != nil {
		return "", err
	}
	tail := "\r\n--" + form.Boundary() + "--\r\n"
	r, err := http.NewRequest(http.MethodPost, gateway+"/api.bilibili.com/x/upload/web/image",
		io.MultiReader(&head, bytes.NewReader(picture), bytes.NewReader([]byte(tail))))
	if err != nil {
		return "", err
	}
	r.ContentLength = int64(head.Len() + len(picture) + len(tail))
	r.Header.Set("Content-Type", form.FormDataContentType())
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer answer.Body.Close()
	var said struct{ Data struct{ Location string } }
	err = json.NewDecoder(answer.Body).Decode(&said)
	_, _ = io.Copy(io.Discard, answer.Body) // so that the connection is used again
	return said.Data.Location, err
}
