package api

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"doord/policy"
	"doord/policy/schedule"
)

// WhatIf asks for a decision without touching a door.
type WhatIf struct {
	Member   int64         `json:"member"`
	Door     string        `json:"door"`
	Stop     int64         `json:"stop,omitempty"` // of an elevator, instead of a door
	Method   policy.Method `json:"method"`
	At       time.Time     `json:"at,omitzero"` // default: now
	Location *Location     `json:"location,omitempty"`
	AtReader bool          `json:"at_reader,omitempty"` // as if a proximity code had been given
	Unlocked bool          `json:"phone_unlocked,omitempty"`
}

// Location is where a phone says it is.
type Location struct {
	Latitude  float64 `json:"latitude"` // degrees
	Longitude float64 `json:"longitude"`
	Accuracy  float64 `json:"accuracy"` // m
}

// Policy is the location as the core knows it, fresh.
func (l *Location) Policy() *policy.Location {
	if l == nil {
		return nil
	}
	return &policy.Location{Latitude: l.Latitude, Longitude: l.Longitude, Accuracy: l.Accuracy}
}

// InApp is an unlock as the place service sends it for a signed-in member.
type InApp struct {
	Member   int64     `json:"member"`
	Door     string    `json:"door"`
	Location *Location `json:"location,omitempty"`
	Code     string    `json:"code,omitempty"` // a proximity code
}

// DoorWeek is the answer to GET /v1/doors/{door}/week.
type DoorWeek struct {
	Version  int           `json:"version"`
	Door     string        `json:"door"`
	TimeZone string        `json:"time_zone"`
	Days     []ScheduleDay `json:"days"`
}

// ScheduleDay is what schedules amount to on one day, in the place's time.
type ScheduleDay struct {
	Date          schedule.Date `json:"date"`
	Allow         []Span        `json:"allow"`
	Unlock        []Span        `json:"unlock"`
	FirstToArrive []Span        `json:"first_to_arrive"`
}

// Span is a part of a day, hh:mm.
type Span struct {
	From schedule.Clock `json:"from"`
	To   schedule.Clock `json:"to"`
}

// Lint is the answer to GET /v1/lint.
type Lint struct {
	Version  int             `json:"version"`
	Warnings policy.Problems `json:"warnings"`
}

// Proximity is the answer to GET /v1/doors/{door}/proximity.
type Proximity struct {
	Version int    `json:"version"`
	Door    string `json:"door"`
	Code    string `json:"code"`
}

// Zone is one zone as this controller sees it.
type Zone struct {
	ID       int64     `json:"id"`
	Name     string    `json:"name"`
	Level    string    `json:"level"`
	Source   string    `json:"source,omitempty"` // panel: an alarm panel arms it
	Until    time.Time `json:"override_until,omitzero"`
	Violated bool      `json:"violated"`
}

// Zones is the answer to GET /v1/zones.
type Zones struct {
	Version int    `json:"version"`
	Zones   []Zone `json:"zones"`
}

// ZoneCommand overrides or resets a zone.
type ZoneCommand struct {
	Action string           `json:"action"` // override, reset
	Level  policy.ZoneLevel `json:"level,omitempty"`
	For    float64          `json:"for,omitempty"` // s
}

// Alarm is one alarm rule as it is.
type Alarm struct {
	ID       int64 `json:"id"`
	Active   bool  `json:"active"`
	Sounding bool  `json:"sounding"`
}

// Alarms is the answer to GET /v1/alarms.
type Alarms struct {
	Version int     `json:"version"`
	Alarms  []Alarm `json:"alarms"`
}

// Area is where the members of an anti-passback area were last seen.
type Area struct {
	ID      int64           `json:"id"`
	Name    string          `json:"name"`
	Mode    policy.AreaMode `json:"mode"`
	Inside  []int64         `json:"inside"` // members
	Outside []int64         `json:"outside"`
}

// Areas is the answer to GET /v1/areas.
type Areas struct {
	Version int    `json:"version"`
	Areas   []Area `json:"areas"`
}

// Stop is one elevator stop.
type Stop struct {
	ID         int64  `json:"id"`
	Elevator   string `json:"elevator"`
	Name       string `json:"name,omitempty"`
	Floor      int    `json:"floor"`
	Relay      int    `json:"relay"`
	Permitted  bool   `json:"permitted"`
	Scheduled  bool   `json:"on_scheduled_permit"`
	LockedDown bool   `json:"locked_down"`
	Wired      bool   `json:"wired"` // the board has its relay for an elevator
}

// Elevators is the answer to GET /v1/elevators.
type Elevators struct {
	Version int    `json:"version"`
	Stops   []Stop `json:"stops"`
}

// Forgive forgets where a member is, or everybody.
type Forgive struct {
	Member int64 `json:"member"` // 0: everybody
}

// SimTap holds a simulated phone to a reader.
type SimTap struct {
	Reader string `json:"reader"`
	Phone  string `json:"phone"` // its name, which makes its keys
	State  string `json:"state"` // locked, unlocked or out_of_range
	Wave   bool   `json:"wave,omitempty"`
	// Replay answers with the signature of the tap before.
	Replay bool `json:"replay,omitempty"`
}

// Asker is the part of a Daemon that answers questions about the policy, and
// takes what came by network.
type Asker interface {
	WhatIf(context.Context, WhatIf) (Result, error)
	InApp(context.Context, InApp) (Result, error)
	Week(ctx context.Context, door string, from schedule.Date) (DoorWeek, error)
	Lint(context.Context) (policy.Problems, error)
	Proximity(ctx context.Context, door string) (string, error)
	Zones(context.Context) ([]Zone, error)
	ZoneCommand(ctx context.Context, zone int64, c ZoneCommand) (Result, error)
	Alarms(context.Context) ([]Alarm, error)
	AlarmCommand(ctx context.Context, rule int64, action string) (Result, error)
	Areas(context.Context) ([]Area, error)
	Forgive(ctx context.Context, area int64, f Forgive) (Result, error)
	Elevators(context.Context) ([]Stop, error)
	StopCommand(ctx context.Context, stop int64, action string) (Result, error)
}

func (s *server) serveAsker(mux *http.ServeMux) {
	d := s.daemon
	mux.Handle("POST /v1/what_if", answer(func(r *http.Request) (any, error) {
		var v WhatIf
		if err := body(r, &v); err != nil {
			return nil, err
		}
		return d.WhatIf(r.Context(), v)
	}))
	mux.Handle("GET /v1/doors/{door}/week", answer(func(r *http.Request) (any, error) {
		var from schedule.Date
		if text := r.URL.Query().Get("from"); text != "" {
			if err := from.UnmarshalText([]byte(text)); err != nil {
				return nil, &Error{Status: http.StatusBadRequest, Text: "from: " + err.Error()}
			}
		}
		return d.Week(r.Context(), r.PathValue("door"), from)
	}))
	mux.Handle("GET /v1/doors/{door}/proximity", answer(func(r *http.Request) (any, error) {
		code, err := d.Proximity(r.Context(), r.PathValue("door"))
		return Proximity{Version, r.PathValue("door"), code}, err
	}))
	mux.Handle("GET /v1/lint", answer(func(r *http.Request) (any, error) {
		warnings, err := d.Lint(r.Context())
		if warnings == nil {
			warnings = policy.Problems{}
		}
		return Lint{Version, warnings}, err
	}))
	mux.Handle("GET /v1/zones", answer(func(r *http.Request) (any, error) {
		list, err := d.Zones(r.Context())
		return Zones{Version, list}, err
	}))
	mux.Handle("POST /v1/zones/{id}", answer(func(r *http.Request) (any, error) {
		var c ZoneCommand
		if err := body(r, &c); err != nil {
			return nil, err
		}
		id, err := pathID(r)
		if err != nil {
			return nil, err
		}
		return d.ZoneCommand(r.Context(), id, c)
	}))
	mux.Handle("GET /v1/alarms", answer(func(r *http.Request) (any, error) {
		list, err := d.Alarms(r.Context())
		return Alarms{Version, list}, err
	}))
	mux.Handle("POST /v1/alarms/{id}/{action}", answer(func(r *http.Request) (any, error) {
		id, err := pathID(r)
		if err != nil {
			return nil, err
		}
		return d.AlarmCommand(r.Context(), id, r.PathValue("action"))
	}))
	mux.Handle("GET /v1/elevators", answer(func(r *http.Request) (any, error) {
		list, err := d.Elevators(r.Context())
		return Elevators{Version, list}, err
	}))
	mux.Handle("POST /v1/elevator_stops/{id}/{action}", answer(func(r *http.Request) (any, error) {
		id, err := pathID(r)
		if err != nil {
			return nil, err
		}
		return d.StopCommand(r.Context(), id, r.PathValue("action"))
	}))
	mux.Handle("GET /v1/areas", answer(func(r *http.Request) (any, error) {
		list, err := d.Areas(r.Context())
		return Areas{Version, list}, err
	}))
	mux.Handle("POST /v1/areas/{id}/forgive", answer(func(r *http.Request) (any, error) {
		var f Forgive
		if err := body(r, &f); err != nil {
			return nil, err
		}
		id, err := pathID(r)
		if err != nil {
			return nil, err
		}
		return d.Forgive(r.Context(), id, f)
	}))
}

func pathID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, &Error{Status: http.StatusBadRequest, Text: "an id is a number, not " + r.PathValue("id")}
	}
	return id, nil
}
