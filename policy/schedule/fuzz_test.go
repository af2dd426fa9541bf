package schedule

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func FuzzJSON(f *testing.F) {
	f.Add([]byte(`{"id":1,"enabled":true,"consequence":"unlock","starts_at":"2026-03-02T08:00:00.000Z","ends_at":"9999-12-31T23:59:59+01:00"}`))
	f.Add([]byte(`{"enabled":true,"consequence":"unlock","starts_at_date":"0000-01-01","ends_at_date":"9999-12-31"}`))
	f.Add([]byte(`{"enabled":true,"consequence":"unlock","monday":true,"starts_at_time":"02:30","ends_at_time":"24:00"}`))
	f.Add([]byte(`{"enabled":true,"consequence":"unlock","region":"de","holidays":[{"date":"2026-12-25","name":"\ud800"},{"date":"2026-12-24"}]}`))
	loc := location(f, "Europe/Berlin")
	f.Fuzz(func(t *testing.T, text []byte) {
		var s, again Schedule
		if json.Unmarshal(text, &s) != nil {
			return
		}
		problems := s.Validate()
		first, err := json.Marshal(s)
		if err != nil {
			if problems == nil {
				t.Fatalf("valid but not written: %v", err)
			}
			return
		}
		if err := json.Unmarshal(first, &again); err != nil {
			t.Fatalf("%s: %v", first, err)
		}
		if second, err := json.Marshal(again); err != nil || string(second) != string(first) {
			t.Fatalf("%s became %s (%v)", first, second, err)
		}
		if !reflect.DeepEqual(again.Validate(), problems) {
			t.Fatalf("%s: %v, before %v", first, again.Validate(), problems)
		}
		now := time.Date(2026, 3, 29, 0, 0, 0, 0, time.UTC)
		p := Compile([]Schedule{s}, Unlock, loc)
		if next, ok := p.Next(now); ok && (!next.After(now) || p.At(next) == p.At(now)) {
			t.Fatalf("%s: At does not change at %s", first, next)
		}
		Lint([]Schedule{s}, loc, now, now.AddDate(1, 0, 0))
	})
}
