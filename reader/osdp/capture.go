package osdp

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// Trace is a frame that went over the line, fit to be shown and kept: what a card
// or a person gave, and keys, are masked in all of its fields.
type Trace struct {
	At     time.Duration // on the bus's clock, when the frame was complete
	Out    bool          // from us
	Addr   byte
	Seq    byte
	Scheme Scheme
	Name   string // of the command or reply
	Text   string // the payload, decoded
	Raw    []byte // the frame as on the wire, secrets zeroed and the check made anew; not retained
}

// String is one line for a person.
func (t Trace) String() string {
	dir := "<"
	if t.Out {
		dir = ">"
	}
	s := fmt.Sprintf("%s %02X %d %s", dir, t.Addr, t.Seq, t.Name)
	if t.Scheme != None {
		s += fmt.Sprintf(" SCS_%02X", byte(t.Scheme))
	}
	return strings.TrimRight(s+" "+t.Text, " ")
}

// secret says whether the payload of a message must not be seen: credentials,
// digits, keys, biometrics, and what phones and cards say in transparent mode.
func secret(reply bool, code byte) bool {
	if reply {
		switch ReplyCode(code) {
		case ReplyRaw, ReplyFormatted, ReplyKeypad, ReplyBioRead, ReplyPIVData, ReplyGenAuth,
			ReplyChallengeKey, ReplyXRead:
			return true
		default:
			return false
		}
	}
	switch CommandCode(code) {
	case CmdKeySet, CmdBioMatch, CmdXWrite, CmdGenAuth, CmdChallengeKey:
		return true
	default:
		return false
	}
}

// mask returns a copy of a frame, without mark byte, with its secrets zeroed. Also
// encrypted ones go: SCBK-D is no secret.
func mask(raw []byte) []byte {
	raw = bytes.Clone(raw)
	f, err := ParseFrame(raw)
	if err != nil || !secret(f.Reply, f.Code) {
		return raw
	}
	clear(f.Data)
	clear(f.MAC)
	end := len(raw) - checkLen(f.Ctrl)
	return f.appendCheck(raw[:end:end], 0)
}

// describe shows the payload of a frame in clear.
func describe(f *Frame, data []byte) string {
	if secret(f.Reply, f.Code) {
		return fmt.Sprintf("(%d bytes)", len(data))
	}
	var v any
	var err error
	if f.Reply {
		v, err = DecodeReply(ReplyCode(f.Code), data)
	} else {
		v, err = DecodeCommand(CommandCode(f.Code), data)
	}
	switch v.(type) {
	case Ack, Query:
		return ""
	case FileChunk:
		return fmt.Sprintf("(%d bytes)", len(data))
	}
	if err != nil {
		return fmt.Sprintf("% X", data)
	}
	return fmt.Sprintf("%+v", v)
}

// traceOut traces the command of p that goes out.
func (b *Bus) traceOut(p *peer) {
	if b.cfg.Trace == nil {
		return
	}
	f, err := ParseFrame(p.out[1:]) // after the mark byte
	if err != nil {
		return
	}
	data := f.Data
	if f.Scheme().encrypted() {
		data = p.data
	}
	b.cfg.Trace(Trace{
		At: b.now, Out: true, Addr: f.Addr, Seq: f.Seq(), Scheme: f.Scheme(),
		Name: CommandCode(f.Code).String(), Text: describe(&f, data), Raw: mask(f.raw),
	})
}

// tracing prepares to trace a frame that came in; the returned function does it,
// after it was judged and so decrypted.
func (b *Bus) tracing(f *Frame) func() {
	if b.cfg.Trace == nil {
		return func() {}
	}
	raw := mask(f.raw)
	size := len(f.Data)
	return func() {
		text := describe(f, f.Data)
		if f.Scheme().encrypted() && len(f.Data) == size {
			text = "(not decrypted)"
		}
		b.cfg.Trace(Trace{
			At: b.now, Addr: f.Addr, Seq: f.Seq(), Scheme: f.Scheme(),
			Name: ReplyCode(f.Code).String(), Text: text, Raw: raw,
		})
	}
}

// Capture writes traces as osdpcap, one JSON object a line, for other tools.
//
// Source: OSDP Capture Format version 1, libosdp-conformance.
type Capture struct {
	w    *bufio.Writer
	base time.Time
}

// NewCapture returns a Capture to w. Base is the time of day at which the bus's
// clock was zero.
func NewCapture(w io.Writer, base time.Time) *Capture {
	return &Capture{bufio.NewWriter(w), base}
}

// Write adds a frame. The first error of the writer is returned from then on.
func (c *Capture) Write(t Trace) error {
	at := c.base.Add(t.At)
	io := "input"
	if t.Out {
		io = "output"
	}
	err := json.NewEncoder(c.w).Encode(struct {
		Sec     string `json:"timeSec"`
		Nano    string `json:"timeNano"`
		IO      string `json:"io"`
		Data    string `json:"data"`
		Version string `json:"osdpTraceVersion"`
		Source  string `json:"osdpSource"`
	}{
		strconv.FormatInt(at.Unix(), 10), fmt.Sprintf("%09d", at.Nanosecond()),
		io, fmt.Sprintf("% x", t.Raw), "1", "doord",
	})
	if err != nil {
		return err
	}
	return c.w.Flush()
}
