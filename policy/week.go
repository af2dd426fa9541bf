package policy

import "doord/policy/schedule"

// Week is what the schedules of a door amount to on seven days.
type Week struct {
	Allow         [7]schedule.Day // counts only if the door has a time restriction
	Unlock        [7]schedule.Day
	FirstToArrive [7]schedule.Day
}

// Week returns the week of the door from first on, and whether there is such a door.
func (s *Set) Week(lock int64, first schedule.Date) (Week, bool) {
	d := s.Door(lock)
	if d == nil {
		return Week{}, false
	}
	return Week{d.Allow.Week(first), d.Unlock.Week(first), d.FirstToArrive.Week(first)}, true
}
