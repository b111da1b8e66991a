//go:build unix && !darwin

package tray

import (
	"context"
	"errors"

	"github.com/godbus/dbus/v5"

	"bilipaste/internal/desktop"
	"bilipaste/internal/lang"
)

const propertiesInterface = "org.freedesktop.DBus.Properties"

// object is one on the bus, with one interface.
type object struct {
	name       string // the interface's
	properties func() map[string]any
	methods    map[string]method
	xml        string // describes it
}

// method takes and returns values of D-Bus. Its error is a *dbus.Error, or one
// of dbus.Store for values that the method does not take.
type method func(args []any) ([]any, error)

// connect connects to the session's bus. Calls to paths go to calls until ctx
// is done. Its error has words for the user.
func connect(ctx context.Context, paths map[dbus.ObjectPath]object, calls chan<- *dbus.Message) (*dbus.Conn, error) {
	if !desktop.Bus() {
		return nil, lang.Errorf("tray.no_bus", nil, nil)
	}
	bus, err := dbus.ConnectSessionBus(dbus.WithIncomingInterceptor(func(m *dbus.Message) {
		path, _ := m.Headers[dbus.FieldPath].Value().(dbus.ObjectPath)
		if _, ours := paths[path]; !ours || m.Type != dbus.TypeMethodCall || header(m, dbus.FieldInterface) == "org.freedesktop.DBus.Peer" {
			return
		}
		call := *m
		select {
		case calls <- &call:
		case <-ctx.Done():
		}
		// Godbus would answer too: each call on a goroutine of its own, and so
		// in no order. Libdbusmenu, which many hosts use, shows empty submenus then.
		m.Type = 0
	}))
	if err != nil {
		return nil, lang.Errorf("tray.no_bus", nil, err)
	}
	return bus, nil
}

func header(m *dbus.Message, field dbus.HeaderField) string {
	text, _ := m.Headers[field].Value().(string)
	return text
}

// answer answers a call.
func (a *adapter) answer(call *dbus.Message) {
	path, _ := call.Headers[dbus.FieldPath].Value().(dbus.ObjectPath)
	results, err := a.objects[path].call(header(call, dbus.FieldInterface), header(call, dbus.FieldMember), call.Body)
	if call.Flags&dbus.FlagNoReplyExpected != 0 {
		return
	}
	reply := &dbus.Message{Type: dbus.TypeMethodReply, Body: results, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldDestination: call.Headers[dbus.FieldSender],
		dbus.FieldReplySerial: dbus.MakeVariant(call.Serial()),
	}}
	if err != nil {
		refused, ok := errors.AsType[*dbus.Error](err)
		if !ok {
			refused = refusal("InvalidArgs", err.Error())
		}
		reply.Type, reply.Body = dbus.TypeError, refused.Body
		reply.Headers[dbus.FieldErrorName] = dbus.MakeVariant(refused.Name)
	}
	if len(reply.Body) > 0 {
		reply.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(reply.Body...))
	}
	a.bus.Send(reply, nil)
}

// call calls a method of the object, or one that every object has. The
// interface may be left out.
func (o object) call(of, member string, args []any) ([]any, error) {
	if m, ok := o.methods[member]; ok && (of == o.name || of == "") {
		return m(args)
	}
	var name, property string
	switch of + "." + member {
	case "org.freedesktop.DBus.Introspectable.Introspect":
		return []any{o.xml}, nil
	case propertiesInterface + ".Get":
		if err := dbus.Store(args, &name, &property); err != nil {
			return nil, err
		}
		if v, ok := o.properties()[property]; ok && name == o.name {
			return []any{dbus.MakeVariant(v)}, nil
		}
		return nil, refusal("UnknownProperty", property)
	case propertiesInterface + ".GetAll":
		if err := dbus.Store(args, &name); err != nil {
			return nil, err
		}
		if name != o.name {
			return nil, refusal("UnknownInterface", name)
		}
		return []any{variants(o.properties())}, nil
	case propertiesInterface + ".Set":
		return nil, refusal("PropertyReadOnly", o.name)
	}
	return nil, refusal("UnknownMethod", member)
}

// refusal is one of D-Bus's own errors.
func refusal(kind, what string) *dbus.Error {
	return dbus.NewError("org.freedesktop.DBus.Error."+kind, []any{what})
}

func variants(values map[string]any) map[string]dbus.Variant {
	all := make(map[string]dbus.Variant, len(values))
	for name, v := range values {
		all[name] = dbus.MakeVariant(v)
	}
	return all
}
