package desktop

import (
	"bufio"
	"cmp"
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/gofrs/flock"

	"bilipaste/internal/lang"
)

// ErrRunning says that the user's bilipaste is running already.
var ErrRunning error = lang.Errorf("desktop.running", nil, nil)

// Instance is the one running program of a user.
//
// It holds a lock, which the system gives back however the program ends. How
// to reach it stands in a file beside the lock that only the user can read: a
// port on loopback, and a token that shows the user to be who asks. That much
// works alike on every system; Unix sockets, say, not on each Windows.
type Instance struct {
	lock     *flock.Flock
	file     string
	token    string
	listener net.Listener
	shown    func()
	serving  sync.WaitGroup
}

// address is the file's content.
type address struct {
	Port  int
	Token string
}

const (
	answered = "bilipaste is shown\n"
	// patience is how long a running instance may take to answer, also if it
	// has only just begun.
	patience = 3 * time.Second
)

// Claim makes this program the user's one instance; dir is a folder of the
// user's own, made if it is not there. Whenever another one is started, shown
// is called, which should return soon. If there is one already, that is told
// to show itself, and the error is ErrRunning, also if it did not answer.
func Claim(ctx context.Context, dir string, shown func()) (*Instance, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, unclaimed(err)
	}
	i := &Instance{
		lock:  flock.New(filepath.Join(dir, "instance.lock"), flock.SetPermissions(0o600)),
		file:  filepath.Join(dir, "instance.json"),
		token: rand.Text(), shown: shown,
	}
	ours, err := i.lock.TryLock()
	if err != nil {
		return nil, unclaimed(err)
	}
	if !ours {
		return nil, cmp.Or(callOther(ctx, i.file), ErrRunning)
	}
	if err := i.listen(); err != nil {
		return nil, errors.Join(unclaimed(err), i.lock.Unlock())
	}
	return i, nil
}

func unclaimed(err error) error {
	return lang.Errorf("desktop.unclaimed", lang.Data{"Cause": err.Error()}, err)
}

// listen starts to wait for other instances.
func (i *Instance) listen() (err error) {
	if i.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	data, err := json.Marshal(address{i.listener.Addr().(*net.TCPAddr).Port, i.token})
	if err == nil {
		// A reader sees the whole address or none.
		next := i.file + ".new"
		err = cmp.Or(removeAny(next), os.WriteFile(next, data, 0o600), os.Rename(next, i.file))
	}
	if err != nil {
		_ = i.listener.Close()
		return err
	}
	i.serving.Go(func() {
		for {
			conn, err := i.listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				i.serving.Go(func() { i.answer(conn) })
			}
		}
	})
	return nil
}

// answer serves one who knows the token.
func (i *Instance) answer(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	said := make([]byte, len(i.token)+1)
	if _, err := io.ReadFull(conn, said); err != nil {
		return
	}
	if subtle.ConstantTimeCompare(said, []byte(i.token+"\n")) == 0 {
		return
	}
	i.shown()
	_, _ = conn.Write([]byte(answered))
}

// Close gives the place up to another.
func (i *Instance) Close() error {
	err := i.listener.Close()
	i.serving.Wait()
	return errors.Join(err, removeAny(i.file), i.lock.Unlock())
}

// callOther tells the running instance to show itself. The file may be another's
// that has ended, or not be there yet.
func callOther(ctx context.Context, file string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		err := call(ctx, file)
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return fmt.Errorf("%w, and does not answer: %w", ErrRunning, err)
		}
	}
}

func call(ctx context.Context, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var a address
	if err := json.Unmarshal(data, &a); err != nil {
		return err
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(a.Port)))
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if end, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(end)
	}
	if _, err := conn.Write([]byte(a.Token + "\n")); err != nil {
		return err
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if answer != answered {
		return cmp.Or(err, errors.New("another program answers"))
	}
	return nil
}

// removeAny removes a file that need not be there.
func removeAny(file string) error {
	if err := os.Remove(file); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
