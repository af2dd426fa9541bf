package pd

import (
	"slices"
	"time"

	"doord/reader/osdp"
)

// Turnaround is what a reader takes from the end of a command to its reply, two
// characters of silence aside.
const Turnaround = 3 * time.Millisecond

// Burst is bytes on the line, one after the other.
type Burst struct {
	Start time.Duration // of its first bit
	Baud  int
	Data  []byte
	ToACU bool
}

// End is when its last bit has passed.
func (b Burst) End() time.Duration {
	return b.Start + time.Duration(len(b.Data))*char(b.Baud)
}

func char(baud int) time.Duration { return 10 * time.Second / time.Duration(baud) }

// Line joins one bus and its readers, in virtual time.
type Line struct {
	Bus *osdp.Bus
	PDs []*PD
	Now time.Duration

	// Wire, if set, makes of a burst what arrives of it: it may flip, cut, delay,
	// double, drop and add.
	Wire func(Burst) []Burst
	// Turn is a reader's turnaround; zero means Turnaround.
	Turn time.Duration
	// Save stores keys; nil succeeds.
	Save func(reader int, k osdp.Keys) error
	// Events collects what the bus reports, if Handle is nil.
	Events []osdp.Event
	Handle func(osdp.Event)
	// Down is an unplugged adapter: nothing passes.
	Down bool

	flight []Burst // sorted by End
	lastTx Burst
}

// Run lets time pass.
func (l *Line) Run(until time.Duration) {
	for {
		next := l.Bus.Wake()
		due := len(l.flight) > 0 && l.flight[0].End() <= next
		if due {
			next = l.flight[0].End()
		}
		if next > until {
			l.Now = until
			return
		}
		l.Now = max(l.Now, next)
		var rx []byte
		if due {
			rx = l.arrive()
		}
		l.step(rx)
	}
}

// For lets d pass.
func (l *Line) For(d time.Duration) { l.Run(l.Now + d) }

// Until runs step by step until ok, at most for d, and says whether it came to be.
func (l *Line) Until(d time.Duration, ok func() bool) bool {
	for end := l.Now + d; l.Now < end; {
		if ok() {
			return true
		}
		l.For(time.Millisecond)
	}
	return ok()
}

// arrive takes the next burst off the line, and returns what of it is for the ACU.
func (l *Line) arrive() []byte {
	b := l.flight[0]
	l.flight = slices.Delete(l.flight, 0, 1)
	if l.Down {
		return nil
	}
	if b.ToACU {
		return b.Data
	}
	turn := l.Turn
	if turn == 0 {
		turn = Turnaround
	}
	for _, p := range l.PDs {
		if p.Comm.Baud != b.Baud {
			continue
		}
		p.Gap()
		if r := p.Receive(b.End(), b.Data); r != nil {
			l.send(Burst{b.End() + 2*char(b.Baud) + turn, b.Baud, slices.Clone(r), true})
		}
	}
	return nil
}

func (l *Line) step(rx []byte) {
	tx := l.Bus.Step(l.Now, rx)
	if len(tx.Data) > 0 {
		b := Burst{Start: l.Now, Baud: tx.Baud, Data: slices.Clone(tx.Data)}
		l.send(b)
		l.lastTx = b
	}
	for _, e := range l.Bus.Events() {
		if k, ok := e.Body.(osdp.SaveKeys); ok {
			var err error
			if l.Save != nil {
				err = l.Save(e.Reader, k.Keys)
			}
			l.Bus.KeysSaved(e.Reader, k.Keys, err)
		}
		if l.Handle != nil {
			l.Handle(e)
		} else {
			l.Events = append(l.Events, e)
		}
	}
}

// send puts a burst on the line, through Wire.
func (l *Line) send(b Burst) {
	if l.Wire == nil {
		l.put(b)
		return
	}
	for _, x := range l.Wire(b) {
		l.put(x)
	}
}

// put lets a burst collide with what is on the line already: bytes that overlap
// are spoilt, in both.
func (l *Line) put(b Burst) {
	if len(b.Data) == 0 || l.Down {
		return
	}
	for i := range l.flight {
		collide(&l.flight[i], &b)
	}
	if tx := l.lastTx; b.ToACU && tx.Data != nil && b.Start < tx.End() && tx.Start < b.End() {
		tx.Data = slices.Clone(tx.Data)
		collide(&tx, &b)
	}
	i, _ := slices.BinarySearchFunc(l.flight, b, func(x, y Burst) int { return int(x.End() - y.End()) })
	l.flight = slices.Insert(l.flight, i, b)
}

func collide(x, y *Burst) {
	from, to := max(x.Start, y.Start), min(x.End(), y.End())
	if from >= to {
		return
	}
	for _, b := range []*Burst{x, y} {
		c := char(b.Baud)
		for i := range b.Data {
			at := b.Start + time.Duration(i)*c
			if at < to && at+c > from {
				b.Data[i] ^= 0x5A
			}
		}
	}
}
