package pd

import (
	"errors"
	"sync"
	"time"

	"doord/reader/osdp"
)

// ErrUnplugged is what a Port returns while it is unplugged, and after that until
// it is reopened, as a USB adapter does.
var ErrUnplugged = errors.New("pd: no such device")

// Port is an [osdp.Line] with simulated readers on it, in real time or in that of
// a synctest bubble: bytes take as long as on a wire. Readers that answer at once
// answer one after the other, not over each other.
type Port struct {
	mu    sync.Mutex
	pds   []*PD
	start time.Time
	baud  int
	rx    []byte
	at    time.Time // when rx is complete
	out   bool      // unplugged
	stale bool      // was unplugged, and not reopened since
}

// NewPort returns a plugged-in port with these readers.
func NewPort(pds ...*PD) *Port { return &Port{pds: pds, start: time.Now()} }

// Do calls f while the readers are not at work, so that f may present cards and
// look at lights.
func (p *Port) Do(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
}

// Plug plugs the adapter in, or out.
func (p *Port) Plug(in bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.out = !in
	p.stale = p.stale || p.out
}

// Read implements [osdp.Line].
func (p *Port) Read(buf []byte, wait time.Duration) (int, error) {
	until := time.Now().Add(wait)
	p.mu.Lock()
	stale, ready := p.stale, len(p.rx) > 0 && !p.at.After(until)
	if ready {
		until = p.at
	}
	p.mu.Unlock()
	if stale {
		return 0, ErrUnplugged
	}
	time.Sleep(time.Until(until))
	if !ready {
		return 0, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	n := copy(buf, p.rx)
	p.rx = p.rx[n:]
	return n, nil
}

// Write implements [osdp.Line].
func (p *Port) Write(b []byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stale {
		return ErrUnplugged
	}
	now := time.Now()
	p.rx, p.at = p.rx[:0], now.Add(time.Duration(len(b))*char(p.baud))
	for _, d := range p.pds {
		if d.Comm.Baud != p.baud {
			continue
		}
		d.Gap()
		if r := d.Receive(now.Sub(p.start), b); r != nil {
			p.rx = append(p.rx, r...)
			p.at = p.at.Add(time.Duration(len(r)+2)*char(p.baud) + Turnaround)
		}
	}
	return nil
}

// SetSpeed implements [osdp.Line].
func (p *Port) SetSpeed(baud int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if baud <= 0 {
		return osdp.ErrRange
	}
	p.baud = baud
	return nil
}

// Reopen implements [osdp.Line].
func (p *Port) Reopen() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.out {
		return ErrUnplugged
	}
	p.stale, p.rx = false, nil
	return nil
}
