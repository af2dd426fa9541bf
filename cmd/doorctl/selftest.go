package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"doord/cmd/internal/api"
)

func (t *tool) selftest() *cobra.Command {
	var force bool
	var wait time.Duration
	cmd := &cobra.Command{
		Use: "selftest [--force]", Short: "Walk relays, inputs and readers with you, and ask what you see", Args: cobra.NoArgs,
		Long: `Selftest walks the board with a technician. It releases each door once and switches each
other relay on for a second, and asks what you see. Then you operate each input and present
a card, any card, at each reader, in any order: it ticks off what it sees. An answer is y, n,
or s to skip; an empty line ends the walk, and what was not seen has failed.

It refuses while doors are live: while a policy is in force that knows this controller, and
people use them. --force tests them all the same. Requests to exit and fire are served as
ever, and a door is released as by doorctl unlock: a lockdown stands against it.

Answers are read from standard input, and what is typed ahead counts. With --json the
report is on standard output and the questions are on standard error. The exit code is 0
if nothing failed, 1 if something did, 3 if it refuses.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s := &selftest{tool: t, ctx: cmd.Context(), client: t.client(), lines: lines(cmd.InOrStdin()), say: t.out}
			if t.json {
				s.say = cmd.ErrOrStderr()
			}
			return s.run(force, wait)
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "also while doors are live")
	cmd.Flags().DurationVar(&wait, "wait", 10*time.Minute, "how long the walk may take")
	return cmd
}

// lines delivers the lines of standard input, and closes the channel at its end.
func lines(in io.Reader) <-chan string {
	ch := make(chan string)
	go func() {
		defer close(ch)
		for s := bufio.NewScanner(in); s.Scan(); {
			ch <- strings.TrimSpace(s.Text())
		}
	}()
	return ch
}

// The results of a step.
const (
	passed  = "passed"
	failed  = "failed"
	skipped = "skipped"
)

// tested is one step of a self-test and what came of it.
type tested struct {
	Kind   string `json:"kind"` // door, relay, input, reader or feedback
	Name   string `json:"name"`
	Result string `json:"result"` // passed, failed or skipped
	Note   string `json:"note,omitempty"`
}

// selftestReport is the output of selftest, version 1.
type selftestReport struct {
	Version int      `json:"version"`
	Passed  bool     `json:"passed"` // nothing failed
	Steps   []tested `json:"steps"`
}

// selftest is one walk.
type selftest struct {
	tool   *tool
	ctx    context.Context
	client *api.Client
	lines  <-chan string
	ahead  []string // typed before it was asked for
	say    io.Writer
	steps  []tested
}

func (s *selftest) run(force bool, wait time.Duration) error {
	var st api.Status
	if err := s.client.Get(s.ctx, "/v1/status", &st); err != nil {
		return err
	}
	if st.Policy.Bound && !force {
		return refused{fmt.Sprintf("refused: doors are live: policy %d of %s is in force; --force tests them all the same", st.Policy.Revision, st.Policy.Place)}
	}
	before, err := s.look()
	if err != nil {
		return err
	}
	for _, f := range []func() error{s.testDoors, s.testRelays, func() error { return s.walk(before, wait) }, s.testFeedback} {
		if err := f(); err != nil {
			return err
		}
	}
	return s.report()
}

func (s *selftest) report() error {
	bad := 0
	for _, step := range s.steps {
		if step.Result == failed {
			bad++
		}
	}
	err := s.tool.print(selftestReport{api.Version, bad == 0, s.steps}, func(w io.Writer) {
		fmt.Fprintln(w)
		table(w, "WHAT|NAME|RESULT|NOTE", func(row func(...any)) {
			for _, step := range s.steps {
				row(step.Kind, step.Name, step.Result, mark(step.Note != "", step.Note))
			}
		})
	})
	if err == nil && bad > 0 {
		err = fmt.Errorf("%d of %d steps failed", bad, len(s.steps))
	}
	return err
}

func (s *selftest) note(kind, name, result, note string) {
	s.steps = append(s.steps, tested{kind, name, result, note})
}

var errNoAnswer = errors.New("standard input ended before everything was answered")

// ask asks what the technician sees and notes the answer.
func (s *selftest) ask(kind, name, question string) error {
	for {
		fmt.Fprintf(s.say, "%s [y/n/s] ", question)
		answer, err := s.answer()
		if err != nil {
			return err
		}
		if result, ok := map[string]string{"y": passed, "n": failed, "s": skipped}[answer]; ok {
			s.note(kind, name, result, "")
			return nil
		}
		fmt.Fprintln(s.say, "y for yes, n for no, s to skip")
	}
}

func (s *selftest) answer() (string, error) {
	if len(s.ahead) > 0 {
		line := s.ahead[0]
		s.ahead = s.ahead[1:]
		return line, nil
	}
	select {
	case line, ok := <-s.lines:
		if !ok {
			return "", errNoAnswer
		}
		return line, nil
	case <-s.ctx.Done():
		return "", s.ctx.Err()
	}
}

// testDoors releases each door once, whose relays move together.
func (s *selftest) testDoors() error {
	var l api.Doors
	if err := s.client.Get(s.ctx, "/v1/doors", &l); err != nil {
		return err
	}
	for _, d := range l.Doors {
		var r api.Result
		if err := s.client.Post(s.ctx, "/v1/doors/"+url.PathEscape(d.Name), api.Command{Action: "unlock"}, &r); err != nil {
			return err
		}
		if !r.Granted {
			s.note("door", d.Name, failed, r.Text)
			continue
		}
		if err := s.follow("door", d.Name, d.Relays, fmt.Sprintf("door %s, relays %v, %s, is released for a moment. Does its lock let go?", d.Name, d.Relays, d.LockType)); err != nil {
			return err
		}
	}
	return nil
}

// testRelays switches on each relay that no door has.
func (s *selftest) testRelays() error {
	var l api.Relays
	if err := s.client.Get(s.ctx, "/v1/relays", &l); err != nil {
		return err
	}
	for _, x := range l.Relays {
		if x.Door != "" {
			continue
		}
		var r api.Result
		if err := s.client.Post(s.ctx, fmt.Sprintf("/v1/relays/%d", x.Channel), api.Pulse{For: 1}, &r); err != nil {
			return err
		}
		name := fmt.Sprint(x.Channel)
		if err := s.follow("relay", name, []int{x.Channel}, fmt.Sprintf("relay %d, %s, is on for a second. Does what it switches come on?", x.Channel, x.Use)); err != nil {
			return err
		}
	}
	return nil
}

// follow asks about relays that were moved, unless their lines did not even follow.
func (s *selftest) follow(kind, name string, channels []int, question string) error {
	var l api.Relays
	if err := s.client.Get(s.ctx, "/v1/relays", &l); err != nil {
		return err
	}
	for _, r := range l.Relays {
		for _, c := range channels {
			if r.Channel == c && !r.OK {
				s.note(kind, name, failed, fmt.Sprintf("relay %d does not follow", c))
				return nil
			}
		}
	}
	return s.ask(kind, name, question)
}

// wires is what inputs and readers have done so far.
type wires struct {
	inputs  api.Inputs
	readers api.Readers
}

func (s *selftest) look() (w wires, err error) {
	if err = s.client.Get(s.ctx, "/v1/inputs", &w.inputs); err == nil {
		err = s.client.Get(s.ctx, "/v1/readers", &w.readers)
	}
	return w, err
}

// lookEvery is how often the walk looks. It misses nothing: the daemon counts.
const lookEvery = 100 * time.Millisecond

// walk waits until every input was operated and every reader has read.
func (s *selftest) walk(before wires, wait time.Duration) error {
	fmt.Fprintln(s.say, "Now operate each input and let it go, and present a card at each reader. Enter ends that.")
	for _, in := range before.inputs.Inputs {
		fmt.Fprintf(s.say, "  input  %-16s %s %s\n", in.Name, strings.ReplaceAll(in.Kind, "_", " "), strings.Join(in.Doors, ", "))
	}
	for _, r := range before.readers.Readers {
		fmt.Fprintf(s.say, "  reader %-16s at door %s\n", r.Name, r.Door)
	}
	late := time.After(wait)
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	told := map[string]bool{}
	for lines := s.lines; ; {
		now, err := s.look()
		if err != nil {
			return err
		}
		steps := compare(before, now)
		open := 0
		for _, step := range steps {
			if name := step.Kind + " " + step.Name; step.Result != passed {
				open++
			} else if !told[name] {
				told[name] = true
				fmt.Fprintln(s.say, "  seen:", name)
			}
		}
		if open == 0 {
			s.steps = append(s.steps, steps...)
			return nil
		}
		select {
		case <-ticker.C:
			continue
		case line, ok := <-lines:
			if !ok {
				lines = nil // nobody can end it now but who walks
				continue
			}
			if line != "" {
				s.ahead = append(s.ahead, line)
				continue
			}
		case <-late:
		case <-s.ctx.Done():
			return s.ctx.Err()
		}
		s.steps = append(s.steps, steps...)
		return nil
	}
}

// compare tells which inputs were operated and let go, and which readers have read.
func compare(before, now wires) (steps []tested) {
	for i, in := range now.inputs.Inputs {
		step := tested{"input", in.Name, passed, ""}
		switch was := before.inputs.Inputs[i]; {
		case in.Changes == was.Changes:
			step.Result, step.Note = failed, "did not change: it is "+in.Status
		case in.Active != was.Active || in.Changes < was.Changes+2:
			step.Result, step.Note = failed, "did not come back: it is "+in.Status
		}
		steps = append(steps, step)
	}
	for i, r := range now.readers.Readers {
		step := tested{"reader", r.Name, passed, ""}
		switch was := before.readers.Readers[i]; {
		case r.Reads > was.Reads:
		case r.BadFrames > was.BadFrames:
			step.Result, step.Note = failed, "sent what cannot be read: D0 and D1 swapped, or a format that it is not configured for"
		default:
			step.Result, step.Note = failed, "read nothing"
		}
		steps = append(steps, step)
	}
	return steps
}

// testFeedback asks about the readers that have read.
func (s *selftest) testFeedback() error {
	for _, step := range s.steps {
		if step.Kind == "reader" && step.Result == passed {
			if err := s.ask("feedback", step.Name, "Did reader "+step.Name+" answer the card, by light or sound?"); err != nil {
				return err
			}
		}
	}
	return nil
}
