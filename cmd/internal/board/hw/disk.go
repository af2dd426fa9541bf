package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"time"
)

// disk is the guest's disk, which knows a power cut: what was written since the
// last flush is not safe. Killing the emulator alone would not do, since the
// host's cache keeps everything that was ever written.
//
// It serves one client at a time by the NBD protocol.
//
// Source: https://github.com/NetworkBlockDevice/nbd/blob/master/doc/proto.md
type disk struct {
	socket string

	mu      sync.Mutex
	held    *sync.Cond
	hold    bool    // reads, writes and flushes wait
	off     bool    // without power
	image   []byte  // what a power cut leaves
	pending []write // what it may not, in order
}

// flushTime is how long a flush takes, as on slow flash: time for a power cut to
// come between a write and its flush.
const flushTime = 20 * time.Millisecond

var errOff = errors.New("the disk has no power")

type write struct {
	at   int64
	data []byte
}

func newDisk(image, socket string) (*disk, error) {
	data, err := os.ReadFile(image)
	if err != nil {
		return nil, err
	}
	d := &disk{socket: socket, image: data}
	d.held = sync.NewCond(&d.mu)
	l, err := net.Listen("unix", socket)
	if err != nil {
		return nil, err
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = d.serve(conn) // whatever goes wrong, the guest has no disk and fails
			_ = conn.Close()
		}
	}()
	return d, nil
}

// stall makes the disk answer nothing, or go on.
func (d *disk) stall(on bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hold = on
	d.held.Broadcast()
}

// cut is a power cut: of the writes that were not flushed any may be lost. It
// returns how many were.
func (d *disk) cut(rng *rand.Rand) (lost, all int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off = true
	for _, w := range d.pending {
		if rng.IntN(2) == 0 {
			copy(d.image[w.at:], w.data)
		} else {
			lost++
		}
	}
	all, d.pending = len(d.pending), nil
	return lost, all
}

// power ends a power cut.
func (d *disk) power() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.off = false
}

// wait waits while the disk is held, with the lock.
func (d *disk) wait() error {
	for d.hold {
		d.held.Wait()
	}
	if d.off {
		return errOff
	}
	return nil
}

func (d *disk) read(buf []byte, at int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.wait()
	copy(buf, d.image[at:])
	for _, w := range d.pending {
		if from, to := max(at, w.at), min(at+int64(len(buf)), w.at+int64(len(w.data))); from < to {
			copy(buf[from-at:to-at], w.data[from-w.at:])
		}
	}
	return err
}

func (d *disk) write(data []byte, at int64) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.wait()
	if err == nil {
		d.pending = append(d.pending, write{at, data})
	}
	return err
}

func (d *disk) flush() error {
	time.Sleep(flushTime)
	d.mu.Lock()
	defer d.mu.Unlock()
	err := d.wait()
	if err == nil {
		for _, w := range d.pending {
			copy(d.image[w.at:], w.data)
		}
		d.pending = nil
	}
	return err
}

// Of the NBD protocol.
const (
	nbdMagic       = 0x4e42444d41474943 // "NBDMAGIC"
	nbdOption      = 0x49484156454f5054 // "IHAVEOPT"
	nbdOptionReply = 0x3e889045565a9
	nbdRequest     = 0x25609513
	nbdReply       = 0x67446698

	nbdFixedNewstyle = 1 << 0
	nbdHasFlags      = 1 << 0
	nbdSendFlush     = 1 << 2

	optExportName, optAbort, optGo = 1, 2, 7
	ackOption, infoOption          = 1, 3
	unsupportedOption              = 1<<31 + 1

	cmdRead, cmdWrite, cmdDisconnect, cmdFlush = 0, 1, 2, 3

	maxRequest = 32 << 20 // request
)

func (d *disk) serve(conn net.Conn) error {
	if err := d.greet(conn); err != nil {
		return err
	}
	var head [28]byte
	for {
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return err
		}
		command, at, length := binary.BigEndian.Uint16(head[6:]), int64(binary.BigEndian.Uint64(head[16:])), binary.BigEndian.Uint32(head[24:])
		if binary.BigEndian.Uint32(head[:]) != nbdRequest || length > maxRequest || at < 0 || command < cmdDisconnect && at+int64(length) > int64(len(d.image)) {
			return fmt.Errorf("bad request %x", head)
		}
		reply := make([]byte, 16) // no error
		binary.BigEndian.PutUint32(reply, nbdReply)
		copy(reply[8:], head[8:16])
		var err error
		switch command {
		case cmdRead:
			data := make([]byte, length)
			err = d.read(data, at)
			reply = append(reply, data...)
		case cmdWrite:
			data := make([]byte, length)
			if _, err := io.ReadFull(conn, data); err != nil {
				return err
			}
			err = d.write(data, at)
		case cmdFlush:
			err = d.flush()
		case cmdDisconnect:
			return nil
		default:
			err = fmt.Errorf("command %d, which was not offered", command)
		}
		if err != nil {
			return err
		}
		if _, err := conn.Write(reply); err != nil {
			return err
		}
	}
}

// greet is the fixed newstyle negotiation.
func (d *disk) greet(conn net.Conn) error {
	hello := binary.BigEndian.AppendUint64(nil, nbdMagic)
	hello = binary.BigEndian.AppendUint64(hello, nbdOption)
	hello = binary.BigEndian.AppendUint16(hello, nbdFixedNewstyle)
	if _, err := conn.Write(hello); err != nil {
		return err
	}
	var flags [4]byte
	if _, err := io.ReadFull(conn, flags[:]); err != nil {
		return err
	}
	export := binary.BigEndian.AppendUint64(nil, uint64(len(d.image)))
	export = binary.BigEndian.AppendUint16(export, nbdHasFlags|nbdSendFlush)
	for {
		var head [16]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return err
		}
		option, length := binary.BigEndian.Uint32(head[8:]), binary.BigEndian.Uint32(head[12:])
		if length > maxRequest {
			return fmt.Errorf("option of %d bytes", length)
		}
		if _, err := io.CopyN(io.Discard, conn, int64(length)); err != nil {
			return err
		}
		answer := func(kind uint32, data []byte) error {
			reply := binary.BigEndian.AppendUint64(nil, nbdOptionReply)
			reply = binary.BigEndian.AppendUint32(reply, option)
			reply = binary.BigEndian.AppendUint32(reply, kind)
			reply = binary.BigEndian.AppendUint32(reply, uint32(len(data)))
			_, err := conn.Write(append(reply, data...))
			return err
		}
		switch option {
		case optGo:
			if err := answer(infoOption, append([]byte{0, 0}, export...)); err != nil {
				return err
			}
			return answer(ackOption, nil)
		case optExportName:
			_, err := conn.Write(append(export, make([]byte, 124)...))
			return err
		case optAbort:
			return io.EOF
		default:
			if err := answer(unsupportedOption, nil); err != nil {
				return err
			}
		}
	}
}
