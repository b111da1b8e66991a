package metadata

import (
	"bytes"

	"bilipaste/internal/picture/container"
)

// The application segments that may show.
const (
	jfif  = container.APP0
	exif  = container.APP0 + 1
	icc   = container.APP0 + 2
	adobe = container.APP0 + 14
)

// JPEG removes the metadata of a JPEG. Of its application segments only what
// shows stays: the JFIF header without its thumbnail, the colour profile,
// Adobe's colour transform, and the orientation.
func JPEG(data []byte) ([][]byte, error) {
	var out pieces
	seenExif := false
	for s, err := range container.JPEG(data) {
		switch {
		case err != nil:
			return nil, err
		case s.Marker >= container.APP0 && s.Marker <= container.APPF || s.Marker == container.COM:
			out.put(shown(s, &seenExif), s.Raw)
		default:
			out.keep(s.Raw)
		}
	}
	return out.left(data), nil
}

// shown returns what stays of an application segment or a comment, perhaps
// nothing. Of several EXIF segments the first counts, as it does to viewers.
func shown(s container.Segment, seenExif *bool) []byte {
	const jfifSize, adobeSize = 14, 12
	body := s.Body
	switch {
	case s.Marker == jfif && bytes.HasPrefix(body, []byte("JFIF\x00")) && len(body) >= jfifSize:
		return container.AppendJPEGSegment(nil, s.Marker, body[:12], []byte{0, 0}) // no thumbnail
	case s.Marker == exif && bytes.HasPrefix(body, []byte("Exif\x00")) && len(body) >= 6 && !*seenExif:
		*seenExif = true
		if o := container.Orientation(body[6:]); o != 0 {
			return container.AppendJPEGSegment(nil, s.Marker, []byte("Exif\x00\x00"), container.OrientedExif(o))
		}
	case s.Marker == icc && bytes.HasPrefix(body, []byte("ICC_PROFILE\x00")):
		return s.Raw
	case s.Marker == adobe && bytes.HasPrefix(body, []byte("Adobe")) && len(body) >= adobeSize:
		return container.AppendJPEGSegment(nil, s.Marker, body[:adobeSize])
	}
	return nil
}

// GainMap tells whether a JPEG has a gain map behind it, which shows it brighter
// on screens with a high dynamic range. JPEG removes it.
func GainMap(data []byte) bool {
	for s, err := range container.JPEG(data) {
		switch {
		case err != nil || s.Marker == container.SOS:
			return false
		case s.Marker == exif && bytes.Contains(s.Body, []byte("http://ns.adobe.com/hdr-gain-map/")),
			s.Marker == exif && bytes.Contains(s.Body, []byte("http://ns.apple.com/HDRGainMap/")),
			s.Marker == icc && bytes.HasPrefix(s.Body, []byte("urn:iso:std:iso:ts:21496:-1")):
			return true
		}
	}
	return false
}
