package controller

import (
	"time"

	"doord/policy"
	"doord/policy/door"
	"doord/policy/zone"
)

// Controller is the doors of one board.
type Controller struct {
	board Board
	set   *policy.Set
	bound []binding // of the board's doors, by index
	lines []lineUse // of the board's inputs
	ports []int64   // reader ids of the board's readers; 0 without a policy

	doors    []door.Door
	readers  []Reader
	wireless []Wireless // of the doors
	fire     Fire
	last     time.Duration // when the controller was last stepped

	attended []Attendance // at the doors
	attempts []Attempts   // at the doors
	zones    []zone.Zone
	alarms   map[int64]Alarm // that are active, by rule
	sirens   []policy.RelayConnection
	areas    map[int64][]Whereabouts // by area
	passing  [][]Passing             // at the doors
	company  []Company               // at the doors
	stops    map[int64]Stop          // of elevators
	keys     map[int64]Key           // of alarm panels, by zone
	switches []policy.RelayConnection
	panel    Lines
	calendar calendar
	expired  bool // the policy's head

	events []policy.Event
}

// New makes the controller of a board from what it remembers; the zero State is
// that of a board that was never on. It has no policy until SetPolicy.
func New(b Board, s State) *Controller {
	c := &Controller{
		board:    b,
		doors:    make([]door.Door, len(b.Doors)),
		readers:  make([]Reader, len(b.Readers)),
		wireless: make([]Wireless, len(b.Doors)),

		attended: make([]Attendance, len(b.Doors)),
		attempts: make([]Attempts, len(b.Doors)),
		alarms:   map[int64]Alarm{},
		areas:    map[int64][]Whereabouts{},
		passing:  make([][]Passing, len(b.Doors)),
		company:  make([]Company, len(b.Doors)),
		stops:    map[int64]Stop{},
		keys:     map[int64]Key{},
	}
	c.restore(s)
	c.bind(nil)
	for i := range c.doors {
		c.doors[i].Settings = c.settings(i)
		if kept, ok := s.Settings[b.Doors[i].Name]; ok {
			c.doors[i].Settings = kept
		}
	}
	return c
}

// Revision returns the revision of the policy in force, 0 without one.
func (c *Controller) Revision() uint64 {
	if c.set == nil {
		return 0
	}
	return c.set.Revision
}

// Policy returns the policy in force, or nil.
func (c *Controller) Policy() *policy.Set { return c.set }

// Board returns the electrics.
func (c *Controller) Board() *Board { return &c.board }

// Step settles every deadline due at or before now, each at its own time, and
// then takes the input; nil only settles. It returns what happened, in order.
func (c *Controller) Step(now policy.Now, in Input) []policy.Event {
	c.events = nil
	now.Wall = now.Wall.Round(0) // a monotonic reading would hide that the wall clock was stepped
	for at, ok := c.Wake(); ok && at <= now.Up; at, ok = c.Wake() {
		c.expire(now.At(max(at, c.last)))
	}
	c.last = now.Up
	c.runCalendar(now)
	if in != nil {
		c.take(now, in)
		c.runCalendar(now)
	}
	return c.events
}

// Wake returns the monotonic time of the next deadline, if there is one.
func (c *Controller) Wake() (at time.Duration, ok bool) {
	earlier := func(t time.Duration, due bool) {
		if due && (!ok || t < at) {
			at, ok = t, true
		}
	}
	for i := range c.doors {
		earlier(c.doors[i].Wake())
	}
	for i := range c.readers {
		earlier(c.readers[i].wake())
	}
	for _, a := range c.alarms {
		earlier(a.Until, a.Until != 0)
	}
	for _, k := range c.keys {
		earlier(k.Until, k.Until != 0)
		earlier(k.Wait, k.Wait != 0)
	}
	for _, s := range c.stops {
		earlier(s.Until, s.Until != 0)
	}
	if c.set != nil {
		for i := range c.set.Areas {
			earlier(c.forgets(&c.set.Areas[i]))
		}
	}
	earlier(c.calendar.due, c.calendar.due != 0)
	return at, ok
}

// expire lets everything act whose time has come, in the board's order.
func (c *Controller) expire(now policy.Now) {
	c.last = now.Up
	for i := range c.doors {
		if at, ok := c.doors[i].Wake(); ok && at <= now.Up {
			c.step(now, i, nil)
		}
	}
	for i := range c.readers {
		c.expireReader(now, i)
	}
	c.expireAlarms(now)
	c.expireAreas(now)
	c.expireStops(now)
	c.expireKeys(now)
	c.runCalendar(now)
}

func (c *Controller) take(now policy.Now, in Input) {
	switch in := in.(type) {
	case Changed:
		c.changed(now, in)
	case Presented:
		c.presented(now, in)
	case BadFrame:
		c.tell(now, policy.Event{Type: policy.ReaderBadFrame, Object: c.reader(in.Reader),
			Reader: c.board.Readers[in.Reader].Name, Detail: in.Fault, Bits: in.Bits})
	case Requested:
		c.requested(now, in)
	case Arrived:
		c.arrived(now, in)
	case Left:
		c.left(now, in)
	case Unlocked:
		c.unlocked(now, in)
	case Held:
		c.held(now, in)
	case LockedDown:
		c.bound[in.Door].technician = in.On
		c.lockDown(now, in.Door)
	case StopPermitted:
		c.permitStop(now, in)
	case StopLockedDown:
		c.lockDownStop(now, in)
	case Challenged:
		c.challenge(now, in)
	case ZoneOverridden:
		c.commandZone(now, in.Zone, zone.Overridden{Level: in.Level, For: in.For, By: in.By})
	case ZoneReset:
		c.commandZone(now, in.Zone, zone.Reset{By: in.By})
	case ZoneMet:
		c.commandZone(now, in.Zone, zone.Met{Shared: in.Shared})
	case AlarmSilenced:
		c.silence(now, in.Rule, in.By, "")
	case AlarmReset:
		c.resetAlarm(now, in.Rule, in.By)
	case Forgiven:
		c.forgive(now, in)
	case FireReset:
		c.resetFire(now)
	case ReaderReset:
		c.resetReader(now, in.Reader)
	case ReaderChanged:
		c.readerChanged(now, in)
	case WirelessReported:
		c.wirelessReported(now, in)
	case WirelessPassed:
		c.wirelessPassed(now, in)
	case SetPolicy:
		c.setPolicy(now, in.Set)
	case Noted:
		c.tell(now, in.Event)
	}
}

// step steps one door and tells what came of it.
func (c *Controller) step(now policy.Now, i int, in door.Input) {
	busy := c.busy(i)
	for _, e := range c.doors[i].Step(now, in) {
		e.Object = c.object(i)
		if e.Type == policy.LockLocked && c.unheard(i) {
			continue // it is wanted locked, and nobody knows whether it is
		}
		c.emit(e)
		c.watchZone(i, e)
		if e.Type == policy.LockPassage || e.Type == policy.LockOpened && !c.counts(i) {
			c.passed(e.At, i)
		}
	}
	if busy != c.busy(i) && c.bound[i].lock != nil && len(c.bound[i].lock.Interlocked) > 0 {
		c.calendar.outdated = true // scheduled unlocks of the others depend on it
	}
}

func (c *Controller) tell(now policy.Now, e policy.Event) {
	e.At = now
	c.emit(e)
}

// emit lets an event out, and raises the alarms that it is a cause of.
func (c *Controller) emit(e policy.Event) {
	c.events = append(c.events, e)
	c.raise(e)
}

// object names a door of the board in events.
func (c *Controller) object(i int) policy.Ref {
	if i < 0 {
		return policy.Ref{} // of a reader in a car
	}
	r := policy.Ref{Type: "lock", Name: c.board.Doors[i].Name}
	if l := c.bound[i].lock; l != nil {
		r.ID = l.ID
	}
	return r
}

func (c *Controller) reader(i int) policy.Ref {
	return policy.Ref{Type: "reader", ID: c.ports[i], Name: c.board.Readers[i].Name}
}
