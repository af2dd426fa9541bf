package board

import (
	"slices"
	"strings"
	"testing"
)

func TestTheProgramsOwnPagesAreFound(t *testing.T) {
	const maps = `00400000-00b6f000 r-xp 00000000 08:01 131 /usr/bin/doord
00b6f000-01200000 r--p 0076f000 08:01 131 /usr/bin/doord
01200000-01240000 rw-p 00e00000 08:01 131 /usr/bin/doord
01240000-01280000 rw-p 00000000 00:00 0
7f0000000000-7f0000001000 r--p 00000000 08:01 132 /usr/bin/doord (deleted)
7f0000002000-7f0000003000 rw-s 00000000 08:01 140 /var/lib/doord/policy.db
7ffe00000000-7ffe00001000 r-xp 00000000 00:00 0 [vdso]
`
	got, err := mappings(strings.NewReader(maps), "/usr/bin/doord")
	want := []mapping{{0x400000, 0xb6f000}, {0xb6f000, 0x1200000}, {0x1200000, 0x1240000}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("got %x, %v", got, err)
	}
	for _, line := range []string{"x-b6f000 r-xp 0 08:01 131 /d", "400000 r-xp 0 08:01 131 /d"} {
		if _, err := mappings(strings.NewReader(line), "/d"); err == nil {
			t.Errorf("%q was read", line)
		}
	}
}
