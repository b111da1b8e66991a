//go:build linux

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

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xfixes"
	"github.com/jezek/xgb/xproto"
)

// reference does only what must be done, one step after the other: it notices a
// copy, reads the picture, writes it to the disk with one fsync, sends it, and
// puts the link on the clipboard.
func reference(gateway, dir string) error {
	conn, err := xgb.NewConn()
	if err != nil {
		return err
	}
	w, err := newWindow(conn)
	if err != nil {
		return err
	}
	xfixes.SelectSelectionInput(conn, w.id, w.atoms["CLIPBOARD"], xfixes.SelectionEventMaskSetSelectionOwner)
	fmt.Fprintln(os.Stderr, "watching")
	var picture []byte // in pieces, so far
	number := 0
	for {
		event, failed := conn.WaitForEvent()
		if event == nil && failed == nil {
			return errX
		}
		switch e := event.(type) {
		case xfixes.SelectionNotifyEvent:
			if e.Owner != w.id {
				w.ask("image/png", e.SelectionTimestamp)
			}
		case xproto.SelectionRequestEvent:
			w.serve(e)
		case xproto.SelectionNotifyEvent:
			kind, data, err := w.take()
			switch {
			case err != nil:
				return err
			case kind == w.atoms["INCR"]:
				picture = make([]byte, 0, xgb.Get32(data))
				continue
			}
			picture = data
		case xproto.PropertyNotifyEvent:
			if picture == nil || e.Window != w.id || e.State != xproto.PropertyNewValue {
				continue
			}
			_, data, err := w.take()
			if err != nil {
				return err
			}
			if picture = append(picture, data...); len(data) > 0 {
				continue
			}
		}
		if picture == nil {
			continue
		}
		number++
		if err := write(filepath.Join(dir, fmt.Sprint(number)), picture); err != nil {
			return err
		}
		if w.text, err = send(gateway, picture); err != nil {
			return err
		}
		picture = nil
		w.own()
	}
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
