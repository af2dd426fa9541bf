package schedule

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestJSONRoundTrip(t *testing.T) {
	const head = `{"id":7,"name":"n","enabled":true,"override":false,"consequence":"unlock","scheduleable":{"id":1,"type":"Lock"}`
	for _, test := range []struct {
		name, event string
		kind        Kind
	}{
		{"a single event", `"starts_at":"2026-03-02T08:00:00+01:00","ends_at":"2026-03-02T09:00:00Z"`, Single},
		{"an all-day event", `"starts_at_date":"2026-03-02","ends_at_date":"2026-03-02"`, AllDay},
		{"a recurring event from midnight to midnight", `"monday":true,"sunday":true,"starts_at_time":"00:00","ends_at_time":"24:00"`, Recurring},
		{"a holiday calendar", `"region":"de-be","holidays":[{"date":"2026-12-25","name":"Christmas"}]`, HolidayCalendar},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := head + "," + test.event + "}"
			var s Schedule
			if err := json.Unmarshal([]byte(text), &s); err != nil {
				t.Fatal(err)
			}
			if s.Kind() != test.kind {
				t.Errorf("kind is %s, want %s", s.Kind(), test.kind)
			}
			if problems := s.Validate(); problems != nil {
				t.Errorf("not valid: %v", problems)
			}
			again, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			if string(again) != text {
				t.Errorf("got\n  %s, want\n  %s", again, text)
			}
		})
	}
}

func TestJSONToleratesWhatIsNotGiven(t *testing.T) {
	const text = `{"resource_type":"Schedule","place_id":4,"scheduleable":{"id":1,"type":"Lock","name":"Door"},
		"starts_at":null,"ends_at":null,"starts_at_date":"2026-03-02","ends_at_date":"2026-03-04",
		"monday":false,"starts_at_time":null,"holidays":null,"region":null}`
	var s Schedule
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	if s.Kind() != AllDay {
		t.Errorf("kind is %s", s.Kind())
	}
}

func TestJSONIsStrictAboutFormats(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"an instant without a zone", `{"starts_at":"2026-03-02T08:00:00"}`, "2026-03-02T08:00:00"},
		{"an instant with a blank", `{"starts_at":"2026-03-02 08:00:00Z"}`, "2026-03-02 08:00:00Z"},
		{"a number as an instant", `{"ends_at":1772438400}`, "Time"},
		{"a date that does not exist", `{"starts_at_date":"2026-02-29"}`, `"2026-02-29" is not a date: write YYYY-MM-DD`},
		{"a date without zeros", `{"starts_at_date":"2026-2-9"}`, "write YYYY-MM-DD"},
		{"a date with a time", `{"ends_at_date":"2026-02-09T00:00:00Z"}`, "write YYYY-MM-DD"},
		{"an empty date", `{"holidays":[{"date":""}]}`, "write YYYY-MM-DD"},
		{"a time with one digit", `{"starts_at_time":"8:00"}`, `"8:00" is not a time of day: write hh:mm, 00:00 to 24:00`},
		{"a time with seconds", `{"starts_at_time":"08:00:00"}`, "write hh:mm"},
		{"a time after the end of the day", `{"ends_at_time":"24:01"}`, "write hh:mm"},
		{"sixty minutes", `{"ends_at_time":"10:60"}`, "write hh:mm"},
		{"a sign for a digit", `{"ends_at_time":"+1:00"}`, "write hh:mm"},
		{"minutes as a number", `{"ends_at_time":540}`, "Clock"},
		{"a weekday that is no bool", `{"monday":"yes"}`, "monday"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := json.Unmarshal([]byte(test.text), new(Schedule))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want it to say %s", err, test.want)
			}
		})
	}
}

func TestImpossibleValuesAreNotWritten(t *testing.T) {
	for _, v := range []any{Clock(-1), Clock(24*60 + 1), Date{}, Date{2026, 2, 30}, Date{10000, 1, 1}} {
		if text, err := json.Marshal(v); err == nil {
			t.Errorf("%#v becomes %s", v, text)
		}
	}
}
