package board

import (
	"time"

	"golang.org/x/sys/unix"
)

// Now returns the time since boot, not counting sleep, by CLOCK_MONOTONIC: the
// clock with which the kernel stamps the edges.
func Now() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) // the kernel always has this clock
	return time.Duration(t.Nano())
}

// WallSet reports whether the wall clock is right: whether chrony, timesyncd or
// another service has told the kernel that it is synchronised.
func WallSet() bool {
	var t unix.Timex // asks, and changes nothing
	state, err := unix.Adjtimex(&t)
	return err == nil && synchronised(state, t.Status)
}

// synchronised is how the kernel says so; see adjtimex(2).
func synchronised(state int, status int32) bool {
	return state != unix.TIME_ERROR && status&unix.STA_UNSYNC == 0
}
