package control

import (
	"cmp"
	"context"

	"bilipaste/internal/fault"
	"bilipaste/internal/lang"
	"bilipaste/internal/resident"
	"bilipaste/internal/writing"
)

// Run serves the requests of other starts of the program with r, until ctx is
// done, and returns ctx's error.
func (i *Instance) Run(ctx context.Context, r *resident.Resident) error {
	return i.Serve(ctx, func(ctx context.Context, request Request) Answer { return i.Do(ctx, r, request) })
}

// Do does what is requested of r.
func (i *Instance) Do(ctx context.Context, r *resident.Resident, request Request) Answer {
	var answer Answer
	var err error
	switch request.Do {
	case Show:
		if answer.Left = i.Leave != nil && r.IsCutOff(ctx); answer.Left {
			i.Leave()
		} else {
			r.ShowItself()
		}
	case Writing:
		err = setWriting(r, request.Value)
		if err == nil && request.Value != "status" && i.Shown != nil && !i.Shown() {
			r.ShowWriting()
		}
	case Now:
		answer.Links, err = upload(ctx, r)
	case Upload:
		answer.Links, err = Clipboard(ctx, r)
	case PutBack:
		err = r.PutBack(ctx)
	case Open:
		if i.Page == nil {
			err = lang.Errorf("control.no_page", nil, nil)
		} else {
			answer.Page, err = i.Page()
		}
	default:
		err = lang.Errorf("control.unknown", lang.Data{"Request": string(request.Do)}, nil)
	}
	answer.Writing = r.State().Writing
	answer.Error = fault.Tell(r.Language(), err)
	return answer
}

func setWriting(r *resident.Resident, value string) error {
	switch value {
	case "on":
		return r.SetWriting(true)
	case "off":
		return r.SetWriting(false)
	case "toggle":
		return r.ToggleWriting()
	case "status":
	default:
		return lang.Errorf("control.unknown", lang.Data{"Request": string(Writing) + " " + value}, nil)
	}
	return nil
}

// upload uploads what is on the clipboard. Links that were made are returned
// also where others failed.
func upload(ctx context.Context, r *resident.Resident) ([]Link, error) {
	result, err := r.UploadNow(ctx)
	return Links(result), err
}

// Clipboard uploads what is on the clipboard, which stays as it is. There is a
// link for each picture of it, or an error.
func Clipboard(ctx context.Context, r *resident.Resident) ([]Link, error) {
	pictures, outcomes, err := r.UploadClipboard(ctx)
	var links []Link
	for i, out := range outcomes {
		if err = cmp.Or(err, out.Err); err != nil {
			return nil, err
		}
		links = append(links, Link{URL: out.Link.URL, Name: pictures[i].Name, Width: out.Link.Width, Height: out.Link.Height})
	}
	return links, err
}

// Links returns the links that were made of a clip.
func Links(result writing.Result) []Link {
	var links []Link
	for _, p := range result.Pictures {
		if p.Err == nil {
			links = append(links, Link{URL: p.Link.URL, Name: p.Name, Width: p.Link.Width, Height: p.Link.Height})
		}
	}
	return links
}
