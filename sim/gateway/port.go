package gateway

import (
	"errors"
	"sync"
	"time"
)

// ErrUnplugged is what a Port returns while it is unplugged, and after that until it is
// reopened.
var ErrUnplugged = errors.New("gateway: no such device")

// tick is how often a Port looks what its gateway has to say.
const tick = 10 * time.Millisecond

// Port is a line with a simulated gateway, in real time or in that of a bubble.
type Port struct {
	mu      sync.Mutex
	gateway *Gateway
	start   time.Time
	rx      []byte
	out     bool
	stale   bool
}

// NewPort returns a plugged-in port.
func NewPort(g *Gateway) *Port { return &Port{gateway: g, start: time.Now()} }

// Do calls f while the gateway is not at work.
func (p *Port) Do(f func(*Gateway)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f(p.gateway)
}

// Plug plugs the line in, or out.
func (p *Port) Plug(in bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out = !in
	p.stale = p.stale || p.out
}

// Read implements the line of relay/gateway.
func (p *Port) Read(buf []byte, wait time.Duration) (int, error) {
	for until := time.Now().Add(wait); ; time.Sleep(min(tick, time.Until(until))) {
		n, err := p.take(buf)
		if n > 0 || err != nil || !time.Now().Before(until) {
			return n, err
		}
	}
}

func (p *Port) take(buf []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stale {
		return 0, ErrUnplugged
	}
	p.rx = append(p.rx, p.gateway.Step(time.Since(p.start), nil)...)
	n := copy(buf, p.rx)
	p.rx = p.rx[n:]
	return n, nil
}

// Write implements the line of relay/gateway.
func (p *Port) Write(b []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stale {
		return ErrUnplugged
	}
	p.rx = append(p.rx, p.gateway.Step(time.Since(p.start), b)...)
	return nil
}

// Reopen implements the line of relay/gateway.
func (p *Port) Reopen() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.out {
		return ErrUnplugged
	}
	p.stale, p.rx = false, nil
	return nil
}
