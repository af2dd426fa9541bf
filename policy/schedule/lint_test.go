package schedule

import (
	"fmt"
	"slices"
	"testing"
)

func TestLint(t *testing.T) {
	for _, test := range []struct {
		name      string
		schedules []string
		change    func([]Schedule)
		want      []string
	}{
		{"nothing to say", []string{"event 1 on mon tue wed thu fri 08:00 17:00", "override 2 holidays 2026-12-25"}, nil, nil},
		{"a record that is not valid", []string{"event 1 on mon 08:00 17:00"},
			func(s []Schedule) { s[0].Monday = false },
			[]string{"1 monday: monday or another day must be true: give at least one weekday"}},
		{"a disabled schedule", []string{"event 1 on mon 08:00 17:00"},
			func(s []Schedule) { s[0].Enabled = false },
			[]string{"1 enabled: the schedule is disabled and has no effect"}},
		{"an event that is over", []string{"event 1 days 2025-01-01 2025-12-31", "override 2 holidays 2025-12-25"}, nil,
			[]string{
				"1 ends_at_date: the all-day event has no effect after 2026-01-01 00:00: it is over",
				"2 holidays: the holiday calendar has no effect after 2026-01-01 00:00: it is over",
			}},
		{"an event that overrides cover", []string{"event 1 on mon 08:00 12:00", "event 2 on tue 08:00 12:00", "override 3 on mon 07:00 12:00"}, nil,
			[]string{"1 enabled: overrides leave nothing of the recurring event until 2027-01-01 00:00"}},
		{"an override without an event at its time", []string{"event 1 on mon 08:00 12:00", "override 2 on mon 12:00 13:00"}, nil,
			[]string{"2 override: there is nothing to override until 2027-01-01 00:00"}},
		{"an override of another lock", []string{"event 1 on mon 08:00 12:00", "override 2 on mon 08:00 10:00"},
			func(s []Schedule) { s[1].Scheduleable.ID = 2 },
			[]string{"2 override: there is nothing to override until 2027-01-01 00:00"}},
		{"events that overlap", []string{"event 1 on mon 08:00 12:00", "event 2 from 2026-03-02T09:00:00Z to 2026-03-02T10:00:00Z"}, nil,
			[]string{`2 starts_at: the single event overlaps schedule 1 "" from 2026-03-02 10:00`}},
		{"events that touch do not overlap", []string{"event 1 on mon 08:00 12:00", "event 2 on mon 12:00 13:00"}, nil, nil},
		{"overrides that overlap", []string{"event 1 on mon 08:00 12:00", "override 2 holidays 2026-05-25", "override 3 days 2026-05-25 2026-05-26"}, nil,
			[]string{`3 starts_at_date: the all-day event overlaps schedule 2 "" from 2026-05-25 00:00`}},
		{"a restriction that leaves nothing", []string{"event 4 on mon 08:00 12:00", "override 5 on mon 08:00 12:00"},
			func(s []Schedule) { s[0].Consequence, s[1].Consequence = Allow, Allow },
			[]string{
				"4 enabled: overrides leave nothing of the recurring event until 2027-01-01 00:00",
				"4 consequence: the schedules of this Lock allow nothing until 2027-01-01 00:00: a time restriction denies everyone",
			}},
		{"times that do not exist or come twice in the next two years", []string{"event 1 on sat sun 02:30 04:00", "event 2 on sat 22:00 02:00"}, nil,
			[]string{
				"1 starts_at_time: 02:30 does not exist on 2026-03-29, when the clocks go forward: the event starts at 03:00",
				"1 starts_at_time: 02:30 comes twice on 2026-10-25, when the clocks go back: the event starts at the first",
				"1 starts_at_time: 02:30 does not exist on 2027-03-28, when the clocks go forward: the event starts at 03:00",
				"1 starts_at_time: 02:30 comes twice on 2027-10-31, when the clocks go back: the event starts at the first",
				"2 ends_at_time: 02:00 comes twice on 2026-10-25, when the clocks go back: the event ends at the last",
				"2 ends_at_time: 02:00 comes twice on 2027-10-31, when the clocks go back: the event ends at the last",
				`2 starts_at_time: the recurring event overlaps schedule 1 "" from 2026-10-25 02:30`,
			}},
	} {
		t.Run(test.name, func(t *testing.T) {
			list := schedules(t, test.schedules...)
			if test.change != nil {
				test.change(list)
			}
			var got []string
			for _, w := range Lint(list, location(t, "Europe/Berlin"), instant(t, "2026-01-01T00:00:00+01:00"), instant(t, "2027-01-01T00:00:00+01:00")) {
				got = append(got, fmt.Sprintf("%d %s: %s", w.ScheduleID, w.Field, w.Text))
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got\n  %q, want\n  %q", got, test.want)
			}
		})
	}
}
