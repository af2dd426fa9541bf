package gateway

import (
	"crypto/rand"
	"encoding/binary"
	"slices"
	"strings"
	"time"
)

// Times of the protocol.
const (
	helloEvery = time.Second
	pingEvery  = 2 * time.Second
	lostAfter  = 6 * time.Second
	ackMin     = 500 * time.Millisecond
	ackMax     = 5 * time.Second
	insistMin  = time.Second // a level that the lock does not follow is set again after this,
	insistMax  = time.Minute // and after twice as long each time: its battery is to last
	maxPassed  = 256
	maxEvents  = 1024 // beyond this, nobody takes them
)

// welcomeLen is WELCOME without a name.
const welcomeLen = 16 + 4 + 1

// Link is the controller's side of our own protocol.
//
//	lost ─HELLO─▶ greeting ─WELCOME─▶ up ── 6 s of silence ──▶ lost
type Link struct {
	cfg     Config
	now     time.Duration
	parser  Parser
	events  []Event
	up      bool
	told    bool // Lost, since it was up
	nonce   Nonce
	session Key
	sent    uint32        // sequence of the last frame that went out
	heard   uint32        // of the last that came in
	heardAt time.Duration // when
	helloAt time.Duration // when to say HELLO
	pingAt  time.Duration
	ask     bool // for the state of all
	got     []uint32
	boot    uint32
	passed  []uint32 // ids of passages that were told, the last maxPassed
	locks   []*lock
}

// lock is one channel.
type lock struct {
	channel int
	wanted  bool // anything was
	want    Want
	set     bool // want was acknowledged in this session
	sent    bool // a SET waits for its ACK
	seq     uint32
	wait    time.Duration // for that ACK
	insist  time.Duration // until a level is set again that the lock does not follow
	due     time.Duration // when to send again
	known   bool
	report  Report
}

// NewLink returns a link that has not spoken yet.
func NewLink(c Config) *Link {
	if c.Rand == nil {
		c.Rand = func(b []byte) { _, _ = rand.Read(b) } // never fails (Go 1.24)
	}
	l := &Link{cfg: c, told: true}
	for _, channel := range c.Channels {
		l.locks = append(l.locks, &lock{channel: channel})
	}
	return l
}

// Want implements Adapter.
func (l *Link) Want(channel int, w Want) {
	if k := l.lock(channel); k != nil && (!k.wanted || k.want != w) {
		k.wanted, k.want, k.set, k.sent, k.due = true, w, false, false, l.now
		k.wait, k.insist = ackMin, insistMin
	}
}

func (l *Link) lock(channel int) *lock {
	if i := slices.IndexFunc(l.locks, func(k *lock) bool { return k.channel == channel }); i >= 0 {
		return l.locks[i]
	}
	return nil
}

// Step implements Adapter.
func (l *Link) Step(now time.Duration, rx []byte) []byte {
	l.now = max(l.now, now)
	l.parser.Push(rx)
	for f, ok := l.parser.Next(); ok; f, ok = l.parser.Next() {
		l.take(&f)
	}
	if l.up && l.now-l.heardAt >= lostAfter {
		l.lose()
	}
	if !l.up {
		return l.hello()
	}
	return l.speak()
}

// Wake implements Adapter.
func (l *Link) Wake() time.Duration {
	if !l.up {
		return l.helloAt
	}
	at := min(l.heardAt+lostAfter, l.pingAt)
	if l.ask || len(l.got) > 0 {
		at = l.now
	}
	for _, k := range l.locks {
		if due, ok := k.next(); ok {
			at = min(at, due)
		}
	}
	return max(at, l.now+time.Millisecond)
}

// Events implements Adapter.
func (l *Link) Events() []Event {
	e := l.events
	l.events = l.events[:0]
	return e
}

// Reset implements Adapter.
func (l *Link) Reset() {
	l.parser.Reset()
	l.lose()
}

func (l *Link) emit(channel int, b Body) {
	if len(l.events) < maxEvents {
		l.events = append(l.events, Event{channel, b})
	}
}

// lose ends the session: nothing is known any more.
func (l *Link) lose() {
	l.up, l.helloAt, l.got = false, l.now, nil
	for _, k := range l.locks {
		k.known = false
	}
	if !l.told {
		l.told = true
		l.emit(0, Lost{})
	}
}

// hello greets the gateway when it is due.
func (l *Link) hello() []byte {
	if l.now < l.helloAt {
		return nil
	}
	l.cfg.Rand(l.nonce[:])
	l.helloAt = l.now + helloEvery
	f := Frame{Type: Hello, Data: l.nonce[:]}
	return f.Append(nil, Controller, Key{})
}

// speak sends what is due.
func (l *Link) speak() (tx []byte) {
	send := func(t Type, channel int, data []byte) uint32 {
		l.sent++
		f := Frame{Sequence: l.sent, Type: t, Channel: byte(channel), Data: data}
		tx = f.Append(tx, Controller, l.session)
		l.pingAt = l.now + pingEvery
		return l.sent
	}
	for _, id := range l.got {
		send(Got, 0, binary.BigEndian.AppendUint32(nil, id))
	}
	l.got = l.got[:0]
	if l.ask {
		l.ask = false
		send(Get, 0, nil)
	}
	for _, k := range l.locks {
		due, ok := k.next()
		if !ok || l.now < due {
			continue
		}
		want := k.want
		if want.Until != 0 && l.now >= want.Until {
			want = Want{} // its time is over: only to be sure
		}
		k.seq = send(Set, k.channel, want.set(l.now))
		k.sent, k.due = true, l.now+k.wait
		k.wait = min(2*k.wait, ackMax)
	}
	if l.now >= l.pingAt {
		send(Ping, 0, nil)
	}
	return tx
}

// next returns when the lock is to be told what is wanted of it: at once if that is
// new, again if there was no ACK, and again if it is not as a level says. A grant is
// told once: after it the lock locks by itself, and is not to be unlocked anew.
func (k *lock) next() (at time.Duration, ok bool) {
	switch {
	case !k.wanted:
		return 0, false
	case !k.set:
		return k.due, true
	case k.known && k.report.Unlocked != k.want.Unlocked && k.want.Until == 0:
		return k.due, true
	default:
		return 0, false
	}
}

// take takes a frame of the gateway.
func (l *Link) take(f *Frame) {
	if f.Type == Welcome {
		l.welcome(f)
		return
	}
	if !l.up || !f.Valid(Gateway, l.session) || f.Sequence <= l.heard {
		return
	}
	l.heard, l.heardAt = f.Sequence, l.now
	k := l.lock(int(f.Channel))
	switch f.Type {
	case Ack:
		if len(f.Data) == 5 {
			l.acknowledged(binary.BigEndian.Uint32(f.Data), Result(f.Data[4]))
		}
	case State:
		if r, heard, ok := ParseState(f.Data); ok && k != nil {
			l.reported(k, r, heard)
		}
	case Passed:
		if len(f.Data) != 5 || k == nil || f.Data[4] < 1 || f.Data[4] > 2 || len(l.got) >= maxEvents {
			return
		}
		id := binary.BigEndian.Uint32(f.Data)
		if !slices.Contains(l.passed, id) {
			l.passed = append(l.passed[max(0, len(l.passed)-maxPassed+1):], id)
			l.emit(k.channel, Passage{f.Data[4] == 1})
		}
		l.got = append(l.got, id)
	case Hello, Set, Get, Ping, Got, Welcome: // an echo
	}
}

// welcome begins a session.
func (l *Link) welcome(f *Frame) {
	if l.up || len(f.Data) < welcomeLen || len(f.Data) > welcomeLen+32 || l.nonce == (Nonce{}) {
		return
	}
	session := l.cfg.Key.Session(l.nonce, Nonce(f.Data[:16]))
	if !f.Valid(Gateway, session) {
		return
	}
	l.up, l.told, l.session, l.nonce = true, false, session, Nonce{} // good for one answer
	l.sent, l.heard, l.heardAt, l.pingAt, l.ask = 0, f.Sequence, l.now, l.now+pingEvery, true
	if boot := binary.BigEndian.Uint32(f.Data[16:]); boot != l.boot {
		l.boot, l.passed = boot, nil
	}
	for _, k := range l.locks {
		k.set, k.sent, k.wait, k.insist = false, false, ackMin, insistMin
		k.due = l.now + ackMin // its state comes first
		if k.want.Until != 0 {
			k.set = true // a grant does not outlive the session in which it was told
		}
	}
	l.emit(0, Found{strings.ToValidUTF8(string(f.Data[welcomeLen:]), "?")})
}

func (l *Link) acknowledged(seq uint32, r Result) {
	for _, k := range l.locks {
		if !k.sent || k.seq != seq {
			continue
		}
		k.sent, k.wait, k.due = false, ackMin, l.now+k.insist
		k.insist = min(2*k.insist, insistMax)
		switch r {
		case Done:
			k.set = true
		case NotHeard:
			l.reported(k, Report{}, false)
			k.wait, k.due = ackMax, l.now+ackMax
		case NoChannel, Refusal:
			l.emit(k.channel, Refused{r})
			k.wait, k.due = ackMax, l.now+ackMax
		}
	}
}

func (l *Link) reported(k *lock, r Report, heard bool) {
	switch {
	case !heard && k.known:
		k.known = false
		l.emit(k.channel, Lost{})
	case !heard:
	case !k.known || k.report != r:
		k.known, k.report = true, r
		switch {
		case r.Unlocked == k.want.Unlocked:
			k.insist = insistMin
		case k.set:
			k.due = max(k.due, l.now+insistMin) // what it does by itself is judged first
		case !k.sent:
			k.due = l.now
		}
		l.emit(k.channel, r)
	}
}
