package store

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
)

// file is a bbolt database that reports its own damage as an error. bbolt panics
// on a page that makes no sense and faults on one that is not there; both are
// caught here. What cannot be caught is a damaged tree that leads back to itself,
// because a stack overflow ends any Go program.
type file struct {
	db   *bbolt.DB
	path string
	// A panic inside bbolt may leave its locks held. dead: not even reading is
	// possible any more. stuck: writing is not.
	dead, stuck atomic.Bool
}

// The options of every database: a free list on the disk, so that opening does
// not scan; a mapping large enough that a growing file seldom stops its readers.
func boltOptions() *bbolt.Options {
	return &bbolt.Options{
		Timeout:         2 * time.Second,
		FreelistType:    bbolt.FreelistMapType,
		InitialMmapSize: 64 << 20,
		NoStatistics:    true,
	}
}

// openBolt opens an existing database. When bbolt panics in here its mapping and
// its descriptor stay behind until the process ends.
func openBolt(path string, o *bbolt.Options) (f *file, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			err = damage(path, "its structure", "%v", r)
		}
	}()
	db, err := bbolt.Open(path, 0o600, o)
	if err != nil {
		return nil, err
	}
	return &file{db: db, path: path}, nil
}

// view runs fn in a read transaction.
func (f *file) view(fn func(*bbolt.Tx) error) (err error) {
	if f.dead.Load() {
		return damage(f.path, "its head", "a page of it could not be read")
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	var tx *bbolt.Tx
	defer func() {
		if r := recover(); r != nil {
			if tx == nil {
				f.dead.Store(true) // Begin gave up with its locks held
			}
			err = damage(f.path, "its structure", "%v", r)
		}
		if tx != nil {
			_ = tx.Rollback() // it only fails when it is over already
		}
	}()
	if tx, err = f.db.Begin(false); err != nil {
		return err
	}
	return fn(tx)
}

// update runs fn in a write transaction and makes it durable.
func (f *file) update(fn func(*bbolt.Tx) error) (err error) {
	if f.dead.Load() || f.stuck.Load() {
		return damage(f.path, "its structure", "a page of it made no sense")
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if r := recover(); r != nil {
			f.stuck.Store(true)
			err = damage(f.path, "its structure", "%v", r)
		}
	}()
	return f.db.Update(fn)
}

// close waits for open transactions. A database whose locks are held for ever is
// left to the end of the process instead.
func (f *file) close() error {
	if f.dead.Load() || f.stuck.Load() {
		return nil
	}
	return f.db.Close()
}

// advise adds what to do to an error of the file system.
func advise(err error) error {
	if errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("store: %w; doord must own its state: chown it to the user that runs doord", err)
	}
	return fmt.Errorf("store: %w", err)
}

// reserve has the file system set aside blocks for a file up to a size in bytes.
func reserve(path string, size int) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return advise(err)
	}
	defer f.Close()
	const keepSize = 1 // FALLOC_FL_KEEP_SIZE: bbolt grows the file itself
	if err := syscall.Fallocate(int(f.Fd()), keepSize, 0, int64(size)); err != nil {
		return fmt.Errorf("store: reserve %d MiB for %s: %w", size>>20, path, err)
	}
	return nil
}

// syncDir makes a rename in dir durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// publish gives a finished file its name, for good even when the power fails.
func publish(from, to string) error {
	if err := os.Rename(from, to); err != nil {
		return err
	}
	return syncDir(filepath.Dir(to))
}
