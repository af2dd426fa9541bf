package osdp

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// CommandCode is the code of a message to a PD (SIA OSDP 2.2).
type CommandCode byte

// The commands.
const (
	CmdPoll         CommandCode = 0x60
	CmdID           CommandCode = 0x61
	CmdCap          CommandCode = 0x62
	CmdLocalStatus  CommandCode = 0x64 // LSTAT
	CmdInputStatus  CommandCode = 0x65 // ISTAT
	CmdOutputStatus CommandCode = 0x66 // OSTAT
	CmdReaderStatus CommandCode = 0x67 // RSTAT
	CmdOutput       CommandCode = 0x68 // OUT
	CmdLED          CommandCode = 0x69
	CmdBuzzer       CommandCode = 0x6A
	CmdText         CommandCode = 0x6B
	CmdComSet       CommandCode = 0x6E
	CmdBioRead      CommandCode = 0x73
	CmdBioMatch     CommandCode = 0x74
	CmdKeySet       CommandCode = 0x75
	CmdChallenge    CommandCode = 0x76 // CHLNG
	CmdCryptogram   CommandCode = 0x77 // SCRYPT
	CmdRxSize       CommandCode = 0x7B // ACURXSIZE
	CmdFile         CommandCode = 0x7C // FILETRANSFER
	CmdMfg          CommandCode = 0x80
	CmdXWrite       CommandCode = 0xA1 // XWR
	CmdAbort        CommandCode = 0xA2
	CmdPIVData      CommandCode = 0xA3
	CmdGenAuth      CommandCode = 0xA4
	CmdChallengeKey CommandCode = 0xA5 // CRAUTH
	CmdKeepActive   CommandCode = 0xA7
)

var commandNames = map[CommandCode]string{
	CmdPoll: "POLL", CmdID: "ID", CmdCap: "CAP", CmdLocalStatus: "LSTAT", CmdInputStatus: "ISTAT",
	CmdOutputStatus: "OSTAT", CmdReaderStatus: "RSTAT", CmdOutput: "OUT", CmdLED: "LED",
	CmdBuzzer: "BUZ", CmdText: "TEXT", CmdComSet: "COMSET", CmdBioRead: "BIOREAD",
	CmdBioMatch: "BIOMATCH", CmdKeySet: "KEYSET", CmdChallenge: "CHLNG", CmdCryptogram: "SCRYPT",
	CmdRxSize: "ACURXSIZE", CmdFile: "FILETRANSFER", CmdMfg: "MFG", CmdXWrite: "XWR",
	CmdAbort: "ABORT", CmdPIVData: "PIVDATA", CmdGenAuth: "GENAUTH", CmdChallengeKey: "CRAUTH",
	CmdKeepActive: "KEEPACTIVE",
}

// String returns the name that the standard gives, or the number.
func (c CommandCode) String() string {
	if s, ok := commandNames[c]; ok {
		return s
	}
	return fmt.Sprintf("command %02X", byte(c))
}

// Errors of a payload, for [errors.Is].
var (
	ErrPayload = errors.New("osdp: payload")      // the payload does not fit its code
	ErrUnknown = errors.New("osdp: unknown code") // no such command or reply
	ErrRange   = errors.New("osdp: out of range") // a value that the message cannot carry
)

// Command is a message to a PD: one of the types of this file.
type Command interface {
	// Code is the command's code on the wire.
	Code() CommandCode
	// AppendData appends the payload to b.
	AppendData(b []byte) []byte
}

// Query is any command that only asks: POLL, ID, CAP, LSTAT, ISTAT, OSTAT, RSTAT,
// ABORT.
type Query CommandCode

// Outputs sets outputs of the reader. The lock of a door must never hang on one:
// it is outside the door, where a screwdriver reaches it.
type Outputs []OutputControl

// OutputControl sets one output.
type OutputControl struct {
	Number byte          // from 0
	Action byte          // 0 nothing, 1 off for good, 2 on for good, 3/4 the same and stop a timer, 5 on for Time, 6 off for Time
	Time   time.Duration // up to 6553.5 s in steps of 100 ms
}

// Color is that of an LED (SIA OSDP 2.2).
type Color byte

// The colours.
const (
	Black Color = iota
	Red
	Green
	Amber
	Blue
	Magenta
	Cyan
	White
)

// LEDs sets lights of a reader.
type LEDs []LED

// LED sets one light: what it shows for good, and what it shows before that for a
// while. Times count in steps of 100 ms.
type LED struct {
	Reader, Number byte
	Temp           Blink         // shown first; its Action: 0 nothing, 1 stop one that runs, 2 start
	Time           time.Duration // of Temp, up to 6553.5 s
	Perm           Blink         // its Action: 0 leave as it is, 1 set
}

// Blink is two colours in turn.
type Blink struct {
	Action            byte
	On, Off           time.Duration // up to 25.5 s each
	OnColor, OffColor Color
}

// Buzzer sounds a reader.
type Buzzer struct {
	Reader  byte
	Tone    byte          // 1 off, 2 the default tone
	On, Off time.Duration // up to 25.5 s each, in steps of 100 ms
	Count   byte          // how often; 0 until told otherwise
}

// Text shows text on a reader.
type Text struct {
	Reader, Action byte          // 1 and 2 for good, without and with wrap; 3 and 4 for Time
	Time           time.Duration // up to 255 s in steps of 1 s
	Row, Col       byte          // from 1
	Text           string        // ASCII, up to 255 characters
}

// Comm is an address and a speed: the payload of COMSET, and of its reply COM.
type Comm struct {
	Addr byte // 0 to MaxAddr
	Baud int  // in bits per second
}

// BioRead asks for a biometric template.
type BioRead struct{ Reader, Type, Format, Quality byte }

// BioMatch asks to match a finger against a template.
type BioMatch struct {
	Reader, Type, Format, Quality byte
	Template                      []byte
}

// KeySet gives a reader a new SCBK.
type KeySet struct{ Key Key }

// Challenge is CHLNG, the ACU's nonce.
type Challenge struct{ A Nonce }

// Cryptogram is SCRYPT, the ACU's proof.
type Cryptogram [16]byte

// RxSize is ACURXSIZE, the longest frame that the ACU accepts.
type RxSize uint16

// FileChunk is one piece of a file (FILETRANSFER).
type FileChunk struct {
	Type          byte // 1 opaque; others are the vendor's
	Total, Offset uint32
	Data          []byte
}

// Mfg is a vendor's own command.
type Mfg struct {
	OUI  [3]byte
	Data []byte
}

// XWrite is XWR, the carrier of transparent mode.
type XWrite struct {
	Mode byte // 0 mode control, 1 transparent smart card
	Data []byte
}

// PIVData asks for an object of a PIV card; it comes in fragments.
type PIVData struct {
	Object  [3]byte
	Element byte
	Offset  uint16
}

// Auth is a fragment of GENAUTH or CRAUTH; see [Split].
type Auth struct {
	Cmd CommandCode // CmdGenAuth or CmdChallengeKey
	Fragment
}

// KeepActive asks a reader to keep a card powered, up to 65.5 s.
type KeepActive time.Duration

// Code implements [Command].
func (q Query) Code() CommandCode { return CommandCode(q) }

// AppendData implements [Command]. ID and CAP ask for the standard report, 0.
func (q Query) AppendData(b []byte) []byte {
	if CommandCode(q) == CmdID || CommandCode(q) == CmdCap {
		return append(b, 0)
	}
	return b
}

// Code implements [Command].
func (Outputs) Code() CommandCode { return CmdOutput }

// AppendData implements [Command].
func (o Outputs) AppendData(b []byte) []byte {
	for _, x := range o {
		b = append(b, x.Number, x.Action)
		b = le16(b, tenths(x.Time, 0xFFFF))
	}
	return b
}

// Code implements [Command].
func (LEDs) Code() CommandCode { return CmdLED }

// AppendData implements [Command].
func (l LEDs) AppendData(b []byte) []byte {
	for _, x := range l {
		b = append(b, x.Reader, x.Number)
		b = x.Temp.append(b)
		b = le16(b, tenths(x.Time, 0xFFFF))
		b = x.Perm.append(b)
	}
	return b
}

func (x Blink) append(b []byte) []byte {
	return append(b, x.Action, byte(tenths(x.On, 0xFF)), byte(tenths(x.Off, 0xFF)), byte(x.OnColor), byte(x.OffColor))
}

// Code implements [Command].
func (Buzzer) Code() CommandCode { return CmdBuzzer }

// AppendData implements [Command].
func (x Buzzer) AppendData(b []byte) []byte {
	return append(b, x.Reader, x.Tone, byte(tenths(x.On, 0xFF)), byte(tenths(x.Off, 0xFF)), x.Count)
}

// Code implements [Command].
func (Text) Code() CommandCode { return CmdText }

// AppendData implements [Command].
func (x Text) AppendData(b []byte) []byte {
	s := x.Text[:min(len(x.Text), 255)]
	b = append(b, x.Reader, x.Action, byte(min(x.Time/time.Second, 255)), x.Row, x.Col, byte(len(s)))
	return append(b, s...)
}

// Code implements [Command].
func (Comm) Code() CommandCode { return CmdComSet }

// AppendData implements [Command] and [Reply].
func (x Comm) AppendData(b []byte) []byte {
	return binary.LittleEndian.AppendUint32(append(b, x.Addr), uint32(x.Baud))
}

// Code implements [Command].
func (BioRead) Code() CommandCode { return CmdBioRead }

// AppendData implements [Command].
func (x BioRead) AppendData(b []byte) []byte {
	return append(b, x.Reader, x.Type, x.Format, x.Quality)
}

// Code implements [Command].
func (BioMatch) Code() CommandCode { return CmdBioMatch }

// AppendData implements [Command].
func (x BioMatch) AppendData(b []byte) []byte {
	b = append(b, x.Reader, x.Type, x.Format, x.Quality)
	return append(le16(b, len(x.Template)), x.Template...)
}

// Code implements [Command].
func (KeySet) Code() CommandCode { return CmdKeySet }

// AppendData implements [Command].
func (x KeySet) AppendData(b []byte) []byte { return append(append(b, 1, 16), x.Key[:]...) }

// Code implements [Command].
func (Challenge) Code() CommandCode { return CmdChallenge }

// AppendData implements [Command].
func (x Challenge) AppendData(b []byte) []byte { return append(b, x.A[:]...) }

// Code implements [Command].
func (Cryptogram) Code() CommandCode { return CmdCryptogram }

// AppendData implements [Command].
func (x Cryptogram) AppendData(b []byte) []byte { return append(b, x[:]...) }

// Code implements [Command].
func (RxSize) Code() CommandCode { return CmdRxSize }

// AppendData implements [Command].
func (x RxSize) AppendData(b []byte) []byte { return le16(b, int(x)) }

// Code implements [Command].
func (FileChunk) Code() CommandCode { return CmdFile }

// AppendData implements [Command].
func (x FileChunk) AppendData(b []byte) []byte {
	b = binary.LittleEndian.AppendUint32(append(b, x.Type), x.Total)
	b = binary.LittleEndian.AppendUint32(b, x.Offset)
	return append(le16(b, len(x.Data)), x.Data...)
}

// Code implements [Command].
func (Mfg) Code() CommandCode { return CmdMfg }

// AppendData implements [Command].
func (x Mfg) AppendData(b []byte) []byte { return append(append(b, x.OUI[:]...), x.Data...) }

// Code implements [Command].
func (XWrite) Code() CommandCode { return CmdXWrite }

// AppendData implements [Command].
func (x XWrite) AppendData(b []byte) []byte { return append(append(b, x.Mode), x.Data...) }

// Code implements [Command].
func (PIVData) Code() CommandCode { return CmdPIVData }

// AppendData implements [Command].
func (x PIVData) AppendData(b []byte) []byte {
	return le16(append(append(b, x.Object[:]...), x.Element), int(x.Offset))
}

// Code implements [Command].
func (x Auth) Code() CommandCode { return x.Cmd }

// Code implements [Command].
func (KeepActive) Code() CommandCode { return CmdKeepActive }

// AppendData implements [Command].
func (x KeepActive) AppendData(b []byte) []byte {
	return le16(b, int(min(time.Duration(x)/time.Millisecond, 0xFFFF)))
}

// DecodeCommand reads the payload of a command. The result does not alias data.
// It returns ErrUnknown or ErrPayload.
func DecodeCommand(code CommandCode, data []byte) (Command, error) {
	d := decoder{b: data}
	var c Command
	switch code {
	case CmdPoll, CmdLocalStatus, CmdInputStatus, CmdOutputStatus, CmdReaderStatus, CmdAbort:
		c = Query(code)
	case CmdID, CmdCap:
		d.want(d.u8() == 0)
		c = Query(code)
	case CmdOutput:
		var x Outputs
		for d.more() {
			x = append(x, OutputControl{d.u8(), d.u8(), d.tenths16()})
		}
		c = x
	case CmdLED:
		var x LEDs
		for d.more() {
			x = append(x, LED{Reader: d.u8(), Number: d.u8(), Temp: d.blink(), Time: d.tenths16(), Perm: d.blink()})
		}
		c = x
	case CmdBuzzer:
		c = Buzzer{d.u8(), d.u8(), d.tenths(), d.tenths(), d.u8()}
	case CmdText:
		x := Text{Reader: d.u8(), Action: d.u8(), Time: time.Duration(d.u8()) * time.Second, Row: d.u8(), Col: d.u8()}
		x.Text = string(d.take(int(d.u8())))
		c = x
	case CmdComSet:
		c = d.comm()
	case CmdBioRead:
		c = BioRead{d.u8(), d.u8(), d.u8(), d.u8()}
	case CmdBioMatch:
		x := BioMatch{Reader: d.u8(), Type: d.u8(), Format: d.u8(), Quality: d.u8()}
		x.Template = d.take(d.u16())
		c = x
	case CmdKeySet:
		d.want(d.u8() == 1)
		d.want(d.u8() == 16)
		c = KeySet{Key(d.fill16())}
	case CmdChallenge:
		c = Challenge{Nonce(d.fill8())}
	case CmdCryptogram:
		c = Cryptogram(d.fill16())
	case CmdRxSize:
		c = RxSize(d.u16())
	case CmdFile:
		x := FileChunk{Type: d.u8(), Total: d.u32(), Offset: d.u32()}
		x.Data = d.take(d.u16())
		c = x
	case CmdMfg:
		c = Mfg{d.fill3(), d.rest()}
	case CmdXWrite:
		c = XWrite{d.u8(), d.rest()}
	case CmdPIVData:
		c = PIVData{d.fill3(), d.u8(), uint16(d.u16())}
	case CmdGenAuth, CmdChallengeKey:
		c = Auth{code, d.fragment()}
	case CmdKeepActive:
		c = KeepActive(time.Duration(d.u16()) * time.Millisecond)
	default:
		return nil, ErrUnknown
	}
	if err := d.end(); err != nil {
		return nil, fmt.Errorf("%v: %w", code, err)
	}
	return c, nil
}

// tenths counts d in steps of 100 ms, within 0 and limit.
func tenths(d time.Duration, limit int) int {
	return max(0, min(int(d/(100*time.Millisecond)), limit))
}

func le16(b []byte, n int) []byte { return binary.LittleEndian.AppendUint16(b, uint16(n)) }
