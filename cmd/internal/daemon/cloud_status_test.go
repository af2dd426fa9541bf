package daemon

import (
	"context"
	"testing"
	"time"

	"doord/policy"
	"doord/policy/controller"
	"doord/relay"
	simgateway "doord/sim/gateway"
	"doord/store/cloudsync"
)

// told returns what the place service is told of the board.
func (r *rig) told() cloudsync.Status {
	r.Helper()
	st, err := cloud{r.daemon}.Status(context.Background())
	if err != nil {
		r.Fatal(err)
	}
	return st
}

func TestTheServiceIsToldOfWirelessLocks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRadioRig(t)
		is := func(online, lossOfRF, unlocked bool) {
			t.Helper()
			st := f.told()
			if len(st.Wireless) != 1 {
				t.Fatalf("%+v", st.Wireless)
			}
			x := st.Wireless[0]
			if x.LockID != 1 || x.Channel != 7 || x.Online != online || x.LossOfRF != lossOfRF || x.Unlocked != unlocked || st.Doors[0].Unlocked != unlocked {
				t.Errorf("%+v, the door unlocked: %t", x, st.Doors[0].Unlocked)
			}
			if online != (x.Signal != nil) || online != (x.Open != nil) {
				t.Errorf("online %t with signal %v, open %v", online, x.Signal, x.Open)
			}
		}
		is(true, false, false)
		f.command("front", "hold_released", time.Hour)
		is(true, false, false) // it takes its time to move
		f.pass(time.Second)
		is(true, false, true)
		f.lock(func(_ *simgateway.Gateway, l *simgateway.Lock) { l.Battery, l.Open = 9, true })
		if x := f.told().Wireless[0]; !x.BatteryLow || *x.Battery != 9 || !*x.Open {
			t.Errorf("%+v", x)
		}
		f.lock(func(_ *simgateway.Gateway, l *simgateway.Lock) { l.Deaf = true })
		f.pass(10 * time.Second)
		is(false, true, false)
		f.lock(func(_ *simgateway.Gateway, l *simgateway.Lock) { l.Deaf = false })
		f.pass(10 * time.Second)
		is(true, false, true)
		f.port.Plug(false)
		f.pass(10 * time.Second)
		is(false, false, false)
	})
}

// A gateway says nothing again only because the core crashed.
func TestANewCoreKnowsWhatAWirelessLockSaidLast(t *testing.T) {
	bubble(t, func(t *testing.T) {
		f := newRadioRig(t)
		f.lock(func(_ *simgateway.Gateway, l *simgateway.Lock) { l.Open = true })
		f.crash()
		f.pass(1100 * time.Millisecond)
		f.is(false, "locked")
		if open := f.told().Doors[0].Open; open == nil || !*open {
			t.Error("it does not know that the door is open")
		}
	})
}

func TestTheServiceIsToldOfElevatorStops(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := &rig{TB: t, dir: t.TempDir()}
		records := place(t)
		records.Elevators = []policy.Elevator{{ID: 1, Name: "Lift", ControllerID: 1}}
		records.ElevatorStops = []policy.ElevatorStop{{ID: 11, ElevatorID: 1, Floor: policy.Floor{Number: 1}}, {ID: 12, ElevatorID: 1, Floor: policy.Floor{Number: 2}, LockedDown: true}}
		records.RelayConnections = append(records.RelayConnections[:1:1],
			policy.RelayConnection{ID: 91, ControllerID: 1, Channel: 5, Type: policy.RelayStop, StopID: 11, Duration: 5},
			policy.RelayConnection{ID: 92, ControllerID: 1, Channel: 4, Type: policy.RelayStop, StopID: 12, Duration: 5})
		r.seed(records)
		r.start(func(r *rig, o *Options) {
			for i := range r.config.Relay {
				if r.config.Relay[i].Channel == 5 {
					r.config.Relay[i].Use = relay.Elevator
				}
			}
			r.board = newBoard(r.config)
			o.Config, o.Hardware = r.config, hardware(r.config, r.board)
		})
		t.Cleanup(r.stop)
		r.pass(time.Second)
		st := r.told()
		want := []cloudsync.StopStatus{{StopID: 12, LockedDown: true, Misconfigured: true}, {StopID: 11}}
		if len(st.Stops) != 2 || st.Stops[0] != want[0] || st.Stops[1] != want[1] {
			t.Errorf("%+v, not %+v", st.Stops, want)
		}
		if _, err := r.server.StopCommand(context.Background(), 11, "permit"); err != nil {
			t.Fatal(err)
		}
		if x := r.told().Stops[1]; !x.Permitted || x.OnSchedule {
			t.Errorf("%+v", x)
		}
	})
}

// The service has the whereabouts of a member forgotten, or everybody's.
func TestTheServiceForgives(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r, s := enrolled(t)
		s.change(t, func(p *policy.Records) {
			p.Areas = []policy.Area{{ID: 61, Name: "Vault", Mode: policy.AreaHard, Into: []int64{p.Readers[0].ID}}}
		})
		r.pass(5 * time.Second)
		inside := func() (n int) {
			t.Helper()
			if err := r.daemon.look(context.Background(), func(c *controller.Controller) { n = len(c.State().Areas[61]) }); err != nil {
				t.Fatal(err)
			}
			return n
		}
		come := func() {
			t.Helper()
			r.tap("front", 118, 1603)
			r.settle("front-contact", true)
			r.settle("front-contact", false)
			r.pass(5 * time.Second)
			if inside() != 1 {
				t.Fatal("nobody is in the area")
			}
		}
		come()
		r.events()
		if got := s.do(cloudsync.ActionForgive, 0, 61, cloudsync.Forgive{Whom: 2}); !got.Done || inside() != 1 {
			t.Errorf("another is forgiven: %+v", got)
		}
		if got := s.do(cloudsync.ActionForgive, 0, 0, cloudsync.Forgive{}); got.Done || inside() != 1 {
			t.Errorf("without an area: %+v", got)
		}
		if got := s.do(cloudsync.ActionForgive, 0, 61, cloudsync.Forgive{By: cloudsync.By{Member: 3}, Whom: 1}); !got.Done || inside() != 0 {
			t.Errorf("%+v, and %d are known", got, inside())
		}
		come()
		if got := s.do(cloudsync.ActionForgive, 0, 61, cloudsync.Forgive{}); !got.Done || inside() != 0 {
			t.Errorf("%+v, and %d are known", got, inside())
		}
	})
}
