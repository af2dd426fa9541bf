package pages

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"doord/policy"
)

func TestEveryReasonIsSaidInWordsThatHelp(t *testing.T) {
	for _, r := range policy.Reasons() {
		said := sentence(reasonWords(string(r)))
		if said == "" || strings.Contains(said, "_") || !strings.HasSuffix(said, ".") || said[:1] != strings.ToUpper(said[:1]) {
			t.Errorf("%s is said as %q", r, said)
		}
		if noteOfUnlock(string(r)) == "It stayed locked." {
			t.Errorf("%s is not said after a press", r)
		}
	}
	if got := noteOfUnlock("<b>"); got != "It stayed locked." {
		t.Errorf("what is no reason is said as %q", got)
	}
	for reason, word := range map[policy.Reason]string{
		policy.TooFarAway: "too far away", policy.TapOnly: "tap", policy.TwoFactorRequired: "unlock your phone", policy.Unavailable: "offline",
		policy.NotAtReader: "code", policy.OutsideSchedule: "hours", policy.LinkDisabled: "turned off",
	} {
		if !strings.Contains(strings.ToLower(reasonWords(string(reason))), word) {
			t.Errorf("%s is said as %q", reason, reasonWords(string(reason)))
		}
	}
}

func TestADoorsStateIsTheOneThingThatMattersMost(t *testing.T) {
	for want, c := range map[string]struct {
		lock  string
		class string
		more  int
	}{
		"Not connected":        {`{"configured":false,"online":null}`, "off", 0},
		"Offline":              {`{"configured":true,"online":false}`, "off", 0},
		"Locked":               {`{"configured":true,"online":true,"open":false}`, "", 0},
		"Unlocked":             {`{"configured":true,"online":true,"unlocked":true,"open":true}`, "open", 1},
		"Unlocked by schedule": {`{"configured":true,"online":true,"unlocked":true,"on_scheduled_unlock":true}`, "open", 0},
		"Forced open":          {`{"configured":true,"online":true,"forced_open":true,"open":true}`, "alarm", 0},
		"Held open":            {`{"configured":true,"online":true,"held_open":true,"open":true,"locked_down":true}`, "alarm", 1},
		"Locked down":          {`{"configured":true,"online":true,"locked_down":true}`, "alarm", 0},
		"Wired otherwise":      {`{"configured":true,"online":true,"misconfigured":"relay 3 is not there"}`, "alarm", 0},
	} {
		var o Object
		if err := json.Unmarshal([]byte(c.lock), &o); err != nil {
			t.Fatal(err)
		}
		if got := doorState(o); got.Word != want || got.Class != c.class || len(got.More) != c.more {
			t.Errorf("%s is %+v, not %s", c.lock, got, want)
		}
	}
}

func TestSchedulesInWords(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		`{"monday":true,"tuesday":true,"wednesday":true,"thursday":true,"friday":true,"starts_at_time":"08:00","ends_at_time":"18:00"}`:                               "Mon–Fri, 08:00–18:00",
		`{"monday":true,"tuesday":true,"wednesday":true,"thursday":true,"friday":true,"saturday":true,"sunday":true,"starts_at_time":"00:00","ends_at_time":"24:00"}`: "Every day, 00:00–24:00",
		`{"saturday":true,"sunday":true,"starts_at_time":"22:00","ends_at_time":"02:00"}`:                                                                             "Sat, Sun, 22:00–02:00 the next day",
		`{"monday":true,"wednesday":true,"thursday":true,"friday":true,"starts_at_time":"08:00","ends_at_time":"09:00"}`:                                              "Mon, Wed–Fri, 08:00–09:00",
		`{"starts_at":"2026-07-01T06:00:00Z","ends_at":"2026-07-01T08:30:00Z"}`:                                                                                       "Wed 1 Jul 2026, 08:00–10:30",
		`{"starts_at":"2026-07-01T06:00:00Z","ends_at":"2026-07-02T08:30:00Z"}`:                                                                                       "Wed 1 Jul 2026, 08:00 – Thu 2 Jul 2026, 10:30",
		`{"starts_at_date":"2026-07-01","ends_at_date":"2026-07-01"}`:                                                                                                 "Wed 1 Jul 2026",
		`{"starts_at_date":"2026-07-01","ends_at_date":"2026-07-03"}`:                                                                                                 "Wed 1 Jul 2026 – Fri 3 Jul 2026",
		`{"region":"DE","holidays":[{"date":"2026-12-25","name":"Christmas"}]}`:                                                                                       "Holidays of DE, 1 day",
	} {
		var o Object
		if err := json.Unmarshal([]byte(text), &o); err != nil {
			t.Fatal(err)
		}
		if got := scheduleWords(o, berlin); got != want {
			t.Errorf("%s is %q, not %q", text, got, want)
		}
	}
}

func TestBlocksThatCrossMidnightAreOnOnBothDays(t *testing.T) {
	block := Object{"weekdays": []any{"friday"}, "start": "22:00", "end": "06:00"}
	for at, on := range map[string]bool{
		"2026-11-27T21:59:00Z": false, "2026-11-27T22:00:00Z": true, "2026-11-28T05:59:00Z": true, "2026-11-28T06:00:00Z": false,
		"2026-11-28T22:30:00Z": false, "2026-11-27T03:00:00Z": false,
	} {
		moment, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := inBlock(block, moment); got != on {
			t.Errorf("at %s it is on: %v", at, got)
		}
	}
}

func TestADayOfTheWeekIsDrawnAsLongAsItIs(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	at := func(day, hour int) time.Time { return time.Date(2026, 3, day, hour, 0, 0, 0, berlin) }
	for name, c := range map[string]struct {
		s        span
		x, width string
		hours    string
		shown    bool
	}{
		"the morning":            {span{at(28, 6), at(28, 12)}, "24.00", "24.00", "06:00–12:00", true},
		"from the day before":    {span{at(27, 22), at(28, 6)}, "0.00", "24.00", "00:00–06:00", true},
		"into the next":          {span{at(28, 18), at(29, 4)}, "72.00", "24.00", "18:00–24:00", true},
		"another day":            {span{at(27, 6), at(27, 12)}, "", "", "", false},
		"what ends as it begins": {span{at(27, 6), at(28, 0)}, "", "", "", false},
	} {
		b, hours, shown := barOf(c.s, at(28, 0), at(29, 0), "on")
		if shown != c.shown || b.X != c.x || b.Width != c.width || hours != c.hours {
			t.Errorf("%s: %+v %q %v", name, b, hours, shown)
		}
	}
	// The clocks go forward on the 29th, which has 23 hours.
	if b, hours, _ := barOf(span{at(29, 12), at(30, 0)}, at(29, 0), at(30, 0), "on"); hours != "12:00–24:00" || b.X != "45.91" {
		t.Errorf("on a short day: %+v %q", b, hours)
	}
}

func TestAQRCodeIsDrawnModuleByModule(t *testing.T) {
	code, err := drawQR("https://doors.example.org/app/link#Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(code.Path, "M4 4h7v1h-7z") || code.Size < 37 {
		t.Errorf("it is %d wide and begins %.20s", code.Size, code.Path)
	}
}
