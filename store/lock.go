package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// lockFile takes the lock that keeps two daemons off one file. It stands beside
// the file because the file itself is renamed when it is replaced or set aside.
// The kernel drops the lock with the process, so a stale one cannot exist.
func lockFile(dir, name string) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(dir, name+".lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, advise(err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		pid := make([]byte, 32)
		n, _ := f.ReadAt(pid, 0)
		_ = f.Close()
		return nil, fmt.Errorf("store: another doord uses %s (pid %s): %w", dir, strings.TrimSpace(string(pid[:n])), ErrInUse)
	case err != nil:
		_ = f.Close()
		return nil, fmt.Errorf("store: lock %s: %w", f.Name(), err)
	}
	// The pid only helps a person: without it the lock still holds.
	if f.Truncate(0) == nil {
		_, _ = fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	return f, nil
}
