package store

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
)

// Every value in both files is sealed: body ‖ CRC-32C(key ‖ body), big endian. The
// key is part of it, so that a value under another's key is found out too.

const sealSize = 4

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

var (
	errSeal  = errors.New("wrong checksum")
	errShort = errors.New("too short")
)

// seal ends the value that begins at start in b.
func seal(b []byte, start int, key []byte) []byte {
	return binary.BigEndian.AppendUint32(b, checksum(key, b[start:]))
}

func sealed(key, body []byte) []byte {
	return seal(append(make([]byte, 0, len(body)+sealSize), body...), 0, key)
}

// unseal returns the body of a value. It aliases the value.
func unseal(key, value []byte) ([]byte, error) {
	if len(value) < sealSize {
		return nil, errShort
	}
	body := value[:len(value)-sealSize]
	if binary.BigEndian.Uint32(value[len(body):]) != checksum(key, body) {
		return nil, errSeal
	}
	return body, nil
}

func checksum(key, body []byte) uint32 {
	return crc32.Update(crc32.Update(0, castagnoli, key), castagnoli, body)
}

// idKey is the key of a record with an id or a sequence: in the order of numbers.
func idKey(id uint64) []byte { return binary.BigEndian.AppendUint64(nil, id) }
