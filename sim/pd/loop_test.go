package pd_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"doord/reader"
	"doord/reader/osdp"
	"doord/sim/pd"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// keyFile is a store that counts.
type keyFile struct{ saved []osdp.Keys }

func (k *keyFile) Save(_ int, keys osdp.Keys) error { k.saved = append(k.saved, keys); return nil }

func TestLoopServesAReaderAndOutlivesTheAdapter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus, err := osdp.NewBus(osdp.Config{Readers: []osdp.Reader{{Addr: 1, Secure: true}}, Rand: counter()})
		if err != nil {
			t.Fatal(err)
		}
		one := pd.New(pd.Config{Comm: osdp.Comm{Addr: 1}, Rand: counter()})
		p := pd.NewPort(one)
		events := make(chan osdp.Event, 1000)
		keys := &keyFile{}
		loop := osdp.NewLoop(bus, p, keys, func(e osdp.Event) { events <- e })
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- loop.Run(ctx) }()
		wait := func(what string, ok func(osdp.Event) bool) {
			t.Helper()
			late := time.After(time.Minute)
			for {
				select {
				case e := <-events:
					if ok(e) {
						return
					}
				case <-late:
					t.Fatal("no " + what)
				}
			}
		}
		loop.Do(func(b *osdp.Bus) { err = b.Commission(0, key(1), time.Minute) })
		if err != nil {
			t.Fatal(err)
		}
		wait("online", func(e osdp.Event) bool { _, ok := e.Body.(osdp.Online); return ok })
		if len(keys.saved) != 2 || keys.saved[1].Current != key(1) {
			t.Errorf("%d saves", len(keys.saved))
		}
		card := func(e osdp.Event) bool { r, ok := e.Body.(osdp.Read); return ok && r.Kind == reader.Bad }
		tap := func() { p.Do(func() { one.Card(h10301) }) }
		tap()
		wait("card", card)
		p.Plug(false)
		wait("line down", func(e osdp.Event) bool {
			d, ok := e.Body.(osdp.LineDown)
			return ok && errors.Is(d.Err, pd.ErrUnplugged)
		})
		wait("offline", func(e osdp.Event) bool { _, ok := e.Body.(osdp.Offline); return ok })
		p.Plug(true)
		wait("line up", func(e osdp.Event) bool { _, ok := e.Body.(osdp.LineUp); return ok })
		wait("online again", func(e osdp.Event) bool { _, ok := e.Body.(osdp.Online); return ok })
		tap()
		wait("card", card)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}
