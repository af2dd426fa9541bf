package osdp

import "slices"

// Transparent mode (SIA OSDP 2.2, XWR and XRD): the reader passes APDUs between us
// and what is held to it.
//
//	XWR 00 02 01 00          mode 01 from now on     → ACK, or XRD 00 01 01 00
//	XWR 01 01 unit APDU      to the card             → XRD 01 02 unit status APDU,
//	                                                   or ACK, and that with a later poll
//	XWR 01 02 unit           done with the card      → ACK
//	XRD 01 01 unit [status]  with a poll: something is in the field; status 0: it left
//	XRD 00 00 code, XRD 01 00 code                   an error
const (
	modeControl   = 0
	modeSmartCard = 1

	xwrSetMode = 2 // of mode control
	xwrAPDU    = 1 // of smart card mode
	xwrDone    = 2

	xrdError   = 0 // of both
	xrdPresent = 1 // of smart card mode
	xrdAPDU    = 2
)

// SetSmartCardMode has a reader tell of cards and phones, and pass APDUs.
func SetSmartCardMode() XWrite { return XWrite{modeControl, []byte{xwrSetMode, modeSmartCard, 0}} }

// PassAPDU has a reader pass an APDU to what is held to it.
func PassAPDU(unit byte, apdu []byte) XWrite {
	return XWrite{modeSmartCard, append([]byte{xwrAPDU, unit}, apdu...)}
}

// EndAPDUs has a reader leave what is held to it alone.
func EndAPDUs(unit byte) XWrite { return XWrite{modeSmartCard, []byte{xwrDone, unit}} }

// APDU returns the APDU that a reader is to pass on, and by which unit.
func (x XWrite) APDU() (unit byte, apdu []byte, ok bool) {
	if x.Mode != modeSmartCard || len(x.Data) < 2 || x.Data[0] != xwrAPDU {
		return 0, nil, false
	}
	return x.Data[1], x.Data[2:], true
}

// SetsSmartCardMode says whether the command is that of the function.
func (x XWrite) SetsSmartCardMode() bool {
	return x.Mode == modeControl && slices.Equal(x.Data, SetSmartCardMode().Data)
}

// EndsAPDUs says whether the command is EndAPDUs.
func (x XWrite) EndsAPDUs() bool {
	return x.Mode == modeSmartCard && len(x.Data) == 2 && x.Data[0] == xwrDone
}

// CardPresent tells that something came into the field of a unit, or left it.
func CardPresent(unit byte, there bool) XRead {
	return XRead{modeSmartCard, []byte{xrdPresent, unit, 2 * bit(there)}} // 2: contactless
}

// CardAnswer carries an APDU back.
func CardAnswer(unit byte, apdu []byte) XRead {
	return XRead{modeSmartCard, append([]byte{xrdAPDU, unit, 0}, apdu...)}
}

// CardError tells that an APDU could not be passed.
func CardError(code byte) XRead { return XRead{modeSmartCard, []byte{xrdError, code}} }

// present returns the unit in whose field something is. Some readers leave the
// status out when there is.
func (x XRead) present() (unit byte, there, ok bool) {
	if x.Mode != modeSmartCard || len(x.Data) < 2 || len(x.Data) > 3 || x.Data[0] != xrdPresent {
		return 0, false, false
	}
	return x.Data[1], len(x.Data) == 2 || x.Data[2] != 0, true
}

// answer returns an APDU that came back. Its status is each vendor's own.
func (x XRead) answer() (unit byte, apdu []byte, ok bool) {
	if x.Mode != modeSmartCard || len(x.Data) < 3 || x.Data[0] != xrdAPDU {
		return 0, nil, false
	}
	return x.Data[1], x.Data[3:], true
}

func (x XRead) failed() bool { return len(x.Data) > 0 && x.Data[0] == xrdError }
