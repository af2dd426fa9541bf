package board

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The kernel stamps edges by CLOCK_MONOTONIC, and so does Now.
func TestNowIsTheClockOfTheEdges(t *testing.T) {
	clock := func() time.Duration {
		var ts unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts); err != nil {
			t.Fatal(err)
		}
		return time.Duration(ts.Sec)*time.Second + time.Duration(ts.Nsec)
	}
	before := clock()
	now := Now()
	if after := clock(); now < before || now > after {
		t.Errorf("it is %v, between %v and %v", now, before, after)
	}
}

func TestTheWallClockIsSetOnceTheKernelIsTold(t *testing.T) {
	for _, tt := range []struct {
		name   string
		state  int
		status int32
		want   bool
	}{
		{"after a start nobody has set it", unix.TIME_ERROR, unix.STA_UNSYNC, false},
		{"it is synchronised", unix.TIME_OK, unix.STA_PLL, true},
		{"a leap second is near", unix.TIME_INS, unix.STA_PLL | unix.STA_INS, true},
		{"in a leap second", unix.TIME_OOP, unix.STA_PLL, true},
		{"unsynchronised, by the bit alone", unix.TIME_OK, unix.STA_UNSYNC, false},
		{"a clock in error, by the state alone", unix.TIME_ERROR, unix.STA_PLL, false},
	} {
		if got := synchronised(tt.state, tt.status); got != tt.want {
			t.Errorf("%s: %t", tt.name, got)
		}
	}
	var now unix.Timex
	state, err := unix.Adjtimex(&now)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := WallSet(), synchronised(state, now.Status); got != want {
		t.Errorf("the wall clock is set: %t, and the kernel says %t", got, want)
	}
}
