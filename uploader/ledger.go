package uploader

import (
	"context"

	"bilipaste/internal/picture"
)

// Ledger is the memory of what was uploaded. It is safe for concurrent use,
// also by several processes.
type Ledger interface {
	// Known returns the newest living link of a picture at a destination. With how,
	// sum is that of the picture as it was given, before Prepare, and how says
	// how it is prepared; a picture that was prepared otherwise is not known
	// by it. Without how, sum is that of the bytes that go to the host.
	Known(ctx context.Context, at Destination, sum picture.Sum, how string) (Link, bool, error)

	// Record enters an upload that succeeded, whole or not at all, and that its
	// picture is not pending any more. A link that was known already, and is
	// handed out once more, counts as used now. Entered again, it is one entry.
	Record(ctx context.Context, u Upload) error
}

// Destination is where a host keeps pictures: the same bytes need not go there twice.
type Destination struct {
	Host   string
	Bucket string // "" where the host has none
}

// Upload is an upload that succeeded.
type Upload struct {
	To      Destination     // where it was to go
	At      Destination     // where it is: elsewhere if To's host did not take it
	Picture picture.Picture // as it was given
	Given   picture.Sum     // of the picture
	How     string          // how it was prepared: a short text, never ""
	Sent    picture.Sum     // of the bytes that went to the host; zero where the picture was known as it was given
	Link    Link
}
