package schedule

import (
	"slices"
	"testing"
	"time"
)

// Every case lists the effective intervals between two instants, as they would
// be read off a clock with its offset from UTC.
func TestBetween(t *testing.T) {
	for _, test := range []struct {
		name      string
		zone      string
		schedules []string
		from, to  string
		want      []string // "start end", pairs of RFC 3339 times
	}{
		{
			"a single event counts in instants, whatever the zone",
			"Europe/Berlin", []string{"event 1 from 2026-03-02T08:00:00-05:00 to 2026-03-02T09:00:30-05:00"},
			"2026-03-01T00:00:00Z", "2026-03-05T00:00:00Z",
			[]string{"2026-03-02T14:00:00+01:00 2026-03-02T15:00:30+01:00"},
		},
		{
			"an all-day event includes its last day",
			"Europe/Berlin", []string{"event 1 days 2026-03-02 2026-03-03"},
			"2026-03-01T00:00:00Z", "2026-03-10T00:00:00Z",
			[]string{"2026-03-02T00:00:00+01:00 2026-03-04T00:00:00+01:00"},
		},
		{
			"a recurring event takes place on its weekdays",
			"Europe/Berlin", []string{"event 1 on mon wed 08:00 17:00"},
			"2026-03-02T00:00:00+01:00", "2026-03-09T00:00:00+01:00",
			[]string{
				"2026-03-02T08:00:00+01:00 2026-03-02T17:00:00+01:00",
				"2026-03-04T08:00:00+01:00 2026-03-04T17:00:00+01:00",
			},
		},
		{
			"every holiday is a whole day and neighbours join",
			"UTC", []string{"event 1 holidays 2026-12-25 2027-01-01 2026-12-26"},
			"2026-12-01T00:00:00Z", "2027-02-01T00:00:00Z",
			[]string{
				"2026-12-25T00:00:00Z 2026-12-27T00:00:00Z",
				"2027-01-01T00:00:00Z 2027-01-02T00:00:00Z",
			},
		},
		{
			"the ends of the question cut intervals off",
			"UTC", []string{"event 1 on daily 00:00 24:00"},
			"2026-03-02T10:00:00.5Z", "2026-03-02T11:00:00.25Z",
			[]string{"2026-03-02T10:00:00.5Z 2026-03-02T11:00:00.25Z"},
		},
		{
			"nothing lies between two instants in the wrong order",
			"UTC", []string{"event 1 on daily 00:00 24:00"},
			"2026-03-02T10:00:00Z", "2026-03-02T09:00:00Z", nil,
		},
		{
			"an event that crosses midnight belongs to the weekday of its start",
			"Europe/Berlin", []string{"event 1 on fri 22:00 02:00"},
			"2026-03-02T00:00:00+01:00", "2026-03-09T00:00:00+01:00",
			[]string{"2026-03-06T22:00:00+01:00 2026-03-07T02:00:00+01:00"},
		},
		{
			"an event of Sunday reaches into Monday of the next week",
			"UTC", []string{"event 1 on sun 22:00 06:00"},
			"2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z",
			[]string{
				"2026-03-02T00:00:00Z 2026-03-02T06:00:00Z",
				"2026-03-08T22:00:00Z 2026-03-09T00:00:00Z",
			},
		},
		{
			"an event of Sunday night holds what lies within it on Monday",
			"UTC", []string{"event 1 on sun 22:00 06:00", "event 2 on mon 01:00 02:00"},
			"2026-03-08T00:00:00Z", "2026-03-10T00:00:00Z",
			[]string{"2026-03-08T22:00:00Z 2026-03-09T06:00:00Z"},
		},
		{
			"equal times make 24 hours",
			"UTC", []string{"event 1 on tue 08:00 08:00"},
			"2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z",
			[]string{"2026-03-03T08:00:00Z 2026-03-04T08:00:00Z"},
		},
		{
			"24:00 is the end of the day",
			"UTC", []string{"event 1 on tue 08:00 24:00"},
			"2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z",
			[]string{"2026-03-03T08:00:00Z 2026-03-04T00:00:00Z"},
		},
		{
			"touching and overlapping events are one interval",
			"UTC", []string{"event 1 on tue 08:00 12:00", "event 2 on tue 12:00 14:00", "event 3 from 2026-03-03T13:00:00Z to 2026-03-03T15:00:00Z"},
			"2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z",
			[]string{"2026-03-03T08:00:00Z 2026-03-03T15:00:00Z"},
		},
		{
			"the year's end is a night like any other",
			"America/New_York", []string{"event 1 on thu 20:00 04:00"},
			"2026-12-31T00:00:00-05:00", "2027-01-02T00:00:00-05:00",
			[]string{"2026-12-31T20:00:00-05:00 2027-01-01T04:00:00-05:00"},
		},
		{
			"a leap day is a day",
			"Europe/Berlin", []string{"event 1 days 2028-02-28 2028-02-29", "event 2 on tue 08:00 09:00", "event 3 on wed 08:00 09:00"},
			"2028-02-27T00:00:00+01:00", "2028-03-02T00:00:00+01:00",
			[]string{
				"2028-02-28T00:00:00+01:00 2028-03-01T00:00:00+01:00",
				"2028-03-01T08:00:00+01:00 2028-03-01T09:00:00+01:00",
			},
		},
		{
			"an override takes time out of the middle",
			"UTC", []string{"event 1 on tue 08:00 17:00", "override 2 on daily 12:00 13:00"},
			"2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z",
			[]string{
				"2026-03-03T08:00:00Z 2026-03-03T12:00:00Z",
				"2026-03-03T13:00:00Z 2026-03-03T17:00:00Z",
			},
		},
		{
			"a holiday override leaves out its day",
			"Europe/Berlin", []string{"event 1 on mon tue wed thu fri 08:00 17:00", "override 2 holidays 2026-12-25 2027-01-01"},
			"2026-12-24T00:00:00+01:00", "2026-12-29T00:00:00+01:00",
			[]string{
				"2026-12-24T08:00:00+01:00 2026-12-24T17:00:00+01:00",
				"2026-12-28T08:00:00+01:00 2026-12-28T17:00:00+01:00",
			},
		},
		{
			"an override that crosses midnight works on both days",
			"UTC", []string{"event 1 on daily 00:00 24:00", "override 2 on fri 22:00 06:00"},
			"2026-03-06T12:00:00Z", "2026-03-07T12:00:00Z",
			[]string{
				"2026-03-06T12:00:00Z 2026-03-06T22:00:00Z",
				"2026-03-07T06:00:00Z 2026-03-07T12:00:00Z",
			},
		},
		{
			"an override that touches an event leaves it whole",
			"UTC", []string{"event 1 on tue 08:00 17:00", "override 2 on tue 17:00 18:00", "override 3 on tue 07:00 08:00"},
			"2026-03-02T00:00:00Z", "2026-03-09T00:00:00Z",
			[]string{"2026-03-03T08:00:00Z 2026-03-03T17:00:00Z"},
		},
		{
			"Berlin in spring: a start in the gap moves to its end",
			"Europe/Berlin", []string{"event 1 on sun 02:30 05:00"},
			"2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00",
			[]string{"2026-03-29T03:00:00+02:00 2026-03-29T05:00:00+02:00"},
		},
		{
			"Berlin in spring: an end in the gap moves to its end",
			"Europe/Berlin", []string{"event 1 on sun 01:00 02:30"},
			"2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00",
			[]string{"2026-03-29T01:00:00+01:00 2026-03-29T03:00:00+02:00"},
		},
		{
			"Berlin in spring: an event in the gap does not take place",
			"Europe/Berlin", []string{"event 1 on sun 02:15 02:45"},
			"2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00", nil,
		},
		{
			"Berlin in autumn: the first start and the last end",
			"Europe/Berlin", []string{"event 1 on sun 02:15 02:45"},
			"2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00",
			[]string{"2026-10-25T02:15:00+02:00 2026-10-25T02:45:00+01:00"},
		},
		{
			"Berlin in autumn: the hour that repeats is [02:00, 03:00)",
			"Europe/Berlin", []string{"event 1 on sun 01:00 02:00", "event 2 on sun 03:00 04:00"},
			"2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00",
			[]string{
				"2026-10-25T01:00:00+02:00 2026-10-25T02:00:00+01:00",
				"2026-10-25T03:00:00+01:00 2026-10-25T04:00:00+01:00",
			},
		},
		{
			"Berlin in autumn: an event that crosses midnight ends at the last occurrence",
			"Europe/Berlin", []string{"event 1 on sat 22:00 02:30"},
			"2026-10-24T00:00:00+02:00", "2026-10-26T00:00:00+01:00",
			[]string{"2026-10-24T22:00:00+02:00 2026-10-25T02:30:00+01:00"},
		},
		{
			"Berlin in spring: a night shift is an hour shorter",
			"Europe/Berlin", []string{"event 1 on sat 22:00 06:00"},
			"2026-03-28T00:00:00+01:00", "2026-03-30T00:00:00+02:00",
			[]string{"2026-03-28T22:00:00+01:00 2026-03-29T06:00:00+02:00"},
		},
		{
			"New York in spring and autumn",
			"America/New_York", []string{"event 1 on sun 01:30 02:30"},
			"2026-03-08T00:00:00-05:00", "2026-03-09T00:00:00-04:00",
			[]string{"2026-03-08T01:30:00-05:00 2026-03-08T03:00:00-04:00"},
		},
		{
			"New York in autumn",
			"America/New_York", []string{"event 1 on sun 01:30 02:30"},
			"2026-11-01T00:00:00-04:00", "2026-11-02T00:00:00-05:00",
			[]string{"2026-11-01T01:30:00-04:00 2026-11-01T02:30:00-05:00"},
		},
		{
			"Lord Howe moves by half an hour in October",
			"Australia/Lord_Howe", []string{"event 1 on sun 02:15 04:00"},
			"2026-10-04T00:00:00+10:30", "2026-10-05T00:00:00+11:00",
			[]string{"2026-10-04T02:30:00+11:00 2026-10-04T04:00:00+11:00"},
		},
		{
			"Lord Howe repeats half an hour in April",
			"Australia/Lord_Howe", []string{"event 1 on sun 01:45 01:50"},
			"2026-04-05T00:00:00+11:00", "2026-04-06T00:00:00+10:30",
			[]string{"2026-04-05T01:45:00+11:00 2026-04-05T01:50:00+10:30"},
		},
		{
			"Cairo: a day without midnight begins at 01:00",
			"Africa/Cairo", []string{"event 1 days 2026-04-24 2026-04-24", "event 2 on sat 00:00 24:00"},
			"2026-04-23T00:00:00+02:00", "2026-04-25T00:00:00+03:00",
			[]string{"2026-04-24T01:00:00+03:00 2026-04-25T00:00:00+03:00"},
		},
		{
			"Cairo: an event up to midnight ends where the next day begins",
			"Africa/Cairo", []string{"event 1 on thu 20:00 24:00"},
			"2026-04-23T00:00:00+02:00", "2026-04-25T00:00:00+03:00",
			[]string{"2026-04-23T20:00:00+02:00 2026-04-24T01:00:00+03:00"},
		},
		{
			"Santiago: the day on which the clocks go back at 24:00 has 25 hours",
			"America/Santiago", []string{"event 1 days 2026-04-04 2026-04-04"},
			"2026-04-03T00:00:00-03:00", "2026-04-07T00:00:00-04:00",
			[]string{"2026-04-04T00:00:00-03:00 2026-04-05T00:00:00-04:00"},
		},
		{
			"Havana: a day begins at the first of its two midnights",
			"America/Havana", []string{"event 1 days 2026-10-31 2026-10-31"},
			"2026-10-30T00:00:00-04:00", "2026-11-03T00:00:00-05:00",
			[]string{"2026-10-31T00:00:00-04:00 2026-11-01T00:00:00-04:00"},
		},
		{
			"Apia: a day that was skipped has no events",
			"Pacific/Apia", []string{"event 1 days 2011-12-30 2011-12-30", "event 2 on fri 08:00 17:00"},
			"2011-12-28T00:00:00-10:00", "2012-01-03T00:00:00+14:00", nil,
		},
		{
			"Apia: an event into the skipped day ends with the gap",
			"Pacific/Apia", []string{"event 1 on thu 20:00 04:00"},
			"2011-12-28T00:00:00-10:00", "2012-01-03T00:00:00+14:00",
			[]string{"2011-12-29T20:00:00-10:00 2011-12-31T00:00:00+14:00"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := compile(t, test.zone, test.schedules...)
			var got []string
			for i := range p.Between(instant(t, test.from), instant(t, test.to)) {
				got = append(got, i.Start.Format(time.RFC3339Nano)+" "+i.End.Format(time.RFC3339Nano))
				if !p.At(i.Start) || p.At(i.End) && i.End.Before(instant(t, test.to)) || !p.At(i.End.Add(-1)) {
					t.Errorf("At does not agree at the ends of %v", i)
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got\n  %q, want\n  %q", got, test.want)
			}
		})
	}
}

func TestNext(t *testing.T) {
	const never = ""
	for _, test := range []struct {
		name      string
		schedules []string
		after     string
		want      string
	}{
		{"the start of the next event", []string{"event 1 on tue 08:00 17:00"}, "2026-03-02T00:00:00+01:00", "2026-03-03T08:00:00+01:00"},
		{"at a start the next change is the end", []string{"event 1 on tue 08:00 17:00"}, "2026-03-03T08:00:00+01:00", "2026-03-03T17:00:00+01:00"},
		{"at an end the next change is next week's start", []string{"event 1 on tue 08:00 17:00"}, "2026-03-03T17:00:00+01:00", "2026-03-10T08:00:00+01:00"},
		{"a nanosecond before a start it is that start", []string{"event 1 on tue 08:00 17:00"}, "2026-03-03T07:59:59.999999999+01:00", "2026-03-03T08:00:00+01:00"},
		{"the start of an override", []string{"event 1 on daily 00:00 24:00", "override 2 days 2026-12-25 2026-12-25"}, "2026-03-02T00:00:00+01:00", "2026-12-25T00:00:00+01:00"},
		{"events joined by others end with the last", []string{"event 1 on daily 08:00 20:00", "event 2 on daily 20:00 08:00", "override 3 days 2090-01-01 2090-01-01"}, "2026-03-02T00:00:00+01:00", "2090-01-01T00:00:00+01:00"},
		{"a far event behind many weeks that are overridden", []string{"event 1 on mon 08:00 17:00", "override 2 on mon 07:00 18:00", "event 3 days 2090-01-07 2090-01-07"}, "2026-03-02T00:00:00+01:00", "2090-01-07T00:00:00+01:00"},
		{"never without schedules", nil, "2026-03-02T00:00:00+01:00", never},
		{"never after the last event", []string{"event 1 days 2026-01-01 2026-01-01"}, "2026-03-02T00:00:00+01:00", never},
		{"never within an event that always is", []string{"event 1 on daily 00:00 24:00"}, "2026-03-02T00:00:00+01:00", never},
		{"never within events that together always are", []string{"event 1 on mon tue wed thu fri 06:00 22:00", "event 2 on daily 21:00 07:00", "event 3 on sat sun 06:30 23:00"}, "2026-03-02T00:00:00+01:00", never},
		{"never if overrides always cover the events", []string{"event 1 on sun 22:00 02:00", "override 2 on sun 20:00 24:00", "override 3 on mon 00:00 03:00"}, "2026-03-02T00:00:00+01:00", never},
		{"never if an override always is", []string{"event 1 on daily 00:00 24:00", "override 2 on daily 12:00 12:00"}, "2026-03-02T00:00:00+01:00", never},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := compile(t, "Europe/Berlin", test.schedules...)
			got, ok := p.Next(instant(t, test.after))
			if !ok && test.want == never && got.IsZero() {
				return
			}
			if got.Format(time.RFC3339Nano) != test.want {
				t.Errorf("got %v, %v, want %v", got, ok, test.want)
			}
		})
	}
}

func TestCovering(t *testing.T) {
	for _, test := range []struct {
		name       string
		schedules  []string
		at         string
		start, end string // "" without bound; both "none" if not effective
	}{
		{"from the first of touching events to the end of the last", []string{"event 1 on tue 08:00 12:00", "event 2 from 2026-03-03T11:00:00Z to 2026-03-03T14:00:00Z"}, "2026-03-03T14:30:00+01:00", "2026-03-03T08:00:00+01:00", "2026-03-03T15:00:00+01:00"},
		{"from the end of one override to the start of another", []string{"event 1 on tue 08:00 17:00", "override 2 on tue 07:00 09:00", "override 3 days 2026-02-03 2026-02-03", "override 4 on tue 16:00 16:30"}, "2026-03-03T14:30:00+01:00", "2026-03-03T09:00:00+01:00", "2026-03-03T16:00:00+01:00"},
		{"at its start", []string{"event 1 on tue 08:00 17:00"}, "2026-03-03T08:00:00+01:00", "2026-03-03T08:00:00+01:00", "2026-03-03T17:00:00+01:00"},
		{"from its first occurrence, at an earlier local time of the second", []string{"event 1 on sun 02:30 05:00"}, "2026-10-25T02:10:00+01:00", "2026-10-25T02:30:00+02:00", "2026-10-25T05:00:00+01:00"},
		{"not at its end", []string{"event 1 on tue 08:00 17:00"}, "2026-03-03T17:00:00+01:00", "none", "none"},
		{"without bounds if it always is", []string{"event 1 on daily 08:00 08:00"}, "2026-03-03T17:00:00+01:00", "", ""},
		{"until an override if it always is", []string{"event 1 on daily 08:00 08:00", "override 2 days 2027-01-01 2027-01-01"}, "2026-03-03T17:00:00+01:00", "", "2027-01-01T00:00:00+01:00"},
		{"since an override if it always is", []string{"event 1 on daily 08:00 08:00", "override 2 days 2025-01-01 2025-01-01"}, "2026-03-03T17:00:00+01:00", "2025-01-02T00:00:00+01:00", ""},
		{"across weeks that an all-day event joins", []string{"event 1 on mon tue wed thu fri 00:00 24:00", "event 2 days 2026-03-07 2026-03-08"}, "2026-03-10T12:00:00+01:00", "2026-03-02T00:00:00+01:00", "2026-03-14T00:00:00+01:00"},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := compile(t, "Europe/Berlin", test.schedules...)
			at := instant(t, test.at)
			got, ok := p.Covering(at)
			if !ok {
				if test.start != "none" {
					t.Errorf("nothing covers %s", test.at)
				}
				return
			}
			show := func(t time.Time) string {
				if t.IsZero() {
					return ""
				}
				return t.Format(time.RFC3339Nano)
			}
			if show(got.Start) != test.start || show(got.End) != test.end {
				t.Errorf("got %q to %q, want %q to %q", show(got.Start), show(got.End), test.start, test.end)
			}
			if !got.Contains(at) {
				t.Errorf("%v does not contain %s", got, at)
			}
		})
	}
}

func TestExplain(t *testing.T) {
	p := compile(t, "Europe/Berlin",
		"event 9 on mon tue wed thu fri 08:00 17:00",
		"event 4 on mon 12:00 20:00",
		"override 7 holidays 2026-12-25",
		"override 6 on fri 16:00 24:00")
	for _, test := range []struct {
		name, at string
		want     Verdict
	}{
		{"an event", "2026-03-03T09:00:00+01:00", Verdict{true, 9, 0}},
		{"of two events the lower id", "2026-03-02T13:00:00+01:00", Verdict{true, 4, 0}},
		{"no event", "2026-03-03T19:00:00+01:00", Verdict{false, 0, 0}},
		{"an event excluded by a holiday", "2026-12-25T09:00:00+01:00", Verdict{false, 9, 7}},
		{"of two overrides the lower id", "2026-12-25T16:30:00+01:00", Verdict{false, 9, 6}},
		{"an override without an event", "2026-12-25T03:00:00+01:00", Verdict{false, 0, 7}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := p.Explain(instant(t, test.at)); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if got := p.At(instant(t, test.at)); got != test.want.Effective {
				t.Errorf("At is %v", got)
			}
		})
	}
}

func TestCompileLeavesOut(t *testing.T) {
	now := instant(t, "2026-03-03T12:00:00Z")
	event := schedule(t, "event 1 on daily 08:00 17:00")
	disabled, other, invalid := event, event, event
	disabled.Enabled = false
	other.Consequence = Allow
	invalid.EndsAtTime = nil
	for _, test := range []struct {
		name  string
		given Schedule
		empty bool
	}{
		{"nothing", event, false},
		{"a disabled schedule", disabled, true},
		{"another consequence", other, true},
		{"an event that is not valid", invalid, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := Compile([]Schedule{test.given}, Unlock, time.UTC)
			if p.Empty() != test.empty || p.At(now) == test.empty {
				t.Errorf("Empty is %v, At is %v", p.Empty(), p.At(now))
			}
		})
	}
	override := schedule(t, "override 2 on daily 00:00 24:00")
	if !Compile([]Schedule{override}, Unlock, time.UTC).Empty() {
		t.Error("an override alone is not an event")
	}
}
