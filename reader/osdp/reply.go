package osdp

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// ReplyCode is the code of a message from a PD (SIA OSDP 2.2).
type ReplyCode byte

// The replies.
const (
	ReplyAck          ReplyCode = 0x40
	ReplyNak          ReplyCode = 0x41
	ReplyID           ReplyCode = 0x45 // PDID
	ReplyCap          ReplyCode = 0x46 // PDCAP
	ReplyLocalStatus  ReplyCode = 0x48 // LSTATR
	ReplyInputStatus  ReplyCode = 0x49 // ISTATR
	ReplyOutputStatus ReplyCode = 0x4A // OSTATR
	ReplyReaderStatus ReplyCode = 0x4B // RSTATR
	ReplyRaw          ReplyCode = 0x50
	ReplyFormatted    ReplyCode = 0x51 // FMT
	ReplyKeypad       ReplyCode = 0x53
	ReplyCom          ReplyCode = 0x54
	ReplyBioRead      ReplyCode = 0x57 // BIOREADR
	ReplyBioMatch     ReplyCode = 0x58 // BIOMATCHR
	ReplyExtID        ReplyCode = 0x59 // EXT_PDID
	ReplyCryptogram   ReplyCode = 0x76 // CCRYPT
	ReplyInitialMAC   ReplyCode = 0x78 // RMAC_I
	ReplyBusy         ReplyCode = 0x79
	ReplyFileStatus   ReplyCode = 0x7A // FTSTAT
	ReplyPIVData      ReplyCode = 0x80 // PIVDATAR
	ReplyGenAuth      ReplyCode = 0x81 // GENAUTHR
	ReplyChallengeKey ReplyCode = 0x82 // CRAUTHR
	ReplyMfgStatus    ReplyCode = 0x83 // MFGSTATR
	ReplyMfgError     ReplyCode = 0x84 // MFGERRR
	ReplyMfg          ReplyCode = 0x90 // MFGREP
	ReplyXRead        ReplyCode = 0xB1 // XRD
)

var replyNames = map[ReplyCode]string{
	ReplyAck: "ACK", ReplyNak: "NAK", ReplyID: "PDID", ReplyCap: "PDCAP", ReplyLocalStatus: "LSTATR",
	ReplyInputStatus: "ISTATR", ReplyOutputStatus: "OSTATR", ReplyReaderStatus: "RSTATR",
	ReplyRaw: "RAW", ReplyFormatted: "FMT", ReplyKeypad: "KEYPAD", ReplyCom: "COM",
	ReplyBioRead: "BIOREADR", ReplyBioMatch: "BIOMATCHR", ReplyExtID: "EXT_PDID",
	ReplyCryptogram: "CCRYPT", ReplyInitialMAC: "RMAC_I", ReplyBusy: "BUSY",
	ReplyFileStatus: "FTSTAT", ReplyPIVData: "PIVDATAR", ReplyGenAuth: "GENAUTHR",
	ReplyChallengeKey: "CRAUTHR", ReplyMfgStatus: "MFGSTATR", ReplyMfgError: "MFGERRR",
	ReplyMfg: "MFGREP", ReplyXRead: "XRD",
}

// String returns the name that the standard gives, or the number.
func (c ReplyCode) String() string {
	if s, ok := replyNames[c]; ok {
		return s
	}
	return fmt.Sprintf("reply %02X", byte(c))
}

// Reply is a message from a PD: one of the types of this file, or [Comm].
type Reply interface {
	// AppendData appends the payload to b.
	AppendData(b []byte) []byte
}

// Ack is a reply without payload: ACK, BUSY.
type Ack struct{}

// NakCode is why a PD refused (SIA OSDP 2.2).
type NakCode byte

// The reasons.
const (
	NakCheck      NakCode = 1 // the check of the command was wrong
	NakLength     NakCode = 2 // the length of the command was wrong
	NakUnknown    NakCode = 3 // no such command here
	NakSequence   NakCode = 4 // unexpected sequence number
	NakNoSecurity NakCode = 5 // no support for this security block
	NakSecurity   NakCode = 6 // security conditions not met
	NakBioType    NakCode = 7 // no such biometric type
	NakBioFormat  NakCode = 8 // no such biometric format
	NakRecord     NakCode = 9 // the record cannot be processed
)

var nakNames = [...]string{
	"none", "check", "length", "unknown command", "sequence", "security block unsupported",
	"security conditions not met", "biometric type", "biometric format", "record",
}

// String says it in words.
func (n NakCode) String() string {
	if int(n) < len(nakNames) {
		return nakNames[n]
	}
	return fmt.Sprintf("reason %d", byte(n))
}

// Nak is a refusal. It is also the error of a command that was refused.
type Nak struct {
	Why  NakCode
	Data []byte // more about it, seldom sent
}

// Error implements error.
func (n Nak) Error() string { return "osdp: refused: " + n.Why.String() }

// Identity is PDID: who made the reader, and what it is.
type Identity struct {
	OUI      [3]byte // of the vendor
	Model    byte
	Version  byte
	Serial   uint32
	Firmware [3]byte // major, minor, build
}

// String is what a technician reads off the label.
func (x Identity) String() string {
	return fmt.Sprintf("vendor %X model %d version %d serial %08X firmware %d.%d.%d",
		x.OUI, x.Model, x.Version, x.Serial, x.Firmware[0], x.Firmware[1], x.Firmware[2])
}

// Function is what a capability is about (SIA OSDP 2.2, annex B).
type Function byte

// The functions.
const (
	CapInputs    Function = 1
	CapOutputs   Function = 2
	CapCardData  Function = 3
	CapLED       Function = 4
	CapBuzzer    Function = 5
	CapText      Function = 6
	CapTime      Function = 7
	CapCheck     Function = 8
	CapSecurity  Function = 9  // compliance bit 0: AES-128; number bit 0: has the default key
	CapRxSize    Function = 10 // compliance and number: low and high byte of the longest frame
	CapMultipart Function = 11 // the same of the longest multi-part message
	CapSmartCard Function = 12 // compliance bit 0: transparent mode
	CapReaders   Function = 13 // number: readers behind this address
	CapBiometric Function = 14
)

// Capability is one entry of PDCAP.
type Capability struct {
	Function   Function
	Compliance byte
	Number     byte
}

// Capabilities is PDCAP.
type Capabilities []Capability

// Of returns the entry of a function, zero if there is none.
func (c Capabilities) Of(f Function) Capability {
	for _, x := range c {
		if x.Function == f {
			return x
		}
	}
	return Capability{Function: f}
}

// size returns the two bytes of a capability that are one number.
func (c Capability) size() int { return int(c.Compliance) | int(c.Number)<<8 }

// LocalStatus is LSTATR.
type LocalStatus struct {
	Tamper    bool // the reader's case
	PowerFail bool
}

// Status is ISTATR, OSTATR or RSTATR: a byte for each item.
type Status struct {
	Of    ReplyCode // ReplyInputStatus, ReplyOutputStatus or ReplyReaderStatus
	Items []byte    // inputs: see [InputState]; outputs: 0 off, 1 on; readers: 0 normal, 1 not connected, 2 tamper
}

// Raw is the bits of a card.
type Raw struct {
	Reader byte
	Format byte   // 0 unspecified, 1 Wiegand, 2 UID
	Bits   int    // how many
	Data   []byte // left-justified: the first bit is the highest of the first byte
}

// String returns the bits in the order of the wire, '0' and '1'.
func (x Raw) String() string {
	var s strings.Builder
	for i := range x.Bits {
		s.WriteByte('0' + x.Data[i/8]>>(7-i%8)&1)
	}
	return s.String()
}

// Formatted is FMT, the characters of a card. Deprecated by the standard.
type Formatted struct {
	Reader    byte
	Direction byte // 1 forward, 2 backward
	Text      string
}

// Keypad is the keys that were pressed, as ASCII digits, 7F for * and 0D for #.
type Keypad struct {
	Reader byte
	Keys   []byte
}

// BioTemplate is BIOREADR.
type BioTemplate struct {
	Reader, Status, Type, Quality byte
	Template                      []byte
}

// BioResult is BIOMATCHR.
type BioResult struct{ Reader, Status, Score byte }

// ClientCryptogram is CCRYPT: the PD's identity, nonce and proof.
type ClientCryptogram struct {
	UID   UID
	B     Nonce
	Proof [16]byte
}

// InitialMAC is RMAC_I.
type InitialMAC [16]byte

// FileStatus is FTSTAT.
type FileStatus struct {
	Flags  byte          // bit 0: other commands may come between; 1: leave the secure channel; 2: a poll reply waits
	Delay  time.Duration // to wait before the next piece, up to 65.5 s
	Status int16         // ≥ 0 goes on, < 0 failed; see the constants
	Max    uint16        // longest piece from now on, frame and all; 0 as before
}

// The states of a file transfer, in FileStatus.
const (
	FileGoOn      = 0
	FileDone      = 1  // all of it was processed
	FileRebooting = 2  // all of it was processed, and the reader now restarts
	FileBusy      = 3  // all of it is there and being processed: ask again
	FileAbort     = -1 // stop
	FileUnknown   = -2 // the contents are not recognised
	FileMalformed = -3
)

// Part is a fragment of PIVDATAR, GENAUTHR or CRAUTHR.
type Part struct{ Fragment }

// MfgReply is MFGREP.
type MfgReply struct {
	OUI  [3]byte
	Data []byte
}

// XRead is XRD, the answer and the events of transparent mode.
type XRead struct {
	Mode byte
	Data []byte
}

// Opaque is a reply that is passed on as it came: EXT_PDID, MFGSTATR, MFGERRR.
type Opaque []byte

// AppendData implements [Reply].
func (Ack) AppendData(b []byte) []byte { return b }

// AppendData implements [Reply].
func (n Nak) AppendData(b []byte) []byte { return append(append(b, byte(n.Why)), n.Data...) }

// AppendData implements [Reply].
func (x Identity) AppendData(b []byte) []byte {
	b = append(append(b, x.OUI[:]...), x.Model, x.Version)
	return append(binary.LittleEndian.AppendUint32(b, x.Serial), x.Firmware[:]...)
}

// AppendData implements [Reply].
func (c Capabilities) AppendData(b []byte) []byte {
	for _, x := range c {
		b = append(b, byte(x.Function), x.Compliance, x.Number)
	}
	return b
}

// AppendData implements [Reply].
func (x LocalStatus) AppendData(b []byte) []byte { return append(b, bit(x.Tamper), bit(x.PowerFail)) }

// AppendData implements [Reply].
func (x Status) AppendData(b []byte) []byte { return append(b, x.Items...) }

// AppendData implements [Reply].
func (x Raw) AppendData(b []byte) []byte {
	return append(le16(append(b, x.Reader, x.Format), x.Bits), x.Data...)
}

// AppendData implements [Reply].
func (x Formatted) AppendData(b []byte) []byte {
	return append(append(b, x.Reader, x.Direction, byte(len(x.Text))), x.Text...)
}

// AppendData implements [Reply].
func (x Keypad) AppendData(b []byte) []byte {
	return append(append(b, x.Reader, byte(len(x.Keys))), x.Keys...)
}

// AppendData implements [Reply].
func (x BioTemplate) AppendData(b []byte) []byte {
	b = append(b, x.Reader, x.Status, x.Type, x.Quality)
	return append(le16(b, len(x.Template)), x.Template...)
}

// AppendData implements [Reply].
func (x BioResult) AppendData(b []byte) []byte { return append(b, x.Reader, x.Status, x.Score) }

// AppendData implements [Reply].
func (x ClientCryptogram) AppendData(b []byte) []byte {
	return append(append(append(b, x.UID[:]...), x.B[:]...), x.Proof[:]...)
}

// AppendData implements [Reply].
func (x InitialMAC) AppendData(b []byte) []byte { return append(b, x[:]...) }

// AppendData implements [Reply].
func (x FileStatus) AppendData(b []byte) []byte {
	b = le16(append(b, x.Flags), int(min(x.Delay/time.Millisecond, 0xFFFF)))
	return le16(le16(b, int(x.Status)), int(x.Max))
}

// AppendData implements [Reply].
func (x MfgReply) AppendData(b []byte) []byte { return append(append(b, x.OUI[:]...), x.Data...) }

// AppendData implements [Reply].
func (x XRead) AppendData(b []byte) []byte { return append(append(b, x.Mode), x.Data...) }

// AppendData implements [Reply].
func (x Opaque) AppendData(b []byte) []byte { return append(b, x...) }

// DecodeReply reads the payload of a reply. The result does not alias data. It
// returns ErrUnknown or ErrPayload.
func DecodeReply(code ReplyCode, data []byte) (Reply, error) {
	d := decoder{b: data}
	var r Reply
	switch code {
	case ReplyAck, ReplyBusy:
		r = Ack{}
	case ReplyNak:
		r = Nak{NakCode(d.u8()), d.rest()}
	case ReplyID:
		r = Identity{d.fill3(), d.u8(), d.u8(), d.u32(), d.fill3()}
	case ReplyCap:
		var x Capabilities
		for d.more() {
			x = append(x, Capability{Function(d.u8()), d.u8(), d.u8()})
		}
		r = x
	case ReplyLocalStatus:
		r = LocalStatus{d.u8() != 0, d.u8() != 0}
	case ReplyInputStatus, ReplyOutputStatus, ReplyReaderStatus:
		r = Status{code, d.rest()}
	case ReplyRaw:
		x := Raw{Reader: d.u8(), Format: d.u8(), Bits: d.u16()}
		x.Data = d.rest()
		d.want(x.Bits <= 8*len(x.Data)) // some PDs send whole blocks: more data than bits is no fault
		r = x
	case ReplyFormatted:
		x := Formatted{Reader: d.u8(), Direction: d.u8()}
		x.Text = string(d.take(int(d.u8())))
		r = x
	case ReplyKeypad:
		x := Keypad{Reader: d.u8()}
		x.Keys = d.take(int(d.u8()))
		r = x
	case ReplyCom:
		r = d.comm()
	case ReplyBioRead:
		x := BioTemplate{Reader: d.u8(), Status: d.u8(), Type: d.u8(), Quality: d.u8()}
		x.Template = d.take(d.u16())
		r = x
	case ReplyBioMatch:
		r = BioResult{d.u8(), d.u8(), d.u8()}
	case ReplyCryptogram:
		r = ClientCryptogram{UID(d.fill8()), Nonce(d.fill8()), d.fill16()}
	case ReplyInitialMAC:
		r = InitialMAC(d.fill16())
	case ReplyFileStatus:
		r = FileStatus{d.u8(), time.Duration(d.u16()) * time.Millisecond, int16(d.u16()), uint16(d.u16())}
	case ReplyPIVData, ReplyGenAuth, ReplyChallengeKey:
		r = Part{d.fragment()}
	case ReplyMfg:
		r = MfgReply{d.fill3(), d.rest()}
	case ReplyXRead:
		r = XRead{d.u8(), d.rest()}
	case ReplyExtID, ReplyMfgStatus, ReplyMfgError:
		r = Opaque(d.rest())
	default:
		return nil, ErrUnknown
	}
	if err := d.end(); err != nil {
		return nil, fmt.Errorf("%v: %w", code, err)
	}
	return r, nil
}

func bit(b bool) byte {
	if b {
		return 1
	}
	return 0
}
