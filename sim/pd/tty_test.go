package pd_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"doord/reader/osdp"
	"doord/sim/pd"
)

// openPTY returns both ends of a pair of real ttys, raw.
func openPTY(t *testing.T) (master, slave *os.File) {
	t.Helper()
	fd, err := unix.Open("/dev/ptmx", unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal("no pty: ", err)
	}
	master = os.NewFile(uintptr(fd), "ptmx")
	t.Cleanup(func() { _ = master.Close() })
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal("no pty: ", err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal("no pty: ", err)
	}
	sfd, err := unix.Open(fmt.Sprintf("/dev/pts/%d", n), unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal("no pty: ", err)
	}
	slave = os.NewFile(uintptr(sfd), "pts")
	t.Cleanup(func() { _ = slave.Close() })
	tio, err := unix.IoctlGetTermios(sfd, unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	tio.Iflag, tio.Oflag, tio.Lflag = 0, 0, 0
	tio.Cc[unix.VMIN], tio.Cc[unix.VTIME] = 1, 0
	if err := unix.IoctlSetTermios(sfd, unix.TCSETS, tio); err != nil {
		t.Fatal(err)
	}
	return master, slave
}

// tty is a Line on a file.
type tty struct{ f *os.File }

func (l tty) Read(buf []byte, wait time.Duration) (int, error) {
	if err := l.f.SetReadDeadline(time.Now().Add(wait)); err != nil {
		return 0, err
	}
	n, err := l.f.Read(buf)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return 0, nil
	}
	return n, err
}

func (l tty) Write(p []byte) error { _, err := l.f.Write(p); return err }
func (tty) SetSpeed(int) error     { return nil }
func (tty) Reopen() error          { return nil }

func TestReaderOnARealTTY(t *testing.T) {
	master, slave := openPTY(t)
	p := pd.New(pd.Config{Comm: osdp.Comm{Addr: 2}, Key: key(2), Secure: true})
	p.Card(h10301)
	served := make(chan struct{})
	go func() { _ = pd.Serve(master, nil, p); close(served) }()

	bus, err := osdp.NewBus(osdp.Config{Readers: []osdp.Reader{{Addr: 2, Secure: true, Keys: osdp.Keys{Current: key(2)}}}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	card := ""
	loop := osdp.NewLoop(bus, tty{slave}, nil, func(e osdp.Event) {
		if r, ok := e.Body.(osdp.Read); ok {
			card = r.Bits
			cancel()
		}
	})
	if err := loop.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if card != h10301 {
		t.Errorf("card %q", card)
	}
	_ = master.Close()
	<-served
}
