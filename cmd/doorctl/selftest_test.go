package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"doord/cmd/internal/api"
)

func TestWhatAWalkSaw(t *testing.T) {
	input := func(active bool, changes uint64) api.Input {
		return api.Input{Name: "button", Status: "closed", Active: active, Changes: changes}
	}
	reader := func(reads, bad uint64) api.Reader { return api.Reader{Name: "hall", Reads: reads, BadFrames: bad} }
	for _, tt := range []struct {
		why          string
		before, then api.Input
		was, is      api.Reader
		input, card  string
	}{
		{"both work", input(false, 5), input(false, 7), reader(1, 1), reader(2, 1), "", ""},
		{"neither does", input(false, 5), input(false, 5), reader(1, 1), reader(1, 1), "did not change: it is closed", "read nothing"},
		{"it sticks, and the reader is swapped", input(false, 5), input(true, 6), reader(1, 1), reader(1, 2), "did not come back: it is closed",
			"sent what cannot be read: D0 and D1 swapped, or a format that it is not configured for"},
		{"a lid that was open at the start, and a reader that needed two tries", input(true, 5), input(true, 9), reader(0, 0), reader(1, 1), "", ""},
		{"a lid that was shut", input(true, 5), input(false, 6), reader(0, 0), reader(1, 0), "did not come back: it is closed", ""},
	} {
		got := compare(wires{api.Inputs{Inputs: []api.Input{tt.before}}, api.Readers{Readers: []api.Reader{tt.was}}},
			wires{api.Inputs{Inputs: []api.Input{tt.then}}, api.Readers{Readers: []api.Reader{tt.is}}})
		if len(got) != 2 || got[0].Note != tt.input || got[1].Note != tt.card || (got[0].Result == passed) != (tt.input == "") || (got[1].Result == passed) != (tt.card == "") {
			t.Errorf("%s: %+v", tt.why, got)
		}
	}
}

// board answers as a daemon with one door and a siren does, whose inputs and
// readers work by themselves.
type board struct {
	looks  uint64
	broken int // a relay that does not follow
	pulsed []int
}

func (b *board) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var v any = api.Result{Version: api.Version, Granted: true}
	switch r.Method + " " + r.URL.Path {
	case "GET /v1/status":
		v = api.Status{Version: api.Version}
	case "GET /v1/doors":
		v = api.Doors{Doors: []api.Door{{Name: "front", Relays: []int{1, 2}, LockType: "electric_strike"}}}
	case "GET /v1/relays":
		v = api.Relays{Relays: []api.Relay{{Channel: 1, Door: "front", OK: b.broken != 1}, {Channel: 2, Door: "front", OK: b.broken != 2}, {Channel: 5, Use: "siren", OK: b.broken != 5}}}
	case "GET /v1/inputs":
		b.looks++
		v = api.Inputs{Inputs: []api.Input{{Name: "button", Kind: "rex", Changes: 2 * b.looks}}}
	case "GET /v1/readers":
		v = api.Readers{Readers: []api.Reader{{Name: "hall", Reads: b.looks}}}
	case "POST /v1/relays/5":
		b.pulsed = append(b.pulsed, 5)
	}
	_ = json.NewEncoder(w).Encode(v) // the client is the test's
}

// runSelftest serves a board and returns what doorctl selftest makes of it.
func runSelftest(t *testing.T, b *board, answers string) (report selftestReport, said string, err error) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "s")
	l, err := api.Listen(socket, "")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: b}
	go func() { _ = server.Serve(l) }() // until the end of the test
	defer server.Close()
	var out, say bytes.Buffer
	s := &selftest{tool: &tool{json: true, out: &out}, ctx: t.Context(), client: api.NewClient(socket), lines: lines(strings.NewReader(answers)), say: &say}
	err = s.run(false, time.Minute)
	if e := json.Unmarshal(out.Bytes(), &report); e != nil && !errors.Is(e, io.EOF) && out.Len() > 0 {
		t.Fatal(e)
	}
	return report, say.String(), err
}

func results(r selftestReport) (list []string) {
	for _, s := range r.Steps {
		list = append(list, s.Kind+" "+s.Name+" "+s.Result)
	}
	return list
}

func TestASelftestAsksAboutAllThereIs(t *testing.T) {
	b := &board{}
	report, said, err := runSelftest(t, b, "what?\ny\nn\ns\n")
	want := []string{"door front passed", "relay 5 failed", "input button passed", "reader hall passed", "feedback hall skipped"}
	if got := results(report); err == nil || err.Error() != "1 of 5 steps failed" || report.Passed || !slices.Equal(got, want) {
		t.Errorf("%v: %q", err, got)
	}
	if !slices.Equal(b.pulsed, []int{5}) || !strings.Contains(said, "y for yes, n for no, s to skip") {
		t.Errorf("relays %d were switched, and it said %q", b.pulsed, said)
	}
}

func TestARelayThatDoesNotFollowHasFailedWithoutAQuestion(t *testing.T) {
	report, _, err := runSelftest(t, &board{broken: 2}, "y\ny\n")
	if err == nil || len(report.Steps) != 5 || report.Steps[0] != (tested{"door", "front", failed, "relay 2 does not follow"}) {
		t.Errorf("%v: %+v", err, report)
	}
}

func TestASelftestWithoutAnswersIsNoReport(t *testing.T) {
	report, _, err := runSelftest(t, &board{}, "y\n")
	if !errors.Is(err, errNoAnswer) || report.Steps != nil {
		t.Errorf("%v: %+v", err, report)
	}
}
