package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"doord/cmd/internal/api"
)

// table writes rows in columns.
func table(w io.Writer, head string, rows func(row func(cells ...any))) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, strings.ReplaceAll(head, "|", "\t"))
	rows(func(cells ...any) {
		words := make([]string, len(cells))
		for i, c := range cells {
			words[i] = fmt.Sprint(c)
		}
		fmt.Fprintln(tw, strings.Join(words, "\t"))
	})
	_ = tw.Flush() // standard output is gone: there is nobody to tell
}

func mark(ok bool, word string) string {
	if ok {
		return word
	}
	return "-"
}

func (t *tool) status() *cobra.Command {
	return &cobra.Command{
		Use: "status", Short: "How the daemon is, and what needs a person", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var s api.Status
			if err := t.client().Get(cmd.Context(), "/v1/status", &s); err != nil {
				return err
			}
			return t.print(s, func(w io.Writer) { writeStatus(w, s) })
		},
	}
}

func writeStatus(w io.Writer, s api.Status) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-9s %s\n", name, fmt.Sprintf(format, args...))
	}
	line("doord", "%s, up %v", s.Build, time.Duration(s.Uptime*float64(time.Second)).Round(time.Second))
	line("device", "%s, %d doors", s.DeviceID, s.Doors)
	clock := s.Clock.Wall.Format(time.RFC3339)
	if !s.Clock.Set {
		clock += " (NOT SET: schedules and dates do not count yet)"
	}
	line("clock", "%s", clock)
	switch {
	case s.Policy.Revision == 0:
		line("policy", "none: only requests to exit and fire open doors")
	case !s.Policy.Bound:
		line("policy", "revision %d of %s, which does not know this controller", s.Policy.Revision, s.Policy.Place)
	default:
		line("policy", "revision %d of %s", s.Policy.Revision, s.Policy.Place)
	}
	line("journal", "%d events, %d acknowledged, epoch %s", s.Journal.Sequence, s.Journal.AckedThrough, s.Journal.Epoch)
	switch c := s.Cloud; {
	case c.Enrolled && c.Online:
		line("cloud", "%s, connected", c.URL)
	case c.Enrolled:
		line("cloud", "%s, NOT CONNECTED: doorctl cloud tells more", c.URL)
	}
	switch {
	case s.Fire.Active:
		line("fire", "FIRE: the input is active")
	case s.Fire.Latched:
		line("fire", "the alarm is latched: doorctl fire-reset ends it")
	}
	for _, f := range s.Faults {
		line("FAULT", "%s", f.What)
		line("", "%s", f.Hint)
	}
}

func (t *tool) doors() *cobra.Command {
	return &cobra.Command{
		Use: "doors", Short: "The doors: released or locked, and why", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var l api.Doors
			if err := t.client().Get(cmd.Context(), "/v1/doors", &l); err != nil {
				return err
			}
			return t.print(l, func(w io.Writer) {
				table(w, "DOOR|LOCK|STATE|BY|CONTACT|LOCKDOWN|ALARM|TYPE", func(row func(...any)) {
					for _, d := range l.Doors {
						alarm := "-"
						switch {
						case d.Forced:
							alarm = "FORCED OPEN"
						case d.HeldOpen:
							alarm = "HELD OPEN"
						}
						row(d.Name, d.Lock, d.State, d.Cause, d.Contact, mark(d.LockedDown, "yes"), alarm, d.LockType+", "+d.FailMode)
					}
				})
				for _, d := range l.Doors {
					if d.Passages > 0 {
						fmt.Fprintf(w, "%s: %d went through since the start\n", d.Name, d.Passages)
					}
					if d.InterlockedBy != "" {
						fmt.Fprintf(w, "%s waits for %s to be closed and locked: interlock\n", d.Name, d.InterlockedBy)
					}
					if d.Misconfigured != "" {
						fmt.Fprintf(w, "%s is MISCONFIGURED: %s\n", d.Name, d.Misconfigured)
					}
				}
			})
		},
	}
}

func (t *tool) relays() *cobra.Command {
	return &cobra.Command{
		Use: "relays", Short: "The relays and what they follow", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var l api.Relays
			if err := t.client().Get(cmd.Context(), "/v1/relays", &l); err != nil {
				return err
			}
			return t.print(l, func(w io.Writer) {
				table(w, "RELAY|USE|DOOR|WANTED|LINE", func(row func(...any)) {
					for _, r := range l.Relays {
						line := "follows"
						if !r.OK {
							line = "DOES NOT FOLLOW"
						}
						row(r.Channel, r.Use, mark(r.Door != "", r.Door), r.Wanted, line)
					}
				})
			})
		},
	}
}

func (t *tool) inputs() *cobra.Command {
	var measure bool
	cmd := &cobra.Command{
		Use: "inputs [--measure]", Short: "The inputs as they are now", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if measure {
				return t.measure(cmd)
			}
			var l api.Inputs
			if err := t.client().Get(cmd.Context(), "/v1/inputs", &l); err != nil {
				return err
			}
			return t.print(l, func(w io.Writer) {
				table(w, "INPUT|CHANNEL|KIND|DOORS|STATUS|ACTIVE", func(row func(...any)) {
					for _, in := range l.Inputs {
						row(in.Name, in.Channel, in.Kind, mark(len(in.Doors) > 0, strings.Join(in.Doors, ",")), in.Status, mark(in.Active, "ACTIVE"))
					}
				})
			})
		},
	}
	cmd.Flags().BoolVar(&measure, "measure", false, "measure the loops that have a converter, and show their bands")
	return cmd
}

func (t *tool) readers() *cobra.Command {
	return &cobra.Command{
		Use: "readers", Short: "The readers and what they show", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var l api.Readers
			if err := t.client().Get(cmd.Context(), "/v1/readers", &l); err != nil {
				return err
			}
			return t.print(l, func(w io.Writer) {
				table(w, "READER|PORT|DOOR|ID|SHOWS|TAMPERED|PINS", func(row func(...any)) {
					for _, r := range l.Readers {
						pins := "accepted"
						if r.Blocked {
							pins = "BLOCKED"
						}
						row(r.Name, r.Port, r.Door, r.ID, r.Shows, mark(r.Tampered, "TAMPERED"), pins)
					}
				})
			})
		},
	}
}
