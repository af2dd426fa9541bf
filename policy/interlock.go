package policy

import (
	"slices"
	"strings"
)

// Interlock is doors of which one at a time is open or released: the two ends of a
// man-trap. Requests to exit and fire release them all the same. Its doors are on
// one controller, which is the only one to see their contacts at once.
type Interlock struct {
	ID      int64   `json:"id"`
	Name    string  `json:"name"`
	PlaceID int64   `json:"place_id,omitempty"`
	LockIDs []int64 `json:"lock_ids"` // two at least
}

func (v *validator) interlocks(r *Records, locks map[int64]bool) {
	controllers := map[int64][]int64{} // that drive a lock
	for _, c := range r.RelayConnections {
		if c.Type == RelayLock {
			controllers[c.LockID] = append(controllers[c.LockID], c.ControllerID)
		}
	}
	for i, x := range r.Interlocks {
		v.at("interlocks", i)
		v.must("name", strings.TrimSpace(x.Name) != "", "can't be blank")
		v.must("place_id", x.PlaceID == 0 || x.PlaceID == r.Place.ID, "is %d, but the place is %d", x.PlaceID, r.Place.ID)
		v.must("lock_ids", len(x.LockIDs) >= 2, "must name two locks at least")
		var first int64
		for j, id := range x.LockIDs {
			v.refers("lock_ids", id, "lock", locks)
			v.must("lock_ids", !slices.Contains(x.LockIDs[:j], id), "lock %d is given twice", id)
			for _, on := range controllers[id] {
				if first == 0 {
					first = on
				}
				v.must("lock_ids", on == first, "lock %d is on controller %d, others on %d: neither sees whether the other's doors are open", id, on, first)
			}
		}
	}
}

// compileInterlocks tells every door of an interlock the others.
func (s *Set) compileInterlocks(r *Records) {
	for _, x := range r.Interlocks {
		for _, id := range x.LockIDs {
			d := s.doors[id]
			for _, other := range x.LockIDs {
				if other != id && !slices.Contains(d.Interlocked, other) {
					d.Interlocked = append(d.Interlocked, other)
				}
			}
		}
	}
}
