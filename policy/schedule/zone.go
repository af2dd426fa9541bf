package schedule

import (
	"math"
	"time"
)

// Inside the package a time is an int64 in seconds of one of two scales. An
// instant (t) counts since 1970 UTC. A local time (local) is what the clocks of
// the place show, counted as if they showed UTC; some local times have no
// instant, some have two.
const (
	never = math.MaxInt64 // the instant after all others
	ever  = math.MinInt64 // the instant before all others

	day  = 24 * 60 * 60
	week = 7 * day

	// monday is a local time of Monday 00:00.
	monday = 4 * day // 1970-01-05

	// maxOffset is beyond the offset of any zone from UTC, in history too.
	maxOffset = day
)

// floorDay returns the last 00:00 not after local.
func floorDay(local int64) int64 { return local - mod(local, day) }

// floorWeek returns the last Monday 00:00 not after local.
func floorWeek(local int64) int64 { return local - mod(local-monday, week) }

// mod returns the remainder of n by m, never negative.
func mod(n, m int64) int64 { return (n%m + m) % m }

// zone is the time between two changes of the clocks of a place.
type zone struct {
	loc      *time.Location
	offset   int64 // a local time minus its instant
	from, to int64 // the instants [from, to) at which the offset holds
}

// zoneAt returns the zone that holds at t.
func zoneAt(loc *time.Location, t int64) zone {
	at := time.Unix(t, 0).In(loc)
	_, offset := at.Zone()
	from, to := at.ZoneBounds()
	z := zone{loc, int64(offset), ever, never}
	if !from.IsZero() {
		z.from = from.Unix()
	}
	if !to.IsZero() {
		z.to = to.Unix()
	}
	if z.to <= t {
		// Package time takes every year for 365 days where it computes changes from a
		// rule: on the last day (in UTC) of a leap year the zone seems to be over.
		z.to = t - mod(t, day) + day
	}
	return z
}

// first returns the first instant at which the clocks show local or later: the
// first occurrence of a local time that comes twice, and the end of the gap for
// one that does not exist.
func (z zone) first(local int64) int64 {
	if z.steady(local) {
		return local - z.offset
	}
	z = zoneAt(z.loc, local-maxOffset)
	for local-z.offset >= z.to {
		z = zoneAt(z.loc, z.to)
	}
	return max(local-z.offset, z.from)
}

// last returns the last instant at which the clocks show local or earlier: the
// last occurrence of a local time that comes twice, and the end of the gap for
// one that does not exist.
func (z zone) last(local int64) int64 {
	if z.steady(local) {
		return local - z.offset
	}
	z = zoneAt(z.loc, local+maxOffset)
	for local-z.offset < z.from {
		z = zoneAt(z.loc, z.from-1)
	}
	return min(local-z.offset, z.to)
}

// steady reports whether local is so far inside z that no other zone can show it:
// the quick answer, right on all but a few days of the year.
func (z zone) steady(local int64) bool {
	t := local - z.offset
	return z.from+2*maxOffset <= t && t < z.to-2*maxOffset
}
