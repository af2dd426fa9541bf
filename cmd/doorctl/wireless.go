package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"doord/cmd/internal/api"
)

func (t *tool) wireless() *cobra.Command {
	return &cobra.Command{
		Use: "wireless", Short: "The wireless locks: what they say, and what is wanted of them", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var l api.WirelessLocks
			if err := t.client().Get(cmd.Context(), "/v1/wireless", &l); err != nil {
				return err
			}
			return t.print(l, func(w io.Writer) { writeWireless(w, l.Locks) })
		},
	}
}

func writeWireless(w io.Writer, locks []api.WirelessLock) {
	table(w, "DOOR|LOCK|GATEWAY|CHANNEL|STATE|WANTED|BATTERY|SIGNAL|TROUBLE", func(row func(...any)) {
		for _, x := range locks {
			battery, signal, state := "-", "-", x.State
			var trouble []string
			say := func(is bool, what string) {
				if is {
					trouble = append(trouble, what)
				}
			}
			say(!x.Online, "NOT HEARD")
			say(x.MotorStall, "MOTOR STALLED")
			say(x.Tampered, "TAMPERED")
			say(x.BatteryLow, "BATTERY LOW")
			if !x.Online {
				state = "UNKNOWN"
			}
			if x.Battery != nil {
				battery = strconv.Itoa(*x.Battery) + " %"
			}
			if x.Signal != 0 {
				signal = strconv.Itoa(x.Signal) + " dBm"
			}
			row(x.Door, x.Lock, x.Gateway, x.Channel, state, x.Wanted, battery, signal, mark(len(trouble) > 0, strings.Join(trouble, ", ")))
		}
	})
}

func (t *tool) simWireless() *cobra.Command {
	v := api.SimWireless{}
	cmd := &cobra.Command{
		Use: "wireless DOOR ACTION [VALUE]", Short: "Do something at a simulated wireless lock or its gateway", Args: cobra.RangeArgs(2, 3),
		Long: "Actions: open, close (the door); enter, leave (somebody passes); lock, unlock (by hand); stall, free (the motor);\n" +
			"tamper, mend; deaf, hear (its radio); battery PERCENT; key METRES (how far the key is, negative: silent);\n" +
			"mute, unmute, reboot (the gateway).",
		RunE: func(cmd *cobra.Command, args []string) error {
			v.Door, v.Action = args[0], args[1]
			if len(args) == 3 {
				var err error
				if v.Value, err = strconv.ParseFloat(args[2], 64); err != nil {
					return usage("wireless: %q is no number", args[2])
				}
			}
			return t.simulate(cmd, "/v1/sim/wireless", v, fmt.Sprintf("%s: %s", v.Door, v.Action))
		},
	}
	cmd.Flags().SetInterspersed(false) // a value may be negative
	return cmd
}
