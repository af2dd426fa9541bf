package store

import (
	"errors"
	"fmt"
	"path/filepath"
)

// What can be wrong with a file when it is opened.
var (
	// ErrInUse: another process holds the directory. The error names its pid.
	ErrInUse = errors.New("in use")
	// ErrNewer: a newer doord wrote the file, which is left as it is.
	ErrNewer = errors.New("written by a newer doord")
	// ErrOlder: an older doord wrote the file, in a form that is not read any more. It
	// is set aside like a damaged one.
	ErrOlder = errors.New("written by an older doord")
)

// What can go wrong afterwards.
var (
	// ErrDamaged: the file holds what was never written into it. The error is a *Damage.
	ErrDamaged = errors.New("damaged")
	// ErrClosed: the call came after Close.
	ErrClosed = errors.New("closed")
	// ErrDiverged: what came does not arrive at the head that came with it, or does not
	// follow from where the cache is. The policy stays; a snapshot mends it.
	ErrDiverged = errors.New("diverged from the place's log")
)

// Damage says where a file is damaged. It is ErrDamaged to errors.Is.
type Damage struct {
	File     string // base name: "policy.db"
	Where    string // a bucket, or "event 17"
	What     string // "wrong checksum"
	Sequence uint64 // of the event, 0 when it is not about one
}

// Error tells where the damage is and what to do about it.
func (d *Damage) Error() string {
	s := fmt.Sprintf("store: %s is damaged in %s: %s", d.File, d.Where, d.What)
	switch {
	case d.File == policyFile:
		return s + "; the next sync or policy load writes the file anew"
	case d.Sequence != 0:
		return s + "; the other events stand"
	}
	return s
}

// Is makes a Damage ErrDamaged.
func (d *Damage) Is(target error) bool { return target == ErrDamaged }

func damage(path, where, format string, args ...any) *Damage {
	return &Damage{File: filepath.Base(path), Where: where, What: fmt.Sprintf(format, args...)}
}
