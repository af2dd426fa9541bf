package controller

import (
	"slices"
	"time"

	"doord/policy"
	"doord/policy/door"
	"doord/policy/zone"
)

// Times at a reader.
const (
	// ShowFor is how long a reader shows the answer to a read.
	ShowFor = 3 * time.Second
	// AskFor is how long a card waits for its PIN.
	AskFor = 15 * time.Second
	// PINWindow is the time in which PINTries wrong PINs block PINs at a reader,
	// and for how long they do.
	PINWindow = 5 * time.Minute
	PINTries  = 5
)

// Reader is what the controller remembers of a reader.
type Reader struct {
	Online   bool
	Tampered bool

	Show      policy.Feedback // the answer to the last read, until ShowUntil
	ShowUntil time.Duration

	Card      *policy.Holder // waits for its PIN until CardUntil
	CardFound uint64
	CardUntil time.Duration

	Wrong        []time.Duration // when wrong PINs came, at most PINTries
	BlockedUntil time.Duration

	Challenge      policy.Challenge // that a phone was asked to sign, until ChallengeUntil
	ChallengeUntil time.Duration
}

func (r *Reader) show(f policy.Feedback, until time.Duration) { r.Show, r.ShowUntil = f, until }

func (r *Reader) wake() (at time.Duration, ok bool) {
	for _, t := range [...]time.Duration{r.ShowUntil, r.CardUntil, r.BlockedUntil, r.ChallengeUntil} {
		if t != 0 && (!ok || t < at) {
			at, ok = t, true
		}
	}
	return at, ok
}

// wrongPIN counts a wrong PIN and reports whether it was one too many.
func (r *Reader) wrongPIN(up time.Duration) bool {
	recent := r.Wrong[:0]
	for _, t := range r.Wrong {
		if up-t < PINWindow {
			recent = append(recent, t)
		}
	}
	r.Wrong = append(recent, up)
	if len(r.Wrong) < PINTries {
		return false
	}
	r.Wrong, r.BlockedUntil = nil, up+PINWindow
	return true
}

// expireReader ends what a reader shows, waits for and blocks, when its time has come.
func (c *Controller) expireReader(now policy.Now, i int) {
	r := &c.readers[i]
	due := func(t time.Duration) bool { return t != 0 && t <= now.Up }
	if due(r.ShowUntil) {
		r.show(policy.ShowIdle, 0)
	}
	if due(r.BlockedUntil) {
		r.BlockedUntil = 0
	}
	if due(r.ChallengeUntil) {
		r.Challenge, r.ChallengeUntil = policy.Challenge{}, 0
	}
	if due(r.CardUntil) {
		c.tell(now, policy.Event{Type: policy.ReaderAccess, Object: c.reader(i), Reader: c.board.Readers[i].Name,
			Actor: member(r.Card), By: policy.Ref{Type: string(r.Card.Kind), ID: r.Card.Credential},
			Reason: policy.PINInvalid, Detail: "no_pin"})
		r.Card, r.CardFound, r.CardUntil = nil, 0, 0
	}
}

// presented takes a credential at a reader: the main job.
func (c *Controller) presented(now policy.Now, in Presented) {
	r := &c.readers[in.Reader]
	q := policy.Request{Reader: c.ports[in.Reader], Holder: in.Holder, Found: in.Found}
	if q.Reader == 0 {
		q.Reader = -1 // a reader that the policy does not know accepts nothing
	}
	reader := c.set.Reader(q.Reader)
	asks := reader != nil && reader.PIN == policy.PINCardAndPIN
	waiting, found := r.Card, r.CardFound
	r.Card, r.CardFound, r.CardUntil = nil, 0, 0
	switch in.Class {
	case policy.TokenNumber, policy.TokenUID:
		q.Method = policy.MethodCard
		if asks {
			q.Method = policy.MethodCardAndPIN
			if in.Holder != nil && r.BlockedUntil == 0 {
				r.Card, r.CardFound, r.CardUntil = in.Holder, in.Found, now.Up+AskFor
				r.show(policy.ShowAskPIN, r.CardUntil)
				return
			}
		}
	case policy.TokenPIN:
		q.Method = policy.MethodPIN
		if waiting != nil {
			q.Method, q.Holder, q.PIN = policy.MethodCardAndPIN, waiting, in.Holder
			if found != in.Found {
				q.Found = found
			}
		}
	case policy.TokenKey, policy.TokenUnlockedKey:
		q.Method = policy.MethodTap
		if in.Wave {
			q.Method = policy.MethodWave
		}
		q.Proof = policy.Proof{Signed: c.signed(in.Reader, in.Tap), PhoneUnlocked: in.Class == policy.TokenUnlockedKey}
	case policy.TokenLink:
		q.Method = policy.MethodLink
	}
	at := c.board.Readers[in.Reader].Door
	var d policy.Decision
	if at < 0 {
		d = c.ride(now, in.Reader, &q, in.Bits)
	} else {
		d = c.decide(now, at, in.Reader, &q, in.Bits)
	}
	switch {
	case d.Granted:
		r.show(policy.ShowGranted, now.Up+ShowFor)
	case d.Reason == policy.TwoFactorRequired:
		r.show(policy.ShowTwoFactor, now.Up+ShowFor)
	case d.Reason == policy.SecondPerson && c.waits(now, at) != 0:
		r.show(policy.ShowSecondPerson, c.company[at].Until)
	default:
		r.show(policy.ShowDenied, now.Up+ShowFor)
	}
	if d.Reason == policy.PINInvalid && r.wrongPIN(now.Up) {
		c.tell(now, policy.Event{Type: policy.ExcessivePINAttempts, Object: c.reader(in.Reader),
			Reader: c.board.Readers[in.Reader].Name, Until: r.BlockedUntil})
	}
}

// requested takes an unlock that came by network.
func (c *Controller) requested(now policy.Now, in Requested) {
	q := policy.Request{Door: in.Lock, Method: in.Method, Holder: in.Holder, Found: in.Found, Proof: in.Phone}
	i := c.doorOf(in.Lock)
	q.Proof.AtReader = q.Proof.AtReader || c.atReader(now, i, in.Code)
	c.decide(now, i, -1, &q, "")
}

// decide answers a request at door i (-1: not here), tells the answer, and lets
// in whom it granted.
func (c *Controller) decide(now policy.Now, i, reader int, q *policy.Request, bits string) policy.Decision {
	e := policy.Event{Type: policy.LockUnlock, Object: policy.Ref{Type: "lock", ID: q.Door}}
	if i >= 0 {
		e.Object = c.object(i)
		q.Door = e.Object.ID
	}
	if reader >= 0 {
		e.Reader = c.board.Readers[reader].Name
	}
	q.State = c.doorState(now, i, reader, q.Holder)
	d := policy.Decide(c.set, q, now, true)
	e.Success, e.Reason, e.Revision, e.Trace = d.Granted, d.Reason, d.Revision, d.Trace
	e.By = policy.Ref{Type: string(q.Method)}
	if h := q.Holder; h != nil {
		e.By.ID = h.Credential
		e.Actor = member(h)
	}
	if d.Reason == policy.CardNotFound {
		e.Bits = bits
	}
	c.tell(now, e)
	if q.Duress() {
		c.tell(now, policy.Event{Type: policy.LockDuress, Object: e.Object, Actor: e.Actor, By: e.By, Reader: e.Reader, Success: d.Granted})
	}
	if d.Granted {
		if q.State.Passed {
			c.tell(now, policy.Event{Type: policy.LockAntiPassback, Object: e.Object, Actor: e.Actor, By: c.area(q.State.Area), Reader: e.Reader, Success: true})
		}
		c.admit(now, i, reader, d.Exit, e.Actor)
		c.passes(now, i, c.portID(reader), q.Holder.Member)
	}
	if i >= 0 {
		c.joins(now, i, reader, q, d)
	}
	return d
}

// doorState is what a decision looks at besides the policy: the state of door i
// (-1: not here) and of the reader (-1: none).
func (c *Controller) doorState(now policy.Now, i, reader int, h *policy.Holder) policy.DoorState {
	if i < 0 {
		return policy.DoorState{Misconfigured: true}
	}
	s := policy.DoorState{
		Misconfigured: c.bound[i].fault != "",
		LockedDown:    c.bound[i].technician || c.doors[i].State.Hold == door.HoldSecured,
		UnlockingREX:  c.unlockingREX(i),
	}
	if reader >= 0 {
		s.ReaderTampered = c.readers[reader].Tampered
		s.PINBlocked = c.readers[reader].BlockedUntil != 0
	}
	c.zoneState(now, i, &s)
	c.companyState(now, i, &s)
	c.areaState(c.portID(reader), h, &s)
	if other := c.blocker(i); other >= 0 {
		s.Blocker = c.object(other).ID
	}
	return s
}

// WhatIf answers a request as if it were made at a civil time, with everything
// else as it is now. Nothing comes of it.
func (c *Controller) WhatIf(q policy.Request, at time.Time) policy.Decision {
	now := policy.Now{Up: c.last, Wall: at, WallSet: true}
	q.Found = c.Revision()
	reader := -1
	if q.Reader != 0 {
		reader = slices.Index(c.ports, q.Reader)
	}
	q.State = c.doorState(now, c.doorOf(q.Door), reader, q.Holder)
	if q.Stop != 0 {
		q.State = c.stopState(c.stop(q.Stop), reader)
	}
	return policy.Decide(c.set, &q, now, true)
}

// admit does what follows from a grant, once every check has granted.
func (c *Controller) admit(now policy.Now, i, reader int, exit bool, by policy.Ref) {
	port := c.set.Reader(c.portID(reader))
	in := door.Granted{By: by, Exit: exit}
	if lock := c.bound[i].lock; lock != nil {
		in.Way = lock.Direction
	}
	if port != nil {
		in.Way = port.Direction
	}
	c.step(now, i, in)
	if z := c.zoneOf(i); z >= 0 && !exit {
		c.stepZone(now, z, zone.Accessed{By: by})
	}
	if port != nil && port.Direction == policy.In {
		c.arrive(now, i, by)
	}
}

func member(h *policy.Holder) policy.Ref {
	if h.Member == 0 {
		return policy.Ref{Type: "group_link", ID: h.Credential}
	}
	return policy.Ref{Type: "member", ID: h.Member}
}

// unlockingREX reports whether a request to exit releases the door, by the
// board's wiring or by the policy.
func (c *Controller) unlockingREX(i int) bool {
	for l, line := range c.board.Inputs {
		if line.Kind != policy.InputREX || !slices.Contains(line.Doors, i) {
			continue
		}
		if a := c.lines[l].action; a == policy.REXUnlock || a == policy.REXLastToLeave {
			return true
		}
	}
	return false
}

// portID returns the policy's id of a reader of the board, 0 when there is none.
func (c *Controller) portID(reader int) int64 {
	if reader < 0 {
		return 0
	}
	return c.ports[reader]
}
