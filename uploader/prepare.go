package uploader

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/internal/picture/container"
	"bilipaste/internal/picture/convert"
	"bilipaste/internal/picture/metadata"
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
// is more than a removal of metadata. It returns a *fault.Error of kind Unusable if
// p is malformed, of kind NotTaken or TooLarge if host cannot be given it, or
// ctx's error.
func (prepare Prepare) Do(ctx context.Context, p picture.Picture, host Host) (ready picture.Picture, notes []lang.Message, err error) {
	limits := host.Limits()
	changes := !prepare.KeepMetadata || p.Size() > limits.Bytes
	loses := changes && p.Format == picture.JPEG && metadata.GainMap(p.Data)
	if p, notes, err = prepare.format(ctx, p, limits); err == nil && !prepare.KeepMetadata {
		p, err = strip(p)
	}
	if err == nil && p.Size() > limits.Bytes {
		p = p.Whole()
		var more []lang.Message
		if p, more, err = prepare.shrink(ctx, p, limits); p.Format == picture.JPEG {
			notes = nil // what was done without loss before is of no interest
		}
		notes = append(notes, more...)
	}
	if err != nil {
		return p, nil, explain(ctx, err, p, host)
	}
	if loses {
		notes = append(notes, lang.Message{ID: "prepare.gain_map"})
	}
	return p, notes, nil
}

// The errors that are not a converter's.
var (
	errNotTaken = errors.New("the host does not take the format")
	errAnimated = errors.New("the host does not take the animation")
	errTooLarge = errors.New("it is larger than the host takes")
	errVariant  = errors.New("it is larger than the host takes, and cannot be decoded here")
)

// explain says an error of preparing p as a *fault.Error.
func explain(ctx context.Context, err error, p picture.Picture, host Host) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	e := &fault.Error{Kind: fault.NotTaken, Host: host.Name(), Name: p.Name, Format: p.Format.Name(), Size: p.Size(), Limit: host.Limits().Bytes, Err: err}
	variant, rare := errors.AsType[convert.VariantError](err)
	switch {
	case errors.Is(err, errNotTaken):
		e.Err = nil
	case errors.Is(err, errAnimated):
		e.Why, e.Err = "animated", nil
	case errors.Is(err, convert.ErrPages):
		e.Why = "pages"
	case errors.Is(err, errVariant):
		e.Kind, e.Why, e.Err = fault.TooLarge, "variant", variant
	case rare, errors.Is(err, container.ErrBMPVariant):
		e.Why = "variant"
	case errors.Is(err, convert.ErrHDR):
		e.Kind, e.Why = fault.TooLarge, "hdr"
	case errors.Is(err, convert.ErrTime):
		e.Kind, e.Why = fault.TooLarge, "time"
	case errors.Is(err, errTooLarge), errors.Is(err, convert.ErrTooLarge):
		e.Kind, e.Err = fault.TooLarge, nil
	case errors.Is(err, convert.ErrMemory):
		e.Kind, e.Why = fault.TooLarge, "pixels"
	case errors.Is(err, convert.ErrTransparent):
		e.Kind, e.Why = fault.TooLarge, "transparent"
	case errors.Is(err, convert.ErrColourSpace):
		e.Kind, e.Why = fault.TooLarge, "colours"
	default:
		e.Kind, e.Why, e.Host = fault.Unusable, "broken", ""
	}
	return e
}

// format brings a picture into a format that the host takes.
func (prepare Prepare) format(ctx context.Context, p picture.Picture, limits Limits) (picture.Picture, []lang.Message, error) {
	takes := func(f picture.Format) bool { return slices.Contains(limits.Formats, f) }
	was, animated := p.Format, p.Animated()
	switch was {
	case picture.PNG:
		if takes(was) && (!animated || takes(picture.APNG)) {
			return p, nil, nil
		}
	case picture.BMP, picture.TIFF:
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
	case !takes(picture.PNG) || !slices.Contains([]picture.Format{picture.PNG, picture.GIF, picture.BMP, picture.TIFF, picture.WebP}, was) || was == picture.WebP && animated:
		return p, nil, errNotTaken
	case animated && !prepare.FirstFrame:
		return p, nil, errAnimated
	case animated:
		note = "prepare.first_frame"
	}
	var data []byte
	var err error
	if was == picture.PNG {
		data, err = convert.Still(p.Data)
	} else {
		data, err = convert.ToPNG(ctx, p.Data)
	}
	if err != nil {
		return p, nil, err
	}
	p, err = picture.New(p.Name, data)
	return p, []lang.Message{{ID: note, Data: lang.Data{"Format": was.Name()}}}, err
}

// shrink makes a picture fit the host: without loss if it can.
func (prepare Prepare) shrink(ctx context.Context, p picture.Picture, limits Limits) (picture.Picture, []lang.Message, error) {
	limit, size := int(limits.Bytes), megabytes(int64(len(p.Data)))
	done := func(data []byte, id string, more lang.Data) (picture.Picture, []lang.Message, error) {
		p, err := picture.New(p.Name, data)
		note := lang.Message{ID: id, Data: lang.Data{"From": size, "To": megabytes(int64(len(data)))}}
		for k, v := range more {
			note.Data[k] = v
		}
		return p, []lang.Message{note}, err
	}
	if p.Animated() || p.Format == picture.GIF {
		return p, nil, errTooLarge
	}
	if p.Format == picture.PNG {
		data, err := convert.Recompress(ctx, p.Data, limit)
		if err == nil {
			return done(data, "prepare.recompressed", nil)
		}
		if !errors.Is(err, convert.ErrTooLarge) && !errors.Is(err, convert.ErrTime) {
			return p, nil, err
		}
		if data, err = convert.Palette(ctx, p.Data, limit); err == nil {
			return done(data, "prepare.palette", nil)
		}
		if !errors.Is(err, convert.ErrTooLarge) && !errors.Is(err, convert.ErrColours) && !errors.Is(err, convert.ErrTime) {
			return p, nil, err
		}
	}
	if prepare.RefuseLarge || !slices.Contains(limits.Formats, picture.JPEG) {
		return p, nil, errTooLarge
	}
	shrunk, err := convert.ToJPEG(ctx, p.Data, limit)
	if _, rare := errors.AsType[convert.VariantError](err); rare {
		err = fmt.Errorf("%w: %w", errVariant, err)
	}
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

// strip returns a picture without metadata.
func strip(p picture.Picture) (picture.Picture, error) {
	var left [][]byte
	var err error
	switch p.Format {
	case picture.PNG:
		left, err = metadata.PNG(p.Data)
	case picture.JPEG:
		left, err = metadata.JPEG(p.Data)
	case picture.WebP:
		left, err = metadata.WebP(p.Data)
	case picture.GIF:
		left, err = metadata.GIF(p.Data)
	}
	if left != nil {
		p.Data, p.Pieces = nil, left
	}
	return p, err
}
