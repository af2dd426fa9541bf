// Guest is all of user space in the virtual machine, besides doord: it is init,
// plays the wires of the board, and tells what it sees. See package hw.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

func main() {
	switch {
	case len(os.Args) > 2 && os.Args[1] == "ordinary":
		schedule(unix.SCHED_NORMAL, 0)
		must(unix.Exec(os.Args[2], os.Args[2:], os.Environ()))
	case len(os.Args) > 1 && os.Args[1] == "hog":
		for {
			runtime.Gosched()
		}
	case os.Getenv("urgent") == "":
		// A wire is not late: all threads of the guest run at real-time priority, above
		// doord and any hog, but below the kernel's interrupt threads, which would miss
		// edges otherwise. One such thread alone would wait for ever for an ordinary
		// one, in the locks of the Go runtime.
		schedule(unix.SCHED_FIFO, 10)
		must(unix.Exec("/init", os.Args, append(os.Environ(), "urgent=yes")))
	}
	defer off()
	for _, m := range []struct{ device, dir, kind string }{
		{"proc", "/proc", "proc"},
		{"sysfs", "/sys", "sysfs"},
		{"dev", "/dev", "devtmpfs"},
		{"tmp", "/tmp", "tmpfs"},
		{"run", "/run", "tmpfs"},
	} {
		mount(m.device, m.dir, m.kind)
	}
	// It may use all of the processor while it plays.
	must(os.WriteFile("/proc/sys/kernel/sched_rt_runtime_us", []byte("-1"), 0))
	insertModules()
	mount("configfs", "/sys/kernel/config", "configfs")
	mount("debugfs", "/sys/kernel/debug", "debugfs")
	mount("tracefs", "/sys/kernel/tracing", "tracefs")

	order := strings.Split(os.Getenv("order"), ":") // the kernel hands on what it does not know
	switch order[0] {
	case "gpio":
		gpio()
	case "osdp":
		overOSDP()
	case "power":
		mount("/dev/vda", "/data", "ext4")
		power(order[1:])
	case "damage":
		mount("/dev/vda", "/data", "ext4")
		damage()
	case "stall":
		mount("/dev/vda", "/data", "ext4")
		stall()
	}
	fmt.Println("end")
}

// off tells of a panic and turns the machine off.
func off() {
	if r := recover(); r != nil {
		fmt.Println("FAIL: the guest gave up:", r)
	}
	unix.Sync()
	_ = unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF) // init cannot fail otherwise
	select {}
}

// schedule gives this thread a scheduling policy, and with it the program that it
// executes next.
func schedule(policy, priority int32) {
	runtime.LockOSThread()
	_, _, errno := unix.Syscall(unix.SYS_SCHED_SETSCHEDULER, 0, uintptr(policy), uintptr(unsafe.Pointer(&priority)))
	if errno != 0 {
		must(errno)
	}
}

// ordinary is a program that runs as programs do.
func ordinary(program string, args ...string) *exec.Cmd {
	return exec.Command("/proc/self/exe", append([]string{"ordinary", program}, args...)...)
}

func mount(device, dir, kind string) {
	must(os.MkdirAll(dir, 0o755))
	if err := unix.Mount(device, dir, kind, 0, ""); err != nil && err != unix.EBUSY {
		must(fmt.Errorf("mount %s: %w", dir, err))
	}
}

// insertModules inserts the kernel's modules in the order of their names.
func insertModules() {
	files, err := filepath.Glob("/modules/*.ko")
	must(err)
	for _, name := range files {
		f, err := os.Open(name)
		must(err)
		if err := unix.FinitModule(int(f.Fd()), "", 0); err != nil {
			must(fmt.Errorf("insert %s: %w", name, err))
		}
		must(f.Close())
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// check prints what was found.
func check(ok bool, format string, args ...any) {
	word := "ok"
	if !ok {
		word = "FAIL"
	}
	fmt.Printf(word+": "+format+"\n", args...)
}

func note(format string, args ...any) { fmt.Printf("note: "+format+"\n", args...) }

// within waits for something to become true, and tells whether it did.
func within(limit time.Duration, so func() bool) bool {
	for end := time.Now().Add(limit); ; time.Sleep(200 * time.Microsecond) {
		switch {
		case so():
			return true
		case time.Now().After(end):
			return false
		}
	}
}
