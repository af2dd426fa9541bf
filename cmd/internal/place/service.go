package place

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"doord/cmd/internal/place/fleet"
	"doord/cmd/internal/place/storage"
	"doord/policy/ledger"
	"doord/policy/zone"
	"doord/store/cloudsync"
)

// Fleet is what the service needs of the controllers. It is *fleet.Fleet.
type Fleet interface {
	AddPlace(place int64) error
	PlaceKey(place int64) []byte
	Position(place int64) ledger.Position
	Stage(place int64, changes []ledger.Record) (fleet.Staged, error)
	AddEvents(place int64, at time.Time, texts ...[]byte) fleet.Staged
	Events(ctx context.Context, place int64, q fleet.Query) iter.Seq2[fleet.Event, error]
	Claim(place, controller int64, deviceID string) (fleet.Claim, error)
	Revoke(controller int64) error
	Do(ctx context.Context, controller int64, action cloudsync.Action, lock, object int64, body any) (cloudsync.Result, error)
	Status(controller int64) (s cloudsync.Status, online bool, since time.Time)
	Zone(zone int64) cloudsync.ZoneState
	SetZone(place, zone int64, change func(zone.Shared) zone.Shared) (cloudsync.ZoneState, error)
	Subscribe(func(fleet.Notice)) (cancel func())
}

// Config is what a service works with.
type Config struct {
	Storage storage.Storage // stays the caller's, who closes it after the service
	Fleet   Fleet           // the same
	Log     *slog.Logger    // none: nothing is told
	Now     func() time.Time
	Origins []string // whose pages may ask: "https://admin.example.org"
	// Rate and Burst bound the requests of one user, or of one address that is not
	// signed in; 0: 5 a second and 20 at once.
	Rate, Burst float64
	// PrivateWebhooks lets webhooks go to private addresses, and without TLS.
	PrivateWebhooks bool
}

// Service is the place service's resources and its API. Its methods may be called
// from any goroutine.
type Service struct {
	storage storage.Storage
	fleet   Fleet
	log     *slog.Logger
	now     func() time.Time
	origins map[string]bool

	changing  sync.Mutex // one change at a time
	state     *state
	setup     atomic.Pointer[string] // hash of the code of the first owner
	passwords *passwords
	lockout   lockout
	limiter   limiter
	pages     limiter // of those who ask by pages
	unlocking inProgress
	hooks     *hooks
	end       func() // of what runs beside
	beside    sync.WaitGroup
	seen      lastSeen
	routes    []route
	described []byte // the OpenAPI description
}

// New reads the resources. Close ends what runs beside.
func New(c Config) (*Service, error) {
	complete()
	state, err := load(c.Storage)
	if err != nil {
		return nil, fmt.Errorf("place: %w", err)
	}
	s := &Service{
		storage: c.Storage, fleet: c.Fleet, log: c.Log, now: c.Now, state: state, origins: map[string]bool{},
		passwords: newPasswords(), limiter: limiter{rate: c.Rate, burst: c.Burst},
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.limiter.rate == 0 {
		s.limiter.rate, s.limiter.burst = 5, 20
	}
	s.pages.rate, s.pages.burst = pageShare*s.limiter.rate, pageShare*s.limiter.burst
	for _, o := range c.Origins {
		s.origins[o] = true
	}
	s.routes = s.allRoutes()
	if s.described, err = describe(s.routes); err != nil {
		return nil, err
	}
	s.hooks = newHooks(s, c.PrivateWebhooks)
	ctx, cancel := context.WithCancel(context.Background())
	s.end = cancel
	s.beside.Go(func() { s.sweep(ctx) })
	return s, nil
}

// Close ends what runs beside. Webhooks that wait are given up.
func (s *Service) Close() {
	s.end()
	s.beside.Wait()
	s.hooks.close()
}

// read has a function look at the state as it is at one moment. It must not wait.
func (s *Service) read(f func(view)) {
	s.state.mu.RLock()
	defer s.state.mu.RUnlock()
	f(s.state)
}

// route is a path that is served.
type route struct {
	method, path string
	kind         *kind
	verb         string // in rights; "": none is needed
	open         bool   // to who has not signed in
	lists        bool   // it answers a page of a list
	many         bool   // it answers a list, all of it
	params       []param
	body, reply  any    // for the description: a struct, or an envelope around the kind's record
	status       int    // of success
	text         string // what it does
	do           func(*call) (int, any, error)
}

// param is a query parameter.
type param struct{ name, schema, text string }

// allRoutes are made of the kinds, and of what is no record.
func (s *Service) allRoutes() []route {
	var all []route
	for _, k := range kinds {
		if k.envelope != "" {
			all = append(all, k.routes()...)
		}
	}
	return append(all,
		route{method: "POST", path: "/logins", open: true, body: loginBody{}, reply: SignedIn{}, status: http.StatusCreated, text: "Sign in", do: postLogin},
		route{method: "DELETE", path: "/login", status: http.StatusNoContent, text: "Sign out", do: deleteLogin},
		route{method: "PUT", path: "/password", body: wrapped{"password", passwordBody{}}, status: http.StatusNoContent, text: "Change one's own password", do: putPassword},
		route{method: "POST", path: "/invitations", open: true, body: wrapped{"invitation", invitationBody{}}, reply: SignedIn{}, status: http.StatusCreated, text: "Take an invitation", do: postInvitation},
		route{method: "POST", path: "/setup", open: true, body: setupBody{}, reply: SetUp{}, status: http.StatusCreated, text: "Make the first owner and his place", do: postSetup},
		route{method: "POST", path: "/controllers/{id}/assign", kind: controllers, verb: "assign", body: wrapped{"controller", assignBody{}}, reply: assigned{}, status: http.StatusOK, text: "Assign the board with a device id", do: assign},
		route{method: "GET", path: "/calendar/summary", kind: schedules, verb: "read", params: calendarParams, reply: summary{}, status: http.StatusOK, text: "Effective intervals and exceptions", do: calendar},
		route{method: "GET", path: "/events", kind: events, verb: "read", lists: true, params: eventParams, reply: eventObject{}, status: http.StatusOK, text: "Events, the newest first", do: listEvents},
		route{method: "GET", path: "/events/{id}", kind: events, verb: "read", reply: eventObject{}, status: http.StatusOK, text: "An event", do: getEvent},
		route{method: "GET", path: "/controller_relays", kind: controllerRelays, verb: "read", lists: true, params: boardParams, reply: relayObject{}, status: http.StatusOK, text: "Relays as their controllers tell", do: listBoard(relaysOf)},
		route{method: "GET", path: "/controller_relays/{id}", kind: controllerRelays, verb: "read", reply: relayObject{}, status: http.StatusOK, text: "A relay", do: getBoard(relaysOf)},
		route{method: "GET", path: "/controller_inputs", kind: controllerInputs, verb: "read", lists: true, params: boardParams, reply: inputObject{}, status: http.StatusOK, text: "Inputs as their controllers tell", do: listBoard(inputsOf)},
		route{method: "GET", path: "/controller_inputs/{id}", kind: controllerInputs, verb: "read", reply: inputObject{}, status: http.StatusOK, text: "An input", do: getBoard(inputsOf)},
		route{method: "GET", path: "/presented_cards", kind: cards, verb: "create", lists: true, params: presentedParams, reply: presented{}, status: http.StatusOK, text: "Cards that nobody has, as they were just held to a reader, the newest first", do: listPresented},
		route{method: "GET", path: "/openapi.json", open: true, status: http.StatusOK, text: "This description", reply: map[string]any{}, do: func(c *call) (int, any, error) {
			return http.StatusOK, raw(c.s.described), nil
		}},
	)
}

// wrapped is a body in an envelope.
type wrapped struct {
	envelope string
	body     any
}
