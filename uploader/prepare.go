package uploader

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/image/tiff"

	"bilipaste/internal/bmp"
	"bilipaste/internal/lang"
	"bilipaste/uploader/convert"
	"bilipaste/uploader/metadata"
)

// Prepare says how pictures are made ready for a host. Whatever it says, a
// picture that the host takes goes up with its pixels untouched, and one that
// it does not take is converted where nothing is lost by it.
type Prepare struct {
	KeepMetadata bool // EXIF, GPS and the like go up too
	FirstFrame   bool // of an animation that the host does not take the first frame goes up; else it is refused
	RefuseLarge  bool // what is too large and cannot be compressed without loss is refused; else it becomes a JPEG
}

// how says it in few words, for a Ledger: what was prepared otherwise is not
// the same.
func (prepare Prepare) how() string {
	how := "metadata removed"
	if prepare.KeepMetadata {
		how = "metadata kept"
	}
	if prepare.FirstFrame {
		how += ", first frame"
	}
	if prepare.RefuseLarge {
		how += ", not made smaller"
	}
	return how
}

// Do returns p as host takes it, with a note for the user on each change that
// is more than a removal of metadata. It returns an *Error of kind Unusable if
// p is malformed, of kind NotTaken or TooLarge if host cannot be given it, or
// ctx's error.
func (prepare Prepare) Do(ctx context.Context, p Picture, host Host) (ready Picture, notes []lang.Message, err error) {
	limits := host.Limits()
	if p, notes, err = prepare.format(ctx, p, limits); err == nil && !prepare.KeepMetadata {
		p.Data, err = strip(p)
	}
	if err == nil && int64(len(p.Data)) > limits.Bytes {
		var more []lang.Message
		if p, more, err = prepare.shrink(ctx, p, limits); p.Format == JPEG {
			notes = nil // what was done without loss before is of no interest
		}
		notes = append(notes, more...)
	}
	if err != nil {
		return p, nil, explain(ctx, err, p, host)
	}
	return p, notes, nil
}

// The errors that are not a converter's.
var (
	errNotTaken = errors.New("the host does not take the format")
	errAnimated = errors.New("the host does not take the animation")
	errTooLarge = errors.New("it is larger than the host takes")
)

// explain says an error of preparing p as an *Error.
func explain(ctx context.Context, err error, p Picture, host Host) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e := &Error{Kind: NotTaken, Host: host.Name(), Name: p.Name, Format: p.Format, Size: int64(len(p.Data)), Limit: host.Limits().Bytes, Err: err}
	_, oddTIFF := errors.AsType[tiff.UnsupportedError](err)
	switch {
	case errors.Is(err, errNotTaken):
		e.Err = nil
	case errors.Is(err, errAnimated):
		e.Why, e.Err = "animated", nil
	case errors.Is(err, convert.ErrPages):
		e.Why = "pages"
	case errors.Is(err, bmp.ErrUnsupported), oddTIFF:
		e.Why = "variant"
	case errors.Is(err, errTooLarge), errors.Is(err, convert.ErrTooLarge):
		e.Kind, e.Err = TooLarge, nil
	case errors.Is(err, convert.ErrMemory):
		e.Kind, e.Why = TooLarge, "pixels"
	case errors.Is(err, convert.ErrTransparent):
		e.Kind, e.Why = TooLarge, "transparent"
	case errors.Is(err, convert.ErrColourSpace):
		e.Kind, e.Why = TooLarge, "colours"
	default:
		e.Kind, e.Why, e.Host = Unusable, "broken", ""
	}
	return e
}

// format brings a picture into a format that the host takes.
func (prepare Prepare) format(ctx context.Context, p Picture, limits Limits) (Picture, []lang.Message, error) {
	takes := func(f Format) bool { return slices.Contains(limits.Formats, f) }
	was, animated := p.Format, p.Animated()
	switch was {
	case PNG:
		if takes(was) && (!animated || takes(APNG)) {
			return p, nil, nil
		}
	case BMP, TIFF:
		if takes(was) && prepare.KeepMetadata { // it has no place of its own, so it cannot be removed
			return p, nil, nil
		}
	default:
		if takes(was) {
			return p, nil, nil
		}
	}
	note := "prepare.converted"
	switch {
	case !takes(PNG) || !slices.Contains([]Format{PNG, GIF, BMP, TIFF, WebP}, was) || was == WebP && animated:
		return p, nil, errNotTaken
	case animated && !prepare.FirstFrame:
		return p, nil, errAnimated
	case animated:
		note = "prepare.first_frame"
	}
	var data []byte
	var err error
	if was == PNG {
		data, err = convert.Still(p.Data)
	} else {
		data, err = convert.ToPNG(ctx, p.Data)
	}
	if err != nil {
		return p, nil, err
	}
	p, err = p.with(data)
	return p, []lang.Message{{ID: note, Data: lang.Data{"Format": formatName(was)}}}, err
}

// shrink makes a picture fit the host: without loss if it can.
func (prepare Prepare) shrink(ctx context.Context, p Picture, limits Limits) (Picture, []lang.Message, error) {
	limit, size := int(limits.Bytes), megabytes(int64(len(p.Data)))
	done := func(data []byte, id string, more lang.Data) (Picture, []lang.Message, error) {
		p, err := p.with(data)
		note := lang.Message{ID: id, Data: lang.Data{"From": size, "To": megabytes(int64(len(data)))}}
		for k, v := range more {
			note.Data[k] = v
		}
		return p, []lang.Message{note}, err
	}
	if p.Animated() || p.Format == GIF {
		return p, nil, errTooLarge
	}
	if p.Format == PNG {
		data, err := convert.Recompress(ctx, p.Data, limit)
		if err == nil {
			return done(data, "prepare.recompressed", nil)
		}
		if !errors.Is(err, convert.ErrTooLarge) {
			return p, nil, err
		}
		if data, err = convert.Palette(ctx, p.Data, limit); err == nil {
			return done(data, "prepare.palette", nil)
		}
		if !errors.Is(err, convert.ErrTooLarge) && !errors.Is(err, convert.ErrColours) {
			return p, nil, err
		}
	}
	if prepare.RefuseLarge || !slices.Contains(limits.Formats, JPEG) {
		return p, nil, errTooLarge
	}
	shrunk, err := convert.ToJPEG(ctx, p.Data, limit)
	if err != nil {
		return p, nil, err
	}
	id := "prepare.jpeg"
	if shrunk.Width != p.Width {
		id = "prepare.scaled"
	}
	return done(shrunk.Data, id, lang.Data{"Quality": shrunk.Quality, "Width": shrunk.Width, "Height": shrunk.Height})
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }

// with returns the picture with other bytes.
func (p Picture) with(data []byte) (Picture, error) {
	return NewPicture(p.Name, data)
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

// Animated tells whether a picture is a PNG, GIF or WebP that moves.
func (p Picture) Animated() bool {
	switch p.Format {
	case PNG:
		return metadata.AnimatedPNG(p.Data)
	case GIF:
		return metadata.Frames(p.Data) > 1
	case WebP:
		const animation = 0x02
		return len(p.Data) > 20 && string(p.Data[12:16]) == "VP8X" && p.Data[20]&animation != 0
	}
	return false
}
