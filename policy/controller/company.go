package controller

import (
	"cmp"
	"time"

	"doord/policy"
)

// escortFor is how long a visitor may follow his escort where the door does not say.
const escortFor = 30 * time.Second

// Company is who presented himself at the readers of a door a moment ago, by the
// policy of that moment. A time of 0 is not set.
type Company struct {
	Found uint64 `json:"found,omitempty"` // the policy's revision

	First  int64         `json:"first,omitempty"`  // waits for a second member
	Reader int64         `json:"reader,omitempty"` // at which he does
	Until  time.Duration `json:"until,omitempty"`  // until then

	Escorts time.Duration `json:"escorts,omitempty"` // until then somebody may escort others in
}

// waits returns the member who waits for a second one at door i, 0 when nobody does.
func (c *Controller) waits(now policy.Now, i int) int64 {
	if x := &c.company[i]; x.Found == c.Revision() && now.Up < x.Until {
		return x.First
	}
	return 0
}

func (c *Controller) companyState(now policy.Now, i int, s *policy.DoorState) {
	x := &c.company[i]
	s.First = c.waits(now, i)
	s.Escorted = x.Found == c.Revision() && now.Up < x.Escorts
}

// joins notes what a decision at a reader of door i means for who comes next: the
// first of two waits for the second, and both pass with him; a visitor may follow
// his escort, also when that waits.
func (c *Controller) joins(now policy.Now, i, reader int, q *policy.Request, d policy.Decision) {
	port, h, lock := c.set.Reader(c.portID(reader)), q.Holder, c.set.Door(q.Door)
	waits := d.Reason == policy.SecondPerson
	if port == nil || port.Direction != policy.In || h == nil || h.Member == 0 || !d.Granted && !waits {
		return
	}
	x := &c.company[i]
	if x.Found != c.Revision() {
		*x = Company{Found: c.Revision()}
	}
	if h.MayEscort {
		x.Escorts = now.Up + cmp.Or(lock.EscortWithin.Duration(), escortFor)
	}
	switch {
	case waits:
		x.First, x.Reader, x.Until = h.Member, port.ID, now.Up+lock.TwoPersonWithin.Duration()
	case c.waits(now, i) != 0:
		c.passes(now, i, x.Reader, x.First)
		x.First, x.Reader, x.Until = 0, 0, 0
	}
}
