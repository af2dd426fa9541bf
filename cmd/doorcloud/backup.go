package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"

	"doord/cmd/internal/place/fleet"
	"doord/cmd/internal/place/storage"
)

// A service that runs has the storage to itself. It gives copies at a socket that
// only its own user can open.
const (
	socketFile = "doorcloud.sock"
	backupURL  = "http://doorcloud/backup"
)

// offerBackups answers at the socket until it is closed.
func (s *service) offerBackups(db storage.Storage) (closer func(), err error) {
	path := filepath.Join(s.dir, socketFile)
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if err := db.Backup(w); err != nil {
			s.log.Error("a backup failed", "err", err)
			panic(http.ErrAbortHandler)
		}
	})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l) // ends with the listener
	}()
	return func() {
		_ = server.Close() // whoever copies is cut off
		<-done
	}, nil
}

// backup writes a copy to a file that is not there yet.
func (s *service) backup(ctx context.Context, file string) (err error) {
	if _, err := os.Lstat(file); err == nil {
		return fmt.Errorf("%s is there already", file)
	}
	f, err := os.OpenFile(file+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = s.copyTo(ctx, f)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(err, os.Remove(file+".new"))
	}
	if err := os.Rename(file+".new", file); err != nil {
		return err
	}
	fmt.Fprintf(s.stdout, "copied to %s; keys.json and root.key are not in it\n", file)
	return nil
}

func (s *service) copyTo(ctx context.Context, w io.Writer) error {
	path := filepath.Join(s.dir, socketFile)
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", path)
	}}
	defer transport.CloseIdleConnections()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, backupURL, nil)
	if err != nil {
		return err
	}
	a, err := (&http.Client{Transport: transport}).Do(request)
	if err == nil {
		defer a.Body.Close()
		if a.StatusCode != http.StatusOK {
			return fmt.Errorf("the service answers %s", a.Status)
		}
		_, err = io.Copy(w, a.Body)
		return err
	}
	// Nobody answers: the storage is ours, if it is there.
	if _, err := os.Stat(filepath.Join(s.dir, storage.File)); err != nil {
		return err
	}
	db, err := storage.Open(s.dir)
	if err != nil {
		return err
	}
	return errors.Join(db.Backup(w), db.Close())
}

func (s *service) restore(ctx context.Context, file string) error {
	if _, err := os.Stat(filepath.Join(s.dir, fleet.KeysFile)); err != nil {
		return fmt.Errorf("%w\nbring the service's keys.json, and root.key if you can, into %s first", err, s.dir)
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := storage.Restore(s.dir, f); err != nil {
		return err
	}
	fmt.Fprintf(s.stdout, "restored from %s\n", file)
	err = s.generation(ctx)
	if errors.Is(err, fleet.ErrNoRoot) {
		fmt.Fprintf(s.stdout, "controllers that had a later policy will not take this one until the root key says so:\n"+
			"bring root.key into %s, run doorcloud keys generation --dir %s, and take it away again\n", s.dir, s.dir)
		return nil
	}
	return err
}
