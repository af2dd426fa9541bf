package wiegand

import "fmt"

// MaxBits is the longest frame that is kept. The longest in use is the 200-bit
// FASC-N of a PIV card.
const MaxBits = 256

// Bits is a frame of 0 to [MaxBits] bits; bit 0 was first on the wire. The zero
// value is an empty frame. Bits are values: they copy, and compare with ==.
type Bits struct {
	w [MaxBits / 64]uint64 // bit 0 is the highest of w[0]; bits from n on are zero
	n int
}

// bitsOf returns the n lowest bits of v, the highest of them first; n is at most
// 64 and v has no bit above them.
func bitsOf(v uint64, n int) Bits {
	return Bits{w: [MaxBits / 64]uint64{v << (64 - n)}, n: n}
}

// ParseBits reads a frame written as '0' and '1', first bit first, as String
// writes it. Any other character, or more than [MaxBits], is an error.
func ParseBits(s string) (Bits, error) {
	if len(s) > MaxBits {
		return Bits{}, fmt.Errorf("wiegand: %d bits are more than the %d of the longest frame", len(s), MaxBits)
	}
	var b Bits
	for i, r := range s {
		if r != '0' && r != '1' {
			return Bits{}, fmt.Errorf("wiegand: character %d is %q, not 0 or 1", i+1, r)
		}
		b.Append(r == '1')
	}
	return b, nil
}

// Len returns the number of bits, 0 to [MaxBits].
func (b Bits) Len() int { return b.n }

// At reports whether bit i is a one. It panics unless 0 ≤ i < Len.
func (b Bits) At(i int) bool {
	if i < 0 || i >= b.n {
		panic(fmt.Sprintf("wiegand: bit %d of a frame of %d", i, b.n))
	}
	return b.w[i/64]<<(i%64)>>63 == 1
}

// Append adds a bit at the end. A full frame stays as it is, and Append returns
// false.
func (b *Bits) Append(one bool) bool {
	if b.n == MaxBits {
		return false
	}
	if one {
		b.w[b.n/64] |= 1 << (63 - b.n%64)
	}
	b.n++
	return true
}

// String returns the frame as '0' and '1', first bit first.
func (b Bits) String() string {
	var s [MaxBits]byte
	for i := range b.n {
		s[i] = '0'
		if b.At(i) {
			s[i] = '1'
		}
	}
	return string(s[:b.n])
}
