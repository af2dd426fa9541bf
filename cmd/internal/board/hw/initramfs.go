package main

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path"
)

// initramfs writes the kernel's first file system: a gzipped cpio archive in the
// "newc" format. Files of the host become executable files of the guest.
func initramfs(out string, files []file) (err error) {
	f, err := os.Create(out)
	if err != nil {
		return err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
	}()
	z, err := gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(z)
	a := &archive{w: w, made: map[string]bool{".": true, "/": true}}
	for _, dir := range []string{"dev", "proc", "sys", "tmp"} {
		a.mkdir(dir)
	}
	a.entry("dev/console", 0o020600, 5, 1, nil)
	for _, file := range files {
		data, err := os.ReadFile(file.host)
		if err != nil {
			return err
		}
		a.mkdir(path.Dir(file.guest))
		a.entry(file.guest, 0o100755, 0, 0, data)
	}
	a.entry("TRAILER!!!", 0, 0, 0, nil)
	if err := w.Flush(); err != nil { // the first error of all the writes
		return err
	}
	return z.Close()
}

type file struct{ guest, host string }

type archive struct {
	w     io.Writer
	size  int
	inode int
	made  map[string]bool // directories
}

func (a *archive) mkdir(dir string) {
	if a.made[dir] {
		return
	}
	a.mkdir(path.Dir(dir))
	a.made[dir] = true
	a.entry(dir, 0o040755, 0, 0, nil)
}

func (a *archive) entry(name string, mode, major, minor int, data []byte) {
	a.inode++
	a.write(fmt.Appendf(nil, "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%s\x00",
		a.inode, mode, 0, 0, 1, 0, len(data), 0, 0, major, minor, len(name)+1, 0, name))
	a.write(data)
}

// write writes and pads to a multiple of four.
func (a *archive) write(data []byte) {
	_, _ = a.w.Write(data) // Flush tells
	a.size += len(data)
	pad := make([]byte, -a.size&3)
	_, _ = a.w.Write(pad)
	a.size += len(pad)
}
