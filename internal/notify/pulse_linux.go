package notify

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gopxl/beep/v2"
	"github.com/jfreymuth/pulse/proto"

	"bilipaste/internal/desktop"
)

// playByServer plays a WAV file by the PulseAudio or PipeWire server, and
// returns when it was heard to its end. The whole sound is sent at once: that
// needs none of pulse's streams, whose Start and connection can hang or panic
// when a server goes away.
func playByServer(ctx context.Context, file []byte) error {
	stream, format, err := decode(file)
	if err != nil {
		return err
	}
	data := encode(stream, format)

	socket, err := serverSocket()
	if err != nil {
		return err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
	if err != nil {
		return err
	}
	hangUp := func() { _ = conn.Close() }
	defer hangUp()
	defer context.AfterFunc(ctx, hangUp)()

	client := &proto.Client{Callback: func(any) {}}
	client.SetTimeout(time.Second)
	client.Open(conn)
	if err := introduce(client); err != nil {
		return err
	}
	var playing proto.CreatePlaybackStreamReply
	if err := client.Request(&proto.CreatePlaybackStream{
		SampleSpec: proto.SampleSpec{
			Format: proto.FormatInt16LE, Channels: byte(format.NumChannels), Rate: uint32(format.SampleRate),
		},
		ChannelMap:            proto.ChannelMap{proto.ChannelMono},
		ChannelVolumes:        proto.ChannelVolumes{uint32(proto.VolumeNorm)},
		SinkIndex:             proto.Undefined,
		BufferMaxLength:       proto.Undefined,
		BufferTargetLength:    uint32(format.SampleRate.N(100*time.Millisecond) * format.Width()),
		BufferPrebufferLength: proto.Undefined,
		BufferMinimumRequest:  proto.Undefined,
		AdjustLatency:         true,
		Properties: proto.PropList{
			"media.name": proto.PropListString("bilipaste"),
			"media.role": proto.PropListString("event"), // the desktop's volume of system sounds
		},
	}, &playing); err != nil {
		return err
	}
	if err := client.Send(playing.StreamIndex, data); err != nil {
		return err
	}
	client.SetTimeout(soundLimit)
	if err := client.Request(&proto.DrainPlaybackStream{StreamIndex: playing.StreamIndex}, nil); err != nil {
		return errors.Join(ctx.Err(), err)
	}
	return nil
}

// introduce makes the program known to the server.
func introduce(client *proto.Client) error {
	cookie := make([]byte, 256)
	path := os.Getenv("PULSE_COOKIE")
	if path == "" {
		if config, err := os.UserConfigDir(); err == nil {
			path = filepath.Join(config, "pulse", "cookie")
		}
	}
	// A server of the same user asks for no cookie.
	if c, err := os.ReadFile(path); err == nil && len(c) == len(cookie) {
		cookie = c
	}
	var auth proto.AuthReply
	if err := client.Request(&proto.Auth{Version: client.Version(), Cookie: cookie}, &auth); err != nil {
		return err
	}
	client.SetVersion(auth.Version)
	return client.Request(&proto.SetClientName{Props: proto.PropList{
		"application.name": proto.PropListString("bilipaste"),
	}}, &proto.SetClientNameReply{})
}

// serverSocket returns the path of the sound server's socket. A server on
// another machine is left to the player programs.
func serverSocket() (string, error) {
	servers := os.Getenv("PULSE_SERVER")
	if servers == "" {
		return filepath.Join(desktop.RuntimeDir(), "pulse", "native"), nil
	}
	for server := range strings.FieldsSeq(servers) {
		if _, rest, ok := strings.Cut(server, "}"); ok { // {machine}address
			server = rest
		}
		if path := strings.TrimPrefix(server, "unix:"); filepath.IsAbs(path) {
			return path, nil
		}
	}
	return "", fmt.Errorf("PULSE_SERVER=%s has no local socket", servers)
}

// encode returns what a stream plays, as samples of the format.
func encode(stream beep.StreamSeeker, format beep.Format) []byte {
	data := make([]byte, 0, stream.Len()*format.Width())
	var frames [512][2]float64
	frame := make([]byte, format.Width())
	for {
		n, ok := stream.Stream(frames[:])
		if !ok {
			return data
		}
		for _, f := range frames[:n] {
			format.EncodeSigned(frame, f)
			data = append(data, frame...)
		}
	}
}
