// Package app puts the program together: from its folders and settings come the
// way to the hosts, the account, the album and the uploader.
package app

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"

	"bilipaste/internal/album"
	"bilipaste/internal/config"
	"bilipaste/internal/desktop"
	"bilipaste/internal/keystore"
	"bilipaste/internal/lang"
	"bilipaste/internal/picture"
	"bilipaste/watcher"
)

// App is the program's parts, each made when it is first asked for. It is safe
// for concurrent use once its fields are set.
type App struct {
	Dirs      config.Dirs
	Source    config.Source
	Version   string       // of the program, for its help
	Sandboxed bool         // everything goes to a stand-in inside the program
	Log       *slog.Logger // for what the user should know

	mu      sync.Mutex
	chosen  []string // keys of which the file alone is asked
	network *Network
	album   *album.Album
	stores  map[keystore.Mode]*keystore.Store
}

// Settings returns the settings as they are now, after a check of what only
// the hosts can check. The error is a lang.Teller that names the key.
func (a *App) Settings() (config.Config, error) {
	c, err := a.source().Load()
	if err == nil {
		if bad := CheckHosts(c); bad != nil {
			err = lang.Errorf("config.in_file", lang.Data{"File": a.Source.File, "Cause": bad}, bad)
		}
	}
	return c, err
}

// Choose has the file alone say what a key is, whatever a flag has said: the
// user has chosen anew.
func (a *App) Choose(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.chosen = append(a.chosen, key)
}

// source is where the settings come from by now.
func (a *App) source() config.Source {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := a.Source
	for _, key := range a.chosen {
		s = s.Without(key)
	}
	return s
}

// Arguments are those with which a command runs with the settings of this run.
func (a *App) Arguments(command string) ([]string, error) {
	arguments := []string{command}
	if a.Source.File != a.Dirs.File() {
		file, err := filepath.Abs(a.Source.File)
		if err != nil {
			return nil, err
		}
		arguments = append(arguments, "--config", file)
	}
	for _, v := range a.source().Over {
		arguments = append(arguments, "--"+v.Key, v.Text)
	}
	return arguments, nil
}

// Printer says things in the language of the settings.
func Printer(c config.Config) *lang.Printer {
	if c.Language == "auto" {
		return lang.New(desktop.Language())
	}
	return lang.New(c.Language)
}

// LogFile is where the program writes what a terminal would show.
func (a *App) LogFile() string { return filepath.Join(a.Dirs.State, "bilipaste.log") }

// Clipboard opens the desktop's clipboard. Before a text is read to see if it is
// the path of a picture, textPaths is asked. coming and lost, unless they are nil,
// are told what watcher.Options say. The error is watcher.Open's.
func (a *App) Clipboard(ctx context.Context, textPaths func() bool, coming func(), lost func(error)) (*watcher.Watcher, error) {
	return watcher.Open(ctx, watcher.Options{IsPicture: picture.Is, TextPaths: textPaths, Coming: coming, Lost: lost})
}

// NoTexts has Clipboard read none.
func NoTexts() bool { return false }

// Album opens the album, once; Close closes it. A stand-in's links are of no
// use to the real album: it has one of its own.
func (a *App) Album(ctx context.Context, c config.Config) (*album.Album, error) {
	dir, err := a.AlbumFolder()
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.album == nil {
		kept, err := album.Open(ctx, dir, AlbumOptions(c))
		if err != nil {
			return nil, err
		}
		a.album = kept
	}
	return a.album, nil
}

// AlbumOptions are the album's settings.
func AlbumOptions(c config.Config) album.Options {
	return album.Options{MaxSize: int64(c.AlbumMaxSize)}
}

// AlbumFolder is where the album is, or would be.
func (a *App) AlbumFolder() (string, error) {
	n, err := a.Network()
	if err != nil {
		return "", err
	}
	return filepath.Join(n.data, "album"), nil
}

// Close ends what was opened.
func (a *App) Close() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	var err error
	if a.album != nil {
		err = a.album.Close()
		a.album = nil
	}
	if a.network != nil {
		err = errors.Join(err, a.network.close())
		a.network = nil
	}
	return err
}

// Backend says how the clipboard is watched. Its error is Clipboard's.
func (a *App) Backend(ctx context.Context) (string, error) {
	w, err := a.Clipboard(ctx, NoTexts, nil, nil)
	if err != nil {
		return "", err
	}
	return w.Backend(), w.Close() // nothing of ours is on it
}
