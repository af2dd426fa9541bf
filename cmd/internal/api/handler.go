package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"

	"doord/policy"
	"doord/store"
)

// maxPolicy bounds the size of a policy file: a million members fit.
const maxPolicy = 1 << 30

// Daemon is what the handler serves. Each method answers with an *Error where
// the caller can do something about it.
type Daemon interface {
	Status(context.Context) (Status, error)
	Doors(context.Context) ([]Door, error)
	Relays(context.Context) ([]Relay, error)
	Pulse(ctx context.Context, channel int, p Pulse) (Result, error)
	Inputs(context.Context) ([]Input, error)
	Measurements(context.Context) (Measurements, error)
	WirelessLocks(context.Context) ([]WirelessLock, error)
	Readers(context.Context) ([]Reader, error)
	Command(ctx context.Context, door string, c Command) (Result, error)
	ResetFire(context.Context) (Result, error)
	ResetReader(ctx context.Context, reader string) error
	LoadPolicy(ctx context.Context, records *policy.Records) (Loaded, error)
	Policy(context.Context) (Policy, error)
	MemberName(ctx context.Context, id int64) (string, error)
	Events() (*store.Journal, error)
	OSDP
	Asker
	Enroller
}

// Simulator is a simulated board, for doorsim.
type Simulator interface {
	Bits(context.Context, SimBits) error
	Keys(context.Context, SimKeys) error
	Input(context.Context, SimInput) error
	Relay(context.Context, SimRelay) error
	Tap(context.Context, SimTap) error
	Wireless(context.Context, SimWireless) error
}

// server is the handler's state: there is none besides whom it serves.
type server struct {
	daemon Daemon
	sim    Simulator
}

// Handler serves the API. Without a simulator its sim part does not exist.
func Handler(d Daemon, sim Simulator) http.Handler {
	s := &server{daemon: d, sim: sim}
	mux := http.NewServeMux()
	mux.Handle("GET /v1/status", answer(func(r *http.Request) (any, error) { return d.Status(r.Context()) }))
	mux.Handle("GET /v1/doors", answer(func(r *http.Request) (any, error) {
		list, err := d.Doors(r.Context())
		return Doors{Version, list}, err
	}))
	mux.Handle("GET /v1/relays", answer(func(r *http.Request) (any, error) {
		list, err := d.Relays(r.Context())
		return Relays{Version, list}, err
	}))
	mux.Handle("POST /v1/relays/{channel}", answer(func(r *http.Request) (any, error) {
		channel, err := strconv.Atoi(r.PathValue("channel"))
		if err != nil {
			return nil, &Error{Status: http.StatusBadRequest, Text: "a relay's channel is a number, not " + r.PathValue("channel")}
		}
		var p Pulse
		if err := body(r, &p); err != nil {
			return nil, err
		}
		return d.Pulse(r.Context(), channel, p)
	}))
	mux.Handle("GET /v1/inputs", answer(func(r *http.Request) (any, error) {
		list, err := d.Inputs(r.Context())
		return Inputs{Version, list}, err
	}))
	mux.Handle("GET /v1/inputs/measure", answer(func(r *http.Request) (any, error) { return d.Measurements(r.Context()) }))
	mux.Handle("GET /v1/wireless", answer(func(r *http.Request) (any, error) {
		list, err := d.WirelessLocks(r.Context())
		return WirelessLocks{Version, list}, err
	}))
	mux.Handle("GET /v1/readers", answer(func(r *http.Request) (any, error) {
		list, err := d.Readers(r.Context())
		return Readers{Version, list}, err
	}))
	mux.Handle("POST /v1/doors/{door}", answer(func(r *http.Request) (any, error) {
		var c Command
		if err := body(r, &c); err != nil {
			return nil, err
		}
		return d.Command(r.Context(), r.PathValue("door"), c)
	}))
	mux.Handle("POST /v1/fire/reset", answer(func(r *http.Request) (any, error) { return d.ResetFire(r.Context()) }))
	mux.Handle("POST /v1/readers/{reader}/reset_tamper", answer(func(r *http.Request) (any, error) {
		return Result{Version: Version, Granted: true}, d.ResetReader(r.Context(), r.PathValue("reader"))
	}))
	mux.Handle("GET /v1/policy", answer(func(r *http.Request) (any, error) { return d.Policy(r.Context()) }))
	mux.Handle("POST /v1/policy", answer(s.loadPolicy))
	mux.Handle("GET /v1/members/{id}/name", answer(func(r *http.Request) (any, error) {
		id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
		if err != nil {
			return nil, &Error{Status: http.StatusBadRequest, Text: "a member's id is a number"}
		}
		return d.MemberName(r.Context(), id)
	}))
	mux.HandleFunc("GET /v1/events", s.events)
	mux.Handle("GET /v1/events/{event}", answer(s.event))
	mux.Handle("GET /v1/journal/verify", answer(s.verify))
	s.serveOSDP(mux)
	s.serveAsker(mux)
	s.serveEnroller(mux)
	if sim != nil {
		mux.Handle("POST /v1/sim/wiegand", answer(s.simBits))
		mux.Handle("POST /v1/sim/keys", answer(s.simKeys))
		mux.Handle("POST /v1/sim/tap", answer(s.simTap))
		mux.Handle("POST /v1/sim/app", answer(s.simInApp))
		mux.Handle("POST /v1/sim/input", answer(s.simInput))
		mux.Handle("POST /v1/sim/wireless", answer(simulate(sim.Wireless)))
		mux.Handle("POST /v1/sim/relay", answer(simulate(sim.Relay)))
	}
	mux.Handle("/", answer(func(r *http.Request) (any, error) {
		e := &Error{Status: http.StatusNotFound, Text: "there is no " + r.Method + " " + r.URL.Path}
		if sim == nil {
			e.Hint = "sim commands need a simulated board: start doorsim"
		}
		return nil, e
	}))
	return mux
}

// answer turns a function into a handler: what it returns becomes JSON.
func answer(f func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v, err := f(r)
		status := http.StatusOK
		if err != nil {
			e := asError(err)
			status, v = e.Status, e
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v) // a client that went away misses its answer, nothing else
	})
}

// Refuse answers every request with an error.
func Refuse(e *Error) http.Handler {
	return answer(func(*http.Request) (any, error) { return nil, e })
}

func asError(err error) *Error {
	e := Error{Status: http.StatusInternalServerError, Text: err.Error()}
	if as := (*Error)(nil); errors.As(err, &as) {
		e = *as // others may answer with the same one
	}
	e.Version = Version
	return &e
}

func body(r *http.Request, into any) error {
	d := json.NewDecoder(io.LimitReader(r.Body, 1<<20))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return &Error{Status: http.StatusBadRequest, Text: "the request is not as expected: " + err.Error()}
	}
	return nil
}

func (s *server) loadPolicy(r *http.Request) (any, error) {
	data, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxPolicy))
	if err != nil {
		return nil, &Error{Status: http.StatusRequestEntityTooLarge, Text: fmt.Sprintf("the policy could not be read whole: %v", err)}
	}
	records, err := policy.ParseRecords(data)
	if err != nil {
		e := &Error{Status: http.StatusUnprocessableEntity, Text: "the policy was not loaded; the one in force stays", Hint: "mend these and load it again"}
		if !errors.As(err, &e.Problems) {
			e.Text, e.Hint = err.Error(), "the policy in force stays"
		}
		return nil, e
	}
	return s.daemon.LoadPolicy(r.Context(), &records)
}

// event answers with one record, in the exact text that its hash was made of.
func (s *server) event(r *http.Request) (any, error) {
	journal, err := s.daemon.Events()
	if err != nil {
		return nil, err
	}
	record, found, err := journal.Find(r.PathValue("event"))
	if err == nil && !found {
		err = &Error{Status: http.StatusNotFound, Text: "there is no event " + r.PathValue("event"), Hint: "doorctl events lists them"}
	}
	return record, err
}

func (s *server) verify(r *http.Request) (any, error) {
	journal, err := s.daemon.Events()
	if err != nil {
		return nil, err
	}
	if err := journal.Verify(r.Context()); err != nil {
		return nil, &Error{Status: http.StatusConflict, Text: err.Error()}
	}
	return Result{Version: Version, Granted: true, Text: "the chain of events is whole"}, nil
}

// events writes records as lines of JSON, the exact text that their hashes were
// made of: those after since, and with follow also what comes.
func (s *server) events(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	journal, err := s.daemon.Events()
	since, bad := strconv.ParseUint("0"+q.Get("since"), 10, 64)
	if bad != nil {
		err = &Error{Status: http.StatusBadRequest, Text: "since must be the sequence of an event"}
	}
	if err != nil {
		fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	flush := func() { _ = http.NewResponseController(w).Flush() } // a response that cannot flush is only later
	write := func(record store.Record) bool {
		_, err := w.Write(append(record.AppendJSON(nil), '\n'))
		return err == nil
	}
	if q.Get("follow") == "true" {
		flush()
		for record, err := range journal.Follow(r.Context(), since) {
			if err != nil {
				continue // a damaged record; verify names it
			}
			if !write(record) {
				return
			}
			flush()
		}
		return
	}
	const page = 256
	for begun := false; ; begun = true {
		list, err := journal.Since(since, page)
		for _, record := range list {
			if !write(record) {
				return
			}
			since = record.Sequence
		}
		var damage *store.Damage
		if errors.As(err, &damage) && damage.Sequence > since {
			since = damage.Sequence
			continue
		}
		switch {
		case err != nil && !begun && len(list) == 0:
			fail(w, r, err)
			return
		case err != nil:
			panic(http.ErrAbortHandler) // the client is not to take this for all there is
		case len(list) < page:
			return
		}
	}
}
