package board

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// KeepResident keeps the program itself in memory. Otherwise the kernel drops
// pages of it that were not used of late, and fetches them anew from a disk that
// may be slow or gone: just when somebody wants out.
func KeepResident() error {
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return err
	}
	defer maps.Close()
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	list, err := mappings(maps, exe)
	if err != nil {
		return err
	}
	for _, m := range list {
		if _, _, errno := unix.Syscall(unix.SYS_MLOCK, m.start, m.end-m.start, 0); errno != 0 {
			return fmt.Errorf("keep the program in memory: %w: raise the limit of locked memory (LimitMEMLOCK=)", errno)
		}
	}
	return nil
}

type mapping struct{ start, end uintptr }

// mappings returns the parts of a file in /proc/PID/maps.
func mappings(maps io.Reader, file string) ([]mapping, error) {
	var list []mapping
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		// start-end perms offset device inode path
		f := strings.Fields(lines.Text())
		if len(f) != 6 || f[5] != file {
			continue
		}
		from, to, _ := strings.Cut(f[0], "-")
		start, errStart := strconv.ParseUint(from, 16, 8*int(unsafe.Sizeof(uintptr(0))))
		end, errEnd := strconv.ParseUint(to, 16, 8*int(unsafe.Sizeof(uintptr(0))))
		if errStart != nil || errEnd != nil {
			return nil, fmt.Errorf("/proc/self/maps: %q", lines.Text())
		}
		list = append(list, mapping{uintptr(start), uintptr(end)})
	}
	return list, lines.Err()
}
