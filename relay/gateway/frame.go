package gateway

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// The form of a frame.
const (
	mark     = 0x57
	version  = 0x01
	tagged   = 0x80
	headLen  = 10
	tagLen   = 16
	crcLen   = 4
	minFrame = headLen + crcLen
	maxFrame = 128
)

// Type is what a frame is.
type Type byte

// The types.
const (
	Hello   Type = 0x01
	Set     Type = 0x02
	Get     Type = 0x03
	Ping    Type = 0x04
	Got     Type = 0x05
	Welcome Type = 0x81
	Ack     Type = 0x82
	State   Type = 0x83
	Passed  Type = 0x84
)

// Side is who sent a frame.
type Side byte

// The sides.
const (
	Controller Side = 'C'
	Gateway    Side = 'G'
)

// Key is a secret that a controller and a gateway share; the zero Key is none.
type Key [32]byte

// IsZero reports whether there is no key.
func (k Key) IsZero() bool { return k == Key{} }

// Nonce is random, and new for each session.
type Nonce [16]byte

// Session returns the key of a session.
func (k Key) Session(controller, gateway Nonce) Key {
	if k.IsZero() {
		return k
	}
	h := hmac.New(sha256.New, k[:])
	h.Write([]byte("doord gateway 1"))
	h.Write(controller[:])
	h.Write(gateway[:])
	return Key(h.Sum(nil))
}

// Frame is one message.
type Frame struct {
	Sequence uint32
	Type     Type
	Channel  byte
	Data     []byte
	tag      []byte
	signed   []byte // what the tag is of
}

// Append appends the frame to b, with a tag if there is a key.
func (f *Frame) Append(b []byte, side Side, key Key) []byte {
	start := len(b)
	n, v := minFrame+len(f.Data), byte(version)
	if !key.IsZero() {
		n, v = n+tagLen, v|tagged
	}
	b = append(b, mark, v)
	b = binary.BigEndian.AppendUint16(b, uint16(n))
	b = binary.BigEndian.AppendUint32(b, f.Sequence)
	b = append(b, byte(f.Type), f.Channel)
	b = append(b, f.Data...)
	if !key.IsZero() {
		b = append(b, tag(side, key, b[start:])...)
	}
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[start:]))
}

func tag(side Side, key Key, signed []byte) []byte {
	h := hmac.New(sha256.New, key[:])
	h.Write([]byte{byte(side)})
	h.Write(signed)
	return h.Sum(nil)[:tagLen]
}

// Valid reports whether the frame has the tag that the key demands.
func (f *Frame) Valid(side Side, key Key) bool {
	if key.IsZero() || f.tag == nil {
		return key.IsZero() && f.tag == nil
	}
	return hmac.Equal(f.tag, tag(side, key, f.signed))
}

// errForm is a frame that is none.
var errForm = errors.New("gateway: not a frame")

// Parse reads a whole frame, which it aliases.
func Parse(b []byte) (Frame, error) {
	if len(b) < minFrame || len(b) > maxFrame || b[0] != mark || b[1]&^tagged != version || int(binary.BigEndian.Uint16(b[2:])) != len(b) {
		return Frame{}, errForm
	}
	end := len(b) - crcLen
	if crc32.ChecksumIEEE(b[:end]) != binary.BigEndian.Uint32(b[end:]) {
		return Frame{}, errForm
	}
	f := Frame{Sequence: binary.BigEndian.Uint32(b[4:]), Type: Type(b[8]), Channel: b[9]}
	if b[1]&tagged != 0 {
		if end -= tagLen; end < headLen {
			return Frame{}, errForm
		}
		f.tag = b[end : end+tagLen]
	}
	f.Data, f.signed = b[headLen:end], b[:end]
	return f, nil
}

// Parser finds frames in what a line delivers. The zero value is ready.
type Parser struct{ buf []byte }

// Push adds what was received. What cannot be the begin of a frame is dropped; more
// than a few frames are never kept.
func (p *Parser) Push(b []byte) {
	const most = 64 * maxFrame
	p.buf = append(p.buf, b...)
	if n := len(p.buf) - most; n > 0 {
		p.buf = append(p.buf[:0], p.buf[n:]...)
	}
}

// Reset forgets all.
func (p *Parser) Reset() { p.buf = nil }

// Next returns the next frame, if one is complete. It holds until the next Push.
func (p *Parser) Next() (Frame, bool) {
	for {
		i := bytes.IndexByte(p.buf, mark)
		if i < 0 {
			p.buf = p.buf[:0]
			return Frame{}, false
		}
		p.buf = p.buf[i:]
		if len(p.buf) < 4 {
			return Frame{}, false
		}
		n := int(binary.BigEndian.Uint16(p.buf[2:]))
		if n < minFrame || n > maxFrame || p.buf[1]&^tagged != version {
			p.buf = p.buf[1:] // a mark that was none
			continue
		}
		if len(p.buf) < n {
			return Frame{}, false
		}
		f, err := Parse(p.buf[:n:n])
		if err != nil {
			p.buf = p.buf[1:]
			continue
		}
		p.buf = p.buf[n:]
		return f, true
	}
}
