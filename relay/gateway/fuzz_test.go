package gateway

import (
	"bytes"
	"testing"
	"time"
)

// FuzzParser reads what a line may deliver: what parses encodes to the same bytes, and
// a good frame after any rubbish is found in the end.
func FuzzParser(f *testing.F) {
	hello := Frame{Type: Hello, Data: make([]byte, 16)}
	state := Frame{Sequence: 9, Type: State, Channel: 3, Data: AppendState(nil, Report{Unlocked: true, Battery: 50, Signal: -70}, true)}
	f.Add(hello.Append(nil, Controller, Key{}), 5)
	f.Add(state.Append(nil, Gateway, Key{1}), 100)
	f.Fuzz(func(t *testing.T, b []byte, piece int) {
		piece = max(1, min(piece, 1+len(b)))
		var p Parser
		check := func() (n int) {
			for fr, ok := p.Next(); ok; fr, ok = p.Next() {
				n++
				if fr.tag != nil {
					continue
				}
				again := fr.Append(nil, Gateway, Key{})
				if back, err := Parse(again); err != nil || back.Sequence != fr.Sequence || back.Type != fr.Type || !bytes.Equal(back.Data, fr.Data) {
					t.Fatalf("%+v came back as %+v, %v", fr, back, err)
				}
				if r, heard, ok := ParseState(fr.Data); ok && heard && !bytes.Equal(AppendState(nil, r, true), fr.Data) {
					t.Fatalf("state %X", fr.Data)
				}
				ParseSet(fr.Data)
			}
			return n
		}
		for at := 0; at < len(b); at += piece {
			p.Push(b[at:min(at+piece, len(b))])
			check()
		}
		good := state.Append(nil, Gateway, Key{})
		n := 0
		for range 1 + maxFrame/len(good) + 1 { // a false begin may swallow the first
			p.Push(good)
			n += check()
		}
		if n == 0 {
			t.Fatalf("lost after %X", b)
		}
	})
}

// FuzzLink plays a gateway without the key, saying anything at all.
func FuzzLink(f *testing.F) {
	w := Frame{Type: Welcome, Data: make([]byte, welcomeLen)}
	s := Frame{Sequence: 1, Type: State, Channel: 1, Data: []byte{3, 0, 50, 0}}
	f.Add(s.Append(w.Append(nil, Gateway, Key{}), Gateway, Key{}), false)
	f.Add(s.Append(w.Append(nil, Gateway, Key{2}), Gateway, Key{2}), true)
	f.Fuzz(func(t *testing.T, b []byte, keyed bool) {
		c := Config{Channels: []int{1}, Rand: func(b []byte) { b[0] = 1 }}
		if keyed {
			c.Key = Key{1}
		}
		l := NewLink(c)
		l.Want(1, Want{Unlocked: true})
		now := time.Duration(0)
		for range 100 {
			n := min(len(b), 40)
			if tx := l.Step(now, b[:n]); len(tx) > 4*maxFrame {
				t.Fatalf("sends %d bytes at once", len(tx))
			}
			b = b[n:]
			if e := l.Events(); keyed && len(e) > 0 {
				t.Fatalf("believes %+v", e)
			}
			if next := l.Wake(); next <= now {
				t.Fatalf("wakes at %v, it is %v", next, now)
			} else {
				now = next
			}
		}
	})
}
