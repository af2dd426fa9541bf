package main

import (
	"cmp"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"doord/cmd/internal/api"
	"doord/policy"
	"doord/policy/schedule"
	"doord/sim"
	"doord/store"
)

func (t *tool) why() *cobra.Command {
	return &cobra.Command{
		Use: "why EVENT", Short: "Every check of a past decision", Args: cobra.ExactArgs(1),
		Long: "Why tells each check that was made for an event, by its sequence or uuid: what was seen, the rule, the\nverdict, and the policy that decided.",
		RunE: func(cmd *cobra.Command, args []string) error {
			var r store.Record
			if err := t.client().Get(cmd.Context(), "/v1/events/"+url.PathEscape(args[0]), &r); err != nil {
				return err
			}
			words := t.client().Words(cmd.Context())
			return t.print(api.ResultOf(r), func(w io.Writer) {
				fmt.Fprintln(w, words.Line(r))
				if len(r.Trace) == 0 {
					fmt.Fprintln(w, "it was no decision: nothing was checked")
					return
				}
				fmt.Fprintf(w, "by policy %d\n", r.Revision)
				writeTrace(w, r.Trace)
			})
		},
	}
}

func writeTrace(w io.Writer, trace []policy.Check) {
	table(w, "  CHECK|SAW|RULE|VERDICT", func(row func(...any)) {
		for _, c := range trace {
			verdict := "ok"
			if !c.OK {
				verdict = string(c.Reason)
			}
			row("  "+c.Name, c.Saw, c.Rule, verdict)
		}
	})
}

// locationFlag reads "52.52,13.405,12": degrees, degrees, metres.
type locationFlag struct{ location *api.Location }

func (f *locationFlag) Type() string   { return "LAT,LONG,ACCURACY" }
func (f *locationFlag) String() string { return "" }

// Set implements pflag.Value.
func (f *locationFlag) Set(text string) error {
	parts := strings.Split(text, ",")
	if len(parts) != 3 {
		return fmt.Errorf("a location is latitude, longitude and accuracy, as in 52.52,13.405,12")
	}
	var n [3]float64
	for i, p := range parts {
		v, err := strconv.ParseFloat(p, 64)
		if err != nil {
			return err
		}
		n[i] = v
	}
	f.location = &api.Location{Latitude: n[0], Longitude: n[1], Accuracy: n[2]}
	return nil
}

func (t *tool) whatIf() *cobra.Command {
	var q api.WhatIf
	var at, method string
	var where locationFlag
	cmd := &cobra.Command{
		Use: "what-if --member M --door D --method card", Short: "Would this member open this door at that time?", Args: cobra.NoArgs,
		Long: "What-if decides as the daemon would, for another time, and touches no door. Zones, lockdown and the\n" +
			"door's wiring are as they are now. Methods: card, tap, pin, card_and_pin, in_app, link, wave.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			q.Method, q.Location = policy.Method(method), where.location
			if at != "" {
				moment, err := time.Parse(time.RFC3339, at)
				if err != nil {
					return usage("--at: %q is no time such as 2026-12-24T08:00:00Z", at)
				}
				q.At = moment
			}
			var r api.Result
			if err := t.client().Post(cmd.Context(), "/v1/what_if", q, &r); err != nil {
				return err
			}
			return t.print(r, func(w io.Writer) {
				if r.Granted {
					fmt.Fprintln(w, "yes: granted")
				} else {
					fmt.Fprintf(w, "no: %s (%s %s)\n", r.Text, r.Reason, r.Code)
				}
				writeTrace(w, r.Trace)
			})
		},
	}
	f := cmd.Flags()
	f.Int64Var(&q.Member, "member", 0, "id of the member (required)")
	f.StringVar(&q.Door, "door", "", "name of the door")
	f.Int64Var(&q.Stop, "stop", 0, "id of an elevator stop, instead of a door")
	f.StringVar(&method, "method", "card", "how the door is asked for")
	f.StringVar(&at, "at", "", "time, RFC 3339 (default now)")
	f.Var(&where, "location", "where the phone is")
	f.BoolVar(&q.AtReader, "at-reader", false, "as if a proximity code had been given")
	f.BoolVar(&q.Unlocked, "phone-unlocked", false, "as if the phone were unlocked")
	_ = cmd.MarkFlagRequired("member") // the flag is defined above
	cmd.MarkFlagsOneRequired("door", "stop")
	cmd.MarkFlagsMutuallyExclusive("door", "stop")
	return cmd
}

func (t *tool) schedule() *cobra.Command {
	var from, to string
	cmd := &cobra.Command{
		Use: "schedule DOOR", Short: "A door's schedules as a week that a person can read", Args: cobra.ExactArgs(1),
		Long: "Schedule shows what all schedules and exceptions of a door amount to, day by day, in the place's time:\n" +
			"when it stands unlocked, when it admits, and when the first to arrive may open it.",
		RunE: func(cmd *cobra.Command, args []string) error {
			week, err := t.weeks(cmd, args[0], from, to)
			if err != nil {
				return err
			}
			return t.print(week, func(w io.Writer) { writeWeek(w, week) })
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "first day, YYYY-MM-DD (default today)")
	cmd.Flags().StringVar(&to, "to", "", "last day (default a week)")
	return cmd
}

// longestSchedule bounds what is asked for at once.
const longestSchedule = 371 // days

// weeks asks for one week after the other.
func (t *tool) weeks(cmd *cobra.Command, door, from, to string) (api.DoorWeek, error) {
	var first, last schedule.Date
	if from != "" {
		if err := first.UnmarshalText([]byte(from)); err != nil {
			return api.DoorWeek{}, usage("--from: %w", err)
		}
	}
	if to != "" {
		if err := last.UnmarshalText([]byte(to)); err != nil {
			return api.DoorWeek{}, usage("--to: %w", err)
		}
	}
	var all api.DoorWeek
	for {
		var week api.DoorWeek
		q := url.Values{}
		if !first.IsZero() {
			q.Set("from", first.String())
		}
		if err := t.client().Get(cmd.Context(), "/v1/doors/"+url.PathEscape(door)+"/week?"+q.Encode(), &week); err != nil {
			return all, err
		}
		days := append(all.Days, week.Days...)
		all, all.Days = week, days
		if len(week.Days) == 0 || last.IsZero() || len(days) > longestSchedule {
			return all, nil
		}
		first = week.Days[len(week.Days)-1].Date.AddDays(1)
		if first.Compare(last) <= 0 {
			continue
		}
		for len(all.Days) > 0 && all.Days[len(all.Days)-1].Date.Compare(last) > 0 {
			all.Days = all.Days[:len(all.Days)-1]
		}
		return all, nil
	}
}

func writeWeek(w io.Writer, week api.DoorWeek) {
	if len(week.Days) == 0 {
		fmt.Fprintln(w, "the policy has no such door")
		return
	}
	fmt.Fprintf(w, "%s, times of %s\n", week.Door, week.TimeZone)
	spans := func(list []api.Span) string {
		words := make([]string, len(list))
		for i, s := range list {
			words[i] = s.From.String() + "–" + s.To.String()
		}
		if len(words) == 0 {
			return "-"
		}
		return strings.Join(words, ", ")
	}
	table(w, "DAY||UNLOCKED|ADMITS BY SCHEDULE|FIRST TO ARRIVE", func(row func(...any)) {
		for _, d := range week.Days {
			row(d.Date.Weekday().String()[:3], d.Date, spans(d.Unlock), spans(d.Allow), spans(d.FirstToArrive))
		}
	})
}

func (t *tool) lint() *cobra.Command {
	return &cobra.Command{
		Use: "lint", Short: "What is valid in the policy but unlikely to be meant", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var l api.Lint
			if err := t.client().Get(cmd.Context(), "/v1/lint", &l); err != nil {
				return err
			}
			return t.print(l, func(w io.Writer) {
				for _, p := range l.Warnings {
					fmt.Fprintln(w, p)
				}
				if len(l.Warnings) == 0 {
					fmt.Fprintln(w, "nothing to say")
				}
			})
		},
	}
}

func (t *tool) proximity() *cobra.Command {
	return &cobra.Command{
		Use: "proximity DOOR", Short: "The proximity code that a door's reader shows now", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var p api.Proximity
			if err := t.client().Get(cmd.Context(), "/v1/doors/"+url.PathEscape(args[0])+"/proximity", &p); err != nil {
				return err
			}
			return t.print(p, func(w io.Writer) { fmt.Fprintln(w, p.Code) })
		},
	}
}

func (t *tool) zones() *cobra.Command {
	cmd := &cobra.Command{
		Use: "zones", Short: "The zones: armed or not, violated or not", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var l api.Zones
			if err := t.client().Get(cmd.Context(), "/v1/zones", &l); err != nil {
				return err
			}
			return t.print(l, func(w io.Writer) {
				table(w, "ZONE|NAME|LEVEL|BY|OVERRIDE UNTIL|VIOLATED", func(row func(...any)) {
					for _, z := range l.Zones {
						until := "-"
						if !z.Until.IsZero() {
							until = z.Until.Format(time.RFC3339)
						}
						row(z.ID, z.Name, z.Level, cmp.Or(z.Source, "hours"), until, mark(z.Violated, "VIOLATED"))
					}
				})
			})
		},
	}
	var c api.ZoneCommand
	var length time.Duration
	var level string
	override := &cobra.Command{
		Use: "override ZONE --level disarmed|stay|away --for 1h", Short: "Put a zone to a level for a time", Args: cobra.ExactArgs(1),
		Long: "Override puts a zone to a level for a time. If an alarm panel arms the zone its key switch is turned: the\nzone is away or disarmed once the panel says so, and stays so.",
		RunE: func(cmd *cobra.Command, args []string) error {
			c.Action, c.For, c.Level = "override", length.Seconds(), policy.ZoneLevel(level)
			return t.post(cmd, "/v1/zones/"+url.PathEscape(args[0]), c, "zone "+args[0]+" is "+level)
		},
	}
	override.Flags().StringVar(&level, "level", "", "disarmed, stay or away (required)")
	override.Flags().DurationVar(&length, "for", time.Hour, "how long")
	_ = override.MarkFlagRequired("level") // the flag is defined above
	cmd.AddCommand(override, &cobra.Command{
		Use: "reset ZONE", Short: "End a violation that has been seen to", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.post(cmd, "/v1/zones/"+url.PathEscape(args[0]), api.ZoneCommand{Action: "reset"}, "zone "+args[0]+" is reset")
		},
	})
	return cmd
}

func (t *tool) alarms() *cobra.Command {
	cmd := &cobra.Command{
		Use: "alarms", Short: "The alarms that have gone off", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var l api.Alarms
			if err := t.client().Get(cmd.Context(), "/v1/alarms", &l); err != nil {
				return err
			}
			return t.print(l, func(w io.Writer) {
				table(w, "RULE|ACTIVE|SOUNDING", func(row func(...any)) {
					for _, a := range l.Alarms {
						row(a.ID, mark(a.Active, "ACTIVE"), mark(a.Sounding, "yes"))
					}
				})
			})
		},
	}
	for _, action := range []string{"silence", "reset"} {
		cmd.AddCommand(&cobra.Command{
			Use: action + " RULE", Short: map[string]string{"silence": "Stop the sound of an alarm", "reset": "End an alarm"}[action], Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error {
				return t.post(cmd, "/v1/alarms/"+url.PathEscape(args[0])+"/"+action, struct{}{}, "alarm "+args[0]+": "+action)
			},
		})
	}
	return cmd
}

func (t *tool) areas() *cobra.Command {
	cmd := &cobra.Command{
		Use: "areas", Short: "The anti-passback areas, and who was last seen on which side", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var l api.Areas
			if err := t.client().Get(cmd.Context(), "/v1/areas", &l); err != nil {
				return err
			}
			return t.print(l, func(w io.Writer) {
				table(w, "AREA|NAME|MODE|MEMBERS INSIDE|MEMBERS OUTSIDE", func(row func(...any)) {
					for _, a := range l.Areas {
						row(a.ID, a.Name, a.Mode, someOf(a.Inside), someOf(a.Outside))
					}
				})
			})
		},
	}
	var f api.Forgive
	var everybody bool
	forgive := &cobra.Command{
		Use: "forgive AREA --member M|--everybody", Short: "Forget where a member is: the next passage is good either way", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if !everybody && f.Member <= 0 {
				return usage("--member: a member's id is a positive number")
			}
			return t.post(cmd, "/v1/areas/"+url.PathEscape(args[0])+"/forgive", f, "forgiven")
		},
	}
	forgive.Flags().Int64Var(&f.Member, "member", 0, "id of the member")
	forgive.Flags().BoolVar(&everybody, "everybody", false, "all of them")
	forgive.MarkFlagsOneRequired("member", "everybody")
	forgive.MarkFlagsMutuallyExclusive("member", "everybody")
	cmd.AddCommand(forgive)
	return cmd
}

func (t *tool) elevators() *cobra.Command {
	cmd := &cobra.Command{
		Use: "elevators", Short: "The elevator stops: permitted or not", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var l api.Elevators
			if err := t.client().Get(cmd.Context(), "/v1/elevators", &l); err != nil {
				return err
			}
			return t.print(l, func(w io.Writer) {
				table(w, "STOP|ELEVATOR|FLOOR|NAME|RELAY|STATE|SCHEDULED|LOCKDOWN", func(row func(...any)) {
					for _, s := range l.Stops {
						state := "restricted"
						switch {
						case !s.Wired:
							state = "NOT WIRED"
						case s.Permitted:
							state = "permitted"
						}
						row(s.ID, s.Elevator, s.Floor, mark(s.Name != "", s.Name), s.Relay, state, mark(s.Scheduled, "yes"), mark(s.LockedDown, "yes"))
					}
				})
			})
		},
	}
	cmd.AddCommand(&cobra.Command{
		Use: "permit STOP", Short: "Permit a stop once, as a card does", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.post(cmd, "/v1/elevator_stops/"+url.PathEscape(args[0])+"/permit", struct{}{}, "stop "+args[0]+" is permitted")
		},
	}, &cobra.Command{
		Use: "lockdown STOP on|off", Short: "Let nobody choose a stop; fire gives the elevator back all the same", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			action, ok := map[string]string{"on": "lock_down", "off": "cancel_lockdown"}[args[1]]
			if !ok {
				return usage("lockdown is on or off, not %q", args[1])
			}
			return t.post(cmd, "/v1/elevator_stops/"+url.PathEscape(args[0])+"/"+action, struct{}{}, "lockdown of stop "+args[0]+" is "+args[1])
		},
	})
	return cmd
}

// someOf lists ids, if they are few, and counts them if they are many.
func someOf(ids []int64) string {
	const few = 8
	switch {
	case len(ids) == 0:
		return "-"
	case len(ids) > few:
		return fmt.Sprintf("%d", len(ids))
	}
	return strings.Trim(strings.ReplaceAll(fmt.Sprint(ids), " ", ","), "[]")
}

// post sends something whose answer is a result.
func (t *tool) post(cmd *cobra.Command, path string, v any, done string) error {
	var r api.Result
	if err := t.client().Post(cmd.Context(), path, v, &r); err != nil {
		return err
	}
	return t.report(r, done)
}

func (t *tool) simTap() *cobra.Command {
	var v api.SimTap
	cmd := &cobra.Command{
		Use: "tap --reader NAME --phone ada --state locked", Short: "Hold a simulated phone to a reader", Args: cobra.NoArgs,
		Long: "Tap holds a phone to a reader, which asks it to sign a challenge. The phone's name makes its keys;\n" +
			"sim phone NAME shows them, to be put into the place's records.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			var r api.Result
			if err := t.client().Post(cmd.Context(), "/v1/sim/tap", v, &r); err != nil {
				return err
			}
			return t.decided(r)
		},
	}
	f := cmd.Flags()
	f.StringVar(&v.Reader, "reader", "", "name of the reader (required)")
	f.StringVar(&v.Phone, "phone", "ada", "name of the phone")
	f.StringVar(&v.State, "state", "unlocked", "locked, unlocked or out_of_range")
	f.BoolVar(&v.Wave, "wave", false, "a wave of the hand: the phone stays in the pocket")
	f.BoolVar(&v.Replay, "replay", false, "answer with the signature of the tap before")
	_ = cmd.MarkFlagRequired("reader") // the flag is defined above
	return cmd
}

// simulatedPhone is the output of sim phone, version 1.
type simulatedPhone struct {
	Version           int    `json:"version"`
	Kind              string `json:"kind"`
	PublicKey         string `json:"public_key"`
	UnlockedPublicKey string `json:"unlocked_public_key"`
}

func (t *tool) simPhone() *cobra.Command {
	return &cobra.Command{
		Use: "phone NAME", Short: "The public keys of a simulated phone, for the place's records", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			anyTime, unlocked := sim.NewPhone(args[0]).Keys()
			p := simulatedPhone{Version: api.Version, Kind: string(policy.KindPhone),
				PublicKey: fmt.Sprintf("%x", anyTime[:]), UnlockedPublicKey: fmt.Sprintf("%x", unlocked[:])}
			return t.print(p, func(w io.Writer) {
				fmt.Fprintf(w, "public_key           %s\nunlocked_public_key  %s\n", p.PublicKey, p.UnlockedPublicKey)
			})
		},
	}
}

func (t *tool) simApp() *cobra.Command {
	var q api.InApp
	var where locationFlag
	cmd := &cobra.Command{
		Use: "app --door NAME --member M", Short: "Unlock as the place service does for a signed-in member", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q.Location = where.location
			var r api.Result
			if err := t.client().Post(cmd.Context(), "/v1/sim/app", q, &r); err != nil {
				return err
			}
			return t.decided(r)
		},
	}
	f := cmd.Flags()
	f.StringVar(&q.Door, "door", "", "name of the door (required)")
	f.Int64Var(&q.Member, "member", 0, "id of the member (required)")
	f.Var(&where, "location", "where the phone is")
	f.StringVar(&q.Code, "code", "", "proximity code, as doorctl proximity shows it")
	_ = cmd.MarkFlagRequired("door") // the flags are defined above
	_ = cmd.MarkFlagRequired("member")
	return cmd
}
