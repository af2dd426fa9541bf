package wiegand

// h10301 is the standard 26-bit format, of cards and of buffered PINs.
//
// Source: SIA AC-01-1996.10.
var h10301 = format{
	name: "H10301", bits: 26,
	facility: field{1, 8}, card: field{9, 16},
	parity: []parity{even(0, span(1, 12)), odd(25, span(13, 24))},
}

// formats is every format known, by length. The values of all but the CSN rows
// are those that the Proxmark3 client packs (commit 1c8c3b78d4d8; its values
// were compared, none of its code is here). A row names its other sources; a row
// that names none has only that one.
//
// Fixed bits count: ignoring them would make two cards one.
var formats = []format{
	h10301,
	{ // 32 bits without parity; the first four are unused.
		name: "WIE32", bits: 32,
		facility: field{4, 12}, card: field{16, 16},
		fixed: span(0, 3),
	},
	{ // Kastle Systems; bit 1 is always one.
		name: "Kastle", bits: 32,
		issue: field{2, 5}, facility: field{7, 8}, card: field{15, 16},
		fixed: bit(1), ones: bit(1),
		parity: []parity{even(0, span(1, 16)), odd(31, span(14, 30))},
	},
	{ // Serial number of 4 bytes. Source: Rosslare AY-Q manual, 5.9.5.
		name: "CSN32-msb", bits: 32, uid: field{0, 32},
	},
	{ // Source: Rosslare AY-Q manual, 5.9.6.
		name: "CSN32-lsb", bits: 32, uid: field{0, 32}, lastByteFirst: true,
	},
	{ // HID 33-bit.
		name: "D10202", bits: 33,
		facility: field{1, 7}, card: field{8, 24},
		parity: []parity{even(0, span(1, 16)), odd(32, span(16, 31))},
	},
	{ // HID 34-bit. Source: Promag WEC200 manual, page 17; esphome.
		name: "H10306", bits: 34,
		facility: field{1, 16}, card: field{17, 16},
		parity: thirtyFour,
	},
	{ // Honeywell/Northern: the layout of H10306.
		name: "N10002", bits: 34,
		facility: field{1, 16}, card: field{17, 16},
		parity: thirtyFour,
	},
	{ // Serial number of 4 bytes in the parity of H10306, as many MIFARE readers
		// send it. Source: Civintec CN56 reader manual, 6.4.5.
		name: "CSN34-msb", bits: 34, uid: field{1, 32}, parity: thirtyFour,
	},
	{ // The same, last byte first.
		name: "CSN34-lsb", bits: 34, uid: field{1, 32}, parity: thirtyFour, lastByteFirst: true,
	},
	{ // HID Corporate 1000, 35 bits.
		name: "C1k35s", bits: 35,
		facility: field{2, 12}, card: field{14, 20},
		parity: []parity{even(1, twoOfThree(2, 33)), odd(34, twoOfThree(1, 32)), odd(0, span(1, 34))},
	},
	{ // HID Simplex: both parities are odd and share bit 17.
		name: "S12906", bits: 36,
		facility: field{1, 8}, issue: field{9, 2}, card: field{11, 24},
		parity: []parity{odd(0, span(1, 17)), odd(35, span(17, 34))},
	},
	{ // HID 37-bit without a facility code. Source: esphome's wiegand component.
		name: "H10302", bits: 37,
		card:   field{1, 35},
		parity: thirtySeven,
	},
	{ // HID 37-bit with a facility code. Source: ooaccess.com/kb/37-bit-fc.
		name: "H10304", bits: 37,
		facility: field{1, 16}, card: field{17, 19},
		parity: thirtySeven,
	},
	{ // Honeywell: the last byte is the exclusive or of the four before it.
		name: "P10001", bits: 40,
		facility: field{4, 12}, card: field{16, 16},
		fixed: span(0, 3), ones: span(0, 3),
		parity: xorOfFourBytes(),
	},
	{ // HID 46-bit: both parities cover all data.
		name: "H800002", bits: 46,
		facility: field{1, 14}, card: field{15, 30},
		parity: []parity{even(0, span(1, 44)), odd(45, span(1, 44))},
	},
	{ // HID Corporate 1000, 48 bits.
		name: "C1k48s", bits: 48,
		facility: field{2, 22}, card: field{24, 23},
		parity: []parity{even(1, twoOfThree(3, 46)), odd(47, twoOfThree(2, 45)), odd(0, span(1, 47))},
	},
	{ // Inner Range SIFER.
		name: "IR56", bits: 56,
		facility: field{0, 24}, card: field{24, 32},
	},
	{ // Avigilon, whose parity is said to step over pairs of bits. Pairs that
		// leave no bit out make plain parity over each half, and that gives the
		// known values; every second pair, or alternate bits, would not. Not yet
		// seen from a real card.
		name: "Avig56", bits: 56,
		facility: field{1, 20}, card: field{21, 34},
		parity: []parity{even(0, span(1, 27)), odd(55, span(28, 54))},
	},
	{ // Serial number of 7 bytes. Source: Civintec CN56 reader manual, 6.4.9.
		name: "CSN56-msb", bits: 56, uid: field{0, 56},
	},
	{ // The same, last byte first.
		name: "CSN56-lsb", bits: 56, uid: field{0, 56}, lastByteFirst: true,
	},
	{ // Serial number of 8 bytes, of iCLASS. Source: accessgrid.com, guide to bit
		// formats.
		name: "CSN64-msb", bits: 64, uid: field{0, 64},
	},
	{ // The same, last byte first.
		name: "CSN64-lsb", bits: 64, uid: field{0, 64}, lastByteFirst: true,
	},
}

// The parities that formats of the same length share; thirtySeven shares bit 18.
var (
	thirtyFour  = []parity{even(0, span(1, 16)), odd(33, span(17, 32))}
	thirtySeven = []parity{even(0, span(1, 18)), odd(36, span(18, 35))}
)

// xorOfFourBytes are the parities of a byte that is the exclusive or of the four
// before it: each of its bits makes a column of five even.
func xorOfFourBytes() []parity {
	var ps []parity
	for i := range 8 {
		ps = append(ps, even(32+i, bit(i)|bit(8+i)|bit(16+i)|bit(24+i)))
	}
	return ps
}

func even(at int, covers uint64) parity { return parity{at: at, odd: 0, covers: covers} }
func odd(at int, covers uint64) parity  { return parity{at: at, odd: 1, covers: covers} }

// bit is the mask of bit i of a frame.
func bit(i int) uint64 { return 1 << (63 - i) }

// span is the mask of the bits first to last, both included.
func span(first, last int) uint64 {
	return ^uint64(0) >> first &^ (^uint64(0) >> (last + 1))
}

// twoOfThree is the mask of first to last without every third bit: 2, 3, 5, 6,
// 8, 9 and so on from 2.
func twoOfThree(first, last int) uint64 {
	mask := span(first, last)
	for i := first + 2; i <= last; i += 3 {
		mask &^= bit(i)
	}
	return mask
}
