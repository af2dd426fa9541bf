// Hw proves the real doord on the real kernel: the daemon for arm64 boots on
// Debian's arm64 kernel in an emulator, with gpio-sim for its lines and a disk
// that knows power cuts.
//
//	go run ./cmd/internal/board/hw [--run REGEXP]
//
// The guest's only program besides doord is package guest, its init: it plays
// the wires and says what it found, a line each, on the console:
//
//	ok: WHAT           note: WHAT           FAIL: WHAT
//	disk: hold         disk: release        ack: SEQUENCE HASH        card: BITS
//
// The last line printed is "N passed, N failed". What is needed is installed from
// Debian's packages and kept in .cache/hw.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"doord/reader/osdp"
	"doord/sim/pd"
)

const (
	cache   = ".cache/hw"
	pkg     = "./cmd/internal/board/hw"
	rounds  = 6 // power cuts
	longest = 3 * time.Minute
)

func main() {
	only := flag.String("run", "", "regular expression of the machines to run: gpio, osdp, power, damage, stall")
	seed := flag.Uint64("seed", rand.Uint64(), "seed of the power cuts")
	flag.Parse()
	t := &test{rng: rand.New(rand.NewPCG(*seed, 0))}
	if err := t.run(*only, *seed); err != nil {
		t.fail("%v", err)
	}
	fmt.Printf("%d passed, %d failed\n", t.passed, t.failed)
	if t.failed > 0 || t.passed == 0 {
		os.Exit(1)
	}
}

// test is a run of all machines.
type test struct {
	rng            *rand.Rand
	dir            string
	passed, failed int
}

func (t *test) fail(format string, args ...any) {
	t.failed++
	fmt.Printf("  FAIL: "+format+"\n", args...)
}

func (t *test) run(only string, seed uint64) error {
	selected, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	if t.dir, err = os.MkdirTemp("", "doord-hw-"); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(t.dir) }() // in the folder for what is temporary
	if err := t.prepare(); err != nil {
		return err
	}
	for _, m := range []struct {
		name string
		run  func() error
	}{
		{"gpio", t.gpio},
		{"osdp", t.osdp},
		{"power", func() error { return t.power(seed) }},
		{"damage", func() error { return t.onDisk("damage") }},
		{"stall", func() error { return t.onDisk("stall") }},
	} {
		if !selected.MatchString(m.name) {
			continue
		}
		fmt.Printf("%s\n", m.name)
		start := time.Now()
		if err := m.run(); err != nil {
			t.fail("%s: %v", m.name, err)
		}
		fmt.Printf("  (%v)\n", time.Since(start).Round(time.Second))
	}
	return nil
}

// prepare installs the emulator, builds doord and the guest, and packs them.
func (t *test) prepare() error {
	if err := command(filepath.Join(pkg, "prepare.sh"), cache).Run(); err != nil {
		return fmt.Errorf("prepare.sh: %w", err)
	}
	for _, p := range []string{"./cmd/doord", pkg + "/guest"} {
		build := command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", t.path(filepath.Base(p)), p)
		build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOARCH=arm64")
		if err := build.Run(); err != nil {
			return fmt.Errorf("build %s: %w", p, err)
		}
	}
	files := []file{{"init", t.path("guest")}, {"bin/doord", t.path("doord")}}
	modules, err := filepath.Glob(filepath.Join(cache, "modules", "*.ko"))
	if err != nil {
		return err
	}
	for _, m := range modules {
		files = append(files, file{"modules/" + filepath.Base(m), m})
	}
	return initramfs(t.path("initramfs"), files)
}

func (t *test) path(name string) string { return filepath.Join(t.dir, name) }

func command(name string, args ...string) *exec.Cmd {
	c := exec.Command(name, args...)
	c.Stdout, c.Stderr = os.Stderr, os.Stderr
	return c
}

// gpio runs on the clock of the instructions: what the host is busy with cannot
// delay a pulse.
func (t *test) gpio() error {
	return t.machine("gpio", nil, func(*exec.Cmd, string) {}, "-icount", "shift=1,sleep=off")
}

// osdp has a reader at the other end of the guest's serial port.
func (t *test) osdp() error {
	reader := pd.New(pd.Config{Comm: osdp.Comm{Addr: 0, Baud: 115200}, UID: osdp.UID{1, 2, 3, 4, 5, 6, 7, 8}})
	port := t.path("osdp.serial")
	l, err := net.Listen("unix", port)
	if err != nil {
		return err
	}
	do := make(chan func(), 1)
	go func() {
		line, err := l.Accept()
		if err == nil {
			_ = pd.Serve(line, do, reader) // ends with the machine
		}
	}()
	return t.machine("osdp", nil, func(_ *exec.Cmd, line string) {
		if bits, ok := strings.CutPrefix(line, "card: "); ok {
			do <- func() { reader.Card(bits) }
		}
	}, "-chardev", "socket,id=line,path="+port, "-device", "pci-serial,chardev=line")
}

// onDisk runs a machine with a disk of its own.
func (t *test) onDisk(name string) error {
	d, err := t.newDisk(name)
	if err != nil {
		return err
	}
	return t.machine(name, d, func(*exec.Cmd, string) {})
}

// power pulls the plug of a machine that is at work, and looks at what is left.
func (t *test) power(seed uint64) error {
	d, err := t.newDisk("power")
	if err != nil {
		return err
	}
	fmt.Printf("  note: --seed %d\n", seed)
	acked := "0"
	for round := 1; round <= rounds; round++ {
		d.power()
		plan := 300*time.Millisecond + time.Duration(t.rng.Int64N(int64(2*time.Second)))
		var lost, all atomic.Int64
		var cut atomic.Bool
		err := t.machine("power:"+acked, d, func(q *exec.Cmd, line string) {
			ack, ok := strings.CutPrefix(line, "ack: ")
			if !ok || cut.Load() {
				return
			}
			acked = strings.ReplaceAll(ack, " ", ":")
			if plan > 0 { // with the first event the traffic begins
				time.AfterFunc(plan, func() {
					l, a := d.cut(t.rng)
					lost.Store(int64(l))
					all.Store(int64(a))
					cut.Store(true)
					_ = q.Process.Kill() // or it has just ended
				})
				plan = 0
			}
		})
		if !cut.Load() {
			return fmt.Errorf("round %d: the machine ended by itself: %w", round, err)
		}
		sequence, _, _ := strings.Cut(acked, ":")
		fmt.Printf("  note: plug %d pulled after event %s was told; %d of %d writes without a flush lost\n", round, sequence, lost.Load(), all.Load())
	}
	d.power()
	return t.machine("power:"+acked+":last", d, func(*exec.Cmd, string) {})
}

// newDisk makes a disk with doord on it, so that its own pages come from there.
func (t *test) newDisk(name string) (*disk, error) {
	image, root := t.path(name+".img"), t.path(name+".root")
	if err := os.Mkdir(root, 0o755); err != nil {
		return nil, err
	}
	if err := command("cp", t.path("doord"), root).Run(); err != nil {
		return nil, err
	}
	if err := command("truncate", "-s", "64M", image).Run(); err != nil {
		return nil, err
	}
	if err := command("/sbin/mkfs.ext4", "-q", "-d", root, image).Run(); err != nil {
		return nil, err
	}
	return newDisk(image, t.path(name+".nbd"))
}

// machine boots the guest with an order, tells hear each line of its console, and
// counts what it found.
func (t *test) machine(order string, d *disk, hear func(*exec.Cmd, string), extra ...string) error {
	args := []string{
		"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-machine", "virt", "-cpu", "cortex-a53", "-smp", "1", "-m", "512M",
		"-kernel", filepath.Join(cache, "vmlinuz"), "-initrd", t.path("initramfs"),
		"-append", "console=ttyAMA0 quiet panic=-1 order=" + order,
		"-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console",
	}
	if d != nil {
		args = append(args, "-drive", "file=nbd+unix:///?socket="+d.socket+",format=raw,if=none,id=disk", "-device", "virtio-blk-pci,drive=disk")
	}
	qemu := exec.Command("qemu-system-aarch64", append(args, extra...)...)
	qemu.Stderr = os.Stderr
	console, err := qemu.StdoutPipe()
	if err != nil {
		return err
	}
	if err := qemu.Start(); err != nil {
		return err
	}
	late := time.AfterFunc(longest, func() { _ = qemu.Process.Kill() }) // or it has ended
	defer late.Stop()
	ended, err := t.listen(console, d, func(line string) { hear(qemu, line) })
	if d != nil {
		d.stall(false)
	}
	if err := errors.Join(err, qemu.Wait()); err != nil {
		return err
	}
	if !ended {
		return errors.New("the guest did not come to its end")
	}
	return nil
}

func (t *test) listen(console io.Reader, d *disk, hear func(string)) (ended bool, err error) {
	lines := bufio.NewScanner(console)
	var tail []string
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		word, _, _ := strings.Cut(line, ":")
		switch {
		case word == "ok":
			t.passed++
			fmt.Println("  " + line)
		case word == "FAIL":
			t.failed++
			fmt.Println("  " + line)
			for _, l := range tail {
				fmt.Println("    | " + l)
			}
		case word == "note":
			fmt.Println("  " + line)
		case line == "disk: hold", line == "disk: release":
			d.stall(line == "disk: hold")
		case line == "end":
			ended = true
		}
		hear(line)
		tail = append(tail[max(0, len(tail)-20):], line)
	}
	if err := lines.Err(); err != nil {
		return ended, err
	}
	if !ended && !slices.ContainsFunc(tail, func(l string) bool { return strings.HasPrefix(l, "ack:") }) {
		for _, l := range tail {
			fmt.Println("    | " + l)
		}
	}
	return ended, nil
}
