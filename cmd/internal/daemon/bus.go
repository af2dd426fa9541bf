package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"doord/cmd/internal/config"
	"doord/policy"
	"doord/policy/controller"
	"doord/reader"
	"doord/reader/osdp"
	"doord/reader/wiegand"
)

// bus is one RS-485 line at work.
//
//	osdp.Loop ─events─▶ worker ─▶ look-up, the loop, those who wait for an answer
//	    ▲                  │
//	    └──── Show ────────┘◀─ want: what readers are to show
//
// The worker stands between, so that neither a look-up holds up the line nor the
// line the loop.
type bus struct {
	daemon  *Daemon
	config  config.Bus
	readers []int // index on the board, by index on the bus
	loop    *osdp.Loop
	keys    *keyring
	entries []reader.Entry
	faults  []string // what stands in a reader's way now

	events chan osdp.Event
	wake   chan struct{} // something is wanted

	mu       sync.Mutex
	wanted   map[int]shown // by index on the bus
	watchers map[chan osdp.Event]bool
	tracers  map[chan osdp.Trace]bool
}

// Bounds of what waits: for the worker, and for a slow watcher or tracer, who
// then misses some.
const (
	busEvents = 256
	watched   = 64
	traced    = 1024
)

func newBus(d *Daemon, c config.Bus, line osdp.Line, keys *keyring) (*bus, error) {
	b := &bus{daemon: d, config: c, keys: keys,
		events: make(chan osdp.Event, busEvents), wake: make(chan struct{}, 1),
		wanted: map[int]shown{}, watchers: map[chan osdp.Event]bool{}, tracers: map[chan osdp.Trace]bool{}}
	settings := osdp.Config{Decode: decoder(c.Formats)}
	for i, r := range d.Config.Readers {
		if r.Bus != c.Name || !r.OSDP() {
			continue
		}
		kept := keys.get(r.Name)
		at := osdp.Reader{Addr: r.Address(), Baud: c.Speed, Secure: *r.Secure || kept.Secure, Keys: kept.keys(), Tap: r.Tap}
		if kept.Addr != nil {
			at.Addr, at.Baud = *kept.Addr, kept.Baud
		}
		settings.Readers = append(settings.Readers, at)
		b.readers = append(b.readers, i)
	}
	b.entries = make([]reader.Entry, len(b.readers))
	b.faults = make([]string, len(b.readers))
	core, err := osdp.NewBus(settings)
	if err != nil {
		return nil, fmt.Errorf("bus %s: %w", c.Name, err)
	}
	b.loop = osdp.NewLoop(core, line, b, func(e osdp.Event) { b.events <- e })
	return b, nil
}

// decoder reads the bits of a card in the formats of a bus.
func decoder(formats []string) func(bits string) reader.Read {
	return func(text string) reader.Read {
		bits, err := wiegand.ParseBits(text)
		if err != nil {
			return reader.Read{Kind: reader.Bad, Fault: reader.FaultLength}
		}
		fault := reader.FaultLength
		for _, f := range formats {
			token, err := wiegand.Decode(f, bits)
			if err == nil {
				return reader.Read{Kind: reader.Card, Token: token}
			}
			if errors.Is(err, wiegand.ErrParity) {
				fault = reader.FaultParity
			}
		}
		return reader.Read{Kind: reader.Bad, Fault: fault}
	}
}

// Save implements osdp.KeyStore.
func (b *bus) Save(i int, k osdp.Keys) error {
	return b.keys.change(b.name(i), func(r *keptReader) {
		r.Current, r.Next = formatKey(k.Current), formatKey(k.Next)
	})
}

func (b *bus) name(i int) string { return b.daemon.Config.Readers[b.readers[i]].Name }

// run serves the line until the context ends.
func (b *bus) run(ctx context.Context) {
	var wg sync.WaitGroup
	silent := make(chan struct{})
	wg.Go(func() { b.work(ctx, silent) })
	_ = b.loop.Run(ctx) // it ends with the context, and says no more than that
	close(silent)
	wg.Wait()
}

// work takes the line's events until it is silent for good.
func (b *bus) work(ctx context.Context, silent <-chan struct{}) {
	for {
		select {
		case e := <-b.events:
			b.handle(ctx, e)
		case <-b.wake:
			b.showWanted()
		case <-silent:
			return
		}
	}
}

// want asks for what a reader of the board is to show. It never waits.
func (b *bus) want(board int, s shown) {
	i := slices.Index(b.readers, board)
	b.mu.Lock()
	b.wanted[i] = s
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
}

func (b *bus) showWanted() {
	b.mu.Lock()
	wanted := b.wanted
	b.wanted = map[int]shown{}
	b.mu.Unlock()
	b.loop.Do(func(core *osdp.Bus) {
		for i, s := range wanted {
			_ = core.Show(i, s.feedback, s.sound) // an unknown reader is none of ours
		}
	})
}

// handle takes one event of the line.
func (b *bus) handle(ctx context.Context, e osdp.Event) {
	b.tellWatchers(e)
	d := b.daemon
	if e.Reader < 0 || e.Reader >= len(b.readers) {
		b.handleLine(e)
		return
	}
	board := b.readers[e.Reader]
	switch x := e.Body.(type) {
	case osdp.Read:
		d.read(ctx, board, &b.entries[e.Reader], x.Read)
	case osdp.Phone, osdp.Tapped, osdp.TapFailed:
		b.handlePhone(ctx, e)
	case osdp.PossiblyLost:
		d.post(ctx, controller.BadFrame{Reader: board, Fault: "possibly_lost"})
	case osdp.Online:
		b.clear(e.Reader)
		d.post(ctx, controller.ReaderChanged{Reader: board, Online: true})
	case osdp.Identified:
		what := "reader " + b.name(e.Reader) + " cannot carry a tap: it has no transparent mode"
		hint := ""
		if r := d.Config.Readers[board]; r.Tap && x.Capabilities.Of(osdp.CapSmartCard).Compliance&1 == 0 {
			hint = "take tap = true out of the board's configuration, or put a reader there that has it"
		}
		d.fault(what, hint)
	case osdp.Offline:
		d.post(ctx, controller.ReaderChanged{Reader: board})
	case osdp.Tamper:
		d.post(ctx, controller.ReaderChanged{Reader: board, Online: true, Tampered: x.Tamper})
	case osdp.Inputs:
		b.handleInputs(ctx, e.Reader, x)
	case osdp.SecureLost:
		b.note(ctx, board, policy.ReaderSecureLost, x.Why)
	case osdp.Commission:
		b.commissioned(ctx, e.Reader, x)
	case osdp.Moved:
		if x.Err == nil {
			b.keep(e.Reader, func(r *keptReader) { r.Addr, r.Baud = &x.Comm.Addr, x.Comm.Baud })
		}
	case osdp.Fault:
		b.clear(e.Reader)
		b.faults[e.Reader] = "reader " + b.name(e.Reader) + ": " + x.Err.Error()
		d.fault(b.faults[e.Reader], "doorctl osdp status tells more; a reader without a key needs doorctl osdp commission")
	}
}

func (b *bus) handleLine(e osdp.Event) {
	what := "bus " + b.config.Name + " is gone"
	switch x := e.Body.(type) {
	case osdp.LineDown:
		b.daemon.fault(what, "check the serial adapter "+b.config.Port+": "+x.Err.Error())
	case osdp.LineUp:
		b.daemon.fault(what, "")
	}
}

// clear ends the fault of a reader.
func (b *bus) clear(i int) {
	if b.faults[i] != "" {
		b.daemon.fault(b.faults[i], "")
		b.faults[i] = ""
	}
}

func (b *bus) note(ctx context.Context, board int, kind policy.EventType, detail string) {
	name := b.daemon.board.Readers[board].Name
	b.daemon.post(ctx, controller.Noted{Event: policy.Event{Type: kind, Success: true, Detail: detail,
		Object: policy.Ref{Type: "reader", Name: name}, Reader: name}})
}

// keep stores something about a reader. If that fails the reader works on as it
// is, and a person is told.
func (b *bus) keep(i int, f func(*keptReader)) {
	if err := b.keys.change(b.name(i), f); err != nil {
		b.daemon.fault(err.Error(), "see that the disk of "+b.daemon.Config.StateDir+" has room and is writable")
	}
}

func (b *bus) commissioned(ctx context.Context, i int, x osdp.Commission) {
	detail := "commissioning closed: the reader has its key"
	switch {
	case x.Open:
		detail = "commissioning open"
	case x.Err != nil:
		detail = "commissioning closed: " + x.Err.Error()
	default:
		b.keep(i, func(r *keptReader) { r.Secure = true })
	}
	b.note(ctx, b.readers[i], policy.ReaderCommission, detail)
}

// handleInputs gives the core the inputs of a reader that the board's
// configuration knows.
func (b *bus) handleInputs(ctx context.Context, i int, states osdp.Inputs) {
	d := b.daemon
	for at, in := range d.Config.Input {
		if in.Reader != b.name(i) || in.ReaderInput >= len(states) {
			continue
		}
		c := controller.Changed{Line: at}
		switch states[in.ReaderInput] {
		case osdp.Inactive:
			c.Status = controller.InputClosed
		case osdp.Active:
			c.Status, c.Active = controller.InputOpen, true
		case osdp.ShortCircuit:
			c.Status = controller.InputShort
		case osdp.OpenCircuit, osdp.InputFault, osdp.InputUnknown:
			c.Status = controller.InputCut
		}
		d.post(ctx, c)
	}
}

// watch returns the line's events from now on, until stop.
func (b *bus) watch() (events <-chan osdp.Event, stop func()) {
	ch := make(chan osdp.Event, watched)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watchers[ch] = true
	return ch, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.watchers, ch)
	}
}

func (b *bus) tellWatchers(e osdp.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for ch := range b.watchers {
		select {
		case ch <- e:
		default: // it is too slow and misses this one
		}
	}
}

// trace returns the line's frames from now on, until stop.
func (b *bus) trace() (frames <-chan osdp.Trace, stop func()) {
	ch := make(chan osdp.Trace, traced)
	b.mu.Lock()
	b.tracers[ch] = true
	b.mu.Unlock()
	b.setTrace()
	return ch, func() {
		b.mu.Lock()
		delete(b.tracers, ch)
		b.mu.Unlock()
		b.setTrace()
	}
}

// setTrace has frames decoded only while somebody looks.
func (b *bus) setTrace() {
	b.mu.Lock()
	on := len(b.tracers) > 0
	b.mu.Unlock()
	b.loop.Do(func(core *osdp.Bus) {
		if !on {
			core.SetTrace(nil)
			return
		}
		core.SetTrace(func(t osdp.Trace) {
			t.Raw = slices.Clone(t.Raw)
			b.mu.Lock()
			defer b.mu.Unlock()
			for ch := range b.tracers {
				select {
				case ch <- t:
				default: // it is too slow and misses this one
				}
			}
		})
	})
}
