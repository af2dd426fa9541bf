package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"doord/cmd/internal/api"
	"doord/reader/wiegand"
)

func (t *tool) events() *cobra.Command {
	var since uint64
	var follow bool
	cmd := &cobra.Command{
		Use: "events", Short: "What happened", Args: cobra.NoArgs,
		Long: "Events lists what happened, a line each, the oldest first. With --json the lines are the journal's\n" +
			"own records, in the exact text that their hashes are made of.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			c := t.client()
			words := c.Words(cmd.Context())
			for record, err := range c.Events(cmd.Context(), since, follow) {
				switch {
				case follow && cmd.Context().Err() != nil:
					return nil // Ctrl-C is how it ends
				case err != nil:
					return err
				}
				if t.json {
					_, err = fmt.Fprintf(t.out, "%s\n", record.AppendJSON(nil))
				} else {
					_, err = fmt.Fprintf(t.out, "%6d  %s  %s\n", record.Sequence, record.At.Wall.In(words.In).Format("2006-01-02"), words.Line(record))
				}
				if err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().Uint64Var(&since, "since", 0, "only those after this sequence")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what happens")
	return cmd
}

func (t *tool) verify() *cobra.Command {
	return &cobra.Command{
		Use: "verify", Short: "Check that no event was changed or taken away", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var r api.Result
			if err := t.client().Get(cmd.Context(), "/v1/journal/verify", &r); err != nil {
				return err
			}
			return t.print(r, func(w io.Writer) { fmt.Fprintln(w, r.Text) })
		},
	}
}

// decodes is the output of formats, version 1.
type decodes struct {
	Version int                 `json:"version"`
	Bits    int                 `json:"bits"`
	Decodes []wiegand.Candidate `json:"decodes"`
}

func (t *tool) formats() *cobra.Command {
	return &cobra.Command{
		Use: "formats BITS", Short: "Every card format that fits raw bits", Args: cobra.ExactArgs(1),
		Long: "Formats reads raw Wiegand bits, as events show them for unknown cards, in every format of their\n" +
			"length. It needs no daemon.",
		RunE: func(_ *cobra.Command, args []string) error {
			bits, err := wiegand.ParseBits(args[0])
			if err != nil {
				return usage("formats: %w", err)
			}
			d := decodes{Version: api.Version, Bits: bits.Len(), Decodes: wiegand.Find(bits)}
			return t.print(d, func(w io.Writer) { writeDecodes(w, d) })
		},
	}
}

func writeDecodes(w io.Writer, d decodes) {
	if len(d.Decodes) == 0 {
		fmt.Fprintf(w, "no known format has %d bits\n", d.Bits)
		return
	}
	number := func(n *uint64) string {
		if n == nil {
			return "-"
		}
		return fmt.Sprint(*n)
	}
	table(w, "FORMAT|FACILITY|CARD|ISSUE|UID|PARITY", func(row func(...any)) {
		for _, c := range d.Decodes {
			issue, parity := "-", "ok"
			if c.Issue != nil {
				issue = fmt.Sprint(*c.Issue)
			}
			if !c.ParityOK {
				parity = "wrong"
			}
			row(c.Format, number(c.Facility), number(c.Card), issue, mark(c.UID != "", c.UID), parity)
		}
	})
}
