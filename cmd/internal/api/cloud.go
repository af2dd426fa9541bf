package api

import (
	"context"
	"net/http"
	"time"
)

// Cloud is how the controller stands with its place service.
type Cloud struct {
	Version     int       `json:"version"`
	Enrolled    bool      `json:"enrolled"`
	URL         string    `json:"url,omitempty"`
	Place       int64     `json:"place,omitempty"`
	Controller  int64     `json:"controller,omitempty"`
	Online      bool      `json:"online"`             // commands can come
	Position    string    `json:"position,omitempty"` // generation.version.chain of the policy
	Expires     time.Time `json:"policy_expires,omitzero"`
	Stale       bool      `json:"policy_stale"`
	LastAnswer  time.Time `json:"last_answer,omitzero"`
	LastPolicy  time.Time `json:"last_policy,omitzero"`
	Errors      []string  `json:"errors,omitempty"` // what does not work now
	Queue       uint64    `json:"queue"`            // events that the service has not acknowledged
	Certificate time.Time `json:"certificate_until,omitzero"`
	LastKey     time.Time `json:"last_policy_key_until,omitzero"`
}

// Enroll joins the controller to a place.
type Enroll struct {
	URL  string `json:"url"`
	Code string `json:"code"`
}

// Enroller is the part of a Daemon that belongs to a place service.
type Enroller interface {
	Cloud(context.Context) (Cloud, error)
	Enroll(context.Context, Enroll) (Cloud, error)
	Leave(context.Context) error
}

func (s *server) serveEnroller(mux *http.ServeMux) {
	d := s.daemon
	mux.Handle("GET /v1/cloud", answer(func(r *http.Request) (any, error) { return d.Cloud(r.Context()) }))
	mux.Handle("POST /v1/cloud/enroll", answer(func(r *http.Request) (any, error) {
		var e Enroll
		if err := body(r, &e); err != nil {
			return nil, err
		}
		return d.Enroll(r.Context(), e)
	}))
	mux.Handle("POST /v1/cloud/leave", answer(func(r *http.Request) (any, error) {
		return Result{Version: Version, Granted: true, Text: "the enrolment is forgotten"}, d.Leave(r.Context())
	}))
}
