package osdp

import "encoding/binary"

// Fragment is a piece of a message too long for one frame (SIA OSDP 2.2, 5.10).
type Fragment struct {
	Total  uint16 // bytes of the whole message
	Offset uint16 // of this piece
	Data   []byte
}

// AppendData implements [Command] and [Reply].
func (f Fragment) AppendData(b []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, f.Total)
	b = binary.LittleEndian.AppendUint16(b, f.Offset)
	return append(le16(b, len(f.Data)), f.Data...)
}

// ends says whether the sender gives the message up (5.10.2).
func (f Fragment) ends() bool { return f.Total > 0 && len(f.Data) == 0 && f.Offset >= f.Total }

func (f Fragment) valid() bool {
	return f.ends() || int(f.Offset)+len(f.Data) <= int(f.Total)
}

// Split cuts a message into fragments with at most size bytes of it each. It
// returns ErrRange for a message of more than 65535 bytes or a size below 1. The
// fragments alias msg.
func Split(msg []byte, size int) ([]Fragment, error) {
	if len(msg) > 0xFFFF || size < 1 {
		return nil, ErrRange
	}
	var fs []Fragment
	for at := 0; at < len(msg) || at == 0; at += size {
		fs = append(fs, Fragment{uint16(len(msg)), uint16(at), msg[at:min(at+size, len(msg))]})
	}
	return fs, nil
}

// Assembler puts the fragments of one message together. The zero value is ready.
type Assembler struct {
	total int
	buf   []byte
}

// Add takes the next fragment and returns the whole message when it is complete.
// A fragment at offset 0 starts anew, one that was here before changes nothing;
// after a gap, or when the sender gives up, all is forgotten and ErrPayload returned.
func (a *Assembler) Add(f Fragment) (msg []byte, err error) {
	if f.Offset == 0 && len(f.Data) > 0 {
		a.total, a.buf = int(f.Total), nil
	}
	end := int(f.Offset) + len(f.Data)
	if !f.valid() || f.ends() || int(f.Total) != a.total || int(f.Offset) > len(a.buf) {
		*a = Assembler{}
		return nil, ErrPayload
	}
	if end > len(a.buf) {
		a.buf = append(a.buf[:f.Offset], f.Data...)
	}
	if len(a.buf) < a.total {
		return nil, nil
	}
	msg = a.buf
	*a = Assembler{}
	return msg, nil
}
