package uploader

import (
	"context"
	"slices"

	"bilipaste/uploader/metadata"
)

// Prepare says how pictures are made ready for a host. What is not told here
// to happen does not: a picture goes up as it is, but without its metadata.
type Prepare struct {
	KeepMetadata bool // EXIF, GPS and the like go up too
}

// Do returns p as host takes it. It returns an *Error of kind Unusable if p is
// malformed, and of kind NotTaken or TooLarge if host cannot be given it.
func (prepare Prepare) Do(_ context.Context, p Picture, host Host) (Picture, error) {
	limits := host.Limits()
	if !slices.Contains(limits.Formats, p.Format) {
		return p, &Error{Kind: NotTaken, Host: host.Name(), Name: p.Name, Format: p.Format}
	}
	if !prepare.KeepMetadata {
		stripped, err := strip(p)
		if err != nil {
			return p, &Error{Kind: Unusable, Why: "broken", Name: p.Name, Err: err}
		}
		p.Data = stripped
	}
	if size := int64(len(p.Data)); size > limits.Bytes {
		return p, &Error{Kind: TooLarge, Host: host.Name(), Name: p.Name, Size: size, Limit: limits.Bytes}
	}
	return p, nil
}

// strip returns a picture's bytes without metadata.
func strip(p Picture) ([]byte, error) {
	switch p.Format {
	case PNG:
		return metadata.PNG(p.Data)
	case JPEG:
		return metadata.JPEG(p.Data)
	case WebP:
		return metadata.WebP(p.Data)
	case GIF:
		return metadata.GIF(p.Data)
	}
	return p.Data, nil
}
