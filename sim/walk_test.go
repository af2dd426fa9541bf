package sim

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"doord/policy"
	"doord/policy/controller"
	"doord/policy/door"
)

var seed = flag.Uint64("seed", 0, "walk this one way only; 0 walks many, half of them new")

const (
	walks = 30
	steps = 250
)

// TestWalk goes at random through a place, and at every step no rule is broken:
// nobody is held in, nobody enters under a lockdown, no door is released without
// a cause, and none stays so. A second world goes the same way, but is saved and
// loaded now and then: it must not differ.
func TestWalk(t *testing.T) {
	if *seed != 0 {
		walk(t, *seed)
		return
	}
	random := uint64(time.Now().UnixNano()) // the same walks every time, and as many that nobody has gone
	for s := range uint64(walks) {
		for _, seed := range [...]uint64{s + 1, random + s} {
			if walk(t, seed); t.Failed() {
				t.Fatalf("make sim SEED=%d walks this way again", seed)
			}
		}
	}
}

// walker is one way through a place.
type walker struct {
	*testing.T
	rng    *rand.Rand
	world  *World
	events []policy.Event // of the last step
	told   []string
	active map[int]bool // inputs
}

func newWalker(t *testing.T, seed uint64, file string) *walker {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	records, err := policy.ParseRecords(data)
	if err != nil {
		t.Fatal(err)
	}
	w := &walker{T: t, rng: rand.New(rand.NewPCG(seed, 1)), active: map[int]bool{}}
	loc, err := time.LoadLocation(records.Place.TimeZone)
	if err != nil {
		t.Fatal(err)
	}
	board := FourDoors()
	switch file {
	case "yard.json":
		board = Yard()
	case "tower.json":
		board = Tower()
	case "shop.json":
		board = Shop()
	}
	w.world = NewWorld(board, time.Date(2026, 3, 27, 6, 0, 0, 0, loc), func(line string) { w.told = append(w.told, line) })
	if err := w.world.SetPolicy(records); err != nil {
		t.Fatal(err)
	}
	return w
}

func walk(t *testing.T, seed uint64) {
	t.Helper()
	file := []string{"place.json", "office.json", "depot.json", "archive.json", "yard.json", "tower.json", "shop.json"}[seed%7]
	a, b := newWalker(t, seed, file), newWalker(t, seed, file)
	save := rand.New(rand.NewPCG(seed, 2))
	for n := range steps {
		in, wait := a.next()
		b.next()
		before := a.world.Controller.Outputs()
		a.step(wait, in)
		a.check(n, in, before)
		if save.IntN(4) == 0 {
			if err := b.world.Reload(); err != nil {
				t.Fatal(err)
			}
		}
		b.step(wait, in)
		if t.Failed() {
			t.Log(strings.Join(a.told[max(0, len(a.told)-30):], "\n"))
			return
		}
	}
	if d := cmp.Diff(a.told, b.told); d != "" {
		t.Errorf("seed %d: saved and loaded, it went another way (-kept +saved):\n%s", seed, d)
	}
	a.rest(seed)
}

// next draws what happens next, and after how long.
func (w *walker) next() (in controller.Input, wait time.Duration) {
	board, rng := w.world.Board, w.rng
	wait = time.Duration(rng.ExpFloat64() * float64([]time.Duration{100 * time.Millisecond, 3 * time.Second, time.Minute, 2 * time.Hour}[rng.IntN(4)]))
	d := rng.IntN(len(board.Doors))
	switch rng.IntN(13) {
	case 0, 1, 2:
		line := rng.IntN(len(board.Inputs))
		c := controller.Changed{Line: line, Status: controller.InputClosed, Active: rng.IntN(2) == 0, Flood: rng.IntN(20) == 0}
		if c.Active {
			c.Status = controller.InputOpen
		}
		if rng.IntN(20) == 0 {
			c.Status, c.Active = controller.InputCut, board.Inputs[line].Kind == policy.InputFire
		}
		w.active[line] = c.Active
		return c, wait
	case 3, 4, 5, 6:
		token := policy.Token{Class: policy.TokenNumber, Format: "H10301", Facility: 118, Number: uint64(1602 + rng.IntN(6))}
		if rng.IntN(4) == 0 {
			token = policy.Token{Class: policy.TokenPIN, Value: []string{"2468", "1357", "0000"}[rng.IntN(3)]}
		}
		return controller.Presented{Reader: rng.IntN(len(board.Readers)), Class: token.Class, Holder: w.world.Lookup(token), Found: w.world.Controller.Revision()}, wait
	case 7:
		switch lock := int64(1 + rng.IntN(5)); rng.IntN(6) {
		case 0:
			return controller.Arrived{Lock: lock, By: policy.Ref{Type: "member", ID: 7}}, wait
		case 1:
			return controller.Left{Lock: lock, By: policy.Ref{Type: "member", ID: 7}}, wait
		}
		return controller.Requested{Lock: int64(1 + rng.IntN(5)), Method: policy.MethodInApp, Holder: w.world.Person(int64(7 + rng.IntN(4))), Found: w.world.Controller.Revision()}, wait
	case 8:
		return controller.Held{Door: d, Hold: door.Hold(rng.IntN(3)), For: time.Duration(1+rng.IntN(3600)) * time.Second}, wait
	case 9:
		return controller.LockedDown{Door: d, On: rng.IntN(2) == 0}, wait
	case 10:
		return controller.Unlocked{Door: d}, wait
	case 11:
		if len(board.Stops) > 0 {
			return []controller.Input{controller.StopPermitted{Stop: int64(rng.IntN(5))}, controller.StopLockedDown{Stop: int64(rng.IntN(5)), On: rng.IntN(2) == 0}}[rng.IntN(2)], wait
		}
		return controller.Forgiven{Area: int64(rng.IntN(3)), Member: int64(7 + rng.IntN(2))}, wait
	default:
		return []controller.Input{nil, controller.FireReset{}, controller.ReaderReset{}, controller.ReaderChanged{Online: true, Tampered: rng.IntN(3) == 0}}[rng.IntN(4)], wait
	}
}

// step lets time pass and then something happen. A relay that moves without an
// event of its door is caught on the way.
func (w *walker) step(wait time.Duration, in controller.Input) {
	w.world.Advance(w.world.Now.Wall.Add(wait))
	w.events = w.world.Step(in)
}

// releasing are the events that come with a release.
var releasing = []policy.EventType{policy.LockUnlock, policy.LockREX, policy.LockHold, policy.ScheduledStarted,
	policy.LockCancelLockdown, policy.ControllerFire, policy.ControllerPolicy}

// onlyWayOut are the readers where nothing else lets anybody out.
var onlyWayOut = map[string]bool{"vault-out": true, "turnstile-out": true}

// heldIn are the reasons that may never keep anybody from leaving where there is no
// other way out.
var heldIn = map[policy.Reason]bool{policy.PlaceLockedDown: true, policy.DoorLockedDown: true, policy.ZoneDenied: true,
	policy.OutsideSchedule: true, policy.AntiPassback: true, policy.Interlocked: true,
	policy.EscortRequired: true, policy.SecondPerson: true}

func (w *walker) check(n int, in controller.Input, before controller.Outputs) {
	w.Helper()
	c := w.world.Controller
	out := c.Outputs()
	for i, d := range w.world.Board.Doors {
		on := out.On(d.Relays[0])
		if w.leaving(i) && !on {
			w.Errorf("step %d, %#v: %s holds in whoever presses its button", n, in, d.Name)
		}
		if c.Fire().Latched && d.FailSafe && !on {
			w.Errorf("step %d, %#v: %s holds people in a fire", n, in, d.Name)
		}
		if on && !before.On(d.Relays[0]) && !w.caused(d.Name) {
			w.Errorf("step %d, %#v: %s is released without a cause", n, in, d.Name)
		}
		for _, e := range w.events {
			entry := e.Type == policy.LockUnlock && e.Success && e.Object.Name == d.Name && !onlyWayOut[e.Reader]
			if e.Type == policy.LockUnlock && onlyWayOut[e.Reader] && heldIn[e.Reason] {
				w.Errorf("step %d, %#v: %s held somebody in: %s", n, in, d.Name, e.Reason)
			}
			if entry && c.Door(i).LockedDown {
				w.Errorf("step %d, %#v: %s let somebody in under a lockdown", n, in, d.Name)
			}
		}
	}
	for _, s := range c.Stops() {
		on, x := out.On(s.Relay.Channel), s.Permitted && (c.Fire().Latched || !s.LockedDown)
		if on != x || c.Fire().Latched && !on {
			w.Errorf("step %d, %#v: the relay of floor %d is %t, %+v", n, in, s.Floor.Number, on, s)
		}
	}
	for i := 1; i < len(w.events); i++ {
		if w.events[i].At.Up < w.events[i-1].At.Up {
			w.Errorf("step %d: the events go back in time", n)
		}
	}
}

// leaving reports whether a button that unlocks a door is pressed.
func (w *walker) leaving(i int) bool {
	for l, line := range w.world.Board.Inputs {
		if line.Releases && w.active[l] && slices.Contains(line.Doors, i) {
			return true
		}
	}
	return false
}

// caused reports whether the last lines tell why a door was released: those of
// this step and of the time before it.
func (w *walker) caused(name string) bool {
	return slices.ContainsFunc(w.told[max(0, len(w.told)-40):], func(line string) bool {
		return slices.ContainsFunc(releasing, func(kind policy.EventType) bool {
			return strings.Contains(line, string(kind)) &&
				(strings.Contains(line, " "+name) || kind == policy.ControllerFire || kind == policy.ControllerPolicy)
		})
	})
}

// rest ends everything that somebody does, and then every release must end.
func (w *walker) rest(seed uint64) {
	w.Helper()
	for l, line := range w.world.Board.Inputs {
		c := controller.Changed{Line: l, Status: controller.InputClosed}
		if line.Kind == policy.InputContact || w.active[l] || line.Kind == policy.InputFire || line.Kind == policy.InputLoop {
			w.step(0, c)
		}
	}
	w.step(0, controller.FireReset{})
	for i := range w.world.Board.Doors {
		w.step(0, controller.LockedDown{Door: i})
		w.step(0, controller.Held{Door: i})
	}
	w.step(15*time.Minute, nil)
	for _, s := range w.world.Controller.Stops() {
		if s.Permitted && !s.Scheduled {
			w.Errorf("seed %d: floor %d is still permitted: %+v", seed, s.Floor.Number, s)
		}
	}
	for i, d := range w.world.Board.Doors {
		if w.world.Controller.Outputs().On(d.Relays[0]) && !w.world.Controller.Door(i).Scheduled {
			w.Errorf("seed %d: %s is still released 15 minutes after the last that happened: %+v", seed, d.Name, w.world.Controller.Door(i))
		}
	}
}

func BenchmarkYear(b *testing.B) {
	data, err := os.ReadFile("testdata/year.json")
	if err != nil {
		b.Fatal(err)
	}
	records, err := policy.ParseRecords(data)
	if err != nil {
		b.Fatal(err)
	}
	loc, err := time.LoadLocation(records.Place.TimeZone)
	if err != nil {
		b.Fatal(err)
	}
	const taps = 100_000
	for b.Loop() {
		events, granted := 0, 0
		start := time.Date(2026, 1, 1, 0, 0, 0, 0, loc)
		w := NewWorld(FourDoors(), start, nil)
		if err := w.SetPolicy(records); err != nil {
			b.Fatal(err)
		}
		rng := rand.New(rand.NewPCG(1, 1))
		pause := start.AddDate(1, 0, 0).Sub(start) / taps
		for n := range taps {
			w.Advance(start.Add(time.Duration(n) * pause))
			reader := rng.IntN(len(w.Board.Readers))
			token := policy.Token{Class: policy.TokenNumber, Format: "H10301", Facility: 118, Number: uint64(1603 + rng.IntN(4))}
			list := w.Step(controller.Presented{Reader: reader, Class: token.Class, Holder: w.Lookup(token), Found: w.Controller.Revision()})
			events += len(list)
			if len(list) > 0 && list[0].Success {
				granted++
				contact := w.line(w.Board.Doors[w.Board.Readers[reader].Door].Name + "-contact")
				w.Advance(w.Now.Wall.Add(time.Second))
				events += len(w.Step(controller.Changed{Line: contact, Status: controller.InputOpen, Active: true}))
				w.Advance(w.Now.Wall.Add(2 * time.Second))
				events += len(w.Step(controller.Changed{Line: contact, Status: controller.InputClosed}))
			}
		}
		if granted < taps/10 || granted == taps {
			b.Fatalf("%d of %d taps were granted: the year is not what it is meant to be", granted, taps)
		}
		b.ReportMetric(float64(granted), "granted/year")
		b.ReportMetric(float64(events), "events/year")
	}
	b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s/year")
}

func ExamplePlay() {
	out, err := Play([]byte("> 2026-03-02 08:00:00.000 start place.json\n> 08:00:01.000 card reader=front h10301=118/1603\n"), "testdata", FourDoors())
	fmt.Print(string(out), err)
	// Output:
	// > 2026-03-02 08:00:00.000 start place.json
	//   08:00:00.000 controller.policy
	// > 08:00:01.000 card reader=front h10301=118/1603
	//   08:00:01.000 lock.unlock front granted reader=front member:7 by=card:1
	//   08:00:01.000 relay 1 released
	// <nil>
}
