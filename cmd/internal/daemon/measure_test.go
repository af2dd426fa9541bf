package daemon

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"doord/cmd/internal/config"
	"doord/rex"
	"doord/sim/board"
)

// newMeasured is a rig whose fire input, the requests to exit of front and lab and the
// contact of front are supervised loops.
func newMeasured(t *testing.T, change ...func(*Options)) *rig {
	t.Helper()
	return newRig(t, func(r *rig, o *Options) {
		for i := range r.config.Input {
			in := &r.config.Input[i]
			if slices.Contains([]string{"fire", "front-rex", "lab-rex", "front-contact"}, in.Name) {
				in.ADC, in.Reference, in.PullUp = config.ADC("iio:device0/"+in.Name), 3300, 2200
				in.EndOfLine, in.MainResistor, in.SecondResistor = rex.CutAndShortDetect, 4700, 1000
			}
		}
		r.board = newBoard(r.config)
		o.Hardware = hardware(r.config, r.board)
		for _, f := range change {
			f(o)
		}
	})
}

// loop brings a measured loop into a state, and waits until that has settled.
func (r *rig) loop(name string, s rex.State) {
	r.Helper()
	bank, i := r.meter(name)
	r.board.SetInput(bank, i, s)
	r.pass(100 * time.Millisecond)
}

// dead makes a loop impossible to measure, or mends it.
func (r *rig) dead(name string, err error) {
	r.Helper()
	bank, i := r.meter(name)
	r.board.FailMeasure(bank, i, err)
	r.pass(200 * time.Millisecond)
}

func (r *rig) meter(name string) (board.Bank, int) {
	at := slices.IndexFunc(r.config.Input, func(in config.Input) bool { return in.Name == name })
	if i := slices.Index(r.config.MeasuredEgress().Index, at); i >= 0 {
		return board.MeasuredEgress, i
	}
	return board.MeasuredOthers, slices.Index(r.config.MeasuredOthers().Index, at)
}

func TestAMeasuredFireLoopIsFireUnlessItIsClosed(t *testing.T) {
	for _, s := range []rex.State{rex.Open, rex.Cut, rex.Short} {
		bubble(t, func(t *testing.T) {
			r := newMeasured(t)
			r.pass(10 * time.Second)
			r.want()
			r.faulty()
			r.loop("fire", s)
			r.want(lab, shed)
			r.loop("fire", rex.Closed)
			r.want(lab, shed) // until a person resets it
			if got, err := r.server.ResetFire(t.Context()); err != nil || !got.Granted {
				t.Errorf("%+v %v", got, err)
			}
			r.pass(time.Second)
			r.want()
			r.happened("controller.fire fire")
		})
	}
}

func TestAMeasuredRequestToExitReleasesUnderLockdown(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newMeasured(t)
		r.command("front", "lock_down", 0)
		r.loop("front-rex", rex.Closed)
		r.want(front)
		r.loop("front-rex", rex.Open)
		r.pass(10 * time.Second)
		r.want()
	})
}

func TestABrokenWireOfARequestToExitIsTold(t *testing.T) {
	for _, s := range []rex.State{rex.Cut, rex.Short} {
		bubble(t, func(t *testing.T) {
			r := newMeasured(t)
			r.events()
			r.loop("lab-rex", s)
			r.want() // the button cannot be told from the wire
			r.happened("controller_input.tamper lab-rex")
			r.faulty("the wire of the request to exit lab-rex is " + s.String())
			r.loop("lab-rex", rex.Open)
			r.faulty()
			r.loop("lab-rex", rex.Closed)
			r.want(lab)
		})
	}
}

func TestADoorIsSafeWhileItsWayOutCannotBeMeasured(t *testing.T) {
	gone := errors.New("no such device")
	bubble(t, func(t *testing.T) {
		r := newMeasured(t)
		r.dead("lab-rex", gone)
		r.want(lab) // without power; the store's is served by a line
		r.faulty("input lab-rex cannot be measured: no such device")
		r.loop("front-rex", rex.Closed)
		r.want(front, lab) // others are measured on
		r.loop("front-rex", rex.Open)
		r.dead("lab-rex", nil)
		r.pass(10 * time.Second)
		r.want()
		r.faulty()
		r.dead("fire", gone)
		r.want(lab, shed)
		r.dead("fire", nil)
		r.want() // it was no fire: nothing is latched
		r.dead("front-rex", gone)
		r.want() // fail-secure: its handle lets people out
		r.dead("front-rex", nil)
		r.events()
		r.dead("front-contact", gone)
		r.faulty("input front-contact cannot be measured")
		r.happened("controller_input.tamper front-contact")
		r.dead("front-contact", nil)
		r.faulty()
	})
}

func TestTheTechnicianSeesWhatIsMeasured(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newMeasured(t)
		bank, i := r.meter("fire")
		r.board.Drift(bank, i, 0.5)
		r.dead("front-contact", errors.New("no such device"))
		m, err := r.server.Measurements(t.Context())
		if err != nil || len(m.Inputs) != 4 {
			t.Fatalf("%+v, %v", m, err)
		}
		for _, x := range m.Inputs {
			switch {
			case x.Name == "front-contact":
				if !strings.Contains(x.Fault, "no such device") || len(x.Bands) != 4 {
					t.Errorf("%+v", x)
				}
			case x.Name == "fire":
				if x.State != "closed" || x.Inside || x.Ohm == nil || *x.Ohm < 1490 || *x.Ohm > 1510 || x.Raw == 0 {
					t.Errorf("a loop that drifted: %+v", x)
				}
			case x.State != "open" || !x.Inside || x.Percent < 72 || x.Percent > 73 || x.Millivolts < 2370 || x.Millivolts > 2400:
				t.Errorf("%+v", x)
			}
		}
	})
}

// hanging are meters that can be held.
type hanging struct {
	rex.Meters
	hold chan chan struct{}
}

func (h *hanging) Measure(i int) (rex.Reading, error) {
	select {
	case free := <-h.hold:
		<-free
	default:
	}
	return h.Meters.Measure(i)
}

func TestAConverterThatHangs(t *testing.T) {
	bubble(t, func(t *testing.T) {
		h := &hanging{hold: make(chan chan struct{}, 1)}
		r := newMeasured(t, func(o *Options) {
			h.Meters = o.Hardware.MeasuredEgress
			o.Hardware.MeasuredEgress = h
		})
		r.want()
		free := make(chan struct{})
		h.hold <- free
		r.pass(2 * time.Second)
		r.want(lab, shed) // nobody sees whether there is fire, or a button pressed
		r.faulty("measured egress inputs take too long")
		close(free)
		r.pass(time.Second)
		r.want()
		r.faulty()
	})
}
