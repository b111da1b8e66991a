package watcher

import (
	"context"
	"errors"
	"html"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// Limits of a text beside a picture.
const (
	// besideLimit is how long a program may take to hand it over: some offer a
	// text whenever they offer anything, and have none.
	besideLimit = 3 * time.Second

	// besideAgain is the same once it has handed over the picture.
	besideAgain = time.Second

	maxMarkup = 256 << 10 // bytes of the markup beside it
)

// readBeside takes a picture with a text beside it if there is no such text, or
// it is only the picture's address.
func (w *Watcher) readBeside(ctx context.Context, clip *Clip, p plan) {
	clip.Why = TextBeside
	counts, silent := w.textBeside(ctx, clip, p.texts, besideLimit)
	if counts {
		return
	}
	q := plan{take: Picture, why: IsPicture, format: p.others[0], others: p.others[1:]}
	w.readPicture(ctx, clip, q)
	if silent && clip.Take == Picture {
		// Perhaps it was only busy then.
		if counts, _ = w.textBeside(ctx, clip, p.texts, besideAgain); counts {
			*clip = Clip{Formats: clip.Formats, Why: TextBeside, offer: clip.offer}
		}
	}
}

// textBeside reports whether a text counts, beside a picture, and whether the
// program did not hand it over in time.
func (w *Watcher) textBeside(ctx context.Context, clip *Clip, formats []string, limit time.Duration) (counts, silent bool) {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for _, format := range formats {
		content, err := clip.offer.read(limited, format, maxPath, nil)
		switch {
		case errors.Is(err, errSilent), limited.Err() != nil:
			return ctx.Err() != nil, true
		case errors.Is(err, errRefused):
			continue
		case err != nil:
			return true, false
		}
		if text := strings.TrimRight(plainText(format, content), "\x00"); text != "" {
			return !w.isAddress(ctx, clip, text), false
		}
	}
	return false, false
}

// isAddress reports whether a text is nothing but where the picture beside it comes
// from. Markup beside them must say so: a cell may hold an address, too. Where
// there is none, the address or path must be a picture's by its name.
func (w *Watcher) isAddress(ctx context.Context, clip *Clip, text string) bool {
	text = strings.TrimSpace(text)
	if strings.ContainsAny(text, "\t\r\n") {
		return false
	}
	marked := false
	for _, format := range clip.Formats {
		if !isMarkup(format) {
			continue
		}
		marked = true
		content, err := clip.offer.read(ctx, format, maxMarkup, nil)
		if err != nil {
			return false
		}
		markup := html.UnescapeString(strings.ReplaceAll(string(content), "\x00", "")) // of UTF-16, too
		if strings.Contains(markup, `src="`+text+`"`) || strings.Contains(markup, `src='`+text+`'`) {
			return true
		}
	}
	if marked {
		return false
	}
	if file, ok := pathOf(text); ok {
		return isPictureName(file.path)
	}
	u, err := url.Parse(text)
	return strings.HasPrefix(text, "data:image/") ||
		err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https") && !strings.Contains(text, " ") && isPictureName(u.Path)
}

// isMarkup reports whether a format is of text with its looks.
func isMarkup(format string) bool {
	name := strings.ToLower(format)
	return strings.Contains(name, "html") || strings.Contains(name, "rtf") || strings.Contains(name, "rich text")
}

// isPictureName reports whether a file's name ends as a picture's does.
func isPictureName(name string) bool {
	return slices.Contains([]string{
		".png", ".jpg", ".jpeg", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif", ".heic", ".svg", ".ico", ".jxl",
	}, strings.ToLower(path.Ext(name)))
}
