package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// smallest is the size of an empty database with the smallest pages.
const smallest = 4 * 4096

// keptDamaged is how many damaged copies of a file stay for whoever looks into them.
const keptDamaged = 3

// layout tells a kind of file from others, and one version of it from the next.
type layout struct {
	name   string // "policy.db"
	marker string
	// dropped is how many schemas, the first ones, are not read any more: what such a
	// file holds comes anew from elsewhere.
	dropped uint32
	// migrations[i] brings the i-th schema that is read, from 0, to the next.
	migrations []func(*bbolt.Tx) error
}

func (l *layout) schema() uint32 { return l.dropped + uint32(len(l.migrations)) + 1 }

var metaBucket = []byte("meta")

// Keys of the meta bucket in both files.
var (
	keyMarker = []byte("marker")
	keySchema = []byte("schema") // schema, 4 bytes, and the version of doord that wrote it
)

// open returns the file in dir, quickly scanned. Where there is none, or a damaged
// or too old one, which is set aside, a new one is made by fill.
func (l *layout) open(dir string, o Options, scan func(*file, *bbolt.Tx) error, fill func(*file) error) (*file, Opened, error) {
	var opened Opened
	path := filepath.Join(dir, l.name)
	_ = os.Remove(path + ".new") // left by a crash; only the space counts
	f, err := l.load(path, o, scan)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case errors.Is(err, ErrDamaged), errors.Is(err, ErrOlder):
		opened.Cause = err
		if opened.Quarantined, err = quarantine(path); err != nil {
			return nil, opened, fmt.Errorf("%w, and it cannot be set aside: %w", opened.Cause, err)
		}
	default:
		return f, opened, err
	}
	opened.Created = true
	if err = l.make(path, o, fill); err != nil {
		return nil, opened, err
	}
	f, err = l.load(path, o, scan)
	return f, opened, err
}

// make writes a new file under another name and then gives it its own: a crash
// on the way leaves what was there before.
func (l *layout) make(path string, o Options, fill func(*file) error) (err error) {
	next := path + ".new"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return advise(err)
	}
	bolt := boltOptions()
	bolt.NoSync = true // one sync at the end serves
	f, err := openBolt(next, bolt)
	if err != nil {
		return advise(err)
	}
	defer func() {
		err = errors.Join(err, f.close())
		if err == nil {
			err = publish(next, path)
		}
		if err != nil {
			_ = os.Remove(next) // the next attempt removes it anyway
			err = fmt.Errorf("store: write %s: %w", l.name, err)
		}
	}()
	if err = f.update(func(tx *bbolt.Tx) error {
		meta, err := tx.CreateBucket(metaBucket)
		if err != nil {
			return err
		}
		return errors.Join(meta.Put(keyMarker, sealed(keyMarker, []byte(l.marker))), l.stamp(meta, o))
	}); err != nil {
		return err
	}
	if err = fill(f); err != nil {
		return err
	}
	return f.db.Sync()
}

func (l *layout) stamp(meta *bbolt.Bucket, o Options) error {
	body := append(binary.BigEndian.AppendUint32(nil, l.schema()), o.Version...)
	return meta.Put(keySchema, sealed(keySchema, body))
}

// load opens an existing file, brings it to this schema and scans what is small.
func (l *layout) load(path string, o Options, scan func(*file, *bbolt.Tx) error) (*file, error) {
	if err := probe(path); err != nil {
		return nil, err
	}
	f, err := openBolt(path, boltOptions())
	switch {
	case errors.Is(err, berrors.ErrInvalid), errors.Is(err, berrors.ErrChecksum), errors.Is(err, berrors.ErrVersionMismatch):
		return nil, damage(path, "its head", "%v", err)
	case errors.Is(err, ErrDamaged):
		return nil, err
	case errors.Is(err, berrors.ErrTimeout):
		return nil, fmt.Errorf("store: another program has %s open: %w", path, ErrInUse)
	case err != nil:
		return nil, advise(err)
	}
	if err = l.admit(f, o, scan); err != nil {
		return nil, errors.Join(err, f.close())
	}
	return f, nil
}

// probe finds what bbolt would take for a new database, or fault on.
func probe(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return advise(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return advise(err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("store: %s is not a file: move it away", path)
	}
	if info.Size() < smallest {
		return damage(path, "its head", "only %d bytes long", info.Size())
	}
	return nil
}

func (l *layout) admit(f *file, o Options, scan func(*file, *bbolt.Tx) error) error {
	var schema uint32
	err := f.view(func(tx *bbolt.Tx) error {
		info, err := os.Stat(f.path)
		if err != nil {
			return advise(err)
		}
		if info.Size() < tx.Size() {
			return damage(f.path, "its end", "%d bytes long, not %d", info.Size(), tx.Size())
		}
		marker, err := metaValue(f, tx, keyMarker)
		if err != nil {
			return err
		}
		if string(marker) != l.marker {
			return damage(f.path, "its marker", "it says %q, not %q", marker, l.marker)
		}
		stamp, err := metaValue(f, tx, keySchema)
		if err != nil {
			return err
		}
		if len(stamp) < 4 {
			return damage(f.path, "its schema", "too short")
		}
		schema = binary.BigEndian.Uint32(stamp)
		if schema > l.schema() {
			return fmt.Errorf("store: %s has schema %d of doord %s, and this doord knows up to %d: install that version or move the file away: %w",
				f.path, schema, stamp[4:], l.schema(), ErrNewer)
		}
		if schema == 0 {
			return damage(f.path, "its schema", "there is no schema 0")
		}
		if schema <= l.dropped {
			return fmt.Errorf("store: %s has schema %d of doord %s, and this doord reads %d: %w",
				f.path, schema, stamp[4:], l.schema(), ErrOlder)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if schema < l.schema() {
		if err := f.update(func(tx *bbolt.Tx) error { return l.migrate(tx, schema, o) }); err != nil {
			return fmt.Errorf("store: migrate %s from schema %d to %d: %w", f.path, schema, l.schema(), err)
		}
	}
	return f.view(func(tx *bbolt.Tx) error { return scan(f, tx) })
}

// migrate does all steps in one transaction: a crash leaves the old schema whole.
func (l *layout) migrate(tx *bbolt.Tx, from uint32, o Options) error {
	for _, step := range l.migrations[from-l.dropped-1:] {
		if err := step(tx); err != nil {
			return err
		}
	}
	return l.stamp(tx.Bucket(metaBucket), o)
}

// metaValue returns a value of the meta bucket that must be there.
func metaValue(f *file, tx *bbolt.Tx, key []byte) ([]byte, error) {
	meta := tx.Bucket(metaBucket)
	if meta == nil {
		return nil, damage(f.path, "meta", "the bucket is missing")
	}
	body, err := unseal(key, meta.Get(key))
	if err != nil {
		return nil, damage(f.path, "meta", "%s: %v", key, err)
	}
	return body, nil
}

// quarantine sets a damaged file aside and returns its new path. The oldest such
// files beyond keptDamaged are deleted.
func quarantine(path string) (string, error) {
	stem := path + ".damaged-"
	to := stem + time.Now().UTC().Format("20060102T150405.000000000Z")
	if err := publish(path, to); err != nil {
		return "", advise(err)
	}
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return to, nil // then they are all kept
	}
	var older []string // ReadDir sorts by name, and so by time
	for _, e := range entries {
		if old := filepath.Join(filepath.Dir(path), e.Name()); strings.HasPrefix(old, stem) && old != to {
			older = append(older, old)
		}
	}
	for ; len(older) >= keptDamaged; older = older[1:] {
		_ = os.Remove(older[0]) // it costs space, no more
	}
	return to, nil
}
