package daemon

import (
	"context"
	"testing"
	"time"

	"doord/cmd/internal/config"
	"doord/policy"
	"doord/relay"
	"doord/relay/gateway"
	simgateway "doord/sim/gateway"
)

// radioRig is a rig whose front door has a wireless lock in place of its relay.
type radioRig struct {
	*rig
	port *simgateway.Port
}

func newRadioRig(t *testing.T, change ...func(*Options)) *radioRig {
	t.Helper()
	r := &rig{TB: t, dir: t.TempDir()}
	records := place(t)
	records.RelayConnections = records.RelayConnections[1:]
	records.WirelessLocks = []policy.WirelessLock{{ID: 21, Name: "Front lock", LockID: 1, ControllerID: 1, Channel: 7, Duration: 5}}
	r.seed(records)
	n := byte(0)
	f := &radioRig{rig: r, port: simgateway.NewPort(simgateway.New(gateway.Key{}, func(b []byte) { n++; b[0] = n }, 3))}
	f.port.Do(func(g *simgateway.Gateway) { g.Locks[3].Moves = 200 * time.Millisecond })
	r.start(func(r *rig, o *Options) {
		d := &r.config.Doors[0]
		d.Relays, d.Lock, d.FailMode, d.Gateway, d.Channel, d.Address = nil, relay.Wireless, relay.FailSecure, "floor", 7, 3
		r.config.Gateways = []config.Gateway{{Name: "floor", Port: "sim", Protocol: "doord"}}
		r.config.Relay = r.config.Relay[1:]
		r.board = newBoard(r.config)
		o.Hardware = hardware(r.config, r.board)
		o.Hardware.Gateways = []gateway.Line{f.port}
		for _, c := range change {
			c(o)
		}
	})
	t.Cleanup(r.stop)
	r.pass(3 * time.Second)
	return f
}

func (f *radioRig) lock(do func(*simgateway.Gateway, *simgateway.Lock)) {
	f.port.Do(func(g *simgateway.Gateway) { do(g, g.Locks[3]) })
	f.pass(300 * time.Millisecond)
}

// is checks what the lock is, and what the daemon says of it.
func (f *radioRig) is(unlocked bool, state string) {
	f.Helper()
	var got bool
	f.port.Do(func(g *simgateway.Gateway) { got = g.Locks[3].Unlocked })
	list, err := f.server.WirelessLocks(context.Background())
	if err != nil || len(list) != 1 {
		f.Fatalf("%+v, %v", list, err)
	}
	doors, err := f.server.Doors(context.Background())
	if err != nil {
		f.Fatal(err)
	}
	word := map[string]string{"unlocked": "released"}[state]
	if word == "" {
		word = state
	}
	if got != unlocked || list[0].State != state || doors[0].State != word {
		f.Errorf("%v: the lock is unlocked: %t; said to be %s, the door %s; not %t, %s", f.board.Now(), got, list[0].State, doors[0].State, unlocked, state)
	}
}

func TestACardUnlocksAWirelessLock(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRadioRig(t)
		f.is(false, "locked")
		f.faulty()
		f.events()
		f.tap("front", 118, 1603)
		f.pass(300 * time.Millisecond)
		f.is(true, "unlocked")
		f.lock(func(_ *simgateway.Gateway, l *simgateway.Lock) { l.Open = true })
		f.lock(func(g *simgateway.Gateway, _ *simgateway.Lock) { g.Pass(3, true) })
		f.lock(func(_ *simgateway.Gateway, l *simgateway.Lock) { l.Open = false })
		f.is(false, "locked")
		f.happened("lock.unlock front granted", "wireless_lock.unlocked front member:1", "lock.opened front", "wireless_lock.locked front", "wireless_lock.entered front member:1")
		f.tap("front", 118, 1603)
		f.pass(4500 * time.Millisecond)
		f.is(true, "unlocked")
		f.pass(2 * time.Second)
		f.is(false, "locked") // its time is over
		f.tap("front", 7, 4711)
		f.pass(time.Second)
		f.is(false, "locked")
	})
}

func TestAWirelessLockWithoutItsGatewayIsUnknown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRadioRig(t)
		f.command("front", "hold_released", time.Hour)
		f.pass(time.Second)
		f.is(true, "unlocked")
		f.events()
		f.lock(func(g *simgateway.Gateway, _ *simgateway.Lock) { g.Mute = true })
		f.pass(10 * time.Second)
		f.is(true, "unknown")
		f.faulty("gateway floor is lost")
		f.happened("wireless_lock.offline front detail=gateway_lost")
		f.command("front", "unhold", 0)
		f.pass(time.Minute)
		for _, l := range f.events() {
			if l == "lock.locked front" || l == "lock.locked front detail=rest" {
				t.Error("it is said to be locked, and nobody knows")
			}
		}
		f.lock(func(g *simgateway.Gateway, _ *simgateway.Lock) { g.Mute = false })
		f.pass(5 * time.Second)
		f.is(false, "locked")
		f.faulty()
		f.port.Plug(false)
		f.pass(time.Second)
		f.is(false, "unknown")
		f.faulty("gateway floor is lost", "the line of gateway floor is gone")
		f.port.Plug(true)
		f.pass(10 * time.Second)
		f.is(false, "locked")
		f.faulty()
	})
}

func TestRequestToExitAndTheCoresCrashAtAWirelessLock(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRadioRig(t)
		f.command("front", "lock_down", 0)
		f.settle("front-rex", true)
		f.pass(500 * time.Millisecond)
		f.is(true, "unlocked")
		f.settle("front-rex", false)
		f.pass(10 * time.Second)
		f.is(false, "locked")
		f.crash()
		f.settle("front-rex", true)
		f.pass(500 * time.Millisecond)
		var unlocked bool
		f.port.Do(func(g *simgateway.Gateway) { unlocked = g.Locks[3].Unlocked })
		if !unlocked {
			t.Error("without a core nobody gets out by the button")
		}
		f.settle("front-rex", false)
	})
}

func TestADaemonThatEndsLocksItsWirelessLocks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRadioRig(t)
		f.command("front", "hold_released", time.Hour)
		f.pass(time.Second)
		f.is(true, "unlocked")
		f.stop()
		f.pass(time.Second)
		f.port.Do(func(g *simgateway.Gateway) {
			g.Step(time.Hour, nil) // long after
			if g.Locks[3].Unlocked {
				t.Error("it stays unlocked")
			}
		})
	})
}

func TestTroublesOfAWirelessLock(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRadioRig(t)
		f.events()
		f.lock(func(_ *simgateway.Gateway, l *simgateway.Lock) { l.Battery = 9 })
		f.lock(func(_ *simgateway.Gateway, l *simgateway.Lock) { l.Tampered = true })
		f.lock(func(_ *simgateway.Gateway, l *simgateway.Lock) { l.Stalled = true })
		f.tap("front", 118, 1603)
		f.pass(time.Second)
		f.is(false, "locked")
		list, err := f.server.WirelessLocks(context.Background())
		if x := list[0]; err != nil || !x.BatteryLow || *x.Battery != 9 || !x.Tampered || !x.MotorStall || x.Wanted != "unlocked" || x.Lock != 1 || x.Channel != 7 || x.Signal != -60 {
			t.Errorf("%+v, %v", x, err)
		}
		f.lock(func(_ *simgateway.Gateway, l *simgateway.Lock) { l.Deaf = true })
		f.is(false, "unknown")
		f.happened("wireless_lock.battery_warning", "wireless_lock.tampered", "wireless_lock.motor_stall", "wireless_lock.offline front detail=loss_of_rf")
	})
}
