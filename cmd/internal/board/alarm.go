package board

import (
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// alarm wakes the runtime's poller on time. Alone the poller waits in whole
// milliseconds, and what ends a debounce or a card comes up to one late; a timer
// of the kernel is a file like another to it.
type alarm struct{ timer *os.File }

func newAlarm() (alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return alarm{}, err
	}
	a := alarm{os.NewFile(uintptr(fd), "timerfd")}
	go func() {
		// That it wakes is all it is for: the poller then sees to what is due.
		for rung := make([]byte, 8); ; {
			if _, err := a.timer.Read(rung); err != nil {
				return
			}
		}
	}()
	return a, nil
}

// in sets the alarm, which rings once. It forgets what it was set to before.
func (a alarm) in(wait time.Duration) error {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(wait))}
	return control(a.timer, func(fd uintptr) error { return unix.TimerfdSettime(int(fd), 0, &spec, nil) })
}

func (a alarm) stop() { _ = a.timer.Close() } // fails only when closed already
