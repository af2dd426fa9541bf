package osdp

import (
	"bytes"
	"testing"
	"time"

	"doord/policy"
)

// FuzzParser feeds arbitrary bytes in arbitrary pieces. What parses encodes to the
// same bytes again, and a good frame after any rubbish is found once the line has
// been silent.
func FuzzParser(f *testing.F) {
	for _, tr := range loadVectors(f).Transcripts {
		for _, fr := range tr.Frames {
			f.Add([]byte(fr.Hex), 3)
		}
	}
	good := (&Frame{Addr: 3, Reply: true, Ctrl: ctrlCRC | 1, Code: byte(ReplyAck)}).Append(nil)
	f.Fuzz(func(t *testing.T, b []byte, piece int) {
		piece = max(1, min(piece, 1+len(b)))
		var p Parser
		check := func() (last Frame) {
			for {
				fr, ok, err := p.Next()
				if !ok {
					return last
				}
				if err != nil {
					continue
				}
				if again := fr.Append(nil); !bytes.Equal(again[1:], fr.raw) {
					t.Fatalf("%X encodes as %X", fr.raw, again)
				}
				last = fr
			}
		}
		for at := 0; at < len(b); at += piece {
			p.Push(b[at:min(at+piece, len(b))])
			check()
		}
		for p.Open() {
			p.Gap()
			check()
		}
		p.Push(good)
		if last := check(); !bytes.Equal(last.raw, good[1:]) {
			t.Fatalf("lost after %X", b)
		}
	})
}

// FuzzPayloads decodes arbitrary payloads: what decodes must encode and decode to
// the same again.
func FuzzPayloads(f *testing.F) {
	for _, tr := range loadVectors(f).Transcripts {
		for _, fr := range tr.Frames {
			f.Add(fr.Code[0], []byte(fr.Data))
		}
	}
	f.Fuzz(func(t *testing.T, code byte, data []byte) {
		if c, err := DecodeCommand(CommandCode(code), data); err == nil {
			out := c.AppendData(nil)
			again, err := DecodeCommand(CommandCode(code), out)
			if err != nil || !bytes.Equal(again.AppendData(nil), out) {
				t.Errorf("command %02X %X: %v", code, data, err)
			}
		}
		if r, err := DecodeReply(ReplyCode(code), data); err == nil {
			out := r.AppendData(nil)
			again, err := DecodeReply(ReplyCode(code), out)
			if err != nil || !bytes.Equal(again.AppendData(nil), out) {
				t.Errorf("reply %02X %X: %v", code, data, err)
			}
		}
	})
}

// FuzzBus feeds a whole ACU with arbitrary bytes at its own deadlines. It must
// neither fail nor hang nor believe a read in a session.
func FuzzBus(f *testing.F) {
	for _, tr := range loadVectors(f).Transcripts {
		var all []byte
		for _, fr := range tr.Frames[:min(20, len(tr.Frames))] {
			if fr.Dir == "pd->acu" {
				all = append(all, fr.Hex...)
			}
		}
		f.Add(all, 16, true)
		f.Add(all, 40, false)
	}
	f.Fuzz(func(t *testing.T, b []byte, piece int, secure bool) {
		piece = max(1, min(piece, 2*MaxFrame))
		bus, err := NewBus(Config{
			Readers: []Reader{{Addr: 5, Secure: secure, Keys: Keys{Current: testKey}}, {Addr: 6, Secure: true, Keys: Keys{Current: testKey}}},
			Rand:    func(b []byte) { clear(b) },
			Trace:   func(tr Trace) { _ = tr.String() },
		})
		if err != nil {
			t.Fatal(err)
		}
		now := time.Duration(0)
		for steps := 0; ; steps++ {
			tx := bus.Step(now, b[:min(piece, len(b))])
			b = b[min(piece, len(b)):]
			for _, e := range bus.Events() {
				if _, read := e.Body.(Read); read && (secure || e.Reader == 1) {
					t.Fatal("a read without a session")
				}
			}
			if len(tx.Data) > MaxFrame+1 {
				t.Fatalf("sends %d bytes", len(tx.Data))
			}
			next := bus.Wake()
			if next <= now {
				t.Fatalf("wakes at %v, it is %v", next, now)
			}
			if steps%2 == 0 {
				next = min(next, now+5*time.Millisecond)
			}
			now = next
			if len(b) == 0 && steps > 100 {
				return
			}
		}
	})
}

var testKey = Key{0xA7, 0x13, 0x5C, 0xE9, 0x02, 0x4B, 0xD8, 0x66, 0x91, 0x3F, 0x70, 0xCA, 0x2D, 0x84, 0xB5, 0x10}

// FuzzTap lets a reader in transparent mode say anything at all about what is held
// to it. Whatever it says, no more than one tap runs, and each ends.
func FuzzTap(f *testing.F) {
	f.Add([]byte{3, 1, 1, 0}, []byte{6, 1, 2, 0, 0, 1, 0x90, 0x00}, uint16(50))
	f.Add([]byte{4, 1, 1, 0, 2}, []byte{5, 1, 2, 0, 0, 0x6A, 0x82}, uint16(5000))
	f.Add([]byte{2, 0, 0, 4, 1, 1, 0, 2}, []byte{3, 1, 0, 9}, uint16(0))
	f.Fuzz(func(t *testing.T, polls, replies []byte, ms uint16) {
		polls, replies = polls[:min(len(polls), 100)], replies[:min(len(replies), 400)] // a tap may take thousands of rounds
		b := &Bus{cfg: Config{Rand: func(b []byte) { clear(b) }}}
		if _, err := b.Attach(Reader{Tap: true}); err != nil {
			t.Fatal(err)
		}
		p := b.peers[0]
		p.phase, p.online, p.caps = up, true, Capabilities{{Function: CapSmartCard, Compliance: 1}}
		p.tapBegin()
		next := func(data *[]byte) (XRead, bool) { // a length, and so many bytes
			if len(*data) == 0 {
				return XRead{}, false
			}
			n := min(int((*data)[0]), len(*data)-1)
			x, err := DecodeReply(ReplyXRead, (*data)[1:1+n])
			*data = (*data)[1+n:]
			if err != nil {
				return XRead{}, false
			}
			return x.(XRead), true
		}
		running := 0
		for len(polls) > 0 || p.tap.busy() || p.tap.waiting || len(p.tap.queue) > 0 {
			b.now += time.Duration(ms)*time.Millisecond + time.Millisecond
			p.tapExpire()
			if j, ok := p.tapJob(); ok {
				p.take(j)
				p.job = j
				if x, ok := next(&replies); ok {
					p.finish(x, nil)
				} else {
					p.finish(Ack{}, nil)
				}
			} else if x, ok := next(&polls); ok {
				p.tapHeard(x)
			}
			if len(p.tap.queue) > 1 {
				t.Fatalf("%d commands wait", len(p.tap.queue))
			}
			for _, e := range b.Events() {
				switch e.Body.(type) {
				case Phone:
					if running++; running > 1 {
						t.Fatal("two taps at once")
					}
					_ = b.Ask(0, policy.Tap{})
				case Tapped:
					running--
					_ = b.Tell(0, policy.TapInvalid)
				case TapFailed:
					running = 0
				}
				if running < 0 {
					t.Fatal("an answer of no phone")
				}
			}
		}
		if running != 0 {
			t.Fatal("a tap without an end")
		}
	})
}
