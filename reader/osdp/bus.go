package osdp

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"doord/reader"
)

// Times of the line (SIA OSDP 2.2).
const (
	replyTime = 200 * time.Millisecond // from the end of a command to the first byte of its reply
	charGap   = 20 * time.Millisecond  // between the bytes of a frame; after it, what was begun is over
	idleChars = 2                      // silence before we transmit, in characters
	probeTime = 60 * time.Millisecond  // the same as replyTime for most probes of a silent reader
	probeRest = 9                      // probes take a tenth of the line: this many times as long between them
	idleWake  = time.Second            // Step is due at least this often
	maxEvents = 4096                   // beyond this, nobody takes them
)

// MaxReaders is how many readers one bus serves.
const MaxReaders = 16

// DefaultBaud is the speed that a reader has out of the box.
const DefaultBaud = 9600

// Reader is the configuration of one reader.
type Reader struct {
	Addr byte // 0 to MaxAddr
	Baud int  // 0 means DefaultBaud; readers of one bus may differ
	// Secure pins the secure channel: the reader is never spoken to in clear, but
	// to ask what it is, and no word of its own can change that. Commissioning
	// sets it; the caller keeps it with the keys.
	Secure bool
	// Keys as last stored. Weak ones are refused.
	Keys Keys
	// Tap has phones asked to sign when they are held to the reader, if the reader
	// has transparent mode: see [Phone]. It is for one that in this mode goes on to
	// report cards by itself.
	Tap bool
}

// Config is that of a bus.
type Config struct {
	Readers []Reader // up to MaxReaders; events name them by their index
	// Decode gives the credential in the bits of a card, '0' and '1' in the order
	// of the wire. Without it every card is Bad.
	Decode func(bits string) reader.Read
	// Rand fills b with random bytes; nil means crypto/rand.
	Rand func(b []byte)
	// Trace, if set, is called for each frame that goes out or comes in, secrets
	// masked. It must not call the bus.
	Trace func(Trace)
}

// Tx is what the line has to send: Data at speed Baud, now. Empty if nothing.
type Tx struct {
	Data []byte // holds until the next Step
	Baud int
}

// Bus is the ACU's side of one line: bytes and time in; bytes, events and the next
// deadline out. It has no clock and does no I/O; time is any monotonic duration.
// It is not safe for concurrent use; [Loop] is.
//
// The line is never idle while it is ours: as soon as a reply is complete and two
// characters of silence have passed, the next command goes out. In a round each
// reader that answers is polled once, one command other than a poll goes out, and
// one silent reader is probed.
type Bus struct {
	cfg    Config
	now    time.Duration
	peers  []*peer
	parser Parser
	frame  Frame // that is being judged
	events []Event
	nextID int
	scan   *scan

	cur      *peer         // asked, and not yet answered
	from     time.Duration // when it was asked
	deadline time.Duration // for more bytes of its reply
	last     time.Duration // for the end of it, whatever comes
	heard    bool          // bytes of a frame came
	spoilt   bool          // a frame came that was of no use
	free     time.Duration // when we may transmit
	baud     int           // of the line

	again      *peer // asked next, before its turn
	turn       int   // whose turn it is
	jobTurn    int   // whose job is next
	probeTurn  int   // who is probed next
	mayJob     bool  // a command may go out in this round
	mayProbe   bool  // a silent reader may be probed in this round
	probeAfter time.Duration
}

// NewBus returns a bus, or an error that names the reader with an address or key
// that cannot be.
func NewBus(cfg Config) (*Bus, error) {
	if cfg.Rand == nil {
		cfg.Rand = func(b []byte) { _, _ = rand.Read(b) } // never fails (Go 1.24)
	}
	b := &Bus{cfg: cfg, baud: DefaultBaud, mayJob: true, mayProbe: true}
	for i, r := range cfg.Readers {
		if _, err := b.Attach(r); err != nil {
			return nil, fmt.Errorf("osdp: reader %d: %w", i, err)
		}
	}
	return b, nil
}

// Attach adds a reader and returns its index. It returns ErrRange, ErrAddrUsed,
// ErrWeakKey, or ErrQueue beyond MaxReaders.
func (b *Bus) Attach(r Reader) (int, error) {
	if r.Baud == 0 {
		r.Baud = DefaultBaud
	}
	if r.Addr > MaxAddr || byteTime(r.Baud) == 0 {
		return 0, ErrRange
	}
	n := 0
	for _, p := range b.peers {
		if p.gone {
			continue
		}
		if n++; p.comm.Addr == r.Addr {
			return 0, ErrAddrUsed
		}
	}
	if n >= MaxReaders {
		return 0, ErrQueue
	}
	for _, k := range []Key{r.Keys.Current, r.Keys.Next} {
		if err := k.Check(); err != nil && !k.IsZero() {
			return 0, err
		}
	}
	p := &peer{
		bus: b, index: len(b.peers), cfg: r, comm: Comm{r.Addr, r.Baud},
		keys: r.Keys, saved: true, started: -restartEvery, notYet: b.now,
	}
	b.peers = append(b.peers, p)
	return p.index, nil
}

// Detach forgets a reader. Its index is not used again.
func (b *Bus) Detach(i int) error {
	p, err := b.peer(i)
	if err != nil {
		return err
	}
	p.failJobs()
	p.gone = true
	if b.cur == p {
		b.cur = nil
		b.free = max(b.free, b.now+charGap)
	}
	if b.again == p {
		b.again = nil
	}
	return nil
}

// byteTime is how long one byte takes on the line: start, eight bits, stop. Zero
// for a speed that no line has.
func byteTime(baud int) time.Duration {
	if baud < 300 || baud > 10_000_000 {
		return 0
	}
	return 10 * time.Second / time.Duration(baud)
}

// Step takes what the line received up to now, which may be nothing, and returns
// what to send. Bytes that are here count even past their deadline: then the
// thread was late, not the reader. Call it when bytes arrive and at [Bus.Wake].
func (b *Bus) Step(now time.Duration, rx []byte) Tx {
	b.now = max(b.now, now)
	if len(rx) > 0 {
		b.receive(rx)
	}
	if b.cur != nil && b.now >= b.deadline {
		b.timeout()
	}
	for _, p := range b.peers {
		if !p.gone {
			p.expire()
			p.tapExpire()
		}
	}
	if b.cur != nil || b.now < b.free {
		return Tx{}
	}
	return b.transmit()
}

// Wake is when Step must be called next if no bytes arrive.
func (b *Bus) Wake() time.Duration {
	if b.cur != nil {
		return b.deadline
	}
	at := b.now + idleWake
	for _, p := range b.peers {
		if p.gone {
			continue
		}
		t := p.notYet
		if !p.live() {
			t = max(t, b.probeAfter)
		}
		at = min(at, t)
	}
	if b.scan != nil {
		at = min(at, b.probeAfter)
	}
	return max(at, b.free, b.now+time.Microsecond)
}

// Events returns what happened since the last call, oldest first. The slice holds
// until the next Step.
func (b *Bus) Events() []Event {
	ev := b.events
	b.events = b.events[:0]
	return ev
}

func (b *Bus) emit(p *peer, body Body) {
	if len(b.events) >= maxEvents {
		return
	}
	i := -1
	if p != nil {
		i = p.index
	}
	if p == nil || i >= 0 {
		b.events = append(b.events, Event{b.now, i, body})
	}
}

// receive feeds the parser and judges the frames that it finds.
func (b *Bus) receive(rx []byte) {
	b.parser.Push(rx)
	b.frames()
	if p := b.cur; p != nil {
		b.heard = b.heard || b.parser.Open()
		if b.parser.Open() || b.spoilt {
			b.deadline = min(b.now+charGap, b.last)
		}
		return
	}
	b.free = max(b.free, b.now+idleChars*byteTime(b.baud))
}

func (b *Bus) frames() {
	for {
		var ok bool
		var err error
		if b.frame, ok, err = b.parser.Next(); !ok {
			return
		}
		f := &b.frame
		p := b.cur
		switch {
		case p == nil && err == nil:
			b.stray(f) // nobody was asked: a reply that came twice or too late
			continue
		case p == nil:
			continue
		case err != nil:
			b.spoil(p, err)
			continue
		}
		b.heard = true
		done := b.tracing(f)
		v := p.judge(f)
		done()
		switch v {
		case settled:
			b.answered(p)
		case doubtful:
			b.spoilt = true
		case ignored:
			b.stray(f)
		}
	}
}

func (b *Bus) spoil(p *peer, err error) {
	b.spoilt = true
	if errors.Is(err, ErrCheck) {
		p.count.BadCheck++
	} else {
		p.count.BadForm++
	}
}

// answered ends the exchange with the reader that was asked.
func (b *Bus) answered(p *peer) {
	b.cur = nil
	took := b.now - b.from
	p.latency = smooth(p.latency, took)
	p.worst = max(p.worst, took)
}

// timeout ends a try without a usable reply. What came may hide another frame
// behind a false start: it is looked for first.
func (b *Bus) timeout() {
	for b.parser.Open() && b.cur != nil {
		b.spoilt = true
		b.parser.Gap()
		b.frames()
	}
	b.free = max(b.free, b.now)
	p := b.cur
	if p == nil {
		b.free = b.now + idleChars*byteTime(b.baud)
		return
	}
	b.cur = nil
	switch {
	case !b.heard && !b.spoilt:
		p.count.Timeouts++
	case !b.spoilt || b.heard:
		p.count.Cut++
	}
	if !p.live() {
		b.probeDone(p)
	}
	p.missed()
}
