package main

import (
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"doord/cmd/internal/api"
	"doord/policy"
	"doord/reader/wiegand"
)

func (t *tool) sim() *cobra.Command {
	cmd := &cobra.Command{Use: "sim", Short: "Do something at the simulated board (doorsim only)", RunE: family}
	cmd.AddCommand(t.simCard(), t.simWiegand(), t.simKey(), t.simInput(), t.simFire(), t.simRelay(), t.simWireless(), t.simTap(), t.simPhone(), t.simApp())
	return cmd
}

// decided prints what the daemon made of a read. A denial is an answer, not a
// failure: the exit code is 0.
func (t *tool) decided(r api.Result) error {
	return t.print(r, func(w io.Writer) {
		switch {
		case r.Pending != "":
			fmt.Fprintln(w, "the reader asks for the PIN")
		case r.Granted:
			fmt.Fprintf(w, "granted: %s for member %d\n", r.Door, r.Member)
		case r.Fault != "":
			fmt.Fprintln(w, r.Text)
		default:
			fmt.Fprintf(w, "denied: %s (%s %s)\n", r.Text, r.Reason, r.Code)
		}
		for _, c := range r.Trace {
			fmt.Fprintln(w, "  ", c)
		}
	})
}

func (t *tool) simCard() *cobra.Command {
	var reader, format, uid string
	var token policy.Token
	cmd := &cobra.Command{
		Use: "card --reader NAME --format H10301 --facility 118 --card 1603", Short: "Present a card: real pulses, the whole way", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			token.Class = policy.TokenNumber
			if uid != "" {
				raw, err := hex.DecodeString(uid)
				if err != nil {
					return usage("--uid: %w", err)
				}
				token = policy.Token{Class: policy.TokenUID, Value: string(raw)}
			}
			bits, err := wiegand.Encode(format, token)
			if err != nil {
				return usage("sim card: %w", err)
			}
			return t.simBits(cmd, api.SimBits{Reader: reader, Bits: bits.String()})
		},
	}
	f := cmd.Flags()
	f.StringVar(&reader, "reader", "", "name of the reader (required)")
	f.StringVar(&format, "format", "H10301", "card format")
	f.Uint64Var(&token.Facility, "facility", 0, "facility code")
	f.Uint64Var(&token.Number, "card", 0, "card number")
	f.Uint32Var(&token.Issue, "issue", 0, "issue level, for formats that have one")
	f.StringVar(&uid, "uid", "", "serial number in hex, for CSN formats")
	_ = cmd.MarkFlagRequired("reader") // the flag is defined above
	return cmd
}

func (t *tool) simBits(cmd *cobra.Command, v api.SimBits) error {
	var r api.Result
	if err := t.client().Post(cmd.Context(), "/v1/sim/wiegand", v, &r); err != nil {
		return err
	}
	return t.decided(r)
}

func (t *tool) simWiegand() *cobra.Command {
	var v api.SimBits
	cmd := &cobra.Command{
		Use: "wiegand --reader NAME BITS", Short: "Send raw bits to a reader, as clean or as broken as you like", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			v.Bits = args[0]
			return t.simBits(cmd, v)
		},
	}
	f := cmd.Flags()
	f.StringVar(&v.Reader, "reader", "", "name of the reader (required)")
	f.DurationVar(&v.Width, "width", 50*time.Microsecond, "width of a pulse, 20µs to 100µs")
	f.DurationVar(&v.Interval, "interval", time.Millisecond, "time between pulses, 200µs to 20ms")
	f.DurationVar(&v.Jitter, "jitter", 0, "each pulse is late by up to this")
	f.IntVar(&v.Noise, "noise", 0, "phantom pulses")
	f.IntVar(&v.Lose, "lose", 0, "bits that never arrive")
	f.BoolVar(&v.Swap, "swap", false, "D0 and D1 are crossed")
	f.Uint64Var(&v.Seed, "seed", 0, "of jitter, noise and lost bits")
	_ = cmd.MarkFlagRequired("reader") // the flag is defined above
	return cmd
}

func (t *tool) simKey() *cobra.Command {
	var v api.SimKeys
	cmd := &cobra.Command{
		Use: "key --reader NAME 2468#", Short: "Type at a reader's keypad", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			v.Keys = args[0]
			var r api.Result
			if err := t.client().Post(cmd.Context(), "/v1/sim/keys", v, &r); err != nil {
				return err
			}
			return t.decided(r)
		},
	}
	cmd.Flags().StringVar(&v.Reader, "reader", "", "name of the reader (required)")
	_ = cmd.MarkFlagRequired("reader") // the flag is defined above
	return cmd
}

func (t *tool) simInput() *cobra.Command {
	var v api.SimInput
	cmd := &cobra.Command{
		Use: "input NAME active|inactive|open|closed|cut|short|dead", Short: "Press, open, cut: bring an input into a state", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			v.Input, v.State = args[0], args[1]
			return t.simulate(cmd, "/v1/sim/input", v, v.Input+" is "+v.State)
		},
	}
	cmd.Flags().Float64Var(&v.Drift, "drift", 0, "of a measured input: its resistors are off, 0.05 for 5 % more")
	cmd.Flags().Float64Var(&v.Noise, "noise", 0, "of a measured input: noise up to so much of the reference, 0.01 for 1 %")
	cmd.Flags().Uint64Var(&v.Seed, "seed", 0, "of the noise")
	cmd.Flags().IntVar(&v.Bounce, "bounce", 0, "bounce so many times first")
	return cmd
}

func (t *tool) simFire() *cobra.Command {
	return &cobra.Command{
		Use: "fire on|off", Short: "Trip or quiet the fire input", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			states := map[string]string{"on": "active", "off": "inactive"}
			state, ok := states[args[0]]
			if !ok {
				return usage("fire is on or off, not %q", args[0])
			}
			var l api.Inputs
			if err := t.client().Get(cmd.Context(), "/v1/inputs", &l); err != nil {
				return err
			}
			for _, in := range l.Inputs {
				if in.Kind == "fire" {
					return t.simulate(cmd, "/v1/sim/input", api.SimInput{Input: in.Name, State: state}, "the fire input is "+state)
				}
			}
			return fmt.Errorf("the board has no fire input")
		},
	}
}

func (t *tool) simRelay() *cobra.Command {
	return &cobra.Command{
		Use: "relay CHANNEL stuck_high|stuck_low|free", Short: "Break or mend a relay's line", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			channel, err := strconv.Atoi(args[0])
			if err != nil {
				return usage("relay: %q is no channel", args[0])
			}
			return t.simulate(cmd, "/v1/sim/relay", api.SimRelay{Channel: channel, State: args[1]}, "relay "+args[0]+" is "+args[1])
		},
	}
}

func (t *tool) simulate(cmd *cobra.Command, path string, v any, done string) error {
	var r api.Result
	if err := t.client().Post(cmd.Context(), path, v, &r); err != nil {
		return err
	}
	return t.report(r, done)
}
