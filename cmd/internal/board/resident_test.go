package board

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestTheMappedFilesAreFound(t *testing.T) {
	const maps = `00400000-00b6f000 r-xp 00000000 08:01 131 /usr/bin/doord
00b6f000-01200000 r--p 0076f000 08:01 131 /usr/bin/doord
01200000-01240000 rw-p 00e00000 08:01 131 /usr/bin/doord
01240000-01280000 rw-p 00000000 00:00 0
7f0000000000-7f0000001000 r--p 00000000 08:01 132 /usr/bin/doord (deleted)
7f0000002000-7f0000003000 rw-s 00000000 08:01 140 /var/lib/doord/policy.db
7ffe00000000-7ffe00001000 r-xp 00000000 00:00 0 [vdso]
`
	got, err := mappings(strings.NewReader(maps))
	want := []mapping{
		{0x400000, 0xb6f000, 0, "/usr/bin/doord"}, {0xb6f000, 0x1200000, 0x76f000, "/usr/bin/doord"}, {0x1200000, 0x1240000, 0xe00000, "/usr/bin/doord"},
		{0x7f0000002000, 0x7f0000003000, 0, "/var/lib/doord/policy.db"},
	}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, line := range []string{"x-b6f000 r-xp 0 08:01 131 /d", "400000 r-xp 0 08:01 131 /d", "400000-b6f000 r-xp x 08:01 131 /d"} {
		if _, err := mappings(strings.NewReader(line)); err == nil {
			t.Errorf("%q was read", line)
		}
	}
}

func TestAMappedFileIsKeptInMemory(t *testing.T) {
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "policy.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	const size = 16 << 10
	if err := f.Truncate(size); err != nil {
		t.Fatal(err)
	}
	data, err := unix.Mmap(int(f.Fd()), 0, 4*size, unix.PROT_READ, unix.MAP_SHARED) // beyond its end, as a growing file is
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Munmap(data)
	before := locked(t)
	for range 2 { // the kernel splits the mapping, of which the rest is beyond the end
		err := KeepResident(dir)
		if err != nil && strings.Contains(err.Error(), "policy.db") { // the program itself may be too large for the limit here
			t.Fatal(err)
		}
		if got := locked(t) - before; got < size>>10 {
			t.Errorf("%d kB more are locked", got)
		}
	}
	if err := f.Truncate(2 * size); err != nil {
		t.Fatal(err)
	}
	_ = KeepResident(dir) // as above
	if got := locked(t) - before; got < 2*size>>10 {
		t.Errorf("of a file that has grown %d kB more are locked", got)
	}
}

// locked returns how many kB of memory are locked.
func locked(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); f[0] == "VmLck:" {
			n, err := strconv.Atoi(f[1])
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("no VmLck")
	return 0
}
