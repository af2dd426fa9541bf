package schedule

import (
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the tests do not depend on the machine's zones
)

func location(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

// instant reads an RFC 3339 time.
func instant(t testing.TB, s string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func date(t testing.TB, s string) Date {
	t.Helper()
	var d Date
	if err := d.UnmarshalText([]byte(s)); err != nil {
		t.Fatal(err)
	}
	return d
}

// schedule reads a short form of an enabled unlock schedule for lock 1:
//
//	event 7 on mon tue 08:00 17:00
//	override 8 days 2026-12-24 2026-12-26
//	event 9 from 2026-03-02T08:00:00Z to 2026-03-02T09:00:00Z
//	override 10 holidays 2026-12-25 2027-01-01
func schedule(t testing.TB, line string) Schedule {
	t.Helper()
	word := strings.Fields(line)
	s := Schedule{Enabled: true, Override: word[0] == "override", Consequence: Unlock, Scheduleable: Scheduleable{1, Lock}}
	if _, err := fmt.Sscan(word[1], &s.ID); err != nil {
		t.Fatal(err)
	}
	switch word[2] {
	case "from":
		s.StartsAt, s.EndsAt = instant(t, word[3]), instant(t, word[5])
	case "days":
		s.StartsAtDate, s.EndsAtDate = date(t, word[3]), date(t, word[4])
	case "holidays":
		for _, d := range word[3:] {
			s.Holidays = append(s.Holidays, Holiday{Date: date(t, d)})
		}
	case "on":
		days := map[string]*bool{"mon": &s.Monday, "tue": &s.Tuesday, "wed": &s.Wednesday, "thu": &s.Thursday,
			"fri": &s.Friday, "sat": &s.Saturday, "sun": &s.Sunday}
		for _, d := range word[3 : len(word)-2] {
			if d == "daily" {
				for _, on := range days {
					*on = true
				}
				continue
			}
			*days[d] = true
		}
		s.StartsAtTime, s.EndsAtTime = new(Clock), new(Clock)
		if err := s.StartsAtTime.UnmarshalText([]byte(word[len(word)-2])); err != nil {
			t.Fatal(err)
		}
		if err := s.EndsAtTime.UnmarshalText([]byte(word[len(word)-1])); err != nil {
			t.Fatal(err)
		}
	default:
		t.Fatalf("unknown schedule %q", line)
	}
	if problems := s.Validate(); problems != nil {
		t.Fatalf("%s: %v", line, problems)
	}
	return s
}

func schedules(t testing.TB, lines ...string) []Schedule {
	t.Helper()
	var list []Schedule
	for _, line := range lines {
		list = append(list, schedule(t, line))
	}
	return list
}

func compile(t testing.TB, zone string, lines ...string) *Plan {
	t.Helper()
	return Compile(schedules(t, lines...), Unlock, location(t, zone))
}
