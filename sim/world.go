package sim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"doord/policy"
	"doord/policy/controller"
)

// World is a controller in virtual time, with the place whose policy it runs.
type World struct {
	Board      controller.Board
	Controller *controller.Controller
	Records    policy.Records
	Location   *time.Location
	Now        policy.Now

	Expires time.Time // of the policies that are set from now on

	challenge policy.Challenge // the last
	asked     uint64
	answer    policy.Assertion // the last
	answered  policy.TokenClass

	holders map[string]*policy.Holder
	people  map[int64]*policy.Holder
	levels  controller.Outputs
	wants   map[int]controller.WirelessWant // by door
	out     func(string)
}

// NewWorld makes a world at a given civil time. What happens in it is told to
// out, a line each.
func NewWorld(board controller.Board, at time.Time, out func(string)) *World {
	board.Secret = []byte("simulated")
	w := &World{Board: board, Controller: controller.New(board, controller.State{}), Location: at.Location(), out: out}
	w.Now = policy.Now{Up: time.Second, Wall: at, WallSet: true}
	return w
}

// SetPolicy puts a place's records in force, as the next revision.
func (w *World) SetPolicy(r policy.Records) error {
	loc, err := time.LoadLocation(r.Place.TimeZone)
	if err != nil {
		return fmt.Errorf("place.time_zone: %w", err)
	}
	w.Records, w.Location = r, loc
	w.Now.Wall = w.Now.Wall.In(loc)
	w.holders, w.people = map[string]*policy.Holder{}, map[int64]*policy.Holder{}
	for token, h := range r.Tokens() {
		c := *h
		w.holders[string(token.AppendCanonical(nil))] = &c
	}
	for m, h := range r.People() {
		w.people[m.ID] = h
	}
	w.Step(controller.SetPolicy{Set: w.compile(w.Controller.Revision() + 1)})
	return nil
}

func (w *World) compile(revision uint64) *policy.Set {
	set := policy.Compile(&w.Records, revision, w.Board.DeviceID, w.Location)
	set.Expires = w.Expires
	return set
}

// Lookup finds a token's holder, as the cache does; nil when it is unknown.
func (w *World) Lookup(t policy.Token) *policy.Holder {
	return w.holders[string(t.AppendCanonical(nil))]
}

// Person finds a member as the holder who signs in.
func (w *World) Person(id int64) *policy.Holder { return w.people[id] }

// Advance moves time forward to a civil time, deadline by deadline.
func (w *World) Advance(to time.Time) {
	until := w.Now.Up + to.Sub(w.Now.Wall)
	for {
		at, ok := w.Controller.Wake()
		if !ok || at > until {
			break
		}
		w.Now = w.Now.At(max(at, w.Now.Up))
		w.Step(nil)
	}
	w.Now = w.Now.At(until)
}

// Step gives the controller an input now and tells what followed.
func (w *World) Step(in controller.Input) []policy.Event {
	events := w.Controller.Step(w.Now, in)
	for _, e := range events {
		w.tell(e.At.Wall, Line(e))
	}
	levels := w.Controller.Outputs()
	for channel := 1; channel <= policy.Relays; channel++ {
		if levels.On(channel) != w.levels.On(channel) {
			word := "secured"
			if levels.On(channel) {
				word = "released"
			}
			w.tell(w.Now.Wall, fmt.Sprintf("relay %d %s", channel, word))
		}
	}
	w.levels = levels
	w.stepWireless()
	return events
}

// Restart ends the daemon and starts it again: only what is durable goes on.
func (w *World) Restart() {
	w.Controller = controller.New(w.Board, w.Controller.State().Durable().Resumed(w.Now.Up))
	w.Step(controller.Noted{Event: policy.Event{Type: policy.ControllerReboot, Success: true}})
	w.Step(controller.SetPolicy{Set: w.compile(1)})
}

// Reload makes a new controller from the whole state of this one, as saved. The
// new one goes on as if nothing had been.
func (w *World) Reload() error {
	saved, err := json.Marshal(w.Controller.State())
	if err != nil {
		return err
	}
	var state controller.State
	if err := json.Unmarshal(saved, &state); err != nil {
		return err
	}
	revision := w.Controller.Revision()
	w.Controller = controller.New(w.Board, state)
	w.Controller.Step(w.Now, controller.SetPolicy{Set: w.compile(revision)})
	return nil
}

func (w *World) tell(at time.Time, line string) {
	if w.out != nil {
		w.out(fmt.Sprintf("  %s %s", at.Format("15:04:05.000"), line))
	}
}

// Line tells an event in one line.
func Line(e policy.Event) string {
	words := []string{string(e.Type)}
	add := func(name, value string) {
		if value != "" {
			words = append(words, name+value)
		}
	}
	add("", e.Object.Name)
	switch e.Type {
	case policy.LockUnlock:
		words = append(words, map[bool]string{true: "granted", false: "denied"}[e.Success])
	case policy.LockHold, policy.ControllerFireReset, policy.LockREX:
		add("", map[bool]string{false: "refused"}[e.Success])
	}
	add("reason=", string(e.Reason))
	add("reader=", e.Reader)
	add("", ref(e.Actor))
	if e.By.Type != "" {
		add("by=", ref(e.By))
	}
	add("detail=", strings.ReplaceAll(e.Detail, " ", "_"))
	if e.Until != 0 {
		add("until=", e.At.At(e.Until).Wall.Format("15:04:05.000"))
	}
	add("bits=", e.Bits)
	return strings.Join(words, " ")
}

func ref(r policy.Ref) string {
	if r.ID == 0 {
		return r.Type
	}
	return fmt.Sprintf("%s:%d", r.Type, r.ID)
}

// doorOf returns the door that a lock is bound to, -1 when there is none.
func (w *World) doorOf(lock int64) int {
	return slices.IndexFunc(w.Board.Doors, func(d controller.Door) bool { return w.Controller.Door(w.door(d.Name)).Lock == lock })
}

// door, line and port find parts of the board by name, -1 when there is none.
func (w *World) door(name string) int {
	return slices.IndexFunc(w.Board.Doors, func(d controller.Door) bool { return d.Name == name })
}

func (w *World) line(name string) int {
	return slices.IndexFunc(w.Board.Inputs, func(l controller.Line) bool { return l.Name == name })
}

func (w *World) port(name string) int {
	return slices.IndexFunc(w.Board.Readers, func(p controller.Port) bool { return p.Name == name })
}
