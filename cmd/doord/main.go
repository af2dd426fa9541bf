// Doord is the firmware daemon of a door controller. It serves the doors of the
// board that its configuration describes:
//
//	doord [--config FILE]                     serve until SIGTERM
//	doord check-config [--hardware] FILE      tell what is wrong with a configuration
//	doord safe-state [--config FILE]          put the relays into the safe state
//
// It exits with 0 when all is well, 2 if the configuration or the command line is
// wrong, and 1 for anything else. README.md tells the rest.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"
	_ "time/tzdata" // the board may have no zone files

	"github.com/spf13/cobra"

	"doord/cmd/internal/board"
	"doord/cmd/internal/config"
	"doord/cmd/internal/daemon"
)

// The exit codes.
const (
	exitFailure = 1
	exitConfig  = 2 // also the Go runtime's, after a panic: the service manager must restart on any
)

const defaultConfig = "/etc/doord/board.toml"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	cmd := command(stdout)
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.Execute()
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "doord:", err)
	if failed := (failure{}); errors.As(err, &failed) {
		return exitFailure
	}
	return exitConfig
}

// failure is an error that is not the configuration's or the command line's.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

func failed(err error) error {
	if err == nil {
		return nil
	}
	return failure{err}
}

func command(stdout io.Writer) *cobra.Command {
	var file string
	withConfig := func(do func(*cobra.Command, *config.Config) error) func(*cobra.Command, []string) error {
		return func(cmd *cobra.Command, _ []string) error {
			c, err := config.Load(file)
			if err != nil {
				return err
			}
			return failed(do(cmd, c))
		}
	}
	root := &cobra.Command{
		Use:   "doord [--config FILE]",
		Short: "The firmware daemon of a door controller",
		Long: "Doord serves the doors of the board that FILE describes, until SIGTERM.\n" +
			"It exits with 0 when all is well, 2 if the configuration or the command line is wrong,\n" +
			"and 1 for anything else.",
		Args:              cobra.NoArgs,
		SilenceUsage:      true,
		SilenceErrors:     true,
		Version:           daemon.Version,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE:              withConfig(func(cmd *cobra.Command, c *config.Config) error { return serve(cmd.Context(), c) }),
	}
	root.PersistentFlags().StringVar(&file, "config", defaultConfig, "configuration of the board")

	var hardware bool
	checkConfig := &cobra.Command{
		Use:   "check-config [--hardware] FILE",
		Short: "Tell what is wrong with a configuration",
		Long: "Check-config tells what is wrong with a configuration, and what works but deserves a second look.\n" +
			"With --hardware it also looks whether this board has all lines; it touches none, and a daemon may be at work.",
		Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error { return checkConfig(stdout, args[0], hardware) },
	}
	checkConfig.Flags().BoolVar(&hardware, "hardware", false, "look for the lines on this board, too")

	safeState := &cobra.Command{
		Use:   "safe-state",
		Short: "Put the relays into the safe state: no lock has power",
		Long: "Safe-state puts the relays into the safe state, in which no lock has power. It is for the service\n" +
			"manager to run after the daemon's death, and fails while a daemon has the relays.",
		Args: cobra.NoArgs,
		RunE: withConfig(func(_ *cobra.Command, c *config.Config) error { return board.SafeState(c) }),
	}
	root.AddCommand(checkConfig, safeState)
	return root
}

func checkConfig(stdout io.Writer, file string, hardware bool) error {
	c, err := config.Load(file)
	if err != nil {
		return err
	}
	for _, w := range c.Warnings() {
		fmt.Fprintf(stdout, "%s: warning: %s\n", file, w)
	}
	if hardware {
		if err := board.Check(c); err != nil {
			return failed(err)
		}
	}
	fmt.Fprintf(stdout, "%s: good: %d doors, %d relays, %d inputs, %d readers\n", file, len(c.Doors), len(c.Relay), len(c.Input), len(c.Readers))
	return nil
}

// serve runs the daemon. Its first act is the safe state of the relays.
func serve(ctx context.Context, c *config.Config) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	b, err := board.Open(c)
	if err != nil {
		return err
	}
	defer b.Close()
	// On a single core, too, the kernel then shares out its time: a thread that waits
	// for a page of the disk, or packs events, does not hold up the way out.
	runtime.GOMAXPROCS(max(4, runtime.GOMAXPROCS(0)))
	log := logger()
	go keepResident(ctx, c.StateDir, log)
	m := newManager()
	defer context.AfterFunc(ctx, func() { m.tell("STOPPING=1") })()
	return daemon.Serve(ctx, daemon.Setup{
		Config:   c,
		Hardware: daemon.Hardware{Relays: b.Relays(), Egress: b.Egress(), Others: b.Others(), MeasuredEgress: b.MeasuredEgress(), MeasuredOthers: b.MeasuredOthers(), Wiegand: b.Wiegand(), Buses: b.Buses(), Gateways: b.Gateways(), Show: b.Show, Now: board.Now, Close: b.Close},
		WallSet:  board.WallSet,
		Beat:     m.beat,
		Log:      log,
		Ready:    func(*daemon.Daemon) { m.tell("READY=1") },
	})
}

// keepResident keeps what the way out hangs on in memory, whatever the files do.
func keepResident(ctx context.Context, dir string, log *slog.Logger) {
	told := ""
	for ticker := time.NewTicker(10 * time.Second); ctx.Err() == nil; {
		said := ""
		if err := board.KeepResident(dir); err != nil {
			said = err.Error()
		}
		if said != told && said != "" {
			log.Warn("a slow disk may hold up the way out", "err", said)
		}
		told = said
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

// logger writes to standard error; the system's journal has a clock of its own.
func logger() *slog.Logger {
	o := &slog.HandlerOptions{}
	if os.Getenv("JOURNAL_STREAM") != "" {
		o.ReplaceAttr = func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey && len(groups) == 0 {
				return slog.Attr{}
			}
			return a
		}
	}
	return slog.New(slog.NewTextHandler(os.Stderr, o))
}
