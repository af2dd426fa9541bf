package osdp

import (
	"context"
	"sync"
	"time"
)

// Line is a serial port, as go.bug.st/serial gives it with little around.
type Line interface {
	// Read waits for bytes, at most so long. A time-out is (0, nil).
	Read(buf []byte, wait time.Duration) (int, error)
	// Write sends all of p, or fails.
	Write(p []byte) error
	// SetSpeed changes the speed, in bits per second, once all is sent.
	SetSpeed(baud int) error
	// Reopen opens the port anew after an error, or returns why it cannot yet.
	Reopen() error
}

// Waits between attempts to reopen a port, doubling.
const (
	reopenMin = 100 * time.Millisecond
	reopenMax = 5 * time.Second
)

// Loop runs one bus on one line. It starts no goroutine: Run is the loop.
//
//	Line ─bytes─▶ Bus.Step ─bytes─▶ Line
//	                 └─events─▶ Handle, and keys to Store
type Loop struct {
	line   Line
	store  KeyStore
	handle func(Event)
	start  time.Time

	mu  sync.Mutex
	bus *Bus
}

// NewLoop returns a loop. Events go to handle, one at a time from Run's
// goroutine; it may call Do. Store may be nil if no reader is ever commissioned.
func NewLoop(bus *Bus, line Line, store KeyStore, handle func(Event)) *Loop {
	return &Loop{line: line, store: store, handle: handle, start: time.Now(), bus: bus}
}

// Now is the time on the bus's clock, which is zero when the loop is made.
func (l *Loop) Now() time.Duration { return time.Since(l.start) }

// Do calls f with the bus while nothing else uses it. F must not block.
func (l *Loop) Do(f func(*Bus)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(l.bus)
}

// Run speaks to the readers until ctx ends, and returns its error. A port that
// fails is opened again as often as it takes: for the readers that is a silence.
func (l *Loop) Run(ctx context.Context) error {
	var (
		buf  [512]byte
		n    int
		port = port{line: l.line}
	)
	for ctx.Err() == nil {
		tx, wake, events := l.step(buf[:n])
		port.write(tx, l.Now())
		for _, e := range events {
			l.dispatch(e)
		}
		n = port.read(buf[:], wake, l.Now)
		if body := port.changed(); body != nil {
			l.handle(Event{l.Now(), -1, body})
		}
	}
	return ctx.Err()
}

// step takes the bytes to the bus.
func (l *Loop) step(rx []byte) (Tx, time.Duration, []Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	tx := l.bus.Step(l.Now(), rx)
	ev := l.bus.Events()
	if len(ev) > 0 {
		ev = append([]Event(nil), ev...) // Do may add to the bus's own
	}
	return tx, l.bus.Wake(), ev
}

// dispatch stores keys and hands everything else on.
func (l *Loop) dispatch(e Event) {
	save, ok := e.Body.(SaveKeys)
	if !ok {
		l.handle(e)
		return
	}
	err := ErrNoKey
	if l.store != nil {
		err = l.store.Save(e.Reader, save.Keys)
	}
	l.Do(func(b *Bus) { b.KeysSaved(e.Reader, save.Keys, err) })
	if err != nil {
		l.handle(Event{e.At, e.Reader, Fault{err}})
	}
}

// port is the line with its troubles: while it is down, writing is silence and
// reading is waiting.
type port struct {
	line   Line
	baud   int
	err    error // why it is down; nil if it is not
	isDown bool  // as changed said last
	retry  time.Duration
	pause  time.Duration
}

// write sends, at the right speed.
func (p *port) write(tx Tx, now time.Duration) {
	if p.err != nil && now >= p.retry {
		p.baud = 0
		if p.err = p.line.Reopen(); p.err != nil {
			p.down(p.err, now)
		}
	}
	if len(tx.Data) == 0 || p.err != nil {
		return
	}
	if tx.Baud != p.baud {
		if err := p.line.SetSpeed(tx.Baud); err != nil {
			p.down(err, now)
			return
		}
		p.baud = tx.Baud
	}
	if err := p.line.Write(tx.Data); err != nil {
		p.down(err, now)
	} else {
		p.pause = 0
	}
}

// read waits for bytes until wake.
func (p *port) read(buf []byte, wake time.Duration, now func() time.Duration) int {
	wait := max(wake-now(), 0)
	if p.err != nil {
		time.Sleep(min(wait, max(p.retry-now(), 0)))
		return 0
	}
	n, err := p.line.Read(buf, wait)
	if err != nil {
		p.down(err, now())
		return 0
	}
	return n
}

// down notes an error and when to try again.
func (p *port) down(err error, now time.Duration) {
	p.err = err
	p.pause = min(max(2*p.pause, reopenMin), reopenMax)
	p.retry = now + p.pause
}

// changed returns LineDown or LineUp if the line went down or came back, else nil.
func (p *port) changed() Body {
	if p.isDown == (p.err != nil) {
		return nil
	}
	p.isDown = p.err != nil
	if p.isDown {
		return LineDown{p.err}
	}
	return LineUp{}
}
