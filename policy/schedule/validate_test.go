package schedule

import (
	"encoding/json"
	"slices"
	"testing"
)

func TestValidate(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"no kind", `{}`, []string{
			"starts_at and ends_at must be given, or starts_at_date and ends_at_date, or weekdays with starts_at_time and ends_at_time, or holidays"}},
		{"two kinds", `{"starts_at":"2026-03-02T08:00:00Z","ends_at":"2026-03-02T09:00:00Z","holidays":[{"date":"2026-03-02"}]}`, []string{
			"holidays and the other fields of a holiday calendar must not be given together with those of a single event"}},
		{"all problems at once", `{"starts_at":"2026-03-02T08:00:00Z","monday":true}`, []string{
			"starts_at_time and the other fields of a recurring event must not be given together with those of a single event",
			"ends_at must be given", "starts_at_time must be given", "ends_at_time must be given"}},
		{"a single event of no time", `{"starts_at":"2026-03-02T08:00:00Z","ends_at":"2026-03-02T09:00:00+01:00"}`, []string{
			"starts_at must be before ends_at"}},
		{"a fraction of a second", `{"starts_at":"2026-03-02T08:00:00Z","ends_at":"2026-03-02T23:59:59.999Z"}`, []string{
			"ends_at must be a whole second, not 2026-03-02T23:59:59.999Z"}},
		{"an all-day event that ends before it starts", `{"starts_at_date":"2026-03-02","ends_at_date":"2026-03-01"}`, []string{
			"starts_at_date must not be after ends_at_date"}},
		{"an all-day event without an end", `{"starts_at_date":"2026-03-02"}`, []string{"ends_at_date must be given"}},
		{"a recurring event without a weekday", `{"starts_at_time":"08:00","ends_at_time":"17:00"}`, []string{
			"monday or another day must be true: give at least one weekday"}},
		{"a recurring event that starts at the end of the day", `{"monday":true,"starts_at_time":"24:00","ends_at_time":"02:00"}`, []string{
			"starts_at_time must be from 00:00 to 23:59"}},
		{"a region without holidays", `{"region":"de-be"}`, []string{"holidays must list at least one date"}},
		{"a holiday without a date", `{"holidays":[{"date":"2026-12-25"},{"name":"Easter"}]}`, []string{"holidays[1].date must be given"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := Schedule{Consequence: Unlock, Scheduleable: Scheduleable{1, Lock}}
			if err := json.Unmarshal([]byte(test.text), &s); err != nil {
				t.Fatal(err)
			}
			check(t, &s, test.want)
		})
	}
}

func TestValidateTarget(t *testing.T) {
	for _, test := range []struct {
		name        string
		consequence Consequence
		on          Scheduleable
		want        []string
	}{
		{"a group is allowed", Allow, Scheduleable{1, Group}, nil},
		{"a lock is unlocked by the first to arrive", FirstToArrive, Scheduleable{1, Lock}, nil},
		{"a stop is permitted", Permit, Scheduleable{1, ElevatorStop}, nil},
		{"a group cannot be unlocked", Unlock, Scheduleable{1, Group}, []string{
			`consequence of a schedule for a Group must be one of ["allow"], not "unlock"`}},
		{"an unknown consequence", "open", Scheduleable{1, Lock}, []string{
			`consequence must be allow, unlock, first_to_arrive or permit, not "open"`}},
		{"nothing given", "", Scheduleable{}, []string{
			`consequence must be allow, unlock, first_to_arrive or permit, not ""`,
			`scheduleable.type must be Group, Lock or ElevatorStop, not ""`,
			"scheduleable.id must be a positive number"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := schedule(t, "event 1 on mon 08:00 17:00")
			s.Consequence, s.Scheduleable = test.consequence, test.on
			check(t, &s, test.want)
		})
	}
}

func TestValidateValuesThatJSONCannotCarry(t *testing.T) {
	s := schedule(t, "event 1 days 2026-03-02 2026-03-03")
	s.EndsAtDate.Day = 32
	check(t, &s, []string{"ends_at_date must be a date of the calendar, not 2026-03-32"})
	s = schedule(t, "event 1 on mon 08:00 17:00")
	*s.EndsAtTime = 3000
	check(t, &s, []string{"ends_at_time must be from 00:00 to 24:00"})
}

func check(t *testing.T, s *Schedule, want []string) {
	t.Helper()
	var got []string
	for _, p := range s.Validate() {
		got = append(got, p.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n  %q, want\n  %q", got, want)
	}
}
