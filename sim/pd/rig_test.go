package pd_test

import (
	"fmt"
	"slices"
	"time"

	"doord/policy"
	"doord/reader"
	"doord/reader/osdp"
	"doord/sim/pd"
)

// rig is a bus with readers on a line. Reader i has address i and key(i).
type rig struct {
	*pd.Line
	t tester
}

// tester is what a rig needs of a testing.T or a rapid.T.
type tester interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

type option func(*osdp.Config, []pd.Config)

func key(i int) osdp.Key {
	k := osdp.Key{0xA7, 0x13, 0x5C, 0xE9, 0x02, 0x4B, 0xD8, 0x66, 0x91, 0x3F, 0x70, 0xCA, 0x2D, 0x84, 0xB5}
	k[15] = byte(i)
	return k
}

func secure(c *osdp.Config, ps []pd.Config) {
	for i := range ps {
		c.Readers[i].Secure = true
		c.Readers[i].Keys.Current = key(i)
		ps[i].Key, ps[i].Secure = key(i), true
	}
}

func baud(n int) option {
	return func(c *osdp.Config, ps []pd.Config) {
		for i := range ps {
			c.Readers[i].Baud, ps[i].Comm.Baud = n, n
		}
	}
}

// counter is a nonce source that repeats itself from test to test.
func counter() func([]byte) {
	n := byte(0)
	return func(b []byte) {
		for i := range b {
			n++
			b[i] = n
		}
	}
}

func newRig(t tester, readers int, opts ...option) *rig {
	t.Helper()
	c := osdp.Config{
		Rand: counter(),
		Decode: func(bits string) reader.Read {
			return reader.Read{Kind: reader.Card, Token: policy.Token{Class: policy.TokenNumber, Value: bits}}
		},
	}
	var ps []pd.Config
	for i := range readers {
		c.Readers = append(c.Readers, osdp.Reader{Addr: byte(i)})
		ps = append(ps, pd.Config{Comm: osdp.Comm{Addr: byte(i)}, UID: osdp.UID{1, 2, 3, byte(i)}, Rand: counter()})
	}
	for _, o := range opts {
		o(&c, ps)
	}
	bus, err := osdp.NewBus(c)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{Line: &pd.Line{Bus: bus}, t: t}
	for _, p := range ps {
		r.PDs = append(r.PDs, pd.New(p))
	}
	return r
}

// online waits until all readers are.
func (r *rig) online() {
	r.t.Helper()
	if !r.Until(20*time.Second, func() bool {
		for i := range r.PDs {
			if !r.state(i).Online {
				return false
			}
		}
		return true
	}) {
		r.t.Fatalf("not online after %v: %v", r.Now, r.log())
	}
	r.For(200 * time.Millisecond) // what is asked of a new reader
	r.Events = nil
}

func (r *rig) state(i int) osdp.State {
	r.t.Helper()
	s, err := r.Bus.State(i)
	if err != nil {
		r.t.Fatal(err)
	}
	return s
}

// log is the events so far, for failures.
func (r *rig) log() string {
	s := ""
	for _, e := range r.Events {
		s += fmt.Sprintf("\n%v reader %d %T %v", e.At, e.Reader, e.Body, e.Body)
	}
	return s
}

// find returns the events of one type.
func find[T osdp.Body](r *rig) []T {
	var out []T
	for _, e := range r.Events {
		if x, ok := e.Body.(T); ok {
			out = append(out, x)
		}
	}
	return out
}

// cards returns the bits of the cards read, in order.
func (r *rig) cards() []string {
	var out []string
	for _, x := range find[osdp.Read](r) {
		if x.Kind == reader.Card || x.Kind == reader.Bad {
			out = append(out, x.Bits)
		}
	}
	return out
}

const h10301 = "10001010001010110011110001"

// wantCard taps a card and demands it within d, once, and returns how long it took.
func (r *rig) wantCard(i int, d time.Duration) time.Duration {
	r.t.Helper()
	r.Events = nil
	from := r.Now
	r.PDs[i].Card(h10301)
	if !r.Until(d, func() bool { return len(r.cards()) > 0 }) {
		r.t.Fatalf("no card within %v: %v", d, r.log())
	}
	took := r.Now - from
	r.For(time.Second)
	if got := r.cards(); !slices.Equal(got, []string{h10301}) {
		r.t.Fatalf("cards: %v", got)
	}
	return took
}
