package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"doord/cmd/internal/api"
	"doord/policy"
)

const hallBus = `
[[bus]]
name = "hall"
port = "sim"
speed = 115200

[[reader]]
name = "hall"
port = "osdp:3"
bus = "hall"
door = "front"
tap = true

[[input]]
name = "hall-lid"
channel = 12
kind = "tamper"
reader = "hall"
reader_input = 1
`

// hall is a doorsim with a simulated line in a directory of its own.
type hall struct {
	t      *testing.T
	ctx    context.Context
	dir    string
	client *api.Client
	stop   func()
}

func startHall(t *testing.T, dir string) *hall {
	t.Helper()
	board := filepath.Join(dir, "hall.toml")
	if err := os.WriteFile(board, append(boardTOML, hallBus...), 0o600); err != nil {
		t.Fatal(err)
	}
	place := strings.Replace(string(placeJSON), `"readers": [`, `"readers": [{"id": 9, "controller_id": 1, "port": "osdp:3", "lock_id": 1},`, 1)
	if err := os.WriteFile(filepath.Join(dir, "place.json"), []byte(place), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	started, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- run(ctx, options{dir: dir, config: board, started: func() { close(started) }}) }()
	select {
	case <-started:
	case err := <-ended:
		t.Fatalf("doorsim ended: %v", err)
	}
	return &hall{t: t, ctx: ctx, dir: dir, client: api.NewClient(filepath.Join(dir, "doord.sock")), stop: func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}}
}

// act does something with the reader, which must work.
func (h *hall) act(c api.OSDPCommand) {
	h.t.Helper()
	var r api.Result
	if err := h.client.Post(h.ctx, "/v1/osdp/readers/hall", c, &r); err != nil {
		h.t.Fatalf("%s: %v", c.Action, err)
	}
}

func (h *hall) state() api.OSDPReader {
	h.t.Helper()
	var l api.OSDPReaders
	if err := h.client.Get(h.ctx, "/v1/osdp", &l); err != nil || len(l.Readers) != 1 {
		h.t.Fatalf("%+v, %v", l, err)
	}
	return l.Readers[0]
}

func (h *hall) event(kind policy.EventType, detail string) {
	h.t.Helper()
	for r, err := range h.client.Events(h.ctx, 0, true) {
		if err != nil {
			h.t.Fatal(err)
		}
		if r.Type == kind && strings.Contains(r.Detail, detail) {
			return
		}
	}
	h.t.Fatalf("no %s %s came", kind, detail)
}

func (h *hall) card() api.Result {
	h.t.Helper()
	var r api.Result
	if err := h.client.Post(h.ctx, "/v1/sim/wiegand", api.SimBits{Reader: "hall", Bits: "10111011000000110010000110"}, &r); err != nil {
		h.t.Fatal(err)
	}
	return r
}

func TestTechnicianAtASimulatedLine(t *testing.T) {
	t.Parallel()
	h := startHall(t, t.TempDir())
	if s := h.state(); s.Keyed || s.Online || !s.MustSpeak {
		t.Errorf("a reader out of the box is believed: %+v", s)
	}
	if r := h.card(); r.Granted || r.Type != "" {
		t.Errorf("a reader without a key was heard: %+v", r)
	}
	h.act(api.OSDPCommand{Action: "commission", For: 60})
	h.event(policy.ReaderCommission, "the reader has its key")
	h.event(policy.ReaderOnline, "")
	if s := h.state(); !s.Keyed || !s.Online || !s.Secure {
		t.Errorf("after commissioning: %+v", s)
	}
	if r := h.card(); !r.Granted || r.Member != 1 {
		t.Errorf("a known card: %+v", r)
	}
	h.act(api.OSDPCommand{Action: "led", Color: "green", For: 1})
	h.act(api.OSDPCommand{Action: "buzzer", Count: 2})
	h.act(api.OSDPCommand{Action: "text", Text: "Hello", For: 1})
	h.act(api.OSDPCommand{Action: "set_speed", Speed: 38400})
	h.act(api.OSDPCommand{Action: "set_address", Address: 5})
	if s := h.state(); s.Address != 5 || s.Speed != 38400 {
		t.Errorf("after moving: %+v", s)
	}
	if r := h.card(); !r.Granted {
		t.Errorf("a card after moving: %+v", r)
	}

	var in api.Result
	if err := h.client.Post(h.ctx, "/v1/sim/input", api.SimInput{Input: "hall-lid", State: "active"}, &in); err != nil {
		t.Fatal(err)
	}
	h.event(policy.ControllerTamper, "")

	var found api.OSDPScanned
	if err := h.client.Post(h.ctx, "/v1/osdp/scan", api.OSDPScan{Addresses: []byte{4}, Speeds: []int{38400}}, &found); err != nil || len(found.Found) != 0 {
		t.Errorf("a scan of an empty place: %+v, %v", found, err)
	}
	h.tap(api.SimTap{Phone: "ada", State: "locked"}, "")
	h.tap(api.SimTap{Phone: "ada", State: "unlocked", Replay: true}, policy.TapInvalid)
	h.tap(api.SimTap{Phone: "nobody", State: "unlocked"}, policy.CardNotFound)
	h.update([]byte(strings.Repeat("firmware", 200)))
	h.trace()

	info, err := os.Stat(filepath.Join(h.dir, "osdp.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the keys lie in a file of mode %v, %v", info.Mode(), err)
	}
	h.stop()

	h = startHall(t, h.dir)
	h.event(policy.ReaderOnline, "")
	if r := h.card(); !r.Granted {
		t.Errorf("a card after a restart, at the kept address with the kept key: %+v", r)
	}
	h.stop()
}

// tap holds a phone to the reader: APDUs go over the line.
func (h *hall) tap(v api.SimTap, want policy.Reason) {
	h.t.Helper()
	v.Reader = "hall"
	var r api.Result
	if err := h.client.Post(h.ctx, "/v1/sim/tap", v, &r); err != nil {
		h.t.Fatal(err)
	}
	if r.Granted != (want == "") || r.Reason != want || r.Type != string(policy.LockUnlock) {
		h.t.Errorf("%+v: %+v", v, r)
	}
}

func (h *hall) update(file []byte) {
	h.t.Helper()
	body, err := h.client.Stream(h.ctx, "POST", "/v1/osdp/readers/hall/update", file)
	if err != nil {
		h.t.Fatal(err)
	}
	defer body.Close()
	var p api.OSDPProgress
	for d := json.NewDecoder(body); !p.Done; {
		if err := d.Decode(&p); err != nil {
			h.t.Fatal(err)
		}
	}
	if p.Error != "" || p.Sent != len(file) {
		h.t.Errorf("update: %+v", p)
	}
}

// trace looks at a card going over the line: its bits must not show.
func (h *hall) trace() {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.ctx)
	defer cancel()
	body, err := h.client.Stream(ctx, "GET", "/v1/osdp/trace", nil)
	if err != nil {
		h.t.Fatal(err)
	}
	defer body.Close()
	if r := h.card(); !r.Granted {
		h.t.Errorf("a card while the line is traced: %+v", r)
	}
	seen := map[string]bool{}
	lines := bufio.NewScanner(body)
	for (!seen["POLL"] || !seen["RAW"]) && lines.Scan() {
		var f api.OSDPFrame
		if err := json.Unmarshal(lines.Bytes(), &f); err != nil {
			h.t.Fatal(err)
		}
		seen[f.Name] = true
		if strings.Contains(lines.Text(), "10111011") || strings.Contains(f.Raw, "bb0321") {
			h.t.Errorf("the trace shows the card: %s", lines.Text())
		}
	}
	if !seen["RAW"] {
		h.t.Error("the card is not in the trace")
	}
}

func TestCommandsForAReaderThatIsNotThere(t *testing.T) {
	t.Parallel()
	h := startHall(t, t.TempDir())
	defer h.stop()
	for _, tt := range []struct {
		path string
		body any
		want string
	}{
		{"/v1/osdp/readers/nobody", api.OSDPCommand{Action: "led", Color: "red"}, `there is no OSDP reader "nobody"`},
		{"/v1/osdp/readers/hall", api.OSDPCommand{Action: "led", Color: "pink"}, `there is no colour "pink"`},
		{"/v1/osdp/readers/hall", api.OSDPCommand{Action: "dance"}, `there is no action "dance"`},
		{"/v1/osdp/readers/hall", api.OSDPCommand{Action: "commission", For: 60, Key: "00"}, "a key is 32 hex digits"},
		{"/v1/osdp/readers/hall", api.OSDPCommand{Action: "commission", For: 60, Key: "000102030405060708090a0b0c0d0e0f"}, "weak key"},
		{"/v1/osdp/readers/hall", api.OSDPCommand{Action: "commission", For: 86400}, "out of range"},
		{"/v1/osdp/scan", api.OSDPScan{Bus: "cellar"}, `there is no bus "cellar"`},
		{"/v1/osdp/scan", api.OSDPScan{Speeds: []int{300}}, "300 is no speed"},
	} {
		var r api.Result
		err := h.client.Post(h.ctx, tt.path, tt.body, &r)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s %s: %v, want %q", tt.path, fmt.Sprint(tt.body), err, tt.want)
		}
	}
}
