package daemon

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"doord/cmd/internal/api"
	"doord/cmd/internal/config"
	"doord/policy"
	"doord/policy/controller"
	"doord/rex"
)

// runMeasured serves the inputs that are measured, those that let people out or the
// others, until the context ends.
func (d *Daemon) runMeasured(ctx context.Context, egress bool) {
	name, bank, meters := "measured inputs", d.Config.MeasuredOthers(), d.Hardware.MeasuredOthers
	if egress {
		name, bank, meters = "measured egress inputs", d.Config.MeasuredEgress(), d.Hardware.MeasuredEgress
	}
	if len(bank.Inputs) == 0 {
		return
	}
	faults := make([]string, len(bank.Inputs))
	hangs := name + " take too long"
	d.supervise(ctx, name, func() error {
		defer d.setUnreadable(ctx, egress, true, bank.Index...)
		watched := watch(meters, func() {
			d.setUnreadable(ctx, egress, true, bank.Index...)
			d.fault(hangs, "a converter hangs: check its wiring and driver, and start the board anew")
		}, func() {
			for i, index := range bank.Index {
				d.setUnreadable(ctx, egress, faults[i] != "", index)
			}
			d.fault(hangs, "")
		})
		defer watched.timer.Stop()
		return rex.Measured(watched, d.Hardware.Now, bank.Inputs, func(c rex.Change) {
			if !egress {
				d.post(ctx, changed(bank, c))
				return
			}
			select {
			case d.egress <- changed(bank, c):
			case <-ctx.Done():
			}
		}, func(input int, err error) {
			d.setUnreadable(ctx, egress, err != nil, bank.Index[input])
			if faults[input] != "" {
				d.fault(faults[input], "")
				faults[input] = ""
			}
			if err != nil {
				faults[input] = fmt.Sprintf("input %s cannot be measured: %v", d.Config.Input[bank.Index[input]].Name, err)
				d.fault(faults[input], "check the converter and its driver")
			}
		})
	})
}

// hangsAfter is how long a round of measurements may take: EN/IEC 60839-11-1 wants an
// active input to be seen within 400 ms, and a converter that comes back is no alarm.
const hangsAfter = time.Second

// watchedMeters tell when a round of measurements does not end.
type watchedMeters struct {
	rex.Meters
	timer *time.Timer
	hung  atomic.Bool
	well  func()
}

func watch(m rex.Meters, hangs, well func()) *watchedMeters {
	w := &watchedMeters{Meters: m, well: well}
	w.timer = time.AfterFunc(hangsAfter, func() {
		hangs()
		w.hung.Store(true) // after it: the end of a next round finds it
	})
	return w
}

// Wait implements rex.Meters: it ends a round.
func (w *watchedMeters) Wait(d time.Duration) error {
	w.timer.Reset(hangsAfter)
	if w.hung.Swap(false) {
		w.well()
	}
	err := w.Meters.Wait(d)
	w.timer.Reset(hangsAfter)
	return err
}

// setUnreadable notes which inputs that let people out cannot be measured, and has
// the loop look at the relays.
func (d *Daemon) setUnreadable(ctx context.Context, egress, on bool, inputs ...int) {
	if !egress {
		return
	}
	for _, i := range inputs {
		if on {
			d.unreadable.Or(1 << i)
		} else {
			d.unreadable.And(^uint32(1 << i))
		}
	}
	d.post(ctx, nil)
}

// unmeasured returns the relays that lose power while an input cannot be measured:
// of the fail-safe doors that it would release.
func (d *Daemon) unmeasured() (safe controller.Outputs) {
	bits := d.unreadable.Load()
	if bits == 0 {
		return 0
	}
	for i, in := range d.board.Inputs {
		if bits&(1<<i) == 0 {
			continue
		}
		for at, door := range d.board.Doors {
			if !door.FailSafe || in.Kind != policy.InputFire && !slices.Contains(in.Doors, at) {
				continue
			}
			for _, channel := range door.Relays {
				safe |= 1 << (channel - 1)
			}
		}
	}
	return safe
}

// wireFault tells a person of a wire that lets nobody out any more.
func (d *Daemon) wireFault(was controller.Status, in controller.Changed) {
	c := &d.Config.Input[in.Line]
	if c.Kind != rex.REX {
		return
	}
	what := func(s controller.Status) string {
		return fmt.Sprintf("the wire of the request to exit %s is %s: it does not release", c.Name, s)
	}
	broken := func(s controller.Status) bool { return s == controller.InputCut || s == controller.InputShort }
	if broken(was) && was != in.Status {
		d.fault(what(was), "")
	}
	if broken(in.Status) {
		d.fault(what(in.Status), "mend the wire now: people may be kept in; doorctl inputs --measure shows what is there")
	}
}

// Measurements measures every input that can be, now.
func (s Server) Measurements(context.Context) (api.Measurements, error) {
	m := api.Measurements{Version: api.Version, Inputs: []api.Measurement{}}
	for _, bank := range []struct {
		config.Bank
		meters rex.Meters
	}{{s.Config.MeasuredEgress(), s.Hardware.MeasuredEgress}, {s.Config.MeasuredOthers(), s.Hardware.MeasuredOthers}} {
		for i, index := range bank.Index {
			in := &s.Config.Input[index]
			x := api.Measurement{Name: in.Name, ADC: string(in.ADC), PullUp: in.PullUp, EndOfLine: string(in.EndOfLine), Bands: []api.Band{}}
			bands, err := bank.Inputs[i].Bands()
			if err != nil {
				return m, err // Validate refuses it
			}
			for _, b := range bands {
				x.Bands = append(x.Bands, api.Band{State: b.State.String(), Low: percent(b.Low), High: percent(b.High), Until: percent(min(b.Until, rex.Whole))})
			}
			r, err := bank.meters.Measure(i)
			if err != nil {
				x.Fault = err.Error()
			} else {
				x.Raw, x.Percent, x.Millivolts = r.Raw, percent(r.Share), float64(r.Share)*float64(in.Reference)/float64(rex.Whole)
				if ohm, ok := bank.Inputs[i].Ohm(r.Share); ok {
					x.Ohm = &ohm
				}
				at := max(0, slices.IndexFunc(bands, func(b rex.Band) bool { return r.Share < b.Until }))
				x.State, x.Inside = bands[at].State.String(), r.Share >= bands[at].Low && r.Share <= bands[at].High
			}
			m.Inputs = append(m.Inputs, x)
		}
	}
	return m, nil
}

func percent(s rex.Share) float64 { return float64(s) * 100 / float64(rex.Whole) }
