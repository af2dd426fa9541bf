package pd_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"doord/reader/osdp"
	"doord/sim/pd"
)

// 10. Card data, digits and keys were logged in clear.
func TestFault10NoSecretIsEverInATrace(t *testing.T) {
	for _, opts := range [][]option{nil, {secure}} {
		var text strings.Builder
		var raw bytes.Buffer
		capture := osdp.NewCapture(&raw, time.Unix(1_700_000_000, 0))
		r := newRig(t, 1, append(opts, func(c *osdp.Config, _ []pd.Config) {
			c.Trace = func(x osdp.Trace) {
				fmt.Fprintln(&text, x)
				if _, err := osdp.ParseFrame(x.Raw); err != nil {
					t.Errorf("%v: %v", x, err)
				}
				if err := capture.Write(x); err != nil {
					t.Error(err)
				}
			}
		})...)
		r.online()
		card, digits := []byte{0xC0, 0xFF, 0xEE, 0x42}, []byte("918273")
		r.PDs[0].Queue(osdp.ReplyRaw, osdp.Raw{Format: 1, Bits: 32, Data: card})
		r.PDs[0].Keys(string(digits))
		if err := r.Bus.Commission(0, key(77), time.Minute); err != nil {
			t.Fatal(err)
		}
		if len(opts) == 0 {
			r.PDs[0].Key = osdp.Key{}
		}
		r.For(5 * time.Second)
		if len(r.cards()) != 1 || r.PDs[0].Key != key(77) {
			t.Fatalf("nothing to hide: %v", r.log())
		}
		k := key(77)
		fmt.Fprintf(&text, "%v %+v %x %s", r.log(), r.state(0), k, k)
		for _, secret := range [][]byte{card, digits, k[:]} {
			for name, s := range map[string]string{"trace": text.String(), "capture": raw.String()} {
				s = strings.ToLower(strings.ReplaceAll(s, " ", ""))
				if strings.Contains(s, hex.EncodeToString(secret)) || strings.Contains(s, string(secret)) {
					t.Errorf("%x is in the %s", secret, name)
				}
			}
		}
		if !strings.Contains(raw.String(), `"io":"input"`) || !strings.Contains(text.String(), "RAW") {
			t.Error("the trace is empty")
		}
	}
}

func TestReaderThatResetsSaysThatAReadMayBeLost(t *testing.T) {
	for _, opts := range [][]option{nil, {secure}} {
		r := newRig(t, 2, opts...)
		r.online()
		r.PDs[0].Card(h10301)
		r.PDs[0].Reset()
		if !r.Until(2*time.Second, func() bool { return len(find[osdp.PossiblyLost](r)) > 0 }) {
			t.Fatalf("not noticed: %v", r.log())
		}
		r.wantCard(0, 2*time.Second)
		r.wantCard(1, time.Second)
	}
}

func TestWrongKeyIsAFaultAndNotAReader(t *testing.T) {
	r := newRig(t, 2, secure)
	r.PDs[0].Key = key(99)
	n := 0
	r.Wire = func(b pd.Burst) []pd.Burst {
		if f := parse(t, b); f.Scheme() == osdp.SCS11 && f.Addr == 0 {
			n++
		}
		return []pd.Burst{b}
	}
	r.For(5 * time.Minute)
	if s := r.state(0); s.Online || !errors.Is(s.Fault, osdp.ErrWrongKey) {
		t.Errorf("%+v", s)
	}
	if n > 16 {
		t.Errorf("%d handshakes in 5 min", n)
	}
	r.wantCard(1, time.Second)
}

func TestTwoReadersAtOneAddressHarmNobodyElse(t *testing.T) {
	for _, opts := range [][]option{nil, {secure}} {
		r := newRig(t, 2, opts...)
		twin := r.PDs[1].Config
		twin.Identity.Serial, twin.UID = 7, osdp.UID{9}
		r.PDs = append(r.PDs, pd.New(twin))
		r.For(30 * time.Second)
		r.wantCard(0, 2*time.Second)
	}
}

func TestNoiseIsNoReader(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	r := newRig(t, 2, secure)
	r.Wire = func(b pd.Burst) []pd.Burst {
		noise := pd.Burst{Start: b.End() + time.Millisecond, Baud: b.Baud, Data: make([]byte, rnd.IntN(3)), ToACU: true}
		for i := range noise.Data {
			noise.Data[i] = byte(rnd.Uint32())
		}
		return []pd.Burst{b, noise}
	}
	r.online()
	for range 20 {
		r.wantCard(0, 2*time.Second)
	}
	for i := range r.PDs {
		r.PDs[i].Mute = true
	}
	r.Wire = func(b pd.Burst) []pd.Burst {
		noise := pd.Burst{Start: b.End(), Baud: b.Baud, Data: make([]byte, 400), ToACU: true}
		for i := range noise.Data {
			noise.Data[i] = byte(rnd.Uint32())
		}
		return []pd.Burst{b, noise}
	}
	r.For(20 * time.Second)
	if r.state(0).Online || len(find[osdp.Read](r)) > 1 {
		t.Error("noise passes for a reader")
	}
}

func TestUnpluggedAdapterComesBack(t *testing.T) {
	r := newRig(t, 2, secure)
	r.online()
	for _, d := range []time.Duration{time.Second, 5 * time.Second, time.Minute} {
		r.Down = true
		r.For(d)
		r.Down = false
		r.For(5 * time.Second)
		r.wantCard(0, time.Second)
		r.wantCard(1, time.Second)
	}
}

func TestTenBadMACsEndASession(t *testing.T) {
	r := newRig(t, 1, secure)
	r.online()
	n := 0
	r.Wire = func(b pd.Burst) []pd.Burst {
		if n++; b.ToACU && n%9 == 0 {
			f := parse(t, b)
			if f.Scheme() == osdp.SCS16 {
				f.MAC[0] ^= 1
				forged := b
				forged.Data = f.Append(nil)
				b.Start = forged.End() + time.Millisecond
				return []pd.Burst{forged, b}
			}
		}
		return []pd.Burst{b}
	}
	before := r.state(0).Counters.Sessions
	r.For(30 * time.Second)
	if got := r.state(0).Counters; got.BadMAC < 10 || got.Sessions == before {
		t.Errorf("%d bad MACs, %d new sessions", got.BadMAC, got.Sessions-before)
	}
	if !r.state(0).Online {
		t.Error("offline")
	}
}

// Some products carry a repeated command out again, and find its MAC wrong.
func TestForgetfulReaderIsBackWithinASecond(t *testing.T) {
	for _, opts := range [][]option{nil, {secure}} {
		r := newRig(t, 2, append(opts, func(_ *osdp.Config, ps []pd.Config) { ps[0].Forgetful = true })...)
		r.online()
		r.For(time.Second)
		r.once(func(b pd.Burst) ([]pd.Burst, bool) { return nil, b.ToACU && parse(t, b).Addr == 0 })
		r.For(100 * time.Millisecond)
		r.wantCard(0, time.Second)
		r.wantCard(1, time.Second)
		if len(opts) > 0 && len(find[osdp.Offline](r)) > 0 {
			t.Error("went offline")
		}
	}
}

func TestSlowReadersAndSlowBytes(t *testing.T) {
	t.Run("150 ms to each reply", func(t *testing.T) {
		r := newRig(t, 2, secure)
		r.Turn = 150 * time.Millisecond
		r.online()
		r.wantCard(0, time.Second)
		if c := r.state(0).Counters; c.Timeouts > 3 {
			t.Errorf("%+v", c)
		}
	})
	t.Run("15 ms between the bytes", func(t *testing.T) {
		r := newRig(t, 1, secure)
		r.Wire = func(b pd.Burst) []pd.Burst {
			if !b.ToACU {
				return []pd.Burst{b}
			}
			var out []pd.Burst
			for i := range b.Data {
				out = append(out, pd.Burst{Start: b.Start + time.Duration(i)*15*time.Millisecond, Baud: b.Baud, Data: b.Data[i : i+1], ToACU: true})
			}
			return out
		}
		r.online()
		r.wantCard(0, 2*time.Second)
		if c := r.state(0).Counters; c.Retries > 0 {
			t.Errorf("%+v", c)
		}
	})
}
