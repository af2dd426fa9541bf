package api

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// longestPath is what fits into a socket's address on Linux (unix(7)): longer
// paths go by way of an open directory.
const longestPath = 107

// Listen makes the daemon's socket, mode 0660, for its own user and for a group
// if one is named. A socket that a dead daemon left behind is replaced; one that
// answers, and anything that is no socket, is an error.
func Listen(path, group string) (net.Listener, error) {
	if err := vacate(path); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	short, done, err := shorten(path)
	if err != nil {
		return nil, fmt.Errorf("socket %s: %w", path, err)
	}
	defer done()
	l, err := net.Listen("unix", short)
	if err != nil {
		return nil, fmt.Errorf("socket %s: %w; api.socket in the board's configuration names another", path, err)
	}
	l.(*net.UnixListener).SetUnlinkOnClose(false) // by then the short path may be another's
	if err := permit(path, group); err != nil {
		return nil, errors.Join(err, socket{l, path}.Close())
	}
	return socket{l, path}, nil
}

// socket removes its path when it closes, whatever way the path was taken.
type socket struct {
	net.Listener
	path string
}

func (s socket) Close() error {
	err := s.Listener.Close()
	if rm := os.Remove(s.path); rm != nil && !errors.Is(rm, fs.ErrNotExist) {
		err = errors.Join(err, rm)
	}
	return err
}

func vacate(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("socket %s: %w", path, err)
	case info.Mode()&fs.ModeSocket == 0:
		return fmt.Errorf("socket %s: there is something else that is no socket: move it away, or name another path", path)
	}
	c, err := dialSocket(path)
	switch {
	case err == nil:
		_ = c.Close() // it was only a knock
		return fmt.Errorf("socket %s: another daemon answers there: stop it first, or name another path", path)
	case !errors.Is(err, syscall.ECONNREFUSED): // it may be alive and only too busy to answer
		return fmt.Errorf("socket %s: nobody can tell whether a daemon is there: %w; stop it, or remove the socket", path, err)
	}
	if err := os.Remove(path); err != nil {
		return fmt.Errorf("socket %s: %w", path, err)
	}
	return nil
}

func permit(path, group string) error {
	if group != "" {
		g, err := user.LookupGroup(group)
		if err != nil {
			return fmt.Errorf("socket %s: group %s: %w", path, group, err)
		}
		gid, err := strconv.Atoi(g.Gid)
		if err != nil {
			return fmt.Errorf("socket %s: group %s: %w", path, group, err)
		}
		if err := os.Chown(path, -1, gid); err != nil {
			return fmt.Errorf("socket %s: %w", path, err)
		}
	}
	if err := os.Chmod(path, 0o660); err != nil {
		return fmt.Errorf("socket %s: %w", path, err)
	}
	return nil
}

func dialSocket(path string) (net.Conn, error) {
	short, done, err := shorten(path)
	if err != nil {
		return nil, err
	}
	defer done()
	return net.DialTimeout("unix", short, 2*time.Second)
}

// shorten returns a path to the same socket that fits into its address.
func shorten(path string) (short string, done func(), err error) {
	if len(path) <= longestPath {
		return path, func() {}, nil
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(path)), func() { _ = dir.Close() }, nil
}
