package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"time"

	"doord/cmd/internal/api"
	"doord/cmd/internal/config"
	"doord/policy"
	"doord/reader/wiegand"
)

// scene is one thing that happens in the demo's morning.
type scene struct {
	told string
	do   func(*stage) error
	wait time.Duration // until the next one
}

// morning is short, and in real time: what it shows went as pulses over D0 and
// D1, through the decision and to a relay.
var morning = []scene{
	{"Ada holds her card to the front reader.", card("front", 118, 1603), 900 * time.Millisecond},
	{"She goes in, and the door closes behind her.", passage("front-contact"), 800 * time.Millisecond},
	{"From her desk she opens it for a guest, through the place service.", (*stage).unlock, 900 * time.Millisecond},
	{"The guest goes in.", passage("front-contact"), 800 * time.Millisecond},
	{"Somebody tries a card that nobody knows.", card("front", 7, 4711), 900 * time.Millisecond},
	{"Linus comes too, but his access was turned off.", card("front", 118, 1605), 900 * time.Millisecond},
	{"Ada tries the laboratory: her group does not open it.", card("lab", 118, 1603), 900 * time.Millisecond},
	{"Grace opens it with her fob.", card("lab", 118, 1604), 700 * time.Millisecond},
	{"She goes in.", passage("lab-contact"), 800 * time.Millisecond},
	{"A bad cable loses two bits of a card.", broken("front"), 900 * time.Millisecond},
	{"Ada leaves by the button at the front door...", press("front-rex"), 700 * time.Millisecond},
	{"...and leaves the door standing open.", input("front-contact", "active"), 7200 * time.Millisecond},
	{"Somebody closes it.", input("front-contact", "inactive"), 3 * time.Second},
	{"The front door is forced.", input("front-contact", "active"), 900 * time.Millisecond},
	{"It is pushed shut again.", input("front-contact", "inactive"), 700 * time.Millisecond},
	{"Fire: the laboratory's maglock lets go, the front strike stays latched.", input("fire", "active"), 900 * time.Millisecond},
	{"The fire input is quiet again; the alarm stays until a person resets it.", input("fire", "inactive"), 600 * time.Millisecond},
	{"The technician resets it.", resetFire, 600 * time.Millisecond},
}

// stage is where the demo plays: it does all through the daemon's own socket and
// the place API, as anybody could.
type stage struct {
	ctx    context.Context
	client *api.Client
	cloud  *cloud
	door   int64 // at the place service: the front door
	board  int64 // the controller
}

func demo(ctx context.Context, cfg *config.Config, once bool) (err error) {
	s := &stage{ctx: ctx, client: api.NewClient(cfg.API.Socket)}
	fmt.Printf("\n  A morning at a workshop: two doors, a strike and a maglock, at a simulated board.\n")
	c, err := startCloud(ctx, filepath.Join(cfg.StateDir, "cloud"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.end()) }()
	s.cloud = c
	if err := s.furnish(cfg.DeviceID); err != nil {
		return err
	}
	var status api.Status
	if err := s.client.Get(ctx, "/v1/status", &status); err != nil {
		return err
	}
	fmt.Printf("  The controller has it all. Every card below is a train of pulses on D0 and D1.\n\n")
	if err := s.settle(); err != nil {
		return err
	}
	quiet := make(chan error, 1)
	go func() { quiet <- s.tell(status.Journal.Sequence) }()
	for _, scene := range morning {
		fmt.Printf("\n• %s\n", scene.told)
		if err := scene.do(s); err != nil {
			return fmt.Errorf("demo: %s: %w", scene.told, err)
		}
		select {
		case <-time.After(scene.wait):
		case <-ctx.Done():
			return nil
		}
	}
	var whole api.Result
	if err := s.client.Get(ctx, "/v1/journal/verify", &whole); err != nil {
		return err
	}
	if err := s.client.Get(ctx, "/v1/status", &status); err != nil {
		return err
	}
	if err := s.uploaded(status.Journal.Sequence); err != nil {
		return err
	}
	fmt.Printf("\n  All of it is in the journal and at the place service, and %s.\n", whole.Text)
	if once {
		return nil
	}
	fmt.Printf(`
  The daemon goes on. Try in a second terminal:

    export DOORD_SOCKET=%s
    bin/doorctl doors
    bin/doorctl events --follow
    bin/doorctl sim card --reader front --format H10301 --facility 118 --card 1603
    bin/doorctl sim key --reader lab 2468#
    bin/doorctl hold front --released --for 1m
    bin/doorctl sim fire on
    bin/doorctl cloud

  and with the place service, as %s with the password %q:

    curl --cacert %s %s/logins -H 'Content-Type: application/json' \
         -d '{"login":{"type":"device"},"user":{"email":%q,"password":%q}}'

  Ctrl-C ends it.

`, cfg.API.Socket, demoEmail, demoPassword, filepath.Join(cfg.StateDir, "cloud", "authority.pem"), c.url, demoEmail, demoPassword)
	return <-quiet
}

// tell prints each event as it happens.
func (s *stage) tell(since uint64) error {
	words := s.client.Words(s.ctx)
	for record, err := range s.client.Events(s.ctx, since, true) {
		switch {
		case s.ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		default:
			fmt.Println("   " + words.Line(record))
		}
	}
	return nil
}

// settle waits until every input has been seen.
func (s *stage) settle() error {
	for range 50 {
		var list api.Inputs
		if err := s.client.Get(s.ctx, "/v1/inputs", &list); err != nil {
			return err
		}
		known := true
		for _, in := range list.Inputs {
			known = known && in.Status != "unknown"
		}
		if known {
			return nil
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-s.ctx.Done():
			return s.ctx.Err()
		}
	}
	return errors.New("the inputs do not settle")
}

func (s *stage) post(path string, v any) error {
	var r api.Result
	return s.client.Post(s.ctx, path, v, &r)
}

func card(reader string, facility, number uint64) func(*stage) error {
	return frame(reader, facility, number, 0)
}

// broken loses bits of a good card: what a loose wire does.
func broken(reader string) func(*stage) error { return frame(reader, 118, 1603, 2) }

func frame(reader string, facility, number uint64, lose int) func(*stage) error {
	return func(s *stage) error {
		bits, err := wiegand.Encode("H10301", policy.Token{Class: policy.TokenNumber, Facility: facility, Number: number})
		if err != nil {
			return err
		}
		return s.post("/v1/sim/wiegand", api.SimBits{Reader: reader, Bits: bits.String(), Lose: lose})
	}
}

func input(name, state string) func(*stage) error {
	return func(s *stage) error { return s.post("/v1/sim/input", api.SimInput{Input: name, State: state}) }
}

// press pushes a button for a moment.
func press(name string) func(*stage) error {
	return hold(name, 300*time.Millisecond)
}

// passage opens and closes a door.
func passage(contact string) func(*stage) error {
	return hold(contact, 900*time.Millisecond)
}

func hold(name string, d time.Duration) func(*stage) error {
	return func(s *stage) error {
		if err := input(name, "active")(s); err != nil {
			return err
		}
		select {
		case <-time.After(d):
		case <-s.ctx.Done():
		}
		return input(name, "inactive")(s)
	}
}

// unlock opens the front door as the app does.
func (s *stage) unlock() error {
	return s.cloud.call(s.ctx, http.MethodPost, fmt.Sprintf("/locks/%d/unlock", s.door), object{}, nil)
}

func resetFire(s *stage) error { return s.post("/v1/fire/reset", struct{}{}) }
