package osdp

import (
	"encoding/binary"
	"errors"
)

// Sizes and fixed bytes of a frame (SIA OSDP 2.2).
const (
	// MaxFrame is the longest frame that this side accepts, in bytes from SOM to
	// the last check byte.
	MaxFrame = 1440
	// MinPeerFrame is what every PD can take; a larger size comes from PDCAP 10.
	MinPeerFrame = 128
	// MaxAddr is the highest address a PD can have.
	MaxAddr = 0x7E
	// ConfigAddr reaches any PD, so it is of use only when one is on the line. It
	// carries ID, CAP, COMSET and their replies, nothing else.
	ConfigAddr = 0x7F

	markByte  = 0xFF // sent before SOM so that the line leaves its idle state cleanly
	somByte   = 0x53
	replyBit  = 0x80 // of ADDR
	ctrlSeq   = 0x03
	ctrlCRC   = 0x04
	ctrlBlock = 0x08
	headLen   = 5 // SOM ADDR LEN LEN CTRL
	macLen    = 4
)

// Errors of a frame, for [errors.Is].
var (
	ErrLength = errors.New("osdp: frame length")        // LEN out of range, or a frame cut short
	ErrCheck  = errors.New("osdp: frame check")         // CRC or checksum differs
	ErrBlock  = errors.New("osdp: security block form") // the security block contradicts its own length or type
)

// Scheme is the type of a security block (SIA OSDP 2.2, annex D).
type Scheme byte

// The security block types. None is a frame without a block.
const (
	None  Scheme = 0
	SCS11 Scheme = 0x11 // CHLNG
	SCS12 Scheme = 0x12 // CCRYPT
	SCS13 Scheme = 0x13 // SCRYPT
	SCS14 Scheme = 0x14 // RMAC_I
	SCS15 Scheme = 0x15 // command with MAC
	SCS16 Scheme = 0x16 // reply with MAC
	SCS17 Scheme = 0x17 // command with MAC and encrypted data
	SCS18 Scheme = 0x18 // reply with MAC and encrypted data
)

// sealed says whether frames of this scheme end in a MAC.
func (s Scheme) sealed() bool { return s >= SCS15 && s <= SCS18 }

// encrypted says whether the data of this scheme is encrypted.
func (s Scheme) encrypted() bool { return s == SCS17 || s == SCS18 }

// Frame is one message on the wire, its check bytes aside. The slices of a parsed
// frame alias the parser's buffer and hold until its next Push.
type Frame struct {
	Addr  byte   // 0 to MaxAddr, or ConfigAddr; without the reply bit
	Reply bool   // from a PD
	Ctrl  byte   // sequence, kind of check, presence of a block; as on the wire
	Block []byte // the security block with its length byte; nil if none
	Code  byte   // a CommandCode or a ReplyCode
	Data  []byte // the payload; encrypted under SCS_17 and SCS_18
	MAC   []byte // four bytes under SCS_15 to SCS_18

	raw []byte // of a parsed frame: SOM to the last check byte
}

// Seq returns the sequence number, 0 to 3.
func (f *Frame) Seq() byte { return f.Ctrl & ctrlSeq }

// Scheme returns the type of the security block, None without one.
func (f *Frame) Scheme() Scheme {
	if len(f.Block) < 2 {
		return None
	}
	return Scheme(f.Block[1])
}

// blockByte returns the data byte of the security block, as SCS_11 to SCS_14 have.
func (f *Frame) blockByte() (byte, bool) {
	if len(f.Block) != 3 {
		return 0, false
	}
	return f.Block[2], true
}

// Append appends the frame to dst with a mark byte before and its check after it.
// Whether the check is a CRC and whether a block follows is set from Ctrl and Block.
func (f *Frame) Append(dst []byte) []byte {
	dst, start := f.appendHead(dst, len(f.Data)+len(f.MAC))
	dst = append(dst, f.Data...)
	dst = append(dst, f.MAC...)
	return f.appendCheck(dst, start)
}

// appendHead appends mark, header, block and code of a frame with rest more bytes
// of data and MAC to come, and returns where SOM stands.
func (f *Frame) appendHead(dst []byte, rest int) (_ []byte, start int) {
	addr, ctrl := f.Addr, f.Ctrl&^ctrlBlock
	if f.Reply {
		addr |= replyBit
	}
	if len(f.Block) > 0 {
		ctrl |= ctrlBlock
	}
	n := headLen + len(f.Block) + 1 + rest + checkLen(ctrl)
	dst = append(dst, markByte)
	start = len(dst)
	dst = append(dst, somByte, addr, byte(n), byte(n>>8), ctrl)
	dst = append(dst, f.Block...)
	return append(dst, f.Code), start
}

// appendCheck appends the check of the frame that starts at start.
func (f *Frame) appendCheck(dst []byte, start int) []byte {
	if f.Ctrl&ctrlCRC != 0 {
		return binary.LittleEndian.AppendUint16(dst, crc16(dst[start:]))
	}
	return append(dst, checksum(dst[start:]))
}

// ParseFrame reads one whole frame, b[0] being SOM. The frame aliases b. It
// returns ErrLength, ErrCheck or ErrBlock.
func ParseFrame(b []byte) (Frame, error) {
	if len(b) < headLen+2 || len(b) > MaxFrame || b[0] != somByte ||
		int(binary.LittleEndian.Uint16(b[2:])) != len(b) {
		return Frame{}, ErrLength
	}
	f := Frame{Addr: b[1] &^ replyBit, Reply: b[1]&replyBit != 0, Ctrl: b[4], raw: b}
	end := len(b) - checkLen(f.Ctrl)
	if end <= headLen {
		return Frame{}, ErrLength
	}
	if f.Ctrl&ctrlCRC != 0 {
		if crc16(b[:end]) != binary.LittleEndian.Uint16(b[end:]) {
			return Frame{}, ErrCheck
		}
	} else if checksum(b[:end]) != b[end] {
		return Frame{}, ErrCheck
	}
	body := b[headLen:end]
	if f.Ctrl&ctrlBlock != 0 {
		n := int(body[0])
		if n < 2 || n >= len(body) {
			return Frame{}, ErrBlock
		}
		f.Block, body = body[:n:n], body[n:]
	}
	f.Code, body = body[0], body[1:]
	if f.Scheme().sealed() {
		if len(body) < macLen {
			return Frame{}, ErrBlock
		}
		cut := len(body) - macLen
		f.MAC, body = body[cut:], body[:cut:cut]
	}
	f.Data = body
	return f, nil
}

// checkLen returns how many check bytes a control byte announces.
func checkLen(ctrl byte) int {
	if ctrl&ctrlCRC != 0 {
		return 2
	}
	return 1
}

// Parser finds frames in a stream of bytes. Whatever the bytes, it finds the next
// frame that is whole: after a fault it looks again from the byte after the SOM
// that deceived it.
type Parser struct {
	buf   [2 * MaxFrame]byte
	r, w  int // unread bytes are buf[r:w]
	noise int
}

// Push takes received bytes, and ends the life of the frames returned so far. If
// the reader of frames has fallen a whole buffer behind, the oldest bytes go.
func (p *Parser) Push(b []byte) {
	if p.r == p.w {
		p.r, p.w = 0, 0
	}
	if p.w+len(b) > len(p.buf) {
		p.w = copy(p.buf[:], p.buf[p.r:p.w])
		p.r = 0
	}
	if over := len(b) - len(p.buf); over > 0 {
		p.noise += over
		b = b[over:]
	}
	if over := p.w + len(b) - len(p.buf); over > 0 {
		p.noise += over
		p.w = copy(p.buf[:], p.buf[over:p.w])
	}
	p.w += copy(p.buf[p.w:], b)
}

// Next returns the next frame, or the fault of one, from the bytes pushed; ok is
// false if it needs more of them.
func (p *Parser) Next() (f Frame, ok bool, err error) {
	for p.r < p.w {
		if p.buf[p.r] != somByte {
			if p.buf[p.r] != markByte {
				p.noise++
			}
			p.r++
			continue
		}
		if p.w-p.r < headLen {
			return Frame{}, false, nil
		}
		n := int(binary.LittleEndian.Uint16(p.buf[p.r+2:]))
		if n < headLen+2 || n > MaxFrame {
			p.r++
			return Frame{}, true, ErrLength
		}
		if p.w-p.r < n {
			return Frame{}, false, nil
		}
		f, err = ParseFrame(p.buf[p.r : p.r+n])
		if err != nil {
			p.r++
			return Frame{}, true, err
		}
		p.r += n
		return f, true, nil
	}
	return Frame{}, false, nil
}

// Open says whether a frame has begun and is not complete.
func (p *Parser) Open() bool { return p.r < p.w }

// Gap tells the parser that the line fell silent inside a frame: it gives up the
// frame that is open, so that Next looks for another in what came after its SOM.
func (p *Parser) Gap() {
	if p.r < p.w {
		p.r++
	}
}

// Reset forgets all unread bytes.
func (p *Parser) Reset() { p.r, p.w = 0, 0 }

// Noise returns how many bytes so far belonged to no frame.
func (p *Parser) Noise() int { return p.noise }

// crcTable is CRC-16 with polynomial 1021, most significant bit first.
var crcTable = func() (t [256]uint16) {
	for i := range t {
		c := uint16(i) << 8
		for range 8 {
			if c&0x8000 != 0 {
				c = c<<1 ^ 0x1021
			} else {
				c <<= 1
			}
		}
		t[i] = c
	}
	return t
}()

// crc16 is the CRC of a frame, initial value 1D0F (SIA OSDP 2.2).
func crc16(b []byte) uint16 {
	c := uint16(0x1D0F)
	for _, x := range b {
		c = c<<8 ^ crcTable[byte(c>>8)^x]
	}
	return c
}

// checksum is the two's complement of the sum of the bytes.
func checksum(b []byte) byte {
	var s byte
	for _, x := range b {
		s += x
	}
	return -s
}
