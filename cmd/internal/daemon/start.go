package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"doord/cmd/internal/api"
	"doord/cmd/internal/config"
	"doord/policy"
	"doord/relay"
	"doord/store"
)

// Version of this doord.
const Version = "0.1.0"

// Setup is what Serve needs to become a running daemon.
type Setup struct {
	Config   *config.Config
	Hardware Hardware
	WallSet  func() bool
	Beat     func() // may be nil
	Log      *slog.Logger
	Sim      api.Simulator // nil on a real board
	// Seed is put into force if the cache has never had a policy. May be nil.
	Seed *policy.Records
	// Ready is called once doors are served and the socket takes connections, but
	// before the first of them is answered. May be nil.
	Ready func(*Daemon)
}

// Serve opens what is on the disk, serves doors and the socket until the context
// ends, and closes all again. Its error is one that keeps a daemon from serving
// at all: another one at work, or a socket that cannot be had. Everything else
// becomes a fault of a daemon that serves the way out.
func Serve(ctx context.Context, s Setup) (err error) {
	defer s.Hardware.Close()
	if err := relay.MakeSafe(s.Config.Relays(), s.Hardware.Relays); err != nil {
		s.Log.Error("relays may not be safe", "err", err)
	}
	o := Options{Config: s.Config, Hardware: s.Hardware, WallSet: s.WallSet, Beat: s.Beat, Log: s.Log, Build: Version}
	storage := store.Options{Version: Version, MaxEvents: s.Config.MaxEvents}
	if o.Policy, err = store.OpenPolicy(s.Config.StateDir, storage); err != nil {
		if errors.Is(err, store.ErrInUse) {
			return err
		}
		o.Faults = append(o.Faults, api.Fault{What: fmt.Sprintf("policy: %v", err), Hint: "mend that and restart doord; until then only requests to exit and fire open doors"})
	} else {
		defer func() { err = errors.Join(err, o.Policy.Close()) }()
	}
	if o.Journal, err = store.OpenJournal(s.Config.StateDir, storage); err != nil {
		if errors.Is(err, store.ErrInUse) {
			return err
		}
		o.Faults = append(o.Faults, api.Fault{What: fmt.Sprintf("journal: %v", err), Hint: "mend that and restart doord; until then nothing is recorded"})
	} else {
		defer func() { err = errors.Join(err, o.Journal.Close()) }()
	}
	for _, w := range s.Config.Warnings() {
		s.Log.Warn(w)
	}
	listener, err := api.Listen(s.Config.API.Socket, s.Config.API.Group)
	if err != nil {
		return err
	}
	d, err := New(o)
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := d.seed(s.Seed); err != nil {
		d.Log.Error("the first policy was not loaded", "err", err)
	}
	return d.serve(ctx, s, listener)
}

func (d *Daemon) serve(ctx context.Context, s Setup, listener net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.Run(ctx)
	}()
	select {
	case <-d.begun:
	case <-ended:
	}
	if s.Ready != nil {
		s.Ready(d)
	}
	server := &http.Server{Handler: api.Handler(Server{d}, s.Sim), ReadHeaderTimeout: 5 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	var err error
	select {
	case <-ended:
	case err = <-failed:
		cancel()
		err = fmt.Errorf("socket %s: %w", s.Config.API.Socket, err)
	}
	<-ended
	return errors.Join(err, server.Close())
}

// seed puts a first policy into a cache that never had one; begin puts it into force.
func (d *Daemon) seed(records *policy.Records) error {
	if records == nil || d.Policy == nil {
		return nil
	}
	if _, revision, err := d.Policy.Records(); err != nil || revision != 0 {
		return err
	}
	if problems := checkFormats(records); len(problems) > 0 {
		return problems
	}
	_, err := d.Policy.Replace(records)
	return err
}
