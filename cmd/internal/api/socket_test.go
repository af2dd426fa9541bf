package api

import (
	"context"
	"errors"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// listen listens, and closes at the end of the test.
func listen(t *testing.T, path string) net.Listener {
	t.Helper()
	l, err := Listen(path, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// serve answers requests at a socket until the test ends.
func serve(t *testing.T, l net.Listener, h http.Handler) {
	t.Helper()
	s := &http.Server{Handler: h}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = s.Serve(l)
	}()
	t.Cleanup(func() {
		_ = s.Close()
		<-done
	})
}

// stale leaves a socket behind that nobody listens at, as kill -9 does.
func stale(t *testing.T, path string) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestTheSocketIsForUserAndGroupAndGoesAwayWithTheDaemon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "run", "doord.sock")
	l := listen(t, path)
	info, err := os.Lstat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode() != fs.ModeSocket|0o660 {
		t.Errorf("the mode is %v", info.Mode())
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the end there is still something: %v", err)
	}
}

func TestASocketThatADeadDaemonLeftIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doord.sock")
	stale(t, path)
	l := listen(t, path)
	c, err := dialSocket(path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if s, err := l.Accept(); err != nil {
		t.Error(err)
	} else {
		_ = s.Close()
	}
}

func TestASocketThatAnswersIsLeftToItsDaemon(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doord.sock")
	serve(t, listen(t, path), http.NotFoundHandler())
	_, err := Listen(path, "")
	want := "socket " + path + ": another daemon answers there: stop it first, or name another path"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
	var e *Error
	if err := NewClient(path).Get(context.Background(), "/", nil); !errors.As(err, &e) || e.Status != http.StatusNotFound {
		t.Errorf("the first daemon answers no more: %v", err)
	}
}

func TestWhatIsNoSocketIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	file, other := filepath.Join(dir, "file"), filepath.Join(dir, "directory")
	if err := os.WriteFile(file, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(other, 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(file, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, other, link} {
		_, err := Listen(path, "")
		want := "socket " + path + ": there is something else that is no socket: move it away, or name another path"
		if err == nil || err.Error() != want {
			t.Errorf("got %v", err)
		}
	}
	if data, err := os.ReadFile(link); err != nil || string(data) != "precious" {
		t.Errorf("the file is now %q, %v", data, err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Error(err)
	}
}

func TestAPathMayBeLongerThanASocketsAddress(t *testing.T) {
	// A name may have 255 bytes and an address 108: directory and name are long.
	path := filepath.Join(t.TempDir(), strings.Repeat("d", 200), "doord.sock")
	l := listen(t, path)
	serve(t, l, http.NotFoundHandler())
	var e *Error
	if err := NewClient(path).Get(context.Background(), "/", nil); !errors.As(err, &e) || e.Status != http.StatusNotFound {
		t.Fatalf("got %v", err)
	}
	if info, err := os.Lstat(path); err != nil || info.Mode().Perm() != 0o660 {
		t.Errorf("%v, %v", info, err)
	}
	if _, err := Listen(path, ""); err == nil || !strings.Contains(err.Error(), "another daemon answers there") {
		t.Errorf("a second daemon: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("after the end there is still something: %v", err)
	}
}

func TestASocketThatCannotBeMadeSaysWhy(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, path, group, want string }{
		{"a group that does not exist", filepath.Join(dir, "a.sock"), "no-such-group", "group no-such-group: group: unknown group no-such-group"},
		{"a file in the place of the directory", filepath.Join(file, "a.sock"), "", "not a directory"},
		{"a name that is too long by itself", filepath.Join(dir, strings.Repeat("n", 150)), "", "api.socket in the board's configuration names another"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Listen(tt.path, tt.group)
			if err == nil || !strings.Contains(err.Error(), "socket "+tt.path+": ") || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v", err)
			}
			if info, err := os.Lstat(tt.path); err == nil {
				t.Errorf("it left something of mode %v", info.Mode())
			}
		})
	}
}

func TestAClientWithoutADaemonSaysWhatToDo(t *testing.T) {
	dir := t.TempDir()
	missing, left, noSocket := filepath.Join(dir, "missing"), filepath.Join(dir, "left"), filepath.Join(dir, "file")
	stale(t, left)
	if err := os.WriteFile(noSocket, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ path, want string }{
		{missing, "no daemon answers at " + missing + ": the socket is not there; is doord running? --socket or DOORD_SOCKET names another"},
		{left, "no daemon answers at " + left + ": it has ended and left its socket; start doord again"},
		{noSocket, "no daemon answers at " + noSocket + ": it has ended and left its socket; start doord again"},
		{filepath.Join(dir, strings.Repeat("d", 200), "s"), "no daemon answers at " + filepath.Join(dir, strings.Repeat("d", 200), "s") + ": the socket is not there; is doord running? --socket or DOORD_SOCKET names another"},
	} {
		for _, err := range []error{
			NewClient(tt.path).Get(context.Background(), "/v1/status", nil),
			NewClient(tt.path).Post(context.Background(), "/v1/doors/x", Command{}, nil),
		} {
			if !errors.Is(err, ErrUnreachable) || err.Error() != tt.want {
				t.Errorf("got %v\nwant %s", err, tt.want)
			}
		}
		for _, err := range NewClient(tt.path).Events(context.Background(), 0, false) {
			if !errors.Is(err, ErrUnreachable) {
				t.Errorf("events: %v", err)
			}
		}
	}
}

// A daemon that is too busy to take one more caller is alive.
func TestASocketWhoseDaemonIsBusyIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "doord.sock")
	fd, err := syscall.Socket(syscall.AF_UNIX, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if err := errors.Join(syscall.Bind(fd, &syscall.SockaddrUnix{Name: path}), syscall.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	for { // until nobody more fits into the queue
		c, err := dialSocket(path)
		if err != nil {
			break
		}
		defer c.Close()
	}
	if _, err := Listen(path, ""); err == nil || !strings.Contains(err.Error(), "nobody can tell whether a daemon is there") {
		t.Errorf("got %v", err)
	}
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the socket is gone: %v", err)
	}
}
