package controller

import (
	"time"

	"doord/policy"
	"doord/policy/door"
)

// The battery of a wireless lock is low from LowBattery on, in percent, and well
// again from WellBattery.
const (
	LowBattery  = 20
	WellBattery = 30
)

// Wireless is what is known of the wireless lock of a door. While it is not Online
// nobody knows whether it is locked.
type Wireless struct {
	Online   bool
	Unlocked bool
	Battery  int // percent; −1 is not known
	Low      bool
	Stalled  bool
	Tampered bool
	Signal   int        // dBm; 0 is not known
	By       policy.Ref // for whom it was unlocked, until somebody passed
}

// WirelessCause is why a wireless lock is as it is.
type WirelessCause string

// The causes. With all but the first it locked, or was unlocked, by itself.
const (
	WirelessCommanded WirelessCause = ""
	WirelessPresence  WirelessCause = "presence" // the key is gone
	WirelessTime      WirelessCause = "time"     // it was told for how long
	WirelessHand      WirelessCause = "hand"     // a knob or a mechanical key
)

// WirelessReported is what the gateway says of a door's wireless lock, or that the
// lock cannot be heard, or the gateway itself: then nothing else of it counts.
type WirelessReported struct {
	Door     int
	Online   bool
	Why      string // it is not online: "gateway_lost", "loss_of_rf"
	Unlocked bool
	Cause    WirelessCause
	Contact  door.Contact
	Battery  int
	Signal   int
	Stalled  bool
	Tampered bool
}

// WirelessPassed is somebody who went through a door with a wireless lock.
type WirelessPassed struct {
	Door    int
	Entered bool // else left
}

func (WirelessReported) isInput() {}
func (WirelessPassed) isInput()   {}

// WirelessWant is how a wireless lock is to be. Like the outputs it is a level, a
// function of the state.
type WirelessWant struct {
	Unlocked bool
	// Until is the monotonic time at which the lock is to lock again by itself; 0 is
	// not. Only a grant has it, and what the lock is to do about the key.
	Until    time.Duration
	Distance float64       // m; 0: whatever the distance
	Timeout  time.Duration // 0: however long it is silent
}

// Wireless returns what is known of the wireless lock of door i.
func (c *Controller) Wireless(i int) Wireless { return c.wireless[i] }

// unheard reports whether door i has a wireless lock of which nothing is known.
func (c *Controller) unheard(i int) bool {
	return c.board.Doors[i].Wireless != 0 && !c.wireless[i].Online
}

// WirelessWant returns how the wireless lock of door i is to be.
func (c *Controller) WirelessWant(i int) WirelessWant {
	d := &c.doors[i]
	w := WirelessWant{Unlocked: d.Released()}
	if !w.Unlocked || d.Cause() != door.ByGrant {
		return w
	}
	w.Until = d.State.GrantUntil
	if r := c.bound[i].wireless; r != nil {
		w.Distance, w.Timeout = r.PresenceDistance, r.PresenceTimeout.Duration()
	}
	return w
}

// wirelessReported takes a report.
func (c *Controller) wirelessReported(now policy.Now, in WirelessReported) {
	i, w := in.Door, &c.wireless[in.Door]
	busy := c.busy(i)
	defer func() {
		if busy != c.busy(i) {
			c.calendar.outdated = true // as in step
		}
	}()
	object := c.wirelessObject(i)
	tell := func(kind policy.EventType, ok bool, detail string) {
		c.tell(now, policy.Event{Type: kind, Object: object, Success: ok, Detail: detail})
	}
	if !in.Online {
		if w.Online {
			*w = Wireless{Battery: w.Battery, Low: w.Low, Tampered: w.Tampered, By: w.By}
			tell(policy.WirelessOffline, false, in.Why)
			c.step(now, i, door.Contacted{Contact: door.Unknown})
			c.step(now, i, door.Relocked{}) // it would unlock the door when it is back
		}
		return
	}
	if !w.Online {
		tell(policy.WirelessOnline, true, "")
	}
	was := *w
	w.Online, w.Unlocked, w.Battery, w.Signal, w.Stalled, w.Tampered = true, in.Unlocked, in.Battery, in.Signal, in.Stalled, in.Tampered
	switch moved := !was.Online || was.Unlocked != in.Unlocked; {
	case moved && in.Unlocked:
		w.By = c.doors[i].State.GrantedTo
		c.tell(now, policy.Event{Type: policy.WirelessUnlocked, Object: object, Actor: w.By, Success: true, Detail: string(in.Cause)})
	case moved:
		tell(policy.WirelessLocked, true, string(in.Cause))
	}
	if was.Online && was.Unlocked && !in.Unlocked && in.Cause != WirelessCommanded {
		c.step(now, i, door.Relocked{})
	}
	if in.Battery >= 0 {
		w.Low = in.Battery <= LowBattery || was.Low && in.Battery < WellBattery
	}
	if w.Low && !was.Low {
		tell(policy.WirelessBattery, true, "")
	}
	if in.Tampered && !was.Tampered {
		tell(policy.WirelessTampered, true, "")
	}
	if in.Stalled != was.Stalled {
		tell(policy.WirelessStalled, !in.Stalled, "")
	}
	if in.Contact != door.Unknown {
		c.step(now, i, door.Contacted{Contact: in.Contact})
	}
}

// wirelessPassed tells who passed: the one for whom the door was unlocked, if that
// is known, and once.
func (c *Controller) wirelessPassed(now policy.Now, in WirelessPassed) {
	kind := policy.WirelessLeft
	if in.Entered {
		kind = policy.WirelessEntered
	}
	w := &c.wireless[in.Door]
	c.tell(now, policy.Event{Type: kind, Object: c.wirelessObject(in.Door), Actor: w.By, Success: true})
	w.By = policy.Ref{}
}

func (c *Controller) wirelessObject(i int) policy.Ref {
	r := policy.Ref{Type: "wireless_lock", Name: c.board.Doors[i].Name}
	if w := c.bound[i].wireless; w != nil {
		r.ID = w.ID
	}
	return r
}

// bindWireless joins a lock to the door that has its channel.
func (c *Controller) bindWireless() {
	for at := range c.set.Wireless {
		w := &c.set.Wireless[at]
		for i, d := range c.board.Doors {
			if d.Wireless == w.Channel {
				c.bound[i].lock, c.bound[i].wireless = c.set.Door(w.LockID), w
			}
		}
	}
}
