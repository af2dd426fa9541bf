package daemon

import (
	stdcmp "cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"doord/rex"
	"doord/sim"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the golden traces; commit only differences you can explain")

// The traces are played twice: through the core alone, as all of package sim's
// are, and as pulses and edges through the whole daemon. Both must do the same at
// the same instant.
func TestTheDaemonDoesWhatTheCoreDoes(t *testing.T) {
	files, err := filepath.Glob("testdata/*.trace")
	if err != nil || len(files) == 0 {
		t.Fatalf("no traces: %v", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			pure, err := sim.Play(want, "testdata", boardConfig(t).Board())
			if err != nil {
				t.Fatal(err)
			}
			if *rewrite {
				if err := os.WriteFile(file, pure, 0o600); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(string(want), string(pure)); diff != "" {
				t.Errorf("the core differs from the trace (-want +got):\n%s", diff)
			}
			bubble(t, func(t *testing.T) {
				if diff := cmp.Diff(sorted(string(want)), sorted(playLoop(t, string(want)))); diff != "" {
					t.Errorf("the daemon differs from the trace (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// sorted brings what followed each stimulus into the order of time, events before
// relays: a pure step tells its relays at its end, the board when they move.
func sorted(trace string) string {
	var out, after []string
	flush := func() {
		slices.SortStableFunc(after, func(a, b string) int {
			relay := func(line string) int { return strings.Index(line, " relay ") }
			return stdcmp.Or(strings.Compare(a[:14], b[:14]), relay(a)-relay(b))
		})
		out = append(out, after...)
		after = nil
	}
	for line := range strings.Lines(trace) {
		switch {
		case strings.HasPrefix(line, "  "):
			after = append(after, line)
		case strings.HasPrefix(line, ">"):
			flush()
			out = append(out, line)
		}
	}
	flush()
	return strings.Join(out, "")
}

// lead is how long before its stimulus in the trace a card or an input begins at
// the board: so long takes a frame, and as long a debounce.
const lead = rex.DefaultDebounce

// playLoop plays a trace's stimuli on the simulated board and returns the trace
// with what followed.
func playLoop(t *testing.T, trace string) string {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	r.events()
	moved := len(r.board.Transitions())
	var out strings.Builder
	tell := func() {
		for _, e := range r.records() {
			e.At.Wall = e.At.Wall.In(berlin)
			fmt.Fprintf(&out, "  %s %s\n", e.At.Wall.Format("15:04:05.000"), sim.Line(e.Event))
		}
		all := r.board.Transitions()
		for _, m := range all[moved:] {
			word := map[bool]string{true: "released", false: "secured"}[m.On]
			fmt.Fprintf(&out, "  %s relay %d %s\n", r.began.Add(m.At).In(berlin).Format("15:04:05.000"), m.Channel, word)
		}
		moved = len(all)
	}
	for line := range strings.Lines(trace) {
		if !strings.HasPrefix(line, "> ") {
			continue
		}
		f := strings.Fields(line)[1:]
		if len(f) > 2 && f[2] == "start" {
			out.WriteString(line + "  " + f[1] + " controller.policy\n") // at the rig's start
			continue
		}
		at, err := time.ParseInLocation("2006-01-02 15:04:05.000", "2000-01-01 "+f[0], berlin)
		if err != nil {
			t.Fatal(err)
		}
		r.pass(time.Until(at) - lead)
		r.stimulate(f[1], f[2:])
		r.pass(time.Until(at))
		r.order(f[1], f[2:])
		out.WriteString(line)
		tell()
	}
	return out.String()
}

// stimulate begins at the board what a trace says.
func (r *rig) stimulate(verb string, words []string) {
	r.Helper()
	switch verb {
	case "card":
		var facility, card uint64
		if _, err := fmt.Sscanf(words[1], "h10301=%d/%d", &facility, &card); err != nil {
			r.Fatal(err)
		}
		if end := r.send(strings.TrimPrefix(words[0], "reader="), facility, card); end+silence-r.board.Now() != lead {
			r.Fatalf("the card takes until %v", end)
		}
	case "input":
		r.set(words[0], words[1] == "active")
	}
}

// order gives the daemon what needs no time at the board.
func (r *rig) order(verb string, words []string) {
	r.Helper()
	switch verb {
	case "unlock":
		r.command(words[0], "unlock", 0)
	case "hold":
		length, err := time.ParseDuration(strings.TrimPrefix(words[2], "for="))
		if err != nil {
			r.Fatal(err)
		}
		r.command(words[0], "hold_"+words[1], length)
	case "unhold":
		r.command(words[0], "unhold", 0)
	case "lockdown":
		r.command(words[0], map[string]string{"on": "lock_down", "off": "cancel_lockdown"}[words[1]], 0)
	case "fire-reset":
		if _, err := r.server.ResetFire(context.Background()); err != nil {
			r.Fatal(err)
		}
		r.pass(0)
	}
}
