package board

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ResidentFiles is how much of the files in its directory [KeepResident] keeps in
// memory, in bytes.
const ResidentFiles = 192 << 20

// KeepResident keeps the program in memory, and of the files that are mapped from
// a directory as much as fits into [ResidentFiles].
//
// Otherwise the kernel drops pages that were not used of late, and whoever wants
// one waits for a disk that may be slow or gone. That is worse than it looks: a
// goroutine that waits for a page cannot be stopped, so the garbage collector
// waits for it, and everything else for the collector; just when somebody wants
// out. Files grow and are replaced: it is to be called again every so often.
//
// What does not fit is an error, as is a limit of locked memory that is too low;
// all the rest is kept.
func KeepResident(dir string) error {
	exe, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return err
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return err
	}
	defer maps.Close()
	list, err := mappings(maps)
	if err != nil {
		return err
	}
	var failed error
	room := int64(ResidentFiles)
	for _, m := range list {
		length := m.end - m.start
		switch {
		case m.file == exe:
		case dir != "" && filepath.Dir(m.file) == dir:
			info, err := os.Stat(m.file)
			if err != nil {
				continue // replaced in this moment
			}
			rest := info.Size() - m.offset
			if rest <= 0 {
				continue // beyond the end there is nothing
			}
			length = min(length, uintptr(rest))
			if int64(length) > room {
				failed = fmt.Errorf("%s does not fit into the memory kept for files, %d MiB: a disk that hangs may hold up the way out", m.file, ResidentFiles>>20)
				continue
			}
			room -= int64(length)
		default:
			continue
		}
		if _, _, errno := unix.Syscall(unix.SYS_MLOCK, m.start, length, 0); errno != 0 {
			failed = fmt.Errorf("keep %s in memory: %w: raise the limit of locked memory (LimitMEMLOCK=)", m.file, errno)
		}
	}
	return failed
}

// mapping is a part of memory that is that of a file.
type mapping struct {
	start, end uintptr
	offset     int64 // of the start in the file
	file       string
}

// mappings reads /proc/PID/maps.
func mappings(maps io.Reader) ([]mapping, error) {
	var list []mapping
	lines := bufio.NewScanner(maps)
	for lines.Scan() {
		// start-end perms offset device inode path
		f := strings.Fields(lines.Text())
		if len(f) != 6 || !strings.HasPrefix(f[5], "/") { // anonymous, or deleted
			continue
		}
		from, to, _ := strings.Cut(f[0], "-")
		start, errStart := strconv.ParseUint(from, 16, 8*int(unsafe.Sizeof(uintptr(0))))
		end, errEnd := strconv.ParseUint(to, 16, 8*int(unsafe.Sizeof(uintptr(0))))
		offset, errOffset := strconv.ParseInt(f[2], 16, 64)
		if errors.Join(errStart, errEnd, errOffset) != nil {
			return nil, fmt.Errorf("/proc/self/maps: %q", lines.Text())
		}
		list = append(list, mapping{uintptr(start), uintptr(end), offset, f[5]})
	}
	return list, lines.Err()
}
