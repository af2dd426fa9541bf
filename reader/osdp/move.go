package osdp

import (
	"errors"
	"time"
)

// move is a change of address or speed. From the moment COMSET is out nobody can
// be sure where the reader listens, until it answers: it is looked for at both.
type move struct {
	from, to Comm
	unsure   bool // COMSET is out
	misses   int
}

const (
	moveSettle = 100 * time.Millisecond // for the reader to set its port
	moveProbe  = 250 * time.Millisecond // between probes of its two places
	moveFast   = 20                     // so often, then as any silent reader
)

// moveReply follows COMSET.
func (p *peer) moveReply(r Reply, err error) {
	m := p.move
	if m == nil {
		return
	}
	if c, ok := r.(Comm); ok && c.Addr <= MaxAddr && c.Baud > 0 {
		if c != m.from { // some readers answer with where they were
			m.to = c // what it really took
		}
		p.moveUnsure()
		return
	}
	if errors.Is(err, ErrLost) {
		m.unsure = true
		return
	}
	if err == nil {
		err = ErrPayload
	}
	p.move = nil
	p.bus.emit(p, Moved{m.from, err})
}

// moveUnsure looks for the reader at its new place first.
func (p *peer) moveUnsure() {
	m := p.move
	p.job = job{}
	if m == nil {
		return
	}
	m.unsure = true
	p.comm = m.to
	p.becomeProbing()
	p.notYet = p.bus.now + moveSettle
}

// moveMissed tries the other place after two probes at one.
func (p *peer) moveMissed() {
	m := p.move
	if m == nil || !m.unsure {
		return
	}
	m.misses++
	if m.misses%2 == 0 {
		if p.comm == m.to {
			p.comm = m.from
		} else {
			p.comm = m.to
		}
	}
	if m.misses < moveFast {
		p.probes = 0 // it is no dead reader: give each probe its full time
		p.notYet = p.bus.now + moveProbe
	}
}

// moveSettled follows an answer from wherever the reader was found.
func (p *peer) moveSettled() {
	m := p.move
	if m == nil || !m.unsure {
		return
	}
	p.move = nil
	var err error
	if p.comm != m.to {
		err = ErrSilentMove
	}
	p.bus.emit(p, Moved{p.comm, err})
}
