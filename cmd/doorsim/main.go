// Doorsim is doord on a simulated board: for the demo, for other programs' tests
// and for learning. All its state is in one directory.
//
//	doorsim --dir DIR            serve until SIGTERM; one line of JSON when ready
//	doorsim --dir DIR --demo     play a morning, told in plain words
//
// The first start in an empty directory writes DIR/board.toml and DIR/place.json
// and loads the place; both are there to be changed.
package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	_ "time/tzdata" // the board may have no zone files

	"github.com/spf13/cobra"

	"doord/cmd/internal/api"
	"doord/cmd/internal/config"
	"doord/cmd/internal/daemon"
	"doord/policy"
	"doord/reader/wiegand"
	"doord/sim/board"
)

//go:embed board.toml
var boardTOML []byte

//go:embed place.json
var placeJSON []byte

// options are the flags.
type options struct {
	dir, config string
	empty, demo bool
	once        bool
	started     func() // for tests; nil prints the ready line
}

func main() {
	var o options
	cmd := &cobra.Command{
		Use:   "doorsim --dir DIR",
		Short: "The door controller's daemon on a simulated board",
		Long: "Doorsim is doord on a simulated board. All its state is in DIR; it listens at DIR/doord.sock\n" +
			"and prints one line of JSON when it is ready. SIGTERM ends it.",
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		Version:       daemon.Version,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return run(ctx, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.dir, "dir", "", "directory of all state (required)")
	f.StringVar(&o.config, "config", "", "board configuration (default DIR/board.toml, made if missing)")
	f.BoolVar(&o.empty, "empty", false, "do not load the example place")
	f.BoolVar(&o.demo, "demo", false, "play a morning and tell it in plain words")
	f.BoolVar(&o.once, "once", false, "with --demo: end after the morning")
	_ = cmd.MarkFlagRequired("dir") // the flag is defined above
	if err := cmd.Execute(); err != nil {
		fmt.Fprintln(os.Stderr, "doorsim:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	dir, err := filepath.Abs(o.dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("--dir: %w", err)
	}
	cfg, records, err := prepare(dir, o)
	if err != nil {
		return err
	}
	level := slog.LevelInfo
	if o.demo {
		level = slog.LevelError
	}
	b := board.New(board.Spec{Relays: cfg.Relays(), Egress: cfg.Egress().Inputs, Others: cfg.Others().Inputs, Wiegand: cfg.Wiegand(),
		MeasuredEgress: cfg.MeasuredEgress().Inputs, MeasuredOthers: cfg.MeasuredOthers().Inputs})
	hw := daemon.Hardware{Relays: b.Relays(), Egress: b.Egress(), Others: b.Others(), MeasuredEgress: b.MeasuredEgress(), MeasuredOthers: b.MeasuredOthers(), Show: b.Show, Now: b.Now, Close: b.Close}
	lines, err := newLines(cfg)
	if err != nil {
		return err
	}
	hw.Buses = lines.lines
	gateways := newGateways(cfg)
	hw.Gateways = gateways.lines
	for i := range cfg.Readers {
		var edges wiegand.Edges
		if !cfg.Readers[i].OSDP() {
			edges = b.Wiegand(i)
		}
		hw.Wiegand = append(hw.Wiegand, edges)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var played error
	simulated := &simulator{board: b, config: cfg, lines: lines, gateways: gateways, answers: map[string]policy.Assertion{}}
	setup := daemon.Setup{
		Config:   cfg,
		Hardware: hw,
		WallSet:  func() bool { return true },
		Log:      slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})),
		Sim:      simulated,
		Seed:     records,
		Ready: func(d *daemon.Daemon) {
			simulated.daemon = d
			switch {
			case o.started != nil:
				o.started()
				return
			case !o.demo:
				ready(cfg, dir)
				return
			}
			go func() {
				played = demo(ctx, cfg, o.once)
				if o.once || played != nil {
					cancel()
				}
			}()
		},
	}
	return errors.Join(daemon.Serve(ctx, setup), played)
}

// prepare reads the board and the place, and writes the examples first where
// there are none.
func prepare(dir string, o options) (*config.Config, *policy.Records, error) {
	boardFile := o.config
	if boardFile == "" {
		boardFile = filepath.Join(dir, "board.toml")
		if err := writeNew(boardFile, boardTOML); err != nil {
			return nil, nil, err
		}
	}
	cfg, err := config.Load(boardFile)
	if err != nil {
		return nil, nil, err
	}
	cfg.StateDir = dir
	cfg.API = config.API{Socket: filepath.Join(dir, "doord.sock")}
	if o.empty || o.demo { // the demo's place comes from a place service
		return cfg, nil, nil
	}
	placeFile := filepath.Join(dir, "place.json")
	if err := writeNew(placeFile, placeJSON); err != nil {
		return nil, nil, err
	}
	data, err := os.ReadFile(placeFile)
	if err != nil {
		return nil, nil, err
	}
	records, err := policy.ParseRecords(data)
	if err != nil {
		return nil, nil, fmt.Errorf("%s:\n%w", placeFile, err)
	}
	return cfg, &records, nil
}

// writeNew writes a file that is not there yet.
func writeNew(path string, data []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// ready prints the one line that other programs wait for.
func ready(cfg *config.Config, dir string) {
	line := struct {
		Version int      `json:"version"`
		Ready   bool     `json:"ready"`
		Dir     string   `json:"dir"`
		Socket  string   `json:"socket"`
		PID     int      `json:"pid"`
		Doors   []string `json:"doors"`
		Readers []string `json:"readers"`
		Inputs  []string `json:"inputs"`
	}{Version: api.Version, Ready: true, Dir: dir, Socket: cfg.API.Socket, PID: os.Getpid()}
	for _, d := range cfg.Doors {
		line.Doors = append(line.Doors, d.Name)
	}
	for _, r := range cfg.Readers {
		line.Readers = append(line.Readers, r.Name)
	}
	for _, in := range cfg.Input {
		line.Inputs = append(line.Inputs, in.Name)
	}
	_ = json.NewEncoder(os.Stdout).Encode(line) // nobody listens: nobody waits
}
