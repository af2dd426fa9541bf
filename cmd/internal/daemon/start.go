package daemon

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
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
	// Ready is called once doors are served, and before the socket answers with more
	// than that it starts. May be nil.
	Ready func(*Daemon)
}

// Serve serves the way out, opens what is on the disk, serves doors and the socket
// until the context ends, and closes all again. Its error is one that keeps a
// daemon from serving at all: another one at work, or a socket that cannot be had.
// Everything else becomes a fault of a daemon that serves the way out.
func Serve(ctx context.Context, s Setup) (err error) {
	defer s.Hardware.Close()
	if err := relay.MakeSafe(s.Config.Relays(), s.Hardware.Relays); err != nil {
		s.Log.Error("relays may not be safe", "err", err)
	}
	for _, w := range s.Config.Warnings() {
		s.Log.Warn(w)
	}
	d, err := New(Options{Config: s.Config, Hardware: s.Hardware, Open: s.open, WallSet: s.WallSet, Beat: s.Beat, Log: s.Log, Build: Version})
	if err != nil {
		return err
	}
	listener, err := api.Listen(s.Config.API.Socket, s.Config.API.Group)
	if err != nil {
		return err
	}
	return errors.Join(d.serve(ctx, s, listener), d.close())
}

// open opens the files. Only a daemon that has them is an error.
func (s Setup) open() (f Files, err error) {
	o := store.Options{Version: Version, MaxEvents: s.Config.MaxEvents}
	if f.Policy, err = store.OpenPolicy(s.Config.StateDir, o); errors.Is(err, store.ErrInUse) {
		return f, err
	} else if err != nil {
		f.Faults = append(f.Faults, api.Fault{What: fmt.Sprintf("policy: %v", err), Hint: "mend that and restart doord; until then only requests to exit and fire open doors"})
	} else if err := seed(f.Policy, s.Seed); err != nil {
		s.Log.Error("the first policy was not loaded", "err", err)
	}
	if f.Journal, err = store.OpenJournal(s.Config.StateDir, o); errors.Is(err, store.ErrInUse) {
		return f, err
	} else if err != nil {
		f.Faults = append(f.Faults, api.Fault{What: fmt.Sprintf("journal: %v", err), Hint: "mend that and restart doord; until then nothing is recorded"})
	}
	return f, nil
}

// close closes the files, if they are open.
func (f *Files) close() (err error) {
	if f.Policy != nil {
		err = f.Policy.Close()
	}
	if f.Journal != nil {
		err = errors.Join(err, f.Journal.Close())
	}
	return err
}

var errStarting = &api.Error{Status: http.StatusServiceUnavailable, Text: "the daemon is starting and waits for its disk",
	Hint: "if that does not end soon, look at the disk; requests to exit and fire are served meanwhile"}

func (d *Daemon) serve(ctx context.Context, s Setup, listener net.Listener) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var mu sync.Mutex
	handler := api.Refuse(errStarting)
	answer := func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		h := handler
		mu.Unlock()
		h.ServeHTTP(w, r)
	}
	server := &http.Server{ReadHeaderTimeout: 5 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx },
		Handler: http.HandlerFunc(answer)}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	for begun := d.Begun(); ; {
		select {
		case <-begun:
			mu.Lock()
			handler = api.Handler(Server{d}, s.Sim)
			if s.Ready != nil {
				s.Ready(d)
			}
			mu.Unlock()
			begun = nil
		case err := <-failed:
			cancel()
			return errors.Join(fmt.Errorf("socket %s: %w", s.Config.API.Socket, err), <-ended, server.Close())
		case err := <-ended:
			return errors.Join(err, server.Close())
		}
	}
}

// seed puts a first policy into a cache that never had one; begin puts it into force.
func seed(cache *store.Policy, records *policy.Records) error {
	if records == nil {
		return nil
	}
	if _, revision, err := cache.Records(); err != nil || revision != 0 {
		return err
	}
	if problems := checkFormats(records); len(problems) > 0 {
		return problems
	}
	_, err := cache.Replace(records)
	return err
}
