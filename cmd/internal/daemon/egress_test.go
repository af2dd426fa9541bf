package daemon

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"doord/cmd/internal/config"
	"doord/policy"
	"doord/policy/controller"
	"doord/reader/wiegand"
	"doord/rex"
	"doord/sim/board"
	"doord/store"
)

// Whatever else is broken, a request to exit opens its door at once and for its
// time, and fire opens what is to open.
func TestNothingHoldsPeopleIn(t *testing.T) {
	broken := []struct {
		what   string
		change func(*rig, *Options)
		then   func(*rig) // once it runs
	}{
		{what: "nothing is broken"},
		{what: "there is no policy cache", change: func(r *rig, _ *Options) { r.files.Policy = nil }},
		{what: "the policy cache fails", change: func(r *rig, _ *Options) { _ = r.policy.Close() }},
		{what: "there is no journal", change: func(r *rig, _ *Options) { r.files.Journal = nil }},
		{what: "the journal fails", change: func(r *rig, _ *Options) { _ = r.journal.Close() }},
		{what: "policy and journal are missing", change: func(r *rig, _ *Options) { r.files = Files{} }},
		{what: "the clock was never set", change: func(_ *rig, o *Options) { o.WallSet = func() bool { return false } }},
		{what: "audit is strict and there is no journal", change: func(r *rig, o *Options) {
			o.Config.Audit, r.files.Journal = config.AuditStrict, nil
		}},
		{what: "audit is strict and the journal fails", change: func(r *rig, o *Options) {
			o.Config.Audit = config.AuditStrict
			_ = r.journal.Close()
		}},
		{what: "the other inputs fail", change: func(_ *rig, o *Options) { o.Hardware.Others = &failing{Lines: o.Hardware.Others, now: true} }},
		{what: "the log blocks for ever", change: func(r *rig, o *Options) {
			r.wedge = &wedged{free: make(chan struct{})}
			o.Log = slog.New(r.wedge)
		}, then: func(r *rig) {
			r.board.StickRelay(5, true)
			r.crash()
			r.pass(10 * time.Second)
		}},
		{what: "the doors are locked down", then: func(r *rig) {
			for _, door := range []string{"front", "lab", "store"} {
				r.command(door, "lock_down", 0)
			}
		}},
		{what: "the doors are held secured", then: func(r *rig) {
			for _, door := range []string{"front", "lab", "store"} {
				r.command(door, "hold_secured", time.Hour)
			}
		}},
		{what: "the core has just crashed", then: (*rig).crash},
		{what: "the core crashes again and again", then: func(r *rig) {
			for range 10 {
				r.crash()
				r.pass(70 * time.Second)
			}
			r.crash()
		}},
		{what: "a relay does not follow", then: func(r *rig) {
			r.board.StickRelay(5, true)
			r.pass(2 * time.Second)
		}},
		{what: "another relay cannot be set", then: func(r *rig) {
			r.board.FailSet(errors.New("no such line"), 5)
			r.pass(2 * time.Second)
		}},
		{what: "relays cannot be read", then: func(r *rig) {
			r.board.FailGet(errors.New("no such line"))
			r.pass(2 * time.Second)
		}},
		{what: "the other inputs and readers chatter", then: func(r *rig) {
			for i := range r.config.Others().Inputs {
				if _, err := r.board.Bounce(board.Others, i, rex.Open, 2000, 3*time.Millisecond); err != nil {
					r.Fatal(err)
				}
			}
			for i := range r.config.Readers {
				var noise []wiegand.Pulse
				for n := range 4000 {
					noise = append(noise, wiegand.Pulse{At: r.board.Now() + time.Duration(n)*time.Millisecond, Width: 50 * time.Microsecond, Line: uint8(n % 2)})
				}
				if err := r.board.Inject(i, noise...); err != nil {
					r.Fatal(err)
				}
			}
		}},
	}
	for _, b := range broken {
		t.Run(b.what, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := &rig{TB: t, dir: t.TempDir()}
				r.seed(place(t))
				defer func() {
					if r.wedge != nil {
						close(r.wedge.free)
					}
					r.cancel()
					<-r.ended
					_, _ = r.policy.Close(), r.journal.Close()
				}()
				var changes []func(*rig, *Options)
				if b.change != nil {
					changes = append(changes, b.change)
				}
				r.start(changes...)
				if b.then != nil {
					b.then(r)
				}
				r.want()
				r.settle("lab-rex", true)
				r.want(lab)
				r.settle("front-rex", true)
				r.want(front, lab)
				r.settle("front-rex", false)
				r.settle("lab-rex", false)
				r.pass(4900 * time.Millisecond)
				r.want(front, lab)
				r.pass(200 * time.Millisecond)
				r.want(lab)
				r.pass(25 * time.Second)
				r.want()

				r.settle("fire", true)
				r.want(lab, shed)
				r.settle("fire", false)
				r.pass(time.Minute)
				r.want(lab, shed)
				r.settle("front-rex", true)
				r.want(front, lab, shed)
			})
		})
	}
}

// failing is a bank of inputs that can be made to fail.
type failing struct {
	rex.Lines
	now    bool // from the start
	broken atomic.Bool
}

func (f *failing) Read(buf []rex.Edge, wait time.Duration) (int, error) {
	if f.now || f.broken.Load() {
		return 0, errors.New("the line request is gone")
	}
	return f.Lines.Read(buf, wait)
}

// wedged is a log that nobody takes the lines of.
type wedged struct {
	slog.Handler
	free chan struct{}
}

func (*wedged) Enabled(context.Context, slog.Level) bool { return true }

func (w *wedged) Handle(context.Context, slog.Record) error {
	<-w.free
	return nil
}

func TestFailSafeDoorsAreWithoutPowerWhileNobodyReadsTheRequestsToExit(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var lines *failing
		r := newRig(t, func(_ *rig, o *Options) {
			lines = &failing{Lines: o.Hardware.Egress}
			o.Hardware.Egress = lines
		})
		r.want()
		lines.broken.Store(true)
		r.pass(time.Second) // the longest that a look at the levels is away
		r.want(lab, shed)
		r.faulty("egress inputs cannot be read")
		began := len(r.board.Transitions())
		r.pass(time.Minute)
		r.want(lab, shed)
		if again := r.board.Transitions()[began:]; len(again) > 0 {
			t.Errorf("the relays moved while the inputs were gone: %v", again)
		}
		lines.broken.Store(false)
		r.pass(time.Second)
		r.want()
		r.settle("lab-rex", true)
		r.want(lab)
		r.settle("lab-rex", false)
		r.pass(31 * time.Second)
		r.faulty()
	})
}

func TestFailSafeDoorsStayWithoutPowerUntilTheRequestsToExitAreRead(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, func(_ *rig, o *Options) { o.Hardware.Egress = &failing{Lines: o.Hardware.Egress, now: true} })
		r.pass(time.Minute)
		r.want(lab, shed)
		for _, moved := range r.board.Transitions() {
			if moved.Channel == lab || moved.Channel == shed {
				t.Errorf("%s moved though nobody served the way out: %v", moved.Channel, moved)
			}
		}
	})
}

func TestFailSafeDoorsStayWithoutPowerWhileTheFirstLookAtTheRequestsToExitTakesLong(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, func(_ *rig, o *Options) { o.Hardware.Egress = &slow{Lines: o.Hardware.Egress} })
		r.pass(5 * time.Second)
		r.want(lab, shed)
		if moved := r.board.Transitions(); len(moved) > 0 {
			t.Errorf("relays moved though nobody served the way out: %v", moved)
		}
		r.pass(6 * time.Second)
		r.want()
	})
}

// slow is a bank whose first levels take ten seconds.
type slow struct {
	rex.Lines
	seen bool
}

func (s *slow) Levels() (uint64, error) {
	if !s.seen {
		s.seen = true
		time.Sleep(10 * time.Second)
	}
	return s.Lines.Levels()
}

// A disk that hangs keeps cards waiting, and nobody in: the fail-secure door opens
// on request, the others have no power until it is known whether there was fire.
func TestTheWayOutIsServedWhileTheFilesAreOpened(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ready := make(chan struct{})
		r := newRig(t, waiting(ready))
		r.pass(time.Hour)
		r.want(lab, shed)
		r.settle("front-rex", true)
		r.want(front, lab, shed)
		r.settle("front-rex", false)
		r.pass(5100 * time.Millisecond)
		r.want(lab, shed)
		r.settle("front-rex", true)
		began := len(r.board.Transitions())
		close(ready)
		r.pass(time.Second)
		r.want(front)
		for _, moved := range r.board.Transitions()[began:] {
			if moved.Channel == front {
				t.Errorf("the door that is asked to open moved: %+v", moved)
			}
		}
		r.settle("front-rex", false)
		r.pass(time.Minute)
		r.want()
		r.tap("front", 118, 1603)
		r.want(front)
		r.faulty()
		r.happened("lock.rex front", "controller.reboot", "controller.policy", "lock.unlock front granted")
	})
}

// People who leave all the time do not keep the core from its start.
func TestACoreBeginsWhilePeopleLeave(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ready := make(chan struct{})
		r := newRig(t, waiting(ready))
		r.settle("front-rex", true)
		r.settle("front-rex", false)
		r.pass(2 * time.Second)
		close(ready)
		r.pass(100 * time.Millisecond)
		r.want(front)
		r.tap("lab", 118, 1604)
		r.want(front, lab)
		r.pass(2700 * time.Millisecond)
		r.want(front, lab)
		r.pass(300 * time.Millisecond)
		r.want(lab)
	})
}

func TestFireWhileTheFilesAreOpenedIsLatched(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ready := make(chan struct{})
		r := newRig(t, waiting(ready))
		r.settle("fire", true)
		r.settle("fire", false)
		close(ready)
		r.pass(time.Minute)
		r.want(lab, shed)
		for _, moved := range r.board.Transitions() {
			t.Errorf("%s moved: %+v", moved.Channel, moved)
		}
		r.happened("controller.fire")
	})
}

func TestADaemonEndsWhileItsFilesAreOpened(t *testing.T) {
	bubble(t, func(t *testing.T) {
		ready := make(chan struct{})
		r := newRig(t, waiting(ready))
		r.stop()
		close(ready)
	})
}

func TestFilesThatAnotherDaemonHasEndTheRun(t *testing.T) {
	bubble(t, func(t *testing.T) {
		c := boardConfig(t)
		d, err := New(Options{Config: c, Hardware: hardware(c, newBoard(c)), WallSet: func() bool { return true }, Log: slog.New(slog.DiscardHandler),
			Open: func() (Files, error) { return Files{}, store.ErrInUse }})
		if err != nil {
			t.Fatal(err)
		}
		if err := d.Run(t.Context()); !errors.Is(err, store.ErrInUse) {
			t.Errorf("it ends with %v", err)
		}
	})
}

// waiting lets nothing be opened until it is ready.
func waiting(ready <-chan struct{}) func(*rig, *Options) {
	return func(_ *rig, o *Options) {
		open := o.Open
		o.Open = func() (Files, error) {
			<-ready
			return open()
		}
	}
}

func TestABoardWithoutRequestsToExitServesItsDoors(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, func(r *rig, o *Options) {
			c := o.Config
			c.Input = slices.DeleteFunc(c.Input, func(in config.Input) bool { return in.Kind == rex.REX || in.Kind == rex.Fire })
			r.board = newBoard(c)
			o.Hardware = hardware(c, r.board)
		})
		r.want()
		r.faulty()
	})
}

func TestADriverThatPanicsIsStartedAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		var lines *panicking
		r := newRig(t, func(_ *rig, o *Options) {
			lines = &panicking{Lines: o.Hardware.Others}
			o.Hardware.Others = lines
		})
		lines.now.Store(true)
		r.pass(time.Second)
		r.faulty("inputs cannot be read")
		r.settle("lab-rex", true)
		r.want(lab)
		lines.now.Store(false)
		r.pass(3 * time.Second)
		r.faulty()
		r.events()
		r.settle("front-contact", true)
		r.happened("lock.opened front")
	})
}

type panicking struct {
	rex.Lines
	now atomic.Bool
}

func (p *panicking) Levels() (uint64, error) {
	if p.now.Load() {
		panic("a driver's bug")
	}
	return p.Lines.Levels()
}

func TestTheWayOutGoesBeforeEverythingElse(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t)
		r.events()
		// The loop is busy while all of these arrive.
		busy, free := make(chan struct{}), make(chan struct{})
		r.daemon.work <- message{query: func(*controller.Controller) { close(busy); <-free }}
		<-busy
		for range cap(r.daemon.work) {
			r.daemon.work <- message{in: controller.Noted{Event: policy.Event{Type: policy.ControllerFault, Detail: "x"}}}
		}
		rexLine := slices.IndexFunc(r.config.Input, func(in config.Input) bool { return in.Name == "lab-rex" })
		r.daemon.egress <- controller.Changed{Line: rexLine, Status: controller.InputClosed, Active: true}
		close(free)
		synctest.Wait()
		r.want(lab)
		if got := r.events(); got[0] != "lock.rex lab detail=unlock" {
			t.Errorf("the first of %d is %q", len(got), got[0])
		}
	})
}
