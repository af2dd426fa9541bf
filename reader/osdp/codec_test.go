package osdp

import (
	"bytes"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestCommandsEncodeAsTheStandardSays(t *testing.T) {
	for _, c := range []struct {
		cmd  Command
		want string
	}{
		{Query(CmdPoll), ""},
		{Query(CmdID), "00"},
		{Query(CmdCap), "00"},
		{Outputs{{1, 5, 3 * time.Second}}, "01 05 1E 00"},
		{LEDs{{Temp: Blink{2, 200 * time.Millisecond, 300 * time.Millisecond, Green, Black}, Time: 3 * time.Second, Perm: Blink{1, 100 * time.Millisecond, 0, Red, Black}}}, "00 00 02 02 03 02 00 1E 00 01 01 00 01 00"},
		{Buzzer{0, 2, 100 * time.Millisecond, 100 * time.Millisecond, 3}, "00 02 01 01 03"},
		{Text{0, 3, 5 * time.Second, 1, 1, "Hi"}, "00 03 05 01 01 02 48 69"},
		{Comm{3, 115200}, "03 00 C2 01 00"},
		{BioRead{0, 1, 2, 3}, "00 01 02 03"},
		{BioMatch{0, 1, 2, 3, []byte{9}}, "00 01 02 03 01 00 09"},
		{KeySet{testKey}, "01 10 A7 13 5C E9 02 4B D8 66 91 3F 70 CA 2D 84 B5 10"},
		{Challenge{Nonce{1, 2, 3, 4, 5, 6, 7, 8}}, "01 02 03 04 05 06 07 08"},
		{RxSize(1440), "A0 05"},
		{FileChunk{1, 0x119, 0xDF, []byte{7}}, "01 19 01 00 00 DF 00 00 00 01 00 07"},
		{Mfg{[3]byte{1, 2, 3}, []byte{4}}, "01 02 03 04"},
		{XWrite{1, []byte{2}}, "01 02"},
		{PIVData{[3]byte{0x5F, 0xC1, 5}, 1, 0x203}, "5F C1 05 01 03 02"},
		{Auth{CmdGenAuth, Fragment{3, 1, []byte{8, 9}}}, "03 00 01 00 02 00 08 09"},
		{KeepActive(time.Second), "E8 03"},
	} {
		got := c.cmd.AppendData(nil)
		if s := fmt.Sprintf("% X", got); s != c.want {
			t.Errorf("%v: %s, want %s", c.cmd.Code(), s, c.want)
		}
		back, err := DecodeCommand(c.cmd.Code(), got)
		if err != nil || !cmp.Equal(back, c.cmd) {
			t.Errorf("%v: %v, %s", c.cmd.Code(), err, cmp.Diff(c.cmd, back))
		}
	}
}

func TestRepliesDecodeAsTheStandardSays(t *testing.T) {
	for _, c := range []struct {
		code ReplyCode
		data []byte
		want Reply
	}{
		{ReplyAck, nil, Ack{}},
		{ReplyNak, []byte{6}, Nak{Why: NakSecurity, Data: []byte{}}},
		{ReplyID, []byte{1, 2, 3, 4, 5, 6, 0, 0, 0, 7, 8, 9}, Identity{[3]byte{1, 2, 3}, 4, 5, 6, [3]byte{7, 8, 9}}},
		{ReplyCap, []byte{9, 1, 1, 10, 0, 2}, Capabilities{{CapSecurity, 1, 1}, {CapRxSize, 0, 2}}},
		{ReplyLocalStatus, []byte{1, 0}, LocalStatus{Tamper: true}},
		{ReplyInputStatus, []byte{0, 3}, Status{ReplyInputStatus, []byte{0, 3}}},
		{ReplyRaw, []byte{0, 1, 4, 0, 0xA0}, Raw{0, 1, 4, []byte{0xA0}}},
		{ReplyKeypad, []byte{0, 2, '1', 0x7F}, Keypad{0, []byte{'1', 0x7F}}},
		{ReplyCom, []byte{3, 0, 0xC2, 1, 0}, Comm{3, 115200}},
		{ReplyFileStatus, []byte{1, 0x2C, 1, 0xFF, 0xFF, 128, 0}, FileStatus{1, 300 * time.Millisecond, FileAbort, 128}},
		{ReplyXRead, []byte{1, 2}, XRead{1, []byte{2}}},
		{ReplyBioMatch, []byte{0, 0, 99}, BioResult{0, 0, 99}},
		{ReplyBioRead, []byte{0, 0, 1, 2, 1, 0, 5}, BioTemplate{0, 0, 1, 2, []byte{5}}},
		{ReplyPIVData, []byte{2, 0, 0, 0, 2, 0, 5, 6}, Part{Fragment{2, 0, []byte{5, 6}}}},
		{ReplyMfg, []byte{1, 2, 3, 4}, MfgReply{[3]byte{1, 2, 3}, []byte{4}}},
		{ReplyExtID, []byte{1}, Opaque{1}},
	} {
		got, err := DecodeReply(c.code, c.data)
		if err != nil || !cmp.Equal(got, c.want) {
			t.Errorf("%v: %v, %s", c.code, err, cmp.Diff(c.want, got))
		}
		if again := c.want.AppendData(nil); !bytes.Equal(again, c.data) {
			t.Errorf("%v encodes as % X", c.code, again)
		}
		for n := range c.data { // a payload cut anywhere is an error or another payload, never a panic
			_, _ = DecodeReply(c.code, c.data[:n])
		}
	}
	if _, err := DecodeReply(ReplyRaw, []byte{0, 1, 9, 0, 0xA0}); !errors.Is(err, ErrPayload) {
		t.Errorf("nine bits in a byte: %v", err)
	}
	if _, err := DecodeReply(0xFE, nil); !errors.Is(err, ErrUnknown) {
		t.Errorf("unknown: %v", err)
	}
}

func TestFramesWithChecksumAndWithoutMarkAreRead(t *testing.T) {
	f := Frame{Addr: 0x7F, Reply: true, Ctrl: 2, Code: byte(ReplyNak), Data: []byte{3}}
	b := f.Append(nil)
	var p Parser
	p.Push(append([]byte{0, 0x53, 1, 0xFF, 0xFF}, b[1:]...))
	p.Push(nil)
	for {
		got, ok, err := p.Next()
		if !ok {
			t.Fatal("no frame")
		}
		if err != nil {
			continue
		}
		if got.Addr != 0x7F || !got.Reply || got.Seq() != 2 || !bytes.Equal(got.Data, []byte{3}) {
			t.Errorf("%+v", got)
		}
		return
	}
}

func TestLongestFrameIsRead(t *testing.T) {
	f := Frame{Reply: true, Ctrl: ctrlCRC, Code: byte(ReplyMfg), Data: make([]byte, MaxFrame-8)}
	b := f.Append(nil)
	if _, err := ParseFrame(b[1:]); err != nil || len(b) != MaxFrame+1 {
		t.Errorf("%d bytes: %v", len(b), err)
	}
	f.Data = append(f.Data, 0)
	if _, err := ParseFrame(f.Append(nil)[1:]); !errors.Is(err, ErrLength) {
		t.Errorf("one byte more: %v", err)
	}
}

func TestFragmentsAssemble(t *testing.T) {
	msg := bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7}, 100)
	fs, err := Split(msg, 64)
	if err != nil {
		t.Fatal(err)
	}
	var a Assembler
	for i, f := range fs {
		if i == 3 {
			if _, err := a.Add(fs[2]); err != nil { // twice is harmless
				t.Fatal(err)
			}
		}
		got, err := a.Add(f)
		if err != nil || (got != nil) != (i == len(fs)-1) {
			t.Fatalf("fragment %d: %v, complete %v", i, err, got != nil)
		}
		if got != nil && !bytes.Equal(got, msg) {
			t.Error("another message")
		}
	}
	if _, err := a.Add(fs[1]); !errors.Is(err, ErrPayload) {
		t.Errorf("a fragment without a beginning: %v", err)
	}
	if _, err := a.Add(Fragment{Total: 10, Offset: 10}); !errors.Is(err, ErrPayload) {
		t.Errorf("given up: %v", err)
	}
	if _, err := Split(make([]byte, 1<<16), 64); !errors.Is(err, ErrRange) {
		t.Errorf("too long: %v", err)
	}
}

func TestKeysAreNeverShownAndWeakOnesRefused(t *testing.T) {
	k := testKey
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%d", "%q"} {
		if s := fmt.Sprintf(verb, struct{ K Key }{k}); bytes.Contains([]byte(s), []byte("a7")) || len(s) > 60 {
			t.Errorf("%s shows %s", verb, s)
		}
	}
	if err := k.Check(); err != nil {
		t.Error(err)
	}
	for _, weak := range []Key{{}, DefaultKey, {1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1, 2, 3, 1}} {
		if !errors.Is(weak.Check(), ErrWeakKey) {
			t.Errorf("%x passes", weak[:])
		}
	}
	if _, err := NewBus(Config{Readers: []Reader{{Keys: Keys{Current: DefaultKey}}}}); !errors.Is(err, ErrWeakKey) {
		t.Errorf("NewBus: %v", err)
	}
}

// BenchmarkSecurePoll is what a poll and its ACK cost in the core. The reader's
// side is made beforehand, of one session recorded for as long as the benchmark.
func BenchmarkSecurePoll(b *testing.B) {
	bus, err := NewBus(Config{Readers: []Reader{{Addr: 1, Secure: true, Keys: Keys{Current: testKey}}}})
	if err != nil {
		b.Fatal(err)
	}
	p := bus.peers[0]
	acu, pd := NewSession(testKey, Nonce{1}, Nonce{2}), NewSession(testKey, Nonce{1}, Nonce{2})
	p.session, p.seq = acu, 1
	p.becomeUp(heldCurrent)
	p.jobs = nil
	bus.Events()
	var parser Parser
	var reply []byte
	now := time.Duration(0)
	poll := func() {
		now = bus.Wake()
		tx := bus.Step(now, nil)
		if len(tx.Data) == 0 {
			now = bus.Wake()
			tx = bus.Step(now, nil)
		}
		b.StopTimer()
		parser.Push(tx.Data)
		f, _, err := parser.Next()
		if err != nil {
			b.Fatal(err)
		}
		if err := pd.Open(&f); err != nil {
			b.Fatal(err)
		}
		reply = pd.Seal(reply[:0], Frame{Addr: 1, Reply: true, Ctrl: f.Ctrl & 7, Code: byte(ReplyAck)})
		b.StartTimer()
		now += 6 * time.Millisecond
		bus.Step(now, reply)
	}
	poll()
	before := p.count.Exchanges
	b.ReportAllocs()
	n := uint64(0)
	for b.Loop() {
		poll()
		n++
	}
	if got := p.count.Exchanges - before; got != n {
		b.Fatalf("%d of %d polls answered", got, n)
	}
}
