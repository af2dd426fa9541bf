package fleet

import (
	"bytes"
	"compress/gzip"
	"container/list"
	"context"
	"errors"
	"sync"

	"doord/policy/ledger"
)

const (
	memoBytes  = 128 << 20 // of what is kept packed; what is being written to somebody counts beyond
	packers    = 4         // at once: more would only take memory
	memoEntry  = 1 << 10   // that an entry counts besides
	packChunk  = 64 << 10
	packedGzip = gzip.DefaultCompression
)

// memo keeps snapshots and deltas, packed, for all who ask for the same. The ones
// that were asked for least lately go when there are too many.
type memo struct {
	limit int64

	mu      sync.Mutex
	entries map[memoKey]*list.Element
	recent  list.List // of *packed, the latest first
	size    int64
	slots   chan struct{}
}

// memoKey says what is packed: the entries after base, or all records.
type memoKey struct {
	place         int64
	generation    uint64
	version, base uint64
	snapshot      bool
}

// packed is what was made for a key. It can be read while it is being made.
type packed struct {
	key memoKey

	mu     sync.Mutex
	row    logRow // where the log is with it
	known  bool   // row is
	chunks [][]byte
	size   int64
	ended  bool
	err    error
	more   chan struct{} // closed, and replaced, when there is more

	before    []byte // the packed preamble, made for the head that has this signature
	signature []byte
}

// preamble packs what comes before, once for each head: to pack anew for each of a
// thousand who ask would cost more than all the rest.
func (p *packed) preamble(pre ledger.Preamble) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if bytes.Equal(p.signature, pre.Head.Signature) {
		return p.before, nil
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, err := ledger.NewWriter(z, pre)
	if err = errors.Join(err, z.Close()); err != nil {
		return nil, err
	}
	p.before, p.signature = b.Bytes(), pre.Head.Signature
	return p.before, nil
}

// get returns what is packed under a key. If it must be made first, make is called
// on a goroutine that begin allows.
func (m *memo) get(key memoKey, begin func(func()) bool, build func(*packed)) *packed {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.entries[key]; e != nil {
		m.recent.MoveToFront(e)
		p, _ := e.Value.(*packed)
		return p
	}
	if m.entries == nil {
		m.entries = map[memoKey]*list.Element{}
		m.slots = make(chan struct{}, packers)
	}
	p := &packed{key: key, more: make(chan struct{})}
	m.entries[key] = m.recent.PushFront(p)
	if !begin(func() {
		m.slots <- struct{}{}
		build(p)
		<-m.slots
		m.settle(p)
	}) {
		p.end(ErrClosed)
		m.forget(p)
	}
	return p
}

// settle counts what was made, and makes room for it.
func (m *memo) settle(p *packed) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if p.err != nil && !errors.Is(p.err, errHeavy) {
		m.forget(p)
		return
	}
	p.size += memoEntry
	m.size += p.size
	for e := m.recent.Back(); e != nil && m.size > m.limit; {
		old, _ := e.Value.(*packed)
		e = e.Prev()
		old.mu.Lock()
		ended := old.ended
		old.mu.Unlock()
		if ended {
			m.size -= old.size
			m.forget(old)
		}
	}
}

// forget drops an entry. The lock is held.
func (m *memo) forget(p *packed) {
	if e := m.entries[p.key]; e != nil && e.Value == p {
		m.recent.Remove(e)
		delete(m.entries, p.key)
	}
}

func (p *packed) announce() {
	close(p.more)
	p.more = make(chan struct{})
}

// at tells with which row of the log it is.
func (p *packed) at(row logRow) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.row, p.known = row, true
	p.announce()
}

func (p *packed) end(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended, p.err = true, err
	p.announce()
}

// Write adds packed bytes, which it copies.
func (p *packed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for rest := b; len(rest) > 0; {
		last := len(p.chunks) - 1
		if last < 0 || len(p.chunks[last]) == packChunk {
			if last >= 0 {
				p.announce()
			}
			p.chunks = append(p.chunks, make([]byte, 0, min(packChunk, max(len(rest), 512))))
			last++
		}
		n := min(len(rest), packChunk-len(p.chunks[last]))
		p.chunks[last] = append(p.chunks[last], rest[:n]...)
		rest = rest[n:]
	}
	p.size += int64(len(b))
	return len(b), nil
}

// where waits until it is known with which row of the log it is.
func (p *packed) where(ctx context.Context) (logRow, error) {
	for {
		p.mu.Lock()
		row, known, err, ended, more := p.row, p.known, p.err, p.ended, p.more
		p.mu.Unlock()
		switch {
		case err != nil:
			return logRow{}, err
		case known:
			return row, nil
		case ended:
			return logRow{}, errDamaged
		}
		select {
		case <-more:
		case <-ctx.Done():
			return logRow{}, ctx.Err()
		}
	}
}

// each calls with every chunk that will not change any more, as they come.
func (p *packed) each(ctx context.Context, call func([]byte) error) error {
	for i := 0; ; {
		p.mu.Lock()
		ready, ended, err, more := p.chunks, p.ended, p.err, p.more
		p.mu.Unlock()
		if err != nil {
			return err
		}
		if !ended && len(ready) > 0 {
			ready = ready[:len(ready)-1] // the last one grows
		}
		if i < len(ready) {
			if err := call(ready[i]); err != nil {
				return err
			}
			i++
			continue
		}
		if ended {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
