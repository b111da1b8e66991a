//go:build !darwin && !windows

package watcher

import (
	"sync"

	"github.com/jezek/xgb"
	"github.com/jezek/xgb/xproto"
)

// x11Names are the formats' names and atoms of one X server, so far as it was
// asked for them: they hold for its life, and each question takes a round trip.
type x11Names struct {
	conn *xgb.Conn

	mu    sync.Mutex
	atoms map[string]xproto.Atom
	names map[xproto.Atom]string
}

// maxNames is how many are kept: far more than programs offer, unless one
// invents them.
const maxNames = 2000

func newX11Names(conn *xgb.Conn) *x11Names {
	return &x11Names{conn: conn, atoms: map[string]xproto.Atom{}, names: map[xproto.Atom]string{}}
}

// atomsOf returns the atoms of names, in their order.
func (n *x11Names) atomsOf(names ...string) ([]xproto.Atom, error) {
	atoms := make([]xproto.Atom, len(names))
	asked := map[int]xproto.InternAtomCookie{}
	for i, name := range names {
		n.mu.Lock()
		atoms[i] = n.atoms[name]
		n.mu.Unlock()
		if atoms[i] == xproto.AtomNone {
			asked[i] = xproto.InternAtom(n.conn, false, uint16(len(name)), name)
		}
	}
	for i, cookie := range asked {
		r, err := cookie.Reply()
		if err != nil {
			return nil, err
		}
		atoms[i] = r.Atom
		n.note(names[i], r.Atom)
	}
	return atoms, nil
}

// namesOf returns the names of atoms, in their order, without those that are none.
func (n *x11Names) namesOf(atoms []xproto.Atom) []string {
	names := make([]string, len(atoms))
	asked := map[int]xproto.GetAtomNameCookie{}
	for i, atom := range atoms {
		n.mu.Lock()
		name, ok := n.names[atom]
		n.mu.Unlock()
		if names[i] = name; !ok {
			asked[i] = xproto.GetAtomName(n.conn, atom)
		}
	}
	known := names[:0]
	for i, name := range names {
		if cookie, ok := asked[i]; ok {
			r, err := cookie.Reply()
			if err != nil {
				continue
			}
			name = r.Name
			n.note(name, atoms[i])
		}
		known = append(known, name)
	}
	return known
}

func (n *x11Names) note(name string, atom xproto.Atom) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.names) < maxNames {
		n.atoms[name], n.names[atom] = atom, name
	}
}
