package pd_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"doord/policy"
	"doord/reader/osdp"
	"doord/reader/tap"
	"doord/sim"
	"doord/sim/pd"
)

var theTap = policy.Tap{Place: 1, Controller: 1, Reader: 9, Door: 2, Challenge: policy.Challenge{1, 2, 3}}

func taps(c *osdp.Config, _ []pd.Config) {
	for i := range c.Readers {
		c.Readers[i].Tap = true
	}
}

// ready waits until all readers take phones.
func (r *rig) ready() {
	r.t.Helper()
	r.online()
	if !r.Until(5*time.Second, func() bool {
		for i := range r.PDs {
			if !r.state(i).Taps {
				return false
			}
		}
		return true
	}) {
		r.t.Fatalf("not ready for phones: %v", r.log())
	}
}

// answering plays the daemon: it asks each phone, and tells each the same.
func (r *rig) answering(reason policy.Reason) {
	r.Handle = func(e osdp.Event) {
		r.Events = append(r.Events, e)
		switch e.Body.(type) {
		case osdp.Phone:
			if err := r.Bus.Ask(e.Reader, theTap); err != nil {
				r.t.Fatal(err)
			}
		case osdp.Tapped:
			if err := r.Bus.Tell(e.Reader, reason); err != nil {
				r.t.Fatal(err)
			}
		}
	}
}

func TestAPhoneSignsAtAReader(t *testing.T) {
	for _, opts := range [][]option{{taps}, {taps, secure}, {taps, secure, baud(115200)}} {
		for _, atOnce := range []bool{false, true} {
			r := newRig(t, 2, opts...)
			r.ready()
			r.answering(policy.TwoFactorRequired)
			phone := &sim.Applet{Phone: sim.NewPhone("ada"), Unlocked: true}
			r.PDs[1].NoReport, r.PDs[1].CardTime = atOnce, 80*time.Millisecond
			r.PDs[1].Hold(phone)
			from := r.Now
			if !r.Until(3*time.Second, func() bool { return phone.Told != "" }) {
				t.Fatalf("the phone was told nothing: %v", r.log())
			}
			t.Logf("%d options, at once %v: %v", len(opts), atOnce, r.Now-from)
			r.For(5 * time.Second)
			got := find[osdp.Tapped](r)
			if len(got) != 1 || len(find[osdp.TapFailed](r)) != 0 || len(find[osdp.Message](r)) != 0 {
				t.Fatalf("%v", r.log())
			}
			if a := got[0].Assertion; !a.Verify(theTap) {
				t.Error("the signature is not valid")
			}
			if phone.Told != policy.TwoFactorRequired.Code() {
				t.Errorf("the phone was told %s", phone.Told)
			}
			r.steady(1)
			r.wantCard(1, time.Second)
		}
	}
}

func TestWhatIsHeldToAReaderMayFail(t *testing.T) {
	ada := sim.NewPhone("ada")
	for _, tt := range []struct {
		name   string
		phone  sim.Applet
		set    func(*rig)
		want   error
		within time.Duration
	}{
		{"a card", sim.Applet{Absent: true}, nil, tap.ErrNotAPhone, time.Second},
		{"a card that says nothing but success", sim.Applet{Babble: []byte{0x90, 0}}, nil, tap.ErrMalformed, time.Second},
		{"a card that says nothing", sim.Applet{Babble: []byte{}}, nil, tap.ErrMalformed, time.Second},
		{"a card that says too much", sim.Applet{Babble: make([]byte, 120)}, nil, tap.ErrNotAPhone, time.Second},
		{"an owner who would not", sim.Applet{Phone: ada, Refuse: true}, nil, tap.ErrRefused, time.Second},
		{"a phone that never signs", sim.Applet{Phone: ada, Silent: true}, nil, tap.ErrTimeout, tap.AnswerFor + time.Second},
		{"a phone that is taken away", sim.Applet{Phone: ada, Silent: true}, func(r *rig) {
			r.Until(2*time.Second, func() bool { return len(find[osdp.Phone](r)) > 0 })
			r.For(300 * time.Millisecond)
			r.PDs[0].Hold(nil)
		}, tap.ErrTimeout, time.Second},
		{"a reader that resets", sim.Applet{Phone: ada, Silent: true}, func(r *rig) {
			r.Until(2*time.Second, func() bool { return len(find[osdp.Phone](r)) > 0 })
			r.PDs[0].Reset()
			r.PDs[0].Hold(nil)
		}, tap.ErrTimeout, 2 * time.Second},
		{"nobody who asks it", sim.Applet{Phone: ada}, func(r *rig) { r.Handle = nil }, tap.ErrTimeout, 2 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, 1, taps, secure)
			r.ready()
			r.answering("")
			r.PDs[0].Hold(&tt.phone)
			if tt.set != nil {
				tt.set(r)
			}
			failed := func() bool { return len(find[osdp.TapFailed](r)) > 0 }
			if !r.Until(tt.within, failed) {
				t.Fatalf("no failure: %v", r.log())
			}
			r.For(10 * time.Second)
			if f := find[osdp.TapFailed](r); len(f) != 1 || !errors.Is(f[0].Err, tt.want) || len(find[osdp.Tapped](r)) > 0 {
				t.Fatalf("%v", r.log())
			}
			r.answering("")
			good := &sim.Applet{Phone: ada}
			r.PDs[0].Hold(good)
			r.For(2 * time.Second)
			if good.Told != "000000" {
				t.Errorf("the next phone is not served: %v", r.log())
			}
		})
	}
}

func TestALateAnswerIsDeliveredForItsReason(t *testing.T) {
	r := newRig(t, 1, taps, secure)
	r.ready()
	r.answering(policy.TapInvalid)
	phone := &sim.Applet{Phone: sim.NewPhone("ada")}
	r.PDs[0].Hold(phone)
	r.Until(time.Second, func() bool { return len(find[osdp.Phone](r)) > 0 })
	from := r.Now
	r.PDs[0].CardTime = policy.ChallengeFor + 500*time.Millisecond
	if !r.Until(4*time.Second, func() bool { return len(find[osdp.Tapped](r)) > 0 }) || r.Now-from < policy.ChallengeFor {
		t.Fatalf("%v", r.log())
	}
}

func TestAReaderWithoutTransparentModeIsNotAskedForIt(t *testing.T) {
	r := newRig(t, 1, taps, secure, func(_ *osdp.Config, ps []pd.Config) {
		ps[0].Capabilities = osdp.Capabilities{{Function: osdp.CapLED, Compliance: 4, Number: 1}}
	})
	r.online()
	r.PDs[0].Hold(&sim.Applet{Phone: sim.NewPhone("ada")})
	r.For(5 * time.Second)
	if s := r.state(0); s.Taps || s.Counters.Naks != [10]uint64{} || len(r.Events) > 0 {
		t.Errorf("%+v %v", s, r.log())
	}
	if err := r.Bus.Ask(0, theTap); !errors.Is(err, osdp.ErrNoPhone) {
		t.Error(err)
	}
}

// TestTapsOnABadLine: whatever the line does, each phone has one end, no answer
// comes twice, and once the line is good a phone is served again.
func TestTapsOnABadLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newRig(t, 2, taps, secure, baud(rapid.SampledFrom([]int{9600, 115200}).Draw(t, "baud")))
		r.ready()
		r.answering("")
		rate := rapid.IntRange(0, 30).Draw(t, "faults per 100 frames")
		seed := rapid.Uint64().Draw(t, "seed")
		rnd := func(n int) int {
			seed = seed*6364136223846793005 + 1442695040888963407
			return int(seed >> 33 % uint64(n))
		}
		r.Wire = func(b pd.Burst) []pd.Burst {
			if rnd(100) >= rate {
				return []pd.Burst{b}
			}
			return spoil(b, rnd, true)
		}
		for range rapid.IntRange(1, 10).Draw(t, "taps") {
			i := rnd(2)
			r.PDs[i].CardTime, r.PDs[i].NoReport = time.Duration(rnd(3000))*time.Millisecond, rnd(2) == 0
			a := &sim.Applet{Phone: sim.NewPhone("ada"), Silent: rnd(5) == 0, Refuse: rnd(5) == 0}
			if rnd(4) == 0 {
				a.Babble = make([]byte, rnd(40))
			}
			r.PDs[i].Hold(a)
			r.For(time.Duration(rnd(4000)) * time.Millisecond)
			switch rnd(6) {
			case 0:
				r.PDs[i].Hold(nil)
			case 1:
				r.PDs[i].Reset()
			}
		}
		r.Wire = nil
		for i := range r.PDs {
			r.PDs[i].CardTime, r.PDs[i].NoReport = 0, false
			r.PDs[i].Hold(nil)
		}
		r.For(20 * time.Second)
		for i := range r.PDs {
			open := 0
			for _, e := range r.Events {
				if e.Reader != i {
					continue
				}
				switch e.Body.(type) {
				case osdp.Phone:
					open++
				case osdp.Tapped:
					if open--; open < 0 {
						t.Fatalf("an answer of no phone: %s", r.log())
					}
				case osdp.TapFailed:
					open = max(0, open-1)
				}
			}
			if open > 0 {
				t.Fatalf("a phone without an end: %s", r.log())
			}
			phone := &sim.Applet{Phone: sim.NewPhone("ada")}
			r.PDs[i].Hold(phone)
			r.For(2 * time.Second)
			if phone.Told != "000000" {
				t.Fatalf("reader %d does not serve a phone: %s", i, r.log())
			}
		}
	})
}

// exchanges are what APDUs may cost the line in the time of a round: one of
// AUTHENTICATE and its answer in one reply, and, where two rounds meet, one of
// SELECT or RESULT; in a session.
func exchanges(speed int) time.Duration {
	return (79+2+127+2+47+2+31+2)*10*time.Second/time.Duration(speed) + 2*pd.Turnaround
}

// TestTapsDoNotHoldUpOtherReaders: while phones are held to reader 0 without a
// pause, a card at another waits for two commands more than without, as for any other
// command, and for no phone's own time.
func TestTapsDoNotHoldUpOtherReaders(t *testing.T) {
	for _, speed := range []int{9600, 115200} {
		for _, readers := range []int{2, 4, 8} {
			for _, atOnce := range []bool{false, true} {
				calm, busy, n := tapped(t, readers, speed, atOnce)
				_, _, worst := limit(readers, speed)
				if bound := worst + exchanges(speed) + time.Millisecond; busy > bound || n < 10 {
					t.Errorf("%d baud, %d readers, at once %v: a card takes %v instead of %v, more than %v; %d taps", speed, readers, atOnce, busy, calm, bound, n)
				}
			}
		}
	}
}

// tapped returns the longest that a card at the other readers took, without and
// with taps, and how many taps there were.
func tapped(t tester, readers, speed int, atOnce bool) (calm, busy time.Duration, n int) {
	r := newRig(t, readers, taps, secure, baud(speed))
	r.ready()
	r.answering("")
	r.PDs[0].NoReport, r.PDs[0].CardTime = atOnce, 150*time.Millisecond
	cards := func() (worst time.Duration) {
		for i := range 200 {
			r.For(time.Duration(i*i%97) * time.Millisecond)
			at := r.Now
			r.PDs[1+i%(readers-1)].Card(h10301)
			r.Events = nil
			for len(r.cards()) == 0 {
				r.For(100 * time.Microsecond)
			}
			worst = max(worst, r.Now-at)
			r.For(500 * time.Millisecond) // the same card again is no echo
		}
		return worst
	}
	calm = cards()
	next := time.Duration(0)
	phone := &sim.Applet{}
	r.Wire = func(b pd.Burst) []pd.Burst {
		if (phone.Told != "" || r.Now > next) && r.PDs[0].Queued() == 0 {
			n++
			phone, next = &sim.Applet{Phone: sim.NewPhone("ada")}, r.Now+3*time.Second
			r.PDs[0].Hold(phone)
		}
		return []pd.Burst{b}
	}
	return calm, cards(), n
}

// BenchmarkTap is what a tap takes on the line, from the phone in the field to its
// signature, in virtual time; the phone itself takes none.
func BenchmarkTap(b *testing.B) {
	for _, speed := range []int{9600, 115200} {
		b.Run(fmt.Sprint("baud=", speed), func(b *testing.B) {
			r := newRig(b, 4, taps, secure, baud(speed))
			r.ready()
			r.answering("")
			var sum time.Duration
			for b.Loop() {
				r.Events = nil
				from := r.Now
				r.PDs[0].Hold(&sim.Applet{Phone: sim.NewPhone("ada")})
				if !r.Until(2*time.Second, func() bool { return len(find[osdp.Tapped](r)) > 0 }) {
					b.Fatal(r.log())
				}
				sum += r.Now - from
				r.For(time.Second)
			}
			b.ReportMetric(float64(sum.Milliseconds())/float64(b.N), "ms-line")
		})
	}
}
