package ledger

import (
	"bytes"
	"errors"

	"github.com/fxamacker/cbor/v2"
)

// A list that is nil and an empty one have one encoding.
var encoding, _ = func() (cbor.EncMode, error) {
	o := cbor.CoreDetEncOptions()
	o.NilContainers = cbor.NilContainerAsEmpty
	return o.EncMode() // these options are good
}()

// A reader of a stream holds what it allocates to less than a reader of the log.
var (
	decoding, _  = decodingOf(MaxChanges).DecMode()
	streaming, _ = decodingOf(MaxDeltaChanges).DecMode()
)

func decodingOf(elements int) cbor.DecOptions {
	return cbor.DecOptions{
		DupMapKey:        cbor.DupMapKeyEnforcedAPF,
		IndefLength:      cbor.IndefLengthForbidden,
		TagsMd:           cbor.TagsForbidden,
		MaxArrayElements: elements,
		UTF8:             cbor.UTF8RejectInvalid,
	}
}

// encode never fails: what this package encodes are arrays of numbers and bytes.
func encode(v any) []byte {
	b, err := encoding.Marshal(v)
	if err != nil {
		panic("ledger: " + err.Error())
	}
	return b
}

var errForm = errors.New("not in the one form that it has")

// decode reads what encode writes, and refuses all other encodings of it.
func decode(b []byte, into any) error { return decodeBy(decoding, b, into) }

func decodeBy(mode cbor.DecMode, b []byte, into any) error {
	if err := mode.Unmarshal(b, into); err != nil {
		return err
	}
	if !bytes.Equal(encode(into), b) {
		return errForm
	}
	return nil
}
