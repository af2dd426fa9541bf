package gateway

import (
	"context"
	"sync"
	"time"
)

// Line is a serial port or a connection.
type Line interface {
	// Read waits for bytes, at most so long. A time-out is (0, nil).
	Read(buf []byte, wait time.Duration) (int, error)
	// Write sends all of p, or fails.
	Write(p []byte) error
	// Reopen opens the line anew after an error, or returns why it cannot yet.
	Reopen() error
}

// look bounds how long a new want waits for Read.
const look = 20 * time.Millisecond

// Waits between attempts to reopen a line, doubling.
const (
	reopenMin = 100 * time.Millisecond
	reopenMax = 5 * time.Second
)

// Loop runs one adapter on one line. It starts no goroutine: Run is the loop.
type Loop struct {
	line    Line
	now     func() time.Duration
	mu      sync.Mutex
	adapter Adapter
}

// NewLoop returns a loop on a clock.
func NewLoop(a Adapter, line Line, now func() time.Duration) *Loop {
	return &Loop{line: line, now: now, adapter: a}
}

// Want says how the lock of a channel is to be. It waits for no line.
func (l *Loop) Want(channel int, w Want) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.adapter.Want(channel, w)
}

// Flush sends what is wanted, once, after Run has ended.
func (l *Loop) Flush() {
	if tx, _, _ := l.step(nil); len(tx) > 0 {
		_ = l.line.Write(tx) // nobody is left to try again
	}
}

// Run speaks to the gateway until ctx ends. Events go to handle, one at a time; down
// is told why the line cannot be used, and nil when it can again.
func (l *Loop) Run(ctx context.Context, handle func(Event), down func(error)) {
	var buf [512]byte
	n, pause := 0, time.Duration(0)
	for ctx.Err() == nil {
		tx, wake, events := l.step(buf[:n])
		for _, e := range events {
			handle(e)
		}
		var err error
		if len(tx) > 0 {
			err = l.line.Write(tx)
		}
		n = 0
		if err == nil {
			n, err = l.line.Read(buf[:], max(0, min(wake-l.now(), look)))
		}
		if err == nil {
			pause = 0
			continue
		}
		l.reopen(ctx, err, &pause, handle, down)
	}
}

// reopen opens the line anew, as often as it takes.
func (l *Loop) reopen(ctx context.Context, err error, pause *time.Duration, handle func(Event), down func(error)) {
	l.mu.Lock()
	l.adapter.Reset()
	events := append([]Event(nil), l.adapter.Events()...)
	l.mu.Unlock()
	for _, e := range events {
		handle(e)
	}
	for ; err != nil && ctx.Err() == nil; err = l.line.Reopen() {
		down(err)
		*pause = min(max(2**pause, reopenMin), reopenMax)
		select {
		case <-time.After(*pause):
		case <-ctx.Done():
			return
		}
	}
	down(nil)
}

func (l *Loop) step(rx []byte) ([]byte, time.Duration, []Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	tx := l.adapter.Step(l.now(), rx)
	return tx, l.adapter.Wake(), append([]Event(nil), l.adapter.Events()...)
}
