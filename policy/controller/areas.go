package controller

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"doord/policy"
	"doord/policy/door"
)

// Limits of what is known of people.
const (
	// MaxWhereabouts is of how many members an area knows where they are. Of one more
	// it forgets the one that it has known of for longest, who then may go either way.
	MaxWhereabouts = 4096
	// maxPassing is how many grants one opening of a door is the passage of.
	maxPassing = 8
)

// Whereabouts is on which side of an area's readers a member was last seen.
type Whereabouts struct {
	Member int64         `json:"member"`
	Inside bool          `json:"inside"`
	Since  time.Duration `json:"since,omitempty"`
}

// Passing is somebody who was let pass by a reader, and for whom the door has not
// opened yet. After until it opens for somebody else.
type Passing struct {
	Member int64         `json:"member"`
	Reader int64         `json:"reader"`
	Until  time.Duration `json:"until"`
}

// leads returns the side of an area that a reader leads to, and whether it leads to
// either.
func leads(a *policy.Area, reader int64) (inside, ok bool) {
	inside = slices.Contains(a.Into, reader)
	return inside, inside || slices.Contains(a.OutOf, reader)
}

// areaState fills in what a decision must know of where the holder is: of the areas
// that the reader leads into or out of the one that minds most.
func (c *Controller) areaState(reader int64, h *policy.Holder, s *policy.DoorState) {
	if c.set == nil || reader == 0 || h == nil || h.Member == 0 {
		return
	}
	hard := false
	for i := range c.set.Areas {
		a := &c.set.Areas[i]
		side, ok := leads(a, reader)
		if !ok {
			continue
		}
		at := slices.IndexFunc(c.areas[a.ID], func(w Whereabouts) bool { return w.Member == h.Member })
		passed := at >= 0 && c.areas[a.ID][at].Inside == side
		if s.Area == 0 || passed && (!s.Passed || !hard) {
			s.Area, s.Passed, hard = a.ID, passed, a.Mode == policy.AreaHard
		}
	}
}

// passes notes that somebody was let pass door i by a reader. He is where that
// leads once the contact shows that the door opened; at once where none can show it.
func (c *Controller) passes(now policy.Now, i int, reader, member int64) {
	if c.set == nil || member == 0 || !slices.ContainsFunc(c.set.Areas, func(a policy.Area) bool { _, ok := leads(&a, reader); return ok }) {
		return
	}
	if c.doors[i].State.Contact != door.Closed && !c.doors[i].Settings.PassageInput {
		c.move(now, reader, member)
		return
	}
	until := now.Up + c.doors[i].Settings.Duration + door.ShuntGrace
	waiting := slices.DeleteFunc(c.passing[i], func(p Passing) bool { return p.Until <= now.Up || p.Member == member })
	if len(waiting) == maxPassing {
		waiting = waiting[1:]
	}
	c.passing[i] = append(waiting, Passing{member, reader, until})
}

// counts reports whether door i tells everybody who goes through.
func (c *Controller) counts(i int) bool {
	return c.doors[i].Settings.PassageInput || c.doors[i].Settings.OnePassage
}

// passed moves everybody for whom door i opened, unless it was forced; where each is
// told, the one who was let in first.
func (c *Controller) passed(now policy.Now, i int) {
	waiting := slices.DeleteFunc(c.passing[i], func(p Passing) bool { return p.Until <= now.Up })
	n := len(waiting)
	if c.counts(i) {
		n = min(n, 1)
	}
	for _, p := range waiting[:n] {
		if !c.doors[i].State.Forced {
			c.move(now, p.Reader, p.Member)
		}
	}
	c.passing[i] = slices.Clone(waiting[n:])
}

// move puts a member to where a reader leads.
func (c *Controller) move(now policy.Now, reader, member int64) {
	if c.set == nil {
		return
	}
	for i := range c.set.Areas {
		a := &c.set.Areas[i]
		side, ok := leads(a, reader)
		if !ok {
			continue
		}
		known := slices.DeleteFunc(c.areas[a.ID], func(w Whereabouts) bool { return w.Member == member })
		if len(known) == MaxWhereabouts {
			known = known[1:]
		}
		c.areas[a.ID] = append(known, Whereabouts{member, side, now.Up})
	}
}

// forgive forgets where a member is, or everybody, in one area or all: the next
// passage is good either way.
func (c *Controller) forgive(now policy.Now, in Forgiven) {
	for _, id := range slices.Sorted(maps.Keys(c.areas)) {
		if in.Area != 0 && in.Area != id {
			continue
		}
		before := len(c.areas[id])
		c.areas[id] = slices.DeleteFunc(c.areas[id], func(w Whereabouts) bool { return in.Member == 0 || w.Member == in.Member })
		if len(c.areas[id]) < before {
			e := policy.Event{Type: policy.AreaForgiven, Object: c.area(id), Actor: in.By, Success: true, Detail: "everybody"}
			if in.Member != 0 {
				e.Detail = "member " + strconv.FormatInt(in.Member, 10)
			}
			c.tell(now, e)
		}
	}
}

// forgets returns when an area next forgets where somebody is: those of whom it has
// known for longest stand first.
func (c *Controller) forgets(a *policy.Area) (at time.Duration, ok bool) {
	known := c.areas[a.ID]
	if a.Timeout == 0 || len(known) == 0 {
		return 0, false
	}
	return known[0].Since + a.Timeout.Duration(), true
}

// expireAreas forgets where those are of whom that has been known for long enough.
func (c *Controller) expireAreas(now policy.Now) {
	if c.set == nil {
		return
	}
	for i := range c.set.Areas {
		a := &c.set.Areas[i]
		for at, ok := c.forgets(a); ok && at <= now.Up; at, ok = c.forgets(a) {
			c.areas[a.ID] = c.areas[a.ID][1:]
		}
	}
}

// bindAreas keeps what is known of the areas that the policy has, for as long as it
// says now.
func (c *Controller) bindAreas(now policy.Now) {
	if c.set != nil {
		maps.DeleteFunc(c.areas, func(id int64, _ []Whereabouts) bool { return c.set.Area(id) == nil })
		c.expireAreas(now)
	}
}

// area names an area in events.
func (c *Controller) area(id int64) policy.Ref {
	r := policy.Ref{Type: "anti_passback_area", ID: id}
	if c.set != nil {
		if a := c.set.Area(id); a != nil {
			r.Name = a.Name
		}
	}
	return r
}

// Areas returns where members were last seen, by area, those longest known first.
func (c *Controller) Areas() map[int64][]Whereabouts {
	areas := make(map[int64][]Whereabouts, len(c.areas))
	for id, known := range c.areas {
		if len(known) > 0 {
			areas[id] = slices.Clone(known)
		}
	}
	return areas
}
