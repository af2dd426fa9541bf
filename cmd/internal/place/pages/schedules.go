package pages

import (
	"net/url"
	"strings"

	"doord/policy/schedule"
)

var weekdays = []string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}

func dayOptions() []Option {
	options := make([]Option, len(weekdays))
	for i, d := range weekdays {
		options[i] = Option{Value: d, Label: shortDays[i]}
	}
	return options
}

// kindsOfSchedule are how a schedule's time can be given, by the word in the address.
var kindsOfSchedule = []struct{ word, label string }{
	{"recurring", "Every week"}, {"single", "Once"}, {"all_day", "Whole days"}, {"holidays", "Holidays"},
}

// kindOfSchedule says which kind a schedule is, or a new one is to be.
func kindOfSchedule(v *visit, o Object) string {
	if s, err := recordOf(o); err == nil {
		switch s.Kind() {
		case schedule.Recurring:
			return "recurring"
		case schedule.Single:
			return "single"
		case schedule.AllDay:
			return "all_day"
		case schedule.HolidayCalendar:
			return "holidays"
		}
	}
	for _, k := range kindsOfSchedule {
		if k.word == v.r.URL.Query().Get("kind") {
			return k.word
		}
	}
	return "recurring"
}

// scheduleTabs are the kinds to choose from for a new schedule.
func scheduleTabs(v *visit, o Object) []tab {
	here := kindOfSchedule(v, o)
	tabs := make([]tab, len(kindsOfSchedule))
	for i, k := range kindsOfSchedule {
		query := v.r.URL.Query()
		query.Set("kind", k.word)
		tabs[i] = tab{k.label, v.here("/schedules/new?", query.Encode()), k.word == here}
	}
	return tabs
}

var scheduleEditor = &editor{
	kind: "schedules", envelope: "schedule", noun: "schedule", nav: "schedules",
	fresh: Object{"enabled": true},
	tabs:  scheduleTabs,
	given: []string{"scheduleable.type", "scheduleable.id", "consequence", "override"},
	home: func(v *visit, o Object) string {
		switch about := o.In("scheduleable"); about.Text("type") {
		case "Group":
			return v.here("/groups/", about.Text("id"))
		case "Lock":
			return v.here("/doors/", about.Text("id"))
		case "ElevatorStop":
			return v.here("/elevator_stops/", about.Text("id"))
		}
		return v.here("/schedules")
	},
	sections: func(v *visit, o Object) ([]Section, error) {
		about := Section{Fields: []Field{{Name: "name", Label: "Name", Kind: "text", Required: true, Auto: "off"}}}
		subject := o.In("scheduleable")
		if o.ID() == 0 && subject.Text("id") == "" {
			doors, err := v.api.all(v.ctx(), "locks", v.ofPlace("sort", "name"))
			if err != nil {
				return nil, err
			}
			about.Fields = append(about.Fields,
				Field{Name: "scheduleable.id", Label: "Door", Kind: "choice", Required: true, Options: choices(doors, "Choose a door")},
				Field{Name: "scheduleable.type", Kind: "hidden", Value: "Lock"})
		}
		if o.ID() == 0 && o.Text("consequence") == "" {
			about.Fields = append(about.Fields, Field{Name: "consequence", Label: "In these hours", Kind: "choice", Options: pairs(
				"unlock", "The door stands unlocked", "allow", "The door lets its members in", "first_to_arrive", "The first to arrive starts its unlocked hours")})
		}
		about.Fields = append(about.Fields,
			Field{Name: "override", Label: "It is an exception", Kind: "check", Hint: "It takes its time away from the others of the same kind."},
			Field{Name: "enabled", Label: "On", Kind: "check"})
		return []Section{about, timeOf(kindOfSchedule(v, o), o)}, nil
	},
}

// timeOf asks for the time of a schedule.
func timeOf(kind string, o Object) Section {
	s := Section{Title: "When"}
	switch kind {
	case "single":
		s.Fields = []Field{
			{Name: "starts_at", Label: "From", Kind: "datetime-local", Required: true},
			{Name: "ends_at", Label: "Until", Kind: "datetime-local", Required: true},
		}
	case "all_day":
		s.Hint = "Both days are part of it."
		s.Fields = []Field{
			{Name: "starts_at_date", Label: "First day", Kind: "date", Required: true},
			{Name: "ends_at_date", Label: "Last day", Kind: "date", Required: true},
		}
	case "holidays":
		var lines []string
		for _, h := range o.List("holidays") {
			lines = append(lines, h.Text("date")+" "+h.Text("name"))
		}
		s.Hint = "Every day of a holiday calendar is a whole day. As an exception it keeps the door locked on holidays."
		s.Fields = []Field{
			{Name: "region", Label: "Region", Kind: "text", Auto: "off", Hint: "As in DE or US-NY. Left alone, its days are known for some regions; write your own below for others."},
			{Name: "holidays", Label: "Days", Kind: "area", Value: strings.Join(lines, "\n"), Hint: "One a line: 2026-12-25 Christmas", read: holidayLines},
		}
	default:
		s.Hint = "An end before the start is on the next day."
		s.Fields = []Field{
			{Name: "days", Label: "On", Kind: "days", Options: dayOptions()},
			{Name: "starts_at_time", Label: "From", Kind: "time", Required: true},
			{Name: "ends_at_time", Label: "Until", Kind: "text", Required: true, Auto: "off", Hint: "As in 18:00; 24:00 is the end of the day."},
		}
	}
	return s
}

func holidayLines(form url.Values) any {
	list := []map[string]string{}
	for line := range strings.Lines(form.Get("holidays")) {
		date, name, _ := strings.Cut(strings.TrimSpace(line), " ")
		if date != "" {
			list = append(list, map[string]string{"date": date, "name": strings.TrimSpace(name)})
		}
	}
	return list
}

// schedulesOf are the schedules of a door or a group.
func (v *visit) schedulesOf(kind string, id int64) ([]Object, error) {
	return v.api.all(v.ctx(), "schedules", v.ofPlace("scheduleable_type", kind, "scheduleable_id", id))
}

// schedules are all schedules of the place, by what they are about.
func (p *Pages) schedules(v *visit) error {
	list, err := v.api.all(v.ctx(), "schedules", v.ofPlace("sort", "name"))
	if err != nil {
		return err
	}
	type subject struct {
		Name, Path string
		List       []Object
	}
	var subjects []*subject
	byKey := map[string]*subject{}
	for _, s := range list {
		about := s.In("scheduleable")
		key := about.Text("type") + " " + about.Text("id")
		if byKey[key] == nil {
			path := "/doors/"
			if about.Text("type") == "Group" {
				path = "/groups/"
			}
			if about.Text("type") == "ElevatorStop" {
				path = "/elevator_stops/"
			}
			byKey[key] = &subject{Name: about.Text("name"), Path: v.here(path, about.Text("id"))}
			subjects = append(subjects, byKey[key])
		}
		byKey[key].List = append(byKey[key].List, s)
	}
	lock, err := v.chosen()
	if err != nil {
		return err
	}
	var weekOf *week
	if lock.ID() != 0 {
		if weekOf, err = v.week("Lock", lock); err != nil {
			return err
		}
	}
	return v.show("schedules", Page{Title: "Schedules", Nav: "schedules", Body: map[string]any{
		"Subjects": subjects, "All": v.runsAll(), "Warnings": lint(list, v),
		"Lock": lock, "Week": weekOf,
	}})
}

// chosen is the door whose week is looked at; none if the address names none.
func (v *visit) chosen() (Object, error) {
	id := Object{"id": v.r.URL.Query().Get("door")}.Int("id")
	if id == 0 {
		return Object{}, nil
	}
	return v.api.get(v.ctx(), "locks", id)
}

// warnings are what the linter finds with the schedules of one thing.
func (v *visit) warnings(kind string, id int64) ([]string, error) {
	list, err := v.schedulesOf(kind, id)
	if err != nil {
		return nil, err
	}
	return lint(list, v), nil
}

func lint(list []Object, v *visit) []string {
	var records []schedule.Schedule
	names := map[int64]string{}
	for _, o := range list {
		if s, err := recordOf(o); err == nil {
			records = append(records, s)
			names[s.ID] = s.Name
		}
	}
	var texts []string
	now := v.now()
	for _, w := range schedule.Lint(records, v.loc, now, now.AddDate(1, 0, 0)) {
		if w.Field == "enabled" && strings.Contains(w.Text, "is disabled") {
			continue // it was turned off on purpose, and the list says so
		}
		texts = append(texts, names[w.ScheduleID]+": "+sentence(w.Text))
	}
	return texts
}
