package main

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"doord/cmd/internal/api"
)

func (t *tool) enroll() *cobra.Command {
	return &cobra.Command{
		Use: "enroll URL CODE", Short: "Join the controller to a place by a claim code", Args: cobra.MinimumNArgs(2),
		Long: "Enroll joins the controller to a place. The place service gives out the claim code, which is good once\n" +
			"and for 15 minutes, and names the service: to any other its secret is not told.",
		RunE: func(cmd *cobra.Command, args []string) error {
			var c api.Cloud
			if err := t.client().Post(cmd.Context(), "/v1/cloud/enroll", api.Enroll{URL: args[0], Code: strings.Join(args[1:], "")}, &c); err != nil {
				return err
			}
			return t.print(c, func(w io.Writer) {
				fmt.Fprintf(w, "this is now controller %d of place %d; its policy follows: doorctl cloud\n", c.Controller, c.Place)
			})
		},
	}
}

func (t *tool) cloud() *cobra.Command {
	return &cobra.Command{
		Use: "cloud", Short: "How the controller stands with its place service", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var c api.Cloud
			if err := t.client().Get(cmd.Context(), "/v1/cloud", &c); err != nil {
				return err
			}
			return t.print(c, func(w io.Writer) { writeCloud(w, c) })
		},
	}
}

func writeCloud(w io.Writer, c api.Cloud) {
	if !c.Enrolled {
		fmt.Fprintln(w, "not enrolled: doorctl enroll URL CODE joins the controller to a place")
		return
	}
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	date := func(at time.Time, never string) string {
		if at.IsZero() {
			return never
		}
		return at.Local().Format(time.RFC3339)
	}
	line("service", "%s", c.URL)
	line("identity", "controller %d of place %d", c.Controller, c.Place)
	switch {
	case c.Online:
		line("connection", "open: commands reach this controller")
	default:
		line("connection", "NONE: last answer %s", date(c.LastAnswer, "never since the start"))
	}
	position := "none yet"
	if c.Position != "" {
		position = c.Position[:min(len(c.Position), strings.LastIndex(c.Position, ".")+9)]
	}
	line("policy", "%s, confirmed %s", position, date(c.LastPolicy, "never since the start"))
	switch {
	case c.Stale:
		line("", "STALE since %s", date(c.Expires, ""))
	case !c.Expires.IsZero():
		line("", "good until %s", date(c.Expires, ""))
	}
	line("events", "%d to be sent", c.Queue)
	line("certificate", "until %s, renewed by itself", date(c.Certificate, "?"))
	line("policy key", "the last until %s", date(c.LastKey, "?"))
	for _, e := range c.Errors {
		line("FAILS", "%s", e)
	}
}

func (t *tool) leave() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use: "leave", Short: "Forget the place service; the policy stays in force until another is loaded", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !yes {
				if err := t.confirm(cmd); err != nil {
					return err
				}
			}
			var r api.Result
			if err := t.client().Post(cmd.Context(), "/v1/cloud/leave", struct{}{}, &r); err != nil {
				return err
			}
			return t.report(r, "the controller belongs to no place service any more")
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do not ask")
	return cmd
}

// confirm asks the person, who must be there.
func (t *tool) confirm(cmd *cobra.Command) error {
	var c api.Cloud
	if err := t.client().Get(cmd.Context(), "/v1/cloud", &c); err != nil {
		return err
	}
	if c.Enrolled {
		fmt.Fprintf(cmd.ErrOrStderr(), "Leave %s? Changes made there will not arrive any more, nor commands. ", c.URL)
		if c.Queue > 0 {
			fmt.Fprintf(cmd.ErrOrStderr(), "%d events have not been sent. ", c.Queue)
		}
		fmt.Fprint(cmd.ErrOrStderr(), "Type yes: ")
		answer, err := bufio.NewReader(io.LimitReader(cmd.InOrStdin(), 100)).ReadString('\n')
		if err != nil || strings.TrimSpace(answer) != "yes" {
			return refused{"nothing was done; --yes does not ask"}
		}
	}
	return nil
}
