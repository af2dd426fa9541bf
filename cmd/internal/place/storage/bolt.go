package storage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"
)

// File is what the storage is, in its folder.
const File = "place.db"

const (
	openWait = 2 * time.Second
	mmapSize = 64 << 20 // at the start: a growing file that must be mapped anew waits for readers
)

// bolt is the storage of one process on one disk.
type bolt struct {
	db    *bbolt.DB
	group group
}

// Open opens the storage in dir, which is made if need be.
func Open(dir string) (Storage, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("storage: %w", err)
	}
	db, err := bbolt.Open(filepath.Join(dir, File), 0o600, &bbolt.Options{
		Timeout: openWait, FreelistType: bbolt.FreelistMapType, InitialMmapSize: mmapSize,
	})
	switch {
	case errors.Is(err, berrors.ErrTimeout):
		return nil, fmt.Errorf("%w: %s", ErrInUse, dir)
	case err != nil:
		return nil, fmt.Errorf("storage: open %s: %w", filepath.Join(dir, File), err)
	}
	return &bolt{db: db}, nil
}

// Restore makes a storage in dir of a backup. There must be none yet.
func Restore(dir string, backup io.Reader) (err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("storage: %w", err)
	}
	path := filepath.Join(dir, File)
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("storage: %s is there already: restore into an empty folder", path)
	}
	f, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("storage: %w", err)
	}
	n, err := io.Copy(f, backup)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = verify(path+".new", n)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("storage: restore: %w", err), os.Remove(path+".new"))
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("storage: %w", err)
	}
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("storage: %w", err)
	}
	return errors.Join(d.Sync(), d.Close())
}

var errCut = errors.New("this is no backup, or only the beginning of one")

// verify reads all of a file that was copied.
func verify(path string, size int64) (err error) {
	if size == 0 {
		return errCut // an empty file would become an empty database
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true)) // a page that points beyond the end
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errCut, r)
		}
	}()
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: openWait})
	if err != nil {
		return fmt.Errorf("%w: %w", errCut, err)
	}
	err = db.View(func(tx *bbolt.Tx) error {
		if tx.Size() > size {
			return errCut
		}
		for e := range tx.Check() {
			return fmt.Errorf("the backup is damaged: %w", e)
		}
		return nil
	})
	return errors.Join(err, db.Close())
}

func (b *bolt) Get(table string, key []byte) (value []byte, err error) {
	err = b.db.View(func(tx *bbolt.Tx) error {
		if t := tx.Bucket([]byte(table)); t != nil {
			value = bytes.Clone(t.Get(key))
		}
		return nil
	})
	return value, err
}

func (b *bolt) Scan(table string, from []byte) iter.Seq2[Row, error] {
	return b.walk(table, func(c *bbolt.Cursor) ([]byte, []byte) { return c.Seek(from) }, (*bbolt.Cursor).Next)
}

func (b *bolt) ScanBack(table string, below []byte) iter.Seq2[Row, error] {
	return b.walk(table, func(c *bbolt.Cursor) ([]byte, []byte) {
		if below != nil {
			if key, _ := c.Seek(below); key != nil {
				return c.Prev()
			}
		}
		return c.Last()
	}, (*bbolt.Cursor).Prev)
}

var errStop = errors.New("enough")

func (b *bolt) walk(table string, first, next func(*bbolt.Cursor) ([]byte, []byte)) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		err := b.db.View(func(tx *bbolt.Tx) error {
			t := tx.Bucket([]byte(table))
			if t == nil {
				return nil
			}
			c := t.Cursor()
			for key, value := first(c); key != nil; key, value = next(c) {
				if !yield(Row{Table: table, Key: bytes.Clone(key), Value: bytes.Clone(value)}, nil) {
					return errStop
				}
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStop) {
			yield(Row{}, fmt.Errorf("storage: %w", err))
		}
	}
}

func (b *bolt) Backup(w io.Writer) error {
	return b.db.View(func(tx *bbolt.Tx) error {
		_, err := tx.WriteTo(w)
		return err
	})
}

func (b *bolt) Close() error { return b.db.Close() }
