package cloudsync

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
)

// Bounds of a stream's events.
const (
	maxLine  = 128 << 10 // bytes
	maxData  = 256 << 10 // bytes of one event
	maxLines = 1024      // of one event
)

// streamEvent is a server-sent event.
type streamEvent struct {
	Name string
	Data []byte
}

// events reads server-sent events, as the HTML standard has them, but for lines
// that end with a lone carriage return. Comments are skipped: they are pings, which
// whoever reads the bytes has noticed.
type events struct{ lines *bufio.Reader }

func newEvents(r io.Reader) *events { return &events{bufio.NewReaderSize(r, maxLine)} }

var errStream = errors.New("cloudsync: the stream is not one of events")

// next returns the next event that has data. An event that the end of the stream
// cuts off is none.
func (s *events) next() (e streamEvent, err error) {
	data, lines := false, 0
	for {
		line, err := s.lines.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			return streamEvent{}, fmt.Errorf("%w: a line has more than %d bytes", errStream, maxLine)
		case err != nil:
			return streamEvent{}, err
		}
		line = bytes.TrimSuffix(line[:len(line)-1], []byte("\r"))
		if len(line) == 0 {
			if data {
				e.Data = e.Data[:len(e.Data)-1] // the line feed of the last line
				return e, nil
			}
			e, lines = streamEvent{}, 0
			continue
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		if len(name) == 0 {
			continue
		}
		if lines++; lines > maxLines || len(e.Data)+len(value) >= maxData {
			return streamEvent{}, fmt.Errorf("%w: an event has more than %d lines or %d bytes", errStream, maxLines, maxData)
		}
		switch string(name) {
		case "event":
			e.Name = string(value)
		case "data":
			data = true
			e.Data = append(append(e.Data, value...), '\n')
		}
	}
}
