package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"doord/cmd/internal/api"
)

func (t *tool) measurements(cmd *cobra.Command) (api.Measurements, error) {
	var m api.Measurements
	return m, t.client().Get(cmd.Context(), "/v1/inputs/measure", &m)
}

// measure prints the inputs that are measured.
func (t *tool) measure(cmd *cobra.Command) error {
	m, err := t.measurements(cmd)
	if err != nil {
		return err
	}
	return t.print(m, func(w io.Writer) { writeMeasurements(w, m.Inputs) })
}

func writeMeasurements(w io.Writer, inputs []api.Measurement) {
	if len(inputs) == 0 {
		fmt.Fprintln(w, "no input is measured: adc in the board's configuration makes it so")
		return
	}
	table(w, "INPUT|ADC|RAW|VOLTAGE|OF REFERENCE|LOOP|STATE|BANDS", func(row func(...any)) {
		for _, x := range inputs {
			var bands []string
			for _, b := range x.Bands {
				bands = append(bands, fmt.Sprintf("%s %.1f-%.1f %%", b.State, b.Low, b.High))
			}
			if x.Fault != "" {
				row(x.Name, x.ADC, "-", "-", "-", "-", "FAULT: "+x.Fault, strings.Join(bands, ", "))
				continue
			}
			loop, state := "no current", x.State
			if x.Ohm != nil {
				loop = strconv.Itoa(*x.Ohm) + " ohm"
			}
			if !x.Inside {
				state += " (OUTSIDE its band)"
			}
			row(x.Name, x.ADC, x.Raw, fmt.Sprintf("%.0f mV", x.Millivolts), fmt.Sprintf("%.1f %%", x.Percent), loop, state, strings.Join(bands, ", "))
		}
	})
}

// calibration is the output of calibrate, version 1.
type calibration struct {
	Version int     `json:"version"`
	Name    string  `json:"name"`
	Ohm     int     `json:"ohm"`
	Percent float64 `json:"percent"`
	PullUp  int     `json:"pull_up"`
}

func (t *tool) calibrate() *cobra.Command {
	var ohm int
	cmd := &cobra.Command{
		Use: "calibrate INPUT --ohm 1000", Short: "Find the pull_up of a measured input from a known resistor", Args: cobra.ExactArgs(1),
		Long: "Calibrate measures an input while a resistor of a known value, best one near the pull-up's, is in place\n" +
			"of its loop, and tells which pull_up fits. Write that into the board's configuration and restart doord.",
		RunE: func(cmd *cobra.Command, args []string) error {
			if ohm <= 0 {
				return usage("--ohm: give the resistor's value in ohm")
			}
			m, err := t.measurements(cmd)
			if err != nil {
				return err
			}
			for _, x := range m.Inputs {
				if x.Name != args[0] {
					continue
				}
				switch {
				case x.Fault != "":
					return fmt.Errorf("input %s cannot be measured: %s", x.Name, x.Fault)
				case x.Percent < 5 || x.Percent > 95:
					return fmt.Errorf("input %s is at %.1f %% of the reference: that is no resistor of %d ohm, or one too far from the pull-up's value to tell", x.Name, x.Percent, ohm)
				}
				c := calibration{api.Version, x.Name, ohm, x.Percent, int(float64(ohm)*(100-x.Percent)/x.Percent + 0.5)}
				return t.print(c, func(w io.Writer) {
					fmt.Fprintf(w, "%s: %.1f %% of the reference across %d ohm: pull_up = %d\n", c.Name, c.Percent, c.Ohm, c.PullUp)
				})
			}
			return fmt.Errorf("there is no measured input %q: doorctl inputs --measure lists them", args[0])
		},
	}
	cmd.Flags().IntVar(&ohm, "ohm", 0, "the resistor's value (required)")
	_ = cmd.MarkFlagRequired("ohm") // the flag is defined above
	return cmd
}
