package pd_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"doord/reader"
	"doord/reader/osdp"
	"doord/sim/pd"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// port is a line in a synctest bubble: what is written is answered by a reader
// after the time that the bytes take. It can be unplugged.
type port struct {
	mu    sync.Mutex
	pd    *pd.PD
	start time.Time
	baud  int
	rx    []byte
	at    time.Time // when rx is there
	gone  bool
	bad   bool // after gone: needs Reopen
}

var errGone = errors.New("no such device")

func (p *port) Read(buf []byte, wait time.Duration) (int, error) {
	p.mu.Lock()
	if p.bad {
		p.mu.Unlock()
		return 0, errGone
	}
	until := time.Now().Add(wait)
	ready := p.rx != nil && !p.at.After(until)
	if ready {
		until = p.at
	}
	p.mu.Unlock()
	time.Sleep(time.Until(until)) // the bubble's time
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bad || !ready {
		return 0, nil
	}
	n := copy(buf, p.rx)
	if p.rx = p.rx[n:]; len(p.rx) == 0 {
		p.rx = nil
	}
	return n, nil
}

func (p *port) Write(b []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bad {
		return errGone
	}
	if p.baud != p.pd.Comm.Baud {
		return nil
	}
	char := 10 * time.Second / time.Duration(p.baud)
	if r := p.pd.Receive(time.Since(p.start), b); r != nil {
		p.rx = slices.Clone(r)
		p.at = time.Now().Add(time.Duration(len(b)+len(r)+2)*char + pd.Turnaround)
	}
	return nil
}

func (p *port) SetSpeed(baud int) error { p.baud = baud; return nil }

func (p *port) Reopen() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		return errGone
	}
	p.bad, p.rx = false, nil
	return nil
}

func (p *port) plug(in bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.gone = !in
	p.bad = p.bad || p.gone
}

// keyFile is a store that counts.
type keyFile struct{ saved []osdp.Keys }

func (k *keyFile) Save(_ int, keys osdp.Keys) error { k.saved = append(k.saved, keys); return nil }

func TestLoopServesAReaderAndOutlivesTheAdapter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		bus, err := osdp.NewBus(osdp.Config{Readers: []osdp.Reader{{Addr: 1, Secure: true}}, Rand: counter()})
		if err != nil {
			t.Fatal(err)
		}
		p := &port{pd: pd.New(pd.Config{Comm: osdp.Comm{Addr: 1}, Rand: counter()}), start: time.Now()}
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
		tap := func() { p.mu.Lock(); p.pd.Card(h10301); p.mu.Unlock() }
		tap()
		wait("card", card)
		p.plug(false)
		wait("line down", func(e osdp.Event) bool { d, ok := e.Body.(osdp.LineDown); return ok && errors.Is(d.Err, errGone) })
		wait("offline", func(e osdp.Event) bool { _, ok := e.Body.(osdp.Offline); return ok })
		p.plug(true)
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
