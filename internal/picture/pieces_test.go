package picture_test

import (
	"bytes"
	"io"
	"testing"

	"bilipaste/internal/picture"
)

func TestPiecesAreOnePicture(t *testing.T) {
	whole := picture.Picture{Name: "a", Data: []byte("a picture in pieces"), Format: picture.PNG}
	apart := whole
	apart.Data, apart.Pieces = nil, [][]byte{whole.Data[:1], nil, whole.Data[1:9], whole.Data[9:]}
	for _, p := range []picture.Picture{whole, apart, apart.Whole()} {
		data, err := io.ReadAll(p.Reader())
		if err != nil || !bytes.Equal(data, whole.Data) {
			t.Errorf("read %q, %v", data, err)
		}
		if p.Size() != int64(len(whole.Data)) || p.Sum() != picture.SumOf(whole.Data) || p.Name != "a" {
			t.Errorf("%d bytes, sum %s, name %q", p.Size(), p.Sum(), p.Name)
		}
	}
	if p := apart.Whole(); p.Pieces != nil || !bytes.Equal(p.Data, whole.Data) {
		t.Errorf("whole: %q and %d pieces", p.Data, len(p.Pieces))
	}
	if p := (picture.Picture{}); p.Size() != 0 || p.Whole().Data != nil {
		t.Error("an empty picture is not empty")
	}
}
