package gateway_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"doord/relay/gateway"
	sim "doord/sim/gateway"
)

var secret = gateway.Key{1, 2, 3, 31: 4}

func counter() func([]byte) {
	n := byte(0)
	return func(b []byte) {
		for i := range b {
			n++
			b[i] = n
		}
	}
}

// rig is a link and a gateway on a wire, in virtual time.
type rig struct {
	link    *gateway.Link
	gateway *sim.Gateway
	now     time.Duration
	wire    func(toGateway bool, b []byte) []byte
	tx      []byte
	events  []gateway.Event
	said    []string
}

func newRig(key gateway.Key) *rig {
	return &rig{link: gateway.NewLink(gateway.Config{Channels: []int{1, 2}, Key: key, Rand: counter()}), gateway: sim.New(key, counter(), 1, 2)}
}

// run lets time pass in steps of 10 ms.
func (r *rig) run(d time.Duration) {
	for end := r.now + d; r.now < end; r.now += 10 * time.Millisecond {
		rx := r.gateway.Step(r.now, r.pass(true, r.tx))
		r.tx = r.link.Step(r.now, r.pass(false, rx))
		for _, e := range r.link.Events() {
			r.events = append(r.events, e)
			switch b := e.Body.(type) {
			case gateway.Report:
				r.said = append(r.said, fmt.Sprintf("%d unlocked=%t cause=%d", e.Channel, b.Unlocked, b.Cause))
			case gateway.Lost:
				r.said = append(r.said, fmt.Sprintf("%d lost", e.Channel))
			case gateway.Found:
				r.said = append(r.said, "found "+b.Name)
			case gateway.Passage:
				r.said = append(r.said, fmt.Sprintf("%d entered=%t", e.Channel, b.Entered))
			case gateway.Refused:
				r.said = append(r.said, fmt.Sprintf("%d %s", e.Channel, b.Result))
			}
		}
	}
}

func (r *rig) pass(toGateway bool, b []byte) []byte {
	if r.wire == nil || len(b) == 0 {
		return b
	}
	return r.wire(toGateway, slices.Clone(b))
}

func (r *rig) want(t testing.TB, lines ...string) {
	t.Helper()
	if !slices.Equal(r.said, lines) {
		t.Errorf("at %v: got %q, want %q", r.now, r.said, lines)
	}
	r.said = nil
}

func TestALockFollowsWhatIsWanted(t *testing.T) {
	for _, key := range []gateway.Key{{}, secret} {
		r := newRig(key)
		r.gateway.Locks[1].Moves = 300 * time.Millisecond
		r.run(2 * time.Second)
		r.want(t, "found simulated", "1 unlocked=false cause=0", "2 unlocked=false cause=0")
		r.link.Want(1, gateway.Want{Unlocked: true})
		r.run(time.Second)
		r.want(t, "1 unlocked=true cause=0")
		r.link.Want(1, gateway.Want{})
		r.run(time.Second)
		r.want(t, "1 unlocked=false cause=0")
		sets := r.gateway.Sets
		r.run(time.Hour)
		r.want(t)
		if r.gateway.Sets != sets {
			t.Errorf("%d commands in a quiet hour", r.gateway.Sets-sets)
		}
		r.gateway.Locks[1].Turn(true)
		r.run(3 * time.Second)
		r.want(t, "1 unlocked=true cause=3", "1 unlocked=false cause=0") // a level is insisted on
	}
}

func TestAGrantLocksByItself(t *testing.T) {
	r := newRig(secret)
	r.run(time.Second)
	r.said = nil
	r.link.Want(1, gateway.Want{Unlocked: true, Until: r.now + 5*time.Second})
	r.run(2 * time.Second)
	r.want(t, "1 unlocked=true cause=0")
	r.run(4 * time.Second)
	r.want(t, "1 unlocked=false cause=2")
	r.link.Want(2, gateway.Want{Unlocked: true, Until: r.now + 10*time.Minute, Distance: 3, Timeout: 10 * time.Second})
	r.run(time.Minute)
	r.want(t, "2 unlocked=true cause=0")
	r.gateway.Locks[2].Key = 3.5
	r.run(time.Second)
	r.want(t, "2 unlocked=false cause=1")
	r.gateway.Locks[2].Key = 1
	r.run(time.Minute)
	r.want(t) // and is not unlocked anew
	r.link.Want(2, gateway.Want{})
	r.link.Want(2, gateway.Want{Unlocked: true, Until: r.now + 10*time.Minute, Timeout: 10 * time.Second})
	r.run(time.Second)
	r.want(t, "2 unlocked=true cause=0")
	r.gateway.Locks[2].Key = -1
	r.run(9 * time.Second)
	r.want(t)
	r.run(2 * time.Second)
	r.want(t, "2 unlocked=false cause=1")
}

func TestALostGatewayIsNeverSaidToBeLocked(t *testing.T) {
	r := newRig(secret)
	r.run(time.Second)
	r.link.Want(1, gateway.Want{Unlocked: true, Until: r.now + 3*time.Second})
	r.run(time.Second)
	r.said = nil
	r.gateway.Mute = true
	r.run(time.Minute)
	r.want(t, "0 lost")
	r.gateway.Mute = false
	r.gateway.Locks[1].Turn(false)
	r.run(10 * time.Second)
	r.want(t, "found simulated", "1 unlocked=false cause=3", "2 unlocked=false cause=0") // an old grant does not unlock
	r.link.Want(1, gateway.Want{Unlocked: true})
	r.run(time.Second)
	r.said = nil
	r.gateway.Reboot()
	r.gateway.Locks[1].Turn(false)
	r.run(20 * time.Second)
	r.want(t, "0 lost", "found simulated", "1 unlocked=false cause=3", "2 unlocked=false cause=0", "1 unlocked=true cause=0") // a level does
	r.link.Reset()
	r.run(2 * time.Second)
	r.want(t, "0 lost", "found simulated", "1 unlocked=true cause=0", "2 unlocked=false cause=0")
}

func TestFaultsOfALock(t *testing.T) {
	r := newRig(secret)
	r.run(time.Second)
	r.said = nil
	r.gateway.Locks[1].Stalled = true
	r.link.Want(1, gateway.Want{Unlocked: true})
	r.run(10 * time.Minute)
	last := r.events[len(r.events)-1].Body.(gateway.Report)
	if !last.Stalled || last.Unlocked || r.gateway.Sets > 20 {
		t.Errorf("%+v, %d commands in 10 minutes", last, r.gateway.Sets)
	}
	r.gateway.Locks[1].Stalled = false
	r.run(2 * time.Minute)
	r.said = nil
	r.gateway.Locks[1].Deaf = true
	r.run(time.Second)
	r.want(t, "1 lost")
	r.link.Want(1, gateway.Want{})
	r.run(30 * time.Second)
	r.want(t)
	r.gateway.Locks[1].Deaf = false
	r.run(10 * time.Second)
	r.want(t, "1 unlocked=true cause=0", "1 unlocked=false cause=0")
	r.gateway.Refuse = gateway.Refusal
	r.link.Want(1, gateway.Want{Unlocked: true})
	r.run(time.Second)
	r.want(t, "1 refused")
	r.gateway.Refuse = gateway.Done
	r.run(10 * time.Second)
	r.want(t, "1 unlocked=true cause=0")
	r.gateway.Locks[2].Battery, r.gateway.Locks[2].Tampered, r.gateway.Locks[2].Open = 7, true, true
	r.run(time.Second)
	if b := r.events[len(r.events)-1].Body.(gateway.Report); b.Battery != 7 || !b.Tampered || !b.Open || !b.Contact || b.Signal != -60 {
		t.Errorf("%+v", b)
	}
}

// TestABadWire: whatever the wire does, a passage is told once, nothing is told that is
// not so, and once the wire is good each lock is as it is wanted.
func TestABadWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := rapid.SampledFrom([]gateway.Key{{}, secret}).Draw(t, "key")
		r := newRig(key)
		seed := rapid.Uint64().Draw(t, "seed")
		rate := rapid.IntRange(0, 50).Draw(t, "faults per 100")
		rnd := func(n int) int {
			seed = seed*6364136223846793005 + 1442695040888963407
			return int(seed >> 33 % uint64(n))
		}
		var old [2][]byte
		r.wire = func(to bool, b []byte) []byte {
			kept := &old[0]
			if to {
				kept = &old[1]
			}
			defer func(b []byte) { *kept = b }(slices.Clone(b))
			if rnd(100) >= rate {
				return b
			}
			switch rnd(5) {
			case 0:
				return nil
			case 1:
				b[rnd(len(b))] ^= 1 << rnd(8)
			case 2:
				b = b[:rnd(len(b))]
			case 3:
				b = append(b, *kept...) // a replay
			case 4:
				b = append([]byte{0x57, 1, 0, byte(rnd(200)), 0x57}, b...)
			}
			return b
		}
		passed := map[string]int{}
		for range rapid.IntRange(1, 20).Draw(t, "steps") {
			channel := 1 + rnd(2)
			switch rnd(5) {
			case 0:
				r.link.Want(channel, gateway.Want{Unlocked: rnd(2) == 0})
			case 1:
				r.link.Want(channel, gateway.Want{Unlocked: true, Until: r.now + time.Duration(rnd(20))*time.Second})
			case 2:
				entered := rnd(2) == 0
				r.gateway.Pass(channel, entered)
				passed[fmt.Sprintf("%d entered=%t", channel, entered)]++
			case 3:
				r.gateway.Locks[channel].Deaf = rnd(3) == 0
			case 4:
				r.gateway.Mute = rnd(3) == 0
			}
			r.run(time.Duration(rnd(8000)) * time.Millisecond)
		}
		r.wire, r.gateway.Mute = nil, false
		wants := map[int]bool{1: rnd(2) == 0, 2: rnd(2) == 0}
		for channel, unlocked := range wants {
			r.gateway.Locks[channel].Deaf = false
			r.link.Want(channel, gateway.Want{Unlocked: unlocked})
		}
		r.run(3 * time.Minute)
		for channel, unlocked := range wants {
			if r.gateway.Locks[channel].Unlocked != unlocked {
				t.Fatalf("lock %d is unlocked: %t; %q", channel, !unlocked, r.said)
			}
		}
		counts := map[string]int{}
		for _, s := range r.said {
			counts[s]++
		}
		for s, n := range passed {
			if counts[s] != n {
				t.Fatalf("%s: %d times, told %d times", s, n, counts[s])
			}
		}
	})
}

func TestAWrongKeyHasNoSession(t *testing.T) {
	for _, keys := range [][2]gateway.Key{{secret, {}}, {{}, secret}, {secret, {9}}} {
		r := newRig(keys[0])
		r.gateway.Key = keys[1]
		r.link.Want(1, gateway.Want{Unlocked: true})
		r.run(time.Minute)
		r.want(t)
		if r.gateway.Locks[1].Unlocked {
			t.Error("unlocked without the key")
		}
	}
}

func TestARecordedSessionIsNotBelieved(t *testing.T) {
	r := newRig(secret)
	var heard [][]byte
	r.wire = func(to bool, b []byte) []byte {
		if !to {
			heard = append(heard, b)
		}
		return b
	}
	r.link.Want(1, gateway.Want{Unlocked: true})
	r.run(5 * time.Second)
	random := counter()
	random(make([]byte, 100))
	l := gateway.NewLink(gateway.Config{Channels: []int{1, 2}, Key: secret, Rand: random})
	now := time.Duration(0)
	for _, b := range heard {
		now += 10 * time.Millisecond
		l.Step(now, b)
		if e := l.Events(); len(e) > 0 {
			t.Fatalf("%+v", e)
		}
	}
}

func TestPassagesAreToldOnce(t *testing.T) {
	r := newRig(secret)
	r.run(time.Second)
	r.said = nil
	r.gateway.Pass(1, true)
	r.run(time.Second)
	r.want(t, "1 entered=true")
	lost := true
	r.wire = func(to bool, b []byte) []byte {
		if to && lost {
			return nil // GOT
		}
		return b
	}
	r.gateway.Pass(2, false)
	r.run(3 * time.Second)
	lost = false
	r.run(10 * time.Second)
	r.want(t, "2 entered=false")
	r.gateway.Reboot() // its ids begin anew
	r.run(10 * time.Second)
	r.said = nil
	r.gateway.Pass(1, false)
	r.run(time.Second)
	r.want(t, "1 entered=false")
}

func TestAGatewayThatIsAloneLocks(t *testing.T) {
	r := newRig(secret)
	r.run(time.Second)
	r.link.Want(1, gateway.Want{Unlocked: true})
	r.run(time.Second)
	r.wire = func(bool, []byte) []byte { return nil }
	r.run(28 * time.Second)
	if !r.gateway.Locks[1].Unlocked {
		t.Error("a short silence moves a lock")
	}
	r.run(5 * time.Second)
	if r.gateway.Locks[1].Unlocked {
		t.Error("nobody serves the door, and it is unlocked")
	}
	r.wire = nil
	r.run(10 * time.Second)
	if !r.gateway.Locks[1].Unlocked {
		t.Error("a level is not restored")
	}
}
