package controller_test

import (
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"doord/policy"
	"doord/policy/controller"
	"doord/policy/door"
	"doord/policy/zone"
	"doord/sim"
)

// lingers is the longest that a button releases on after it is let go, by
// office.json and the board.
const lingers = 30 * time.Second

// twoPersons and escorts are how long company is waited for.
const (
	twoPersons = 20
	escorts    = 30 * time.Second
)

// revision is that of all policies here, so that most look-ups are of the one in force.
const revision = 1

// hall is the board of all lives here.
var hall = sim.FourDoors()

// moment is something that happens after a pause, or a wall clock that is set.
type moment struct {
	pause time.Duration
	clock func(*policy.Now) // nil: the wall clock goes on as it did
	in    controller.Input
	save  bool // the state is saved and loaded after the pause
}

// office draws what can happen to the board of the office.
type office struct {
	records   policy.Records
	location  *time.Location
	found     []readable
	people    []*policy.Holder
	challenge policy.Challenge
	answers   []controller.Presented
}

// readable is what a reader may read.
type readable struct {
	class  policy.TokenClass
	holder *policy.Holder
}

func loadOffice(t *testing.T) office {
	data, err := os.ReadFile("../../sim/testdata/office.json")
	if err != nil {
		t.Fatal(err)
	}
	p := office{challenge: policy.Challenge{1}}
	if p.records, err = policy.ParseRecords(data); err != nil {
		t.Fatal(err)
	}
	if p.location, err = time.LoadLocation(p.records.Place.TimeZone); err != nil {
		t.Fatal(err)
	}
	// The office has no keypads: give it one that wants a PIN alone, and one after a card.
	p.records.Readers[1].PIN, p.records.Readers[2].PIN = policy.PINCardAndPIN, policy.PINOnly
	p.records.Credentials = append(p.records.Credentials, policy.Credential{ID: 8, MemberID: 7, Kind: policy.KindPIN, PIN: "2468", Status: policy.Activated})
	// And a hall that people go into and out of, a vault that forgets, and a laboratory that only tells.
	p.records.Areas = []policy.Area{{ID: 1, Name: "Hall", Mode: policy.AreaHard, Into: []int64{1}, OutOf: []int64{3}},
		{ID: 2, Name: "Vault", Mode: policy.AreaHard, Into: []int64{4}, OutOf: []int64{5}, Timeout: 60},
		{ID: 3, Name: "Laboratory", Mode: policy.AreaSoft, Into: []int64{2, 4}, Timeout: 3600}}
	// And two doors that are not open at once.
	p.records.Interlocks = []policy.Interlock{{ID: 1, Name: "Way in", LockIDs: []int64{1, 3}}}
	// A vault that two open together, a visitor who needs an escort, and a PIN that calls for help.
	p.records.Locks[3].TwoPersonWithin = twoPersons
	p.records.Members[2].EscortNeeded, p.records.Members[0].MayEscort = true, true
	p.records.GroupLocks = append(p.records.GroupLocks, policy.GroupLock{ID: 7, GroupID: 3, LockID: 4}, policy.GroupLock{ID: 8, GroupID: 3, LockID: 3})
	p.records.Credentials = append(p.records.Credentials, policy.Credential{ID: 9, MemberID: 7, Kind: policy.KindPIN, PIN: "1357", Status: policy.Activated, Duress: true})
	// A detector that the board does not know the meaning of.
	p.records.InputConnections = append(p.records.InputConnections, policy.InputConnection{ID: 4, ControllerID: 1, Channel: 4,
		Type: policy.InputREX, LockID: 3, Duration: 5})
	p.found = []readable{{policy.TokenNumber, nil}, {policy.TokenUID, nil}, {policy.TokenPIN, nil}}
	phone := sim.NewPhone("ada")
	for token, h := range p.records.Tokens() {
		holder := *h
		p.found = append(p.found, readable{token.Class, &holder})
		if token.Class != policy.TokenKey && token.Class != policy.TokenUnlockedKey {
			continue
		}
		for i, r := range p.records.Readers {
			a := phone.Answer(policy.Tap{Place: 1, Controller: 1, Reader: r.ID, Door: r.LockID, Challenge: p.challenge}, token.Class == policy.TokenUnlockedKey)
			p.answers = append(p.answers, controller.Presented{Reader: i, Class: token.Class, Holder: &holder, Tap: &a})
		}
	}
	for _, h := range p.records.People() {
		p.people = append(p.people, h)
	}
	return p
}

// life draws all that happens to the board, pauses from none to longer than a day.
func (p office) life(t *rapid.T) []moment {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) moment {
		scale := rapid.SampledFrom([]time.Duration{0, 0, time.Second, time.Second, 10 * time.Second, time.Minute, time.Hour, 30 * time.Hour}).Draw(t, "scale")
		s := moment{pause: time.Duration(rapid.Int64Range(0, int64(scale)).Draw(t, "pause")), save: rarely(t, "save")}
		if rarely(t, "clock") {
			step := rapid.SampledFrom([]time.Duration{-26 * time.Hour, -time.Hour, -time.Second, 0, time.Second, time.Hour, 26 * time.Hour}).Draw(t, "step")
			set := !rarely(t, "unset")
			s.clock = func(now *policy.Now) { now.Wall, now.WallSet = now.Wall.Add(step), set }
			return s
		}
		s.in = p.input(t)
		return s
	}), 20, 250).Draw(t, "life")
}

func rarely(t *rapid.T, what string) bool {
	return rapid.SampledFrom([]bool{false, false, false, false, true}).Draw(t, what)
}

func (p office) input(t *rapid.T) controller.Input {
	index := func(n int) int { return rapid.IntRange(0, n-1).Draw(t, "index") }
	on := func() bool { return rapid.Bool().Draw(t, "on") }
	span := func() time.Duration { return time.Duration(index(1800)) * time.Second }
	reader, at := index(len(hall.Readers)), index(len(hall.Doors))
	switch index(22) {
	case 0, 1, 2, 3:
		line := index(len(hall.Inputs))
		in := controller.Changed{Line: line, Active: on(), Flood: rarely(t, "flood"), Initial: rarely(t, "initial")}
		in.Status = rapid.SampledFrom([]controller.Status{controller.InputOpen, controller.InputClosed, controller.InputCut, controller.InputShort}).Draw(t, "status")
		return in
	case 4, 5, 6, 7:
		f := rapid.SampledFrom(p.found).Draw(t, "token")
		return controller.Presented{Reader: reader, Class: f.class, Holder: f.holder, Found: looked(t), Bits: "10"}
	case 8:
		in := rapid.SampledFrom(p.answers).Draw(t, "answer")
		in.Found, in.Wave = looked(t), on()
		return in
	case 9:
		return controller.Challenged{Reader: reader, Challenge: p.challenge}
	case 10:
		in := controller.Requested{Lock: int64(index(6)), Method: policy.MethodInApp, Holder: rapid.SampledFrom(p.people).Draw(t, "person"), Found: looked(t)}
		in.Code = rapid.SampledFrom([]string{"", "guessed"}).Draw(t, "code")
		if on() {
			in.Phone.Location = &policy.Location{Latitude: 52.5, Longitude: 13.4, Accuracy: 10}
		}
		return in
	case 11:
		return controller.Held{Door: at, Hold: door.Hold(index(3)), For: span()}
	case 12, 17, 18:
		return controller.LockedDown{Door: at, On: on()}
	case 13, 19, 20:
		return controller.Unlocked{Door: at}
	case 14:
		level := rapid.SampledFrom([]policy.ZoneLevel{"", policy.Disarmed, policy.Stay, policy.Away}).Draw(t, "level")
		when := time.Date(2026, 3, 28, index(24), 0, 0, 0, time.UTC)
		return rapid.SampledFrom([]controller.Input{
			controller.ZoneOverridden{Zone: 1, Level: level, For: span()},
			controller.ZoneReset{Zone: 1},
			controller.ZoneMet{Zone: 1, Shared: zone.Shared{Override: zone.Override{Level: level, Until: when, Order: 2}, ViolatedAt: when}},
		}).Draw(t, "zone")
	case 15:
		return controller.SetPolicy{Set: p.policy(t)}
	case 16:
		return controller.ReaderChanged{Reader: reader, Online: on(), Tampered: rarely(t, "tampered")}
	default:
		return rapid.SampledFrom([]controller.Input{
			nil, controller.FireReset{}, controller.ReaderReset{Reader: reader}, controller.BadFrame{Reader: reader, Fault: "length"},
			controller.AlarmSilenced{Rule: 1}, controller.AlarmReset{Rule: 1}, controller.Noted{}, controller.Forgiven{Member: 7}, controller.Forgiven{Area: 1},
		}).Draw(t, "else")
	}
}

// looked is the revision of a look-up: that in force, or one that has passed.
func looked(t *rapid.T) uint64 {
	if rarely(t, "outdated") {
		return revision - 1
	}
	return revision
}

// policy draws the office with other settings, or none.
func (p office) policy(t *rapid.T) *policy.Set {
	if rarely(t, "no policy") {
		return nil
	}
	r := p.records
	r.Locks, r.RelayConnections, r.InputConnections = slices.Clone(r.Locks), slices.Clone(r.RelayConnections), slices.Clone(r.InputConnections)
	r.Place.LockedDown = rarely(t, "place locked down")
	for i := range r.Locks {
		l := &r.Locks[i]
		l.LockedDown = rarely(t, "locked down")
		l.OnFire = rapid.SampledFrom([]policy.FireRule{policy.FireStay, policy.FireRelease}).Draw(t, "on fire")
	}
	r.Locks[2].Kind = rapid.SampledFrom([]policy.LockKind{policy.KindDoor, policy.KindTurnstile, policy.KindGate}).Draw(t, "kind")
	for i := range r.RelayConnections {
		r.RelayConnections[i].Duration = rapid.SampledFrom([]policy.Seconds{1, 5, 100}).Draw(t, "duration")
	}
	if rarely(t, "unwired") {
		r.RelayConnections = r.RelayConnections[1:]
	}
	for i := range r.InputConnections {
		switch c := &r.InputConnections[i]; c.Type {
		case policy.InputREX:
			c.Action = rapid.SampledFrom([]policy.REXAction{policy.REXUnlock, policy.REXLastToLeave, policy.REXShunt, policy.REXNone}).Draw(t, "action")
		case policy.InputContact:
			c.Duration = rapid.SampledFrom([]policy.Seconds{3, 30, 300}).Draw(t, "held open")
		case policy.InputTamperS, policy.InputFire, policy.InputPanel, policy.InputPassage, policy.InputLoop:
		}
	}
	set := policy.Compile(&r, revision, hall.DeviceID, p.location)
	if rarely(t, "expires") {
		set.Expires = time.Date(2026, 3, 28, 12, 0, 0, 0, time.UTC)
	}
	return set
}

// onlooker knows of a board what was done to it and what it told, and nothing of
// how it comes to that.
type onlooker struct {
	*controller.Controller
	now        policy.Now
	last       time.Duration // of the events
	pressed    map[int]bool  // buttons that unlock, by line
	sensed     bool          // the fire input is active
	fire       bool
	technician [4]bool
	doors      [4]ways
	went       map[way]bool     // where somebody was let pass
	first      int64            // who waits at the vault
	firstUntil time.Duration    // until then
	escorted   [4]time.Duration // until when a visitor may follow
	excused    bool             // two doors of the interlock may be released
}

// way is a direction through an area's readers that a member took.
type way struct {
	area, member int64
	inside       bool
}

// ways are what may keep a door released.
type ways struct {
	out       time.Duration // until when somebody may leave
	granted   time.Duration // until when somebody may come in
	hold      string        // "released", "secured" or "none"
	held      time.Duration // until when
	scheduled bool
}

// step gives the board an input and returns the rule that it broke.
func (o *onlooker) step(in controller.Input) ([]policy.Event, error) {
	o.expect(in)
	events := o.Step(o.now, in)
	for _, e := range events {
		if e.At.Up < o.last || e.At.Up > o.now.Up {
			return nil, fmt.Errorf("%s at %v, between %v and %v", e.Type, e.At.Up, o.last, o.now.Up)
		}
		o.last = e.At.Up
		if err := o.hear(e); err != nil {
			return nil, err
		}
	}
	if at, ok := o.Wake(); ok && at < o.now.Up {
		return nil, fmt.Errorf("what was due at %v is left at %v", at, o.now.Up)
	}
	for i := range hall.Doors {
		if err := o.look(i); err != nil {
			return nil, fmt.Errorf("%s: %w", hall.Doors[i].Name, err)
		}
	}
	if err := o.oneAtATime(); err != nil {
		return nil, err
	}
	return events, nil
}

// expect notes what an input does to those who want out, before the board is asked.
func (o *onlooker) expect(in controller.Input) {
	switch in := in.(type) {
	case controller.LockedDown:
		o.technician[in.Door] = in.On
	case controller.FireReset:
		o.fire = o.fire && o.sensed
	case controller.Changed:
		line := hall.Inputs[in.Line]
		switch {
		case line.Kind == policy.InputFire:
			o.sensed, o.fire = in.Active, o.fire || in.Active
		case line.Kind != policy.InputREX:
		case in.Active:
			o.pressed[in.Line] = o.pressed[in.Line] || o.unlocks(line)
		case o.pressed[in.Line]:
			delete(o.pressed, in.Line)
			for _, i := range line.Doors {
				o.doors[i].out = max(o.doors[i].out, o.now.Up+lingers)
			}
		}
	}
}

// unlocks reports whether a button unlocks: the board says so, or the policy does
// of a lock that is wired as it says.
func (o *onlooker) unlocks(line controller.Line) bool {
	if line.Releases || o.Policy() == nil {
		return line.Releases
	}
	return slices.ContainsFunc(o.Policy().Inputs, func(c policy.InputConnection) bool {
		return c.Channel == line.Channel && c.LockID == o.Door(line.Doors[0]).Lock &&
			(c.Action == policy.REXUnlock || c.Action == policy.REXLastToLeave)
	})
}

// hear notes what an event means for the door that it is about.
func (o *onlooker) hear(e policy.Event) error {
	i := slices.IndexFunc(hall.Doors, func(d controller.Door) bool { return d.Name == e.Object.Name })
	if i < 0 {
		return nil
	}
	d := &o.doors[i]
	switch e.Type {
	case policy.ScheduledStarted, policy.ScheduledEnded:
		d.scheduled = e.Type == policy.ScheduledStarted
	case policy.LockHold:
		if e.Success {
			d.hold, d.held = e.Detail, e.Until
		}
	case policy.LockUnlock:
		if err := o.follow(e); err != nil {
			return err
		}
		if err := o.accompany(i, e); err != nil {
			return err
		}
		switch {
		case !e.Success:
		case e.Reader == "vault-out": // no button there: nothing keeps anybody in
			d.out = max(d.out, e.At.Up+o.duration(i))
		case o.lockedDown(i):
			return fmt.Errorf("%s: somebody was let in under a lockdown", e.Object.Name)
		default:
			d.granted = e.At.Up + o.duration(i)
		}
	}
	return nil
}

// follow notes which way a member was let pass. Nobody is denied a way that he was
// never let pass, or the way out where there is no other.
func (o *onlooker) follow(e policy.Event) error {
	if o.Policy() == nil {
		return nil
	}
	reader := o.ReaderID(max(0, slices.IndexFunc(hall.Readers, func(p controller.Port) bool { return p.Name == e.Reader })))
	known := e.Reason != policy.AntiPassback
	for _, a := range o.Policy().Areas {
		for inside, readers := range map[bool][]int64{true: a.Into, false: a.OutOf} {
			w := way{a.ID, e.Actor.ID, inside}
			if !slices.Contains(readers, reader) || e.Actor.Type != "member" {
				continue
			}
			known = known || a.Mode == policy.AreaHard && o.went[w]
			o.went[w] = o.went[w] || e.Success
		}
	}
	if !known || e.Reason == policy.AntiPassback && e.Reader == "vault-out" {
		return fmt.Errorf("%s: %+v was denied what he never did, or the way out", e.Object.Name, e.Actor)
	}
	return nil
}

// accompany notes who may come in with whom. The vault opens to two within the time,
// a visitor enters after an escort, and both leave alone.
func (o *onlooker) accompany(i int, e policy.Event) error {
	alone := e.Reason == policy.SecondPerson || e.Reason == policy.EscortRequired
	if e.Reader == "" || e.Reader == "vault-out" {
		if alone && e.Reader != "" {
			return fmt.Errorf("%s: nobody needs company to leave", e.Object.Name)
		}
		return nil
	}
	if !e.Success && e.Reason != policy.SecondPerson {
		return nil
	}
	switch {
	case e.Actor.ID == 9 && e.At.Up >= o.escorted[i]:
		return fmt.Errorf("%s: a visitor went past the escort's time", e.Object.Name)
	case e.Actor.ID == 7:
		o.escorted[i] = e.At.Up + escorts
	}
	switch {
	case e.Object.Name != "vault":
	case !e.Success:
		o.first, o.firstUntil = e.Actor.ID, e.At.Up+twoPersons*time.Second
	case o.first == e.Actor.ID || e.At.Up >= o.firstUntil:
		return fmt.Errorf("the vault opened to one: %+v", e.Actor)
	default:
		o.firstUntil = 0
	}
	return nil
}

// oneAtATime looks whether doors that are interlocked are released at once, but by
// whoever leaves or by fire. It may be so after a fire, or after a time in which the
// policy did not say that they are interlocked, until one of them is locked.
func (o *onlooker) oneAtATime() error {
	released := 0
	for _, i := range []int{0, 2} {
		d := o.Door(i)
		o.excused = o.excused || o.fire || d.Lock == 0
		if d.Released && d.Cause != "rex" && d.Cause != "fire" {
			released++
		}
	}
	o.excused = o.excused && (released > 1 || o.fire || o.Door(0).Lock == 0 || o.Door(2).Lock == 0)
	if released > 1 && !o.excused {
		return fmt.Errorf("two doors of an interlock are released: %+v and %+v", o.Door(0), o.Door(2))
	}
	return nil
}

// look compares the relay of a door with what may keep it released.
func (o *onlooker) look(i int) error {
	d, locked := &o.doors[i], o.lockedDown(i)
	if locked || d.hold == "secured" {
		d.granted = 0 // it is over, also when the lockdown is
	}
	if locked {
		d.hold = "none"
	}
	pressed := false
	for line, down := range o.pressed {
		pressed = pressed || down && slices.Contains(hall.Inputs[line].Doors, i)
	}
	burns := o.fire && (hall.Doors[i].FailSafe || o.lock(i) != nil && o.lock(i).OnFire == policy.FireRelease)
	entry := !locked && (d.hold == "released" && o.now.Up < d.held ||
		d.hold == "none" && (o.now.Up < d.granted || d.scheduled))
	for _, channel := range hall.Doors[i].Relays {
		switch on := o.Outputs().On(channel); {
		case pressed && !on:
			return fmt.Errorf("a pressed button does not release it")
		case burns && !on:
			return fmt.Errorf("fire does not release it")
		case on && locked && !pressed && !burns && o.now.Up >= d.out:
			return fmt.Errorf("released under a lockdown")
		case on && !pressed && !burns && o.now.Up >= d.out && !entry:
			return fmt.Errorf("released without a cause: %+v", *d)
		}
	}
	return nil
}

func (o *onlooker) lock(i int) *policy.Door { return o.Policy().Door(o.Door(i).Lock) }

func (o *onlooker) lockedDown(i int) bool {
	l := o.lock(i)
	return o.technician[i] || l != nil && (l.LockedDown || o.Policy().Place.LockedDown)
}

// duration is how long a grant at door i releases it.
func (o *onlooker) duration(i int) time.Duration {
	if l := o.lock(i); l != nil {
		for _, r := range o.Policy().Relays {
			if r.LockID == l.ID {
				return r.Duration.Duration()
			}
		}
	}
	return policy.DefaultRelease.Duration()
}

// newOnlooker returns a board that was never on, on a Friday before the clocks go
// forward.
func newOnlooker(p office) *onlooker {
	o := &onlooker{Controller: controller.New(hall, controller.State{}), pressed: map[int]bool{}, went: map[way]bool{}}
	o.now = policy.Now{Up: time.Second, Wall: time.Date(2026, 3, 27, 6, 0, 0, 0, p.location), WallSet: true}
	for i := range o.doors {
		o.doors[i].hold = "none"
	}
	return o
}

// live plays a moment, and returns what the board told.
func (o *onlooker) live(t *rapid.T, s moment) (told []policy.Event) {
	o.now = o.now.At(o.now.Up + s.pause)
	if s.clock != nil {
		told = o.must(t, nil) // the time before is told by the clock as it was
		s.clock(&o.now)
	}
	return append(told, o.must(t, s.in)...)
}

func (o *onlooker) must(t *rapid.T, in controller.Input) []policy.Event {
	events, err := o.step(in)
	if err != nil {
		t.Fatalf("%v\nafter %T%+v at %v", err, in, in, o.now.Up)
	}
	return events
}

// Nobody is held in, nobody enters under a lockdown, and no door is released
// without a cause that an onlooker knows of, or for longer than that lasts.
func TestAnOnlookerUnderstandsEveryRelease(t *testing.T) {
	p := loadOffice(t)
	rapid.Check(t, func(t *rapid.T) {
		o := newOnlooker(p)
		o.must(t, controller.SetPolicy{Set: p.policy(t)})
		for _, s := range p.life(t) {
			o.live(t, s)
		}
		for l := range hall.Inputs { // everybody leaves
			o.must(t, controller.Changed{Line: l, Status: controller.InputClosed})
		}
		o.must(t, controller.FireReset{})
		o.now = o.now.At(o.now.Up + time.Hour)
		o.must(t, nil)
		for i, d := range hall.Doors {
			if o.Outputs().On(d.Relays[0]) != (o.doors[i].scheduled && !o.lockedDown(i)) {
				t.Fatalf("%s at rest is %+v", d.Name, o.Door(i))
			}
		}
		for i, r := range hall.Readers {
			if left := o.Reader(i); left.ShowUntil+left.CardUntil+left.BlockedUntil+left.ChallengeUntil != 0 {
				t.Fatalf("reader %s at rest is %+v", r.Name, left)
			}
		}
	})
}

// What a board tells and wants depends neither on how often its loop woke in
// between nor on whether its state was saved and loaded on the way.
func TestTheSameLifeGivesTheSameEvents(t *testing.T) {
	p := loadOffice(t)
	rapid.Check(t, func(t *rapid.T) {
		once, often := newOnlooker(p), newOnlooker(p)
		set := p.policy(t)
		once.must(t, controller.SetPolicy{Set: set})
		often.must(t, controller.SetPolicy{Set: set})
		for _, s := range p.life(t) {
			whole := once.live(t, s)
			stepped := often.wake(t, s.pause)
			if s.pause = 0; s.save {
				often.reload(t)
			}
			stepped = append(stepped, often.live(t, s)...)
			if len(whole)+len(stepped) > 0 && !reflect.DeepEqual(whole, stepped) {
				t.Fatalf("at once:\n%v\nstep by step:\n%v", whole, stepped)
			}
			if a, b := saved(t, timeless(once.State())), saved(t, timeless(often.State())); a != b {
				t.Fatalf("at once:\n%s\nstep by step:\n%s", a, b)
			}
			if once.Outputs() != often.Outputs() {
				t.Fatalf("at once %b, step by step %b", once.Outputs(), often.Outputs())
			}
			for i := range hall.Readers {
				if a, b := once.Feedback(i), often.Feedback(i); a != b {
					t.Fatalf("reader %d shows %v at once, %v step by step", i, a, b)
				}
			}
		}
	})
}

// wake lets time pass, deadline by deadline.
func (o *onlooker) wake(t *rapid.T, pause time.Duration) (told []policy.Event) {
	until := o.now.Up + pause
	for at, ok := o.Wake(); ok && at <= until; at, ok = o.Wake() {
		o.now = o.now.At(at)
		told = append(told, o.must(t, nil)...)
	}
	o.now = o.now.At(until)
	return append(told, o.must(t, nil)...)
}

// reload goes on with a new controller that has the saved state of the old one.
// What is news to it is only what the policy says.
func (o *onlooker) reload(t *rapid.T) {
	var loaded controller.State
	if err := json.Unmarshal([]byte(saved(t, o.State())), &loaded); err != nil {
		t.Fatal(err)
	}
	set, levels := o.Policy(), o.Outputs()
	o.Controller = controller.New(hall, loaded)
	if locks := controller.Outputs(1<<len(hall.Doors) - 1); o.Outputs()&locks != levels&locks {
		t.Fatalf("without a policy the locks moved from %b to %b", levels, o.Outputs())
	}
	for _, e := range o.must(t, controller.SetPolicy{Set: set}) {
		switch e.Type {
		case policy.ControllerPolicy, policy.LockMisconfigured, policy.PlaceLockDown:
		default:
			t.Fatalf("loading told %+v", e)
		}
	}
	if o.Outputs() != levels {
		t.Fatalf("loading moved the relays from %b to %b", levels, o.Outputs())
	}
}

// What must outlive a restart does: fire, what a technician locked down, violated
// zones and alarms. Releases do not.
func TestWhatIsDurableOutlivesARestart(t *testing.T) {
	p := loadOffice(t)
	rapid.Check(t, func(t *rapid.T) {
		o := newOnlooker(p)
		o.must(t, controller.SetPolicy{Set: p.policy(t)})
		for _, s := range p.life(t) {
			o.live(t, s)
		}
		before := saved(t, o.State().Durable())
		var kept controller.State
		if err := json.Unmarshal([]byte(before), &kept); err != nil {
			t.Fatal(err)
		}
		o.Controller = controller.New(hall, kept.Resumed(o.now.Up))
		if after := saved(t, o.State().Durable()); after != before {
			t.Fatalf("before:\n%s\nafter:\n%s", before, after)
		}
		o.pressed, o.doors = map[int]bool{}, newOnlooker(p).doors
		for i, d := range hall.Doors {
			if o.Door(i).LockedDown != o.technician[i] {
				t.Fatalf("%s is locked down %t, a technician ordered %t", d.Name, o.Door(i).LockedDown, o.technician[i])
			}
		}
		o.must(t, nil)
		o.must(t, controller.SetPolicy{Set: p.policy(t)})
	})
}

// timeless forgets when each door was last stepped, which nothing depends on.
func timeless(s controller.State) controller.State {
	for name, d := range s.Doors {
		d.Last = 0
		s.Doors[name] = d
	}
	return s
}

func saved(t *rapid.T, s controller.State) string {
	b, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
