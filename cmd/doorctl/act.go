package main

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"doord/cmd/internal/api"
)

// report prints a result; one that is no becomes an exit code too.
func (t *tool) report(r api.Result, done string) error {
	err := t.print(r, func(w io.Writer) {
		if r.Granted {
			fmt.Fprintln(w, done)
		}
	})
	if err == nil && !r.Granted {
		return refused{"refused: " + r.Text}
	}
	return err
}

// command sends a door command.
func (t *tool) command(cmd *cobra.Command, door string, c api.Command, done string) error {
	var r api.Result
	if err := t.client().Post(cmd.Context(), "/v1/doors/"+url.PathEscape(door), c, &r); err != nil {
		return err
	}
	return t.report(r, done)
}

func (t *tool) unlock() *cobra.Command {
	return &cobra.Command{
		Use: "unlock DOOR", Short: "Release a door once, as a card does", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.command(cmd, args[0], api.Command{Action: "unlock"}, args[0]+" is unlocked")
		},
	}
}

func (t *tool) hold() *cobra.Command {
	var released, secured bool
	var length time.Duration
	cmd := &cobra.Command{
		Use: "hold DOOR --released|--secured --for 10m", Short: "Keep a door released or locked for a time", Args: cobra.ExactArgs(1),
		Long: "Hold keeps a door released, or locked to cards, for a time. Lockdown ends it; requests to exit and\nfire go before it.",
		RunE: func(cmd *cobra.Command, args []string) error {
			c := api.Command{Action: "hold_released", For: length.Seconds()}
			word := "released"
			if secured {
				c.Action, word = "hold_secured", "locked"
			}
			return t.command(cmd, args[0], c, fmt.Sprintf("%s is held %s for %v", args[0], word, length))
		},
	}
	cmd.Flags().BoolVar(&released, "released", false, "keep it released")
	cmd.Flags().BoolVar(&secured, "secured", false, "keep it locked to cards")
	cmd.Flags().DurationVar(&length, "for", 10*time.Minute, "how long, 1s to 24h")
	cmd.MarkFlagsOneRequired("released", "secured")
	cmd.MarkFlagsMutuallyExclusive("released", "secured")
	return cmd
}

func (t *tool) unhold() *cobra.Command {
	return &cobra.Command{
		Use: "unhold DOOR", Short: "End a hold", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.command(cmd, args[0], api.Command{Action: "unhold"}, args[0]+" is held no more")
		},
	}
}

func (t *tool) lockdown() *cobra.Command {
	return &cobra.Command{
		Use: "lockdown DOOR on|off", Short: "Let nobody in by a door; requests to exit and fire still open it", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			actions := map[string]string{"on": "lock_down", "off": "cancel_lockdown"}
			action, ok := actions[args[1]]
			if !ok {
				return usage("lockdown is on or off, not %q", args[1])
			}
			return t.command(cmd, args[0], api.Command{Action: action}, "lockdown of "+args[0]+" is "+args[1])
		},
	}
}

func (t *tool) fireReset() *cobra.Command {
	return &cobra.Command{
		Use: "fire-reset", Short: "End the fire alarm, once its input is quiet", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var r api.Result
			if err := t.client().Post(cmd.Context(), "/v1/fire/reset", struct{}{}, &r); err != nil {
				return err
			}
			return t.report(r, "the fire alarm is reset")
		},
	}
}

func (t *tool) readerReset() *cobra.Command {
	return &cobra.Command{
		Use: "reader-reset READER", Short: "End the tamper state of a reader", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var r api.Result
			if err := t.client().Post(cmd.Context(), "/v1/readers/"+url.PathEscape(args[0])+"/reset_tamper", struct{}{}, &r); err != nil {
				return err
			}
			return t.report(r, args[0]+" is reset")
		},
	}
}

func (t *tool) policy() *cobra.Command {
	cmd := &cobra.Command{Use: "policy", Short: "The place's records", RunE: family}
	cmd.AddCommand(&cobra.Command{
		Use: "load FILE", Short: "Put a place's records in force; every fault in them is told", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			data, err := os.ReadFile(args[0])
			if err != nil {
				return fmt.Errorf("policy load: %w", err)
			}
			l, err := t.client().LoadPolicy(cmd.Context(), data)
			if err != nil {
				return fmt.Errorf("%s: %w", args[0], err)
			}
			return t.print(l, func(w io.Writer) {
				fmt.Fprintf(w, "policy %d is in force\n", l.Revision)
				for _, warning := range l.Warnings {
					fmt.Fprintln(w, "WARNING:", warning)
				}
			})
		},
	}, &cobra.Command{
		Use: "show", Short: "The records in force, without members and credentials", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var p api.Policy
			if err := t.client().Get(cmd.Context(), "/v1/policy", &p); err != nil {
				return err
			}
			return t.print(p, func(w io.Writer) { writePolicy(w, p) })
		},
	})
	return cmd
}

func writePolicy(w io.Writer, p api.Policy) {
	if p.Revision == 0 {
		fmt.Fprintln(w, "there is no policy: doorctl policy load FILE")
		return
	}
	r := p.Records
	fmt.Fprintf(w, "revision %d of %s (%s)\n\n", p.Revision, r.Place.Name, r.Place.TimeZone)
	table(w, "LOCK|NAME|GROUPS|SCHEDULES|RESTRICTIONS", func(row func(...any)) {
		for _, l := range r.Locks {
			groups, schedules := 0, 0
			for _, gl := range r.GroupLocks {
				if gl.LockID == l.ID {
					groups++
				}
			}
			for _, s := range r.Schedules {
				if s.Scheduleable.Type == "Lock" && s.Scheduleable.ID == l.ID {
					schedules++
				}
			}
			row(l.ID, l.Name, groups, schedules, restrictions(l.Time, l.Geofence, l.ReaderNeeded))
		}
	})
	fmt.Fprintln(w)
	table(w, "GROUP|NAME|RESTRICTIONS", func(row func(...any)) {
		for _, g := range r.Groups {
			row(g.ID, g.Name, restrictions(g.Time, g.Geofence, g.ReaderNeeded))
		}
	})
}

func restrictions(times, geofence, reader bool) string {
	text := ""
	for _, r := range []struct {
		on   bool
		word string
	}{{times, "time"}, {geofence, "geofence"}, {reader, "reader"}} {
		if r.on {
			text += " " + r.word
		}
	}
	if text == "" {
		return "-"
	}
	return text[1:]
}
