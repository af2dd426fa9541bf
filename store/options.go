package store

import (
	"os"
	"strings"
	"time"
)

// Options are the settings of both files; the zero value is good.
type Options struct {
	// Version of this doord, kept in the files so that an older one can name it.
	Version string
	// MaxEvents bounds the journal on the disk: at most so many events, of about
	// 1 KiB each. Default 250,000; at least 16.
	MaxEvents int
	// ReserveSpace takes the journal's space on the disk when it is opened, so that
	// nobody else can fill the disk with the journal still short of its bound.
	ReserveSpace bool
	// MaxQueue bounds the events in memory that are not on the disk yet. Default 4096.
	MaxQueue int
	// BootID is stamped on events. Default: the kernel's.
	BootID string
}

func (o Options) withDefaults() Options {
	if o.Version == "" {
		o.Version = "unknown"
	}
	if o.MaxEvents == 0 {
		o.MaxEvents = 250_000
	}
	o.MaxEvents = max(o.MaxEvents, 16)
	if o.MaxQueue <= 0 {
		o.MaxQueue = 4096
	}
	if o.BootID == "" {
		id, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
		o.BootID = strings.TrimSpace(string(id))
	}
	if o.BootID == "" {
		o.BootID = newUUID(time.Now(), 0)
	}
	return o
}

// Opened tells what opening a file found.
type Opened struct {
	Created     bool   // there was none, or what was there was damaged
	Quarantined string // the path to which a damaged file was moved
	Cause       error  // why
	Unreserved  error  // why ReserveSpace could not be had
}
