// Doorctl is the technician's tool: it speaks to the daemon on its socket and to
// nothing else.
//
// Every command has --json, whose output states its version, and exits with
//
//	0    done
//	1    it failed; the message says what to do
//	2    the command line is wrong
//	3    the daemon refused: a lockdown stands, a fire input is still active
//	4    no daemon answers
//	130  it was interrupted, and may or may not have been done
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	_ "time/tzdata" // times are shown in the place's zone

	"github.com/spf13/cobra"

	"doord/cmd/internal/api"
	"doord/cmd/internal/daemon"
)

// The exit codes.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitRefused     = 3
	exitUnreachable = 4
	exitInterrupted = 130
)

// tool is what all commands share.
type tool struct {
	socket string
	json   bool
	out    io.Writer
}

func (t *tool) client() *api.Client { return api.NewClient(t.socket) }

// print writes an answer: as JSON, or in the given words.
func (t *tool) print(v any, words func(io.Writer)) error {
	if t.json {
		return json.NewEncoder(t.out).Encode(v)
	}
	words(t.out)
	return nil
}

// refused is an answer that the daemon gave and that is no.
type refused struct{ text string }

func (r refused) Error() string { return r.text }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// run executes a command line and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	t := &tool{out: stdout}
	root := t.root()
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return 0
	}
	if ctx.Err() != nil {
		fmt.Fprintln(stderr, "doorctl: interrupted: it may or may not have been done")
		return exitInterrupted
	}
	t.complain(stderr, err)
	var no refused
	var usage usageError
	switch {
	case errors.As(err, &no):
		return exitRefused
	case errors.Is(err, api.ErrUnreachable):
		return exitUnreachable
	case errors.As(err, &usage), isCobraUsage(err):
		return exitUsage
	default:
		return exitFailed
	}
}

// complain tells an error; with --json as JSON, like everything else.
func (t *tool) complain(w io.Writer, err error) {
	if !t.json {
		fmt.Fprintln(w, "doorctl:", err)
		return
	}
	e := &api.Error{}
	if !errors.As(err, &e) {
		e = &api.Error{Version: api.Version, Text: err.Error()}
	}
	_ = json.NewEncoder(w).Encode(e) // standard error is gone: there is nobody to tell
}

// usageError is a wrong command line.
type usageError struct{ error }

func usage(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// family is what a command does that only holds others.
func family(cmd *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usage("unknown command %q for %q; --help lists them", args[0], cmd.CommandPath())
	}
	return cmd.Help()
}

// isCobraUsage recognises what cobra itself finds wrong, which has no type.
func isCobraUsage(err error) bool {
	for _, start := range []string{"unknown command", "unknown flag", "unknown shorthand", "accepts ", "requires ", "required flag", "invalid argument", "flag needs", "at least one of the flags", "if any flags in the group"} {
		if strings.HasPrefix(err.Error(), start) {
			return true
		}
	}
	return false
}

func (t *tool) root() *cobra.Command {
	socket := os.Getenv("DOORD_SOCKET")
	if socket == "" {
		socket = "/run/doord/doord.sock"
	}
	root := &cobra.Command{
		Use:           "doorctl",
		Short:         "The technician's tool of the door controller",
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       daemon.Version,
	}
	root.PersistentFlags().StringVar(&t.socket, "socket", socket, "the daemon's socket (or DOORD_SOCKET)")
	root.PersistentFlags().BoolVar(&t.json, "json", false, "answer in JSON, version 1")
	root.AddCommand(
		t.status(), t.doors(), t.relays(), t.inputs(), t.calibrate(), t.wireless(), t.readers(),
		t.events(), t.why(), t.whatIf(), t.schedule(), t.lint(), t.verify(), t.formats(), t.policy(),
		t.unlock(), t.hold(), t.unhold(), t.lockdown(), t.fireReset(), t.readerReset(),
		t.zones(), t.alarms(), t.areas(), t.elevators(), t.proximity(), t.osdp(), t.selftest(), t.sim(),
		t.enroll(), t.cloud(), t.leave(),
	)
	return root
}
