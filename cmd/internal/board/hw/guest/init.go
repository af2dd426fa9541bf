// Guest is all of user space in the virtual machine, besides doord: it is init,
// plays the wires of the board, and tells what it sees. See package hw.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "hog" {
		for {
			runtime.Gosched()
		}
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
