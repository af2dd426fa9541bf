package policy

import "time"

// Now is the time as a value: the core has no clock of its own. The two clocks
// never mix: timers run on Up, calendars on Wall.
type Now struct {
	Up      time.Duration // monotonic since boot
	Wall    time.Time     // civil time
	WallSet bool          // false until the wall clock was set in this boot
}

// At returns the moment whose monotonic reading is up, moved along both clocks.
func (n Now) At(up time.Duration) Now {
	n.Wall = n.Wall.Add(up - n.Up)
	n.Up = up
	return n
}
