package osdp

import (
	"bytes"
	"testing"
	"time"
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
