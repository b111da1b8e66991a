package server

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"bilipaste/internal/lang"
)

// name is what the server calls itself in its answers.
const name = "bilipaste"

// errOurs says that another bilipaste has the port.
var errOurs = errors.New("another bilipaste has the port")

// busy says who has a port that could not be opened.
func busy(ctx context.Context, port uint, err error) error {
	if !isBusy(err) {
		return notListening(err)
	}
	data := lang.Data{"Port": strconv.FormatUint(uint64(port), 10)}
	switch who := whoHas(ctx, port); who {
	case name:
		return lang.Errorf("server.ours", data, errOurs)
	case "":
		return lang.Errorf("server.busy", data, err)
	default:
		return lang.Errorf("server.picgo", data, err)
	}
}

func notListening(err error) error {
	return lang.Errorf("server.no_port", lang.Data{"Cause": err.Error()}, err)
}

// whoHas asks whoever has a port for PicGo's heartbeat: name is another
// bilipaste, "picgo" is PicGo or PicList, "" anybody else.
func whoHas(ctx context.Context, port uint) string {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	ask, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1:"+strconv.FormatUint(uint64(port), 10)+"/heartbeat", nil)
	if err != nil {
		return ""
	}
	direct := &http.Transport{DisableKeepAlives: true} // and no proxy
	answer, err := direct.RoundTrip(ask)
	if err != nil {
		return ""
	}
	defer answer.Body.Close()
	if answer.Header.Get("Server") == name {
		return name
	}
	var beat struct {
		Success bool
		Result  string
	}
	if json.NewDecoder(io.LimitReader(answer.Body, 4<<10)).Decode(&beat) == nil && beat.Success && beat.Result == "alive" {
		return "picgo"
	}
	return ""
}
