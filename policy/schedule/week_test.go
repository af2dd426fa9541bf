package schedule

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestWeek(t *testing.T) {
	for _, test := range []struct {
		name      string
		zone      string
		schedules []string
		monday    string
		want      []string
	}{
		{
			"an interval that crosses midnight is in both days",
			"UTC", []string{"event 1 on mon tue 08:00 12:00", "event 2 on mon 22:00 06:00", "event 3 on fri 00:00 24:00"}, "2026-03-02",
			[]string{"2026-03-02 08:00-12:00 22:00-24:00", "2026-03-03 00:00-06:00 08:00-12:00", "2026-03-06 00:00-24:00"},
		},
		{
			"the last Sunday of March in Berlin",
			"Europe/Berlin", []string{"event 1 on sun 01:00 02:30", "event 2 on sun 22:00 24:00"}, "2026-03-23",
			[]string{"2026-03-29 01:00-03:00 22:00-24:00"},
		},
		{
			"a single event in the hour that comes twice",
			"Europe/Berlin", []string{"event 1 from 2026-10-25T02:50:00+02:00 to 2026-10-25T02:10:00+01:00"}, "2026-10-19",
			[]string{"2026-10-25 02:50-02:10"},
		},
		{
			"a day without midnight begins later",
			"Africa/Cairo", []string{"event 1 on fri 00:00 24:00"}, "2026-04-20",
			[]string{"2026-04-24 01:00-24:00"},
		},
		{
			"a day that was skipped is empty",
			"Pacific/Apia", []string{"event 1 on daily 00:00 24:00", "override 2 on mon tue wed 00:00 24:00"}, "2011-12-26",
			[]string{"2011-12-29 00:00-24:00", "2011-12-31 00:00-24:00", "2012-01-01 00:00-24:00"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, day := range compile(t, test.zone, test.schedules...).Week(date(t, test.monday)) {
				line := []string{day.Date.String()}
				for _, h := range day.Hours {
					line = append(line, fmt.Sprintf("%s-%s", h.From, h.To))
				}
				if len(line) > 1 {
					got = append(got, strings.Join(line, " "))
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("got\n  %q, want\n  %q", got, test.want)
			}
		})
	}
}
