package osdp

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"errors"
)

// Errors of the secure channel, for [errors.Is].
var (
	ErrMAC     = errors.New("osdp: MAC")                  // not from the other end of the session, or not its next message
	ErrPadding = errors.New("osdp: padding of encrypted") // authentic, but the data has no end
)

// Nonce is the random number that one side brings to a handshake.
type Nonce [8]byte

// Session is one secure channel: its keys and the MAC of the last message each
// way, on which the next depends. Both ends use it: an ACU seals commands and
// opens replies, a PD the reverse. It does not retry; whoever sends a message
// again must send the same bytes.
//
//	seal command: IV = last reply MAC  ──▶ becomes last command MAC
//	open reply:   IV = last command MAC ──▶ becomes last reply MAC
//
// Source: SIA OSDP 2.2, annex D.
type Session struct {
	enc, mac1, mac2 cipher.Block
	rndA, rndB      Nonce
	cmac, rmac      [16]byte // last full MAC of a command and of a reply
	work            [16]byte
}

// NewSession derives the session keys from the base key of the reader and the
// nonces of the ACU (a) and the PD (b).
func NewSession(scbk Key, a, b Nonce) *Session {
	base := newAES(scbk)
	derive := func(kind byte) cipher.Block {
		var k Key
		k[0], k[1] = 0x01, kind
		copy(k[2:], a[:6])
		base.Encrypt(k[:], k[:])
		return newAES(k)
	}
	s := &Session{enc: derive(0x82), mac1: derive(0x01), mac2: derive(0x02), rndA: a, rndB: b}
	s.rmac = s.InitialRMAC()
	return s
}

// newAES returns AES-128 under k.
func newAES(k Key) cipher.Block {
	c, err := aes.NewCipher(k[:])
	if err != nil {
		panic(err) // only for key lengths other than 16, 24 and 32
	}
	return c
}

// ClientCryptogram is the proof of the PD, sent in CCRYPT.
func (s *Session) ClientCryptogram() [16]byte { return s.cryptogram(s.rndA, s.rndB) }

// ServerCryptogram is the proof of the ACU, sent in SCRYPT.
func (s *Session) ServerCryptogram() [16]byte { return s.cryptogram(s.rndB, s.rndA) }

func (s *Session) cryptogram(first, second Nonce) (c [16]byte) {
	copy(c[:8], first[:])
	copy(c[8:], second[:])
	s.enc.Encrypt(c[:], c[:])
	return c
}

// InitialRMAC is the MAC from which the chain starts, sent in RMAC_I.
func (s *Session) InitialRMAC() [16]byte {
	c := s.ServerCryptogram()
	s.mac1.Encrypt(c[:], c[:])
	s.mac2.Encrypt(c[:], c[:])
	return c
}

// Blocks of sealed frames; shared, never written to.
var (
	block15 = []byte{2, byte(SCS15)}
	block16 = []byte{2, byte(SCS16)}
	block17 = []byte{2, byte(SCS17)}
	block18 = []byte{2, byte(SCS18)}
)

// Seal appends f to dst with a mark byte, encrypting its data if it has any, with
// MAC and check. Block and MAC of f are set by Seal, not read.
func (s *Session) Seal(dst []byte, f Frame) []byte {
	iv, out := &s.rmac, &s.cmac
	plain, full := block15, block17
	if f.Reply {
		iv, out = &s.cmac, &s.rmac
		plain, full = block16, block18
	}
	f.Block = plain
	n := 0
	if len(f.Data) > 0 { // a message without data has the MAC only
		f.Block = full
		n = (len(f.Data)/aes.BlockSize + 1) * aes.BlockSize
	}
	dst, start := f.appendHead(dst, n+macLen)
	if n > 0 {
		at := len(dst)
		dst = append(dst, f.Data...)
		dst = append(dst, 0x80)
		for len(dst)-at < n {
			dst = append(dst, 0)
		}
		s.encrypt(dst[at:], iv)
	}
	s.mac(dst[start:], iv, out)
	dst = append(dst, out[:macLen]...)
	return f.appendCheck(dst, start)
}

// Open verifies a parsed frame and decrypts its data, in place. If the frame is
// not the next one of the other end it returns ErrMAC and the session is as
// before. The block type may be that of either direction: public PDs put SCS_15
// on replies, and the direction is under the MAC anyhow, as bit 7 of ADDR.
func (s *Session) Open(f *Frame) error {
	if !f.Scheme().sealed() {
		return ErrMAC
	}
	iv, out := &s.rmac, &s.cmac
	if f.Reply {
		iv, out = &s.cmac, &s.rmac
	}
	signed := f.raw[:len(f.raw)-checkLen(f.Ctrl)-macLen]
	var mac [16]byte
	s.mac(signed, iv, &s.work)
	mac = s.work
	if subtle.ConstantTimeCompare(mac[:macLen], f.MAC) != 1 {
		return ErrMAC
	}
	if f.Scheme().encrypted() && len(f.Data) > 0 {
		if len(f.Data)%aes.BlockSize != 0 {
			return ErrPadding
		}
		s.decrypt(f.Data, iv)
		n := len(f.Data) - 1
		for n > 0 && f.Data[n] == 0 {
			n--
		}
		if f.Data[n] != 0x80 {
			return ErrPadding
		}
		f.Data = f.Data[:n]
	}
	*out = mac
	return nil
}

// mac computes the full MAC of msg: CBC under S-MAC1, the last block under
// S-MAC2, padded with 80 00… only if it does not end on a block.
func (s *Session) mac(msg []byte, iv, out *[16]byte) {
	x := *iv
	for len(msg) > aes.BlockSize {
		subtle.XORBytes(x[:], x[:], msg)
		*out = x
		s.mac1.Encrypt(out[:], out[:])
		x = *out
		msg = msg[aes.BlockSize:]
	}
	subtle.XORBytes(x[:], x[:], msg)
	if len(msg) < aes.BlockSize {
		x[len(msg)] ^= 0x80
	}
	*out = x
	s.mac2.Encrypt(out[:], out[:])
}

// encrypt is CBC under S-ENC with the complement of iv.
func (s *Session) encrypt(b []byte, iv *[16]byte) {
	complement(&s.work, iv)
	prev := s.work[:]
	for len(b) > 0 {
		subtle.XORBytes(b[:16], b[:16], prev)
		s.enc.Encrypt(b[:16], b[:16])
		prev, b = b[:16], b[16:]
	}
}

// decrypt undoes encrypt, from the last block back so that none is needed twice.
func (s *Session) decrypt(b []byte, iv *[16]byte) {
	complement(&s.work, iv)
	for i := len(b) - 16; i >= 0; i -= 16 {
		prev := s.work[:]
		if i > 0 {
			prev = b[i-16 : i]
		}
		s.enc.Decrypt(b[i:i+16], b[i:i+16])
		subtle.XORBytes(b[i:i+16], b[i:i+16], prev)
	}
}

func complement(dst, src *[16]byte) {
	for i, x := range src {
		dst[i] = ^x
	}
}
