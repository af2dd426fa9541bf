package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"doord/policy"
)

// A holder's record is flat, so that a look-up needs no decoder. All numbers are
// big endian; a time is in milliseconds since 1970 UTC, and Go's zero time an
// open bound.
//
//	 0  1  version, 1
//	 1  1  kind of the credential, by its place in kinds
//	 2  1  status, by its place in statuses
//	 3  1  role at the place, by its place in roles
//	 4  1  flags: 1 access enabled, 2 link allowed
//	 5  1  0
//	 6  2  number of groups, n
//	 8  8  id of the credential
//	16  8  id of the member
//	24  8  valid from
//	32  8  valid until
//	40 24  n times: id of the group, valid from, valid until
//	    4  the seal
const (
	holderVersion = 1
	holderSize    = 40
	groupSize     = 24

	flagAccess = 1 << 0
	flagLink   = 1 << 1
)

// The order is part of the format: add at the end.
var (
	kinds = []policy.CredentialKind{"", policy.KindCard, policy.KindFob, policy.KindTag,
		policy.KindPhone, policy.KindPIN, policy.KindLink}
	statuses = []policy.CredentialStatus{"", policy.Activated, policy.Deactivated, policy.Unassigned}
	roles    = []policy.Role{"", policy.RoleMember, policy.RoleManager, policy.RoleAdministrator, policy.RoleOwner}
)

var errHolder = errors.New("not a holder's record")

// appendHolder appends the sealed record of h under key.
func appendHolder(b, key []byte, h *policy.Holder) ([]byte, error) {
	kind, status, role := slices.Index(kinds, h.Kind), slices.Index(statuses, h.Status), slices.Index(roles, h.Role)
	switch {
	case kind < 0:
		return b, fmt.Errorf("unknown kind %q", h.Kind)
	case status < 0:
		return b, fmt.Errorf("unknown status %q", h.Status)
	case role < 0:
		return b, fmt.Errorf("unknown role %q", h.Role)
	case len(h.Groups) > math.MaxUint16:
		return b, fmt.Errorf("in %d groups, at most %d are possible", len(h.Groups), math.MaxUint16)
	}
	var flags byte
	if h.AccessEnabled {
		flags |= flagAccess
	}
	if h.LinkAllowed {
		flags |= flagLink
	}
	start := len(b)
	b = append(b, holderVersion, byte(kind), byte(status), byte(role), flags, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(h.Groups)))
	b = appendID(b, h.Credential)
	b = appendID(b, h.Member)
	b = appendValidity(b, h.Validity)
	for i := range h.Groups {
		b = appendID(b, h.Groups[i].Group)
		b = appendValidity(b, h.Groups[i].Validity)
	}
	return seal(b, start, key), nil
}

// decodeHolder reads the record of key into h, and allocates only when h has room
// for fewer groups. After an error h holds nothing.
func decodeHolder(key, value []byte, h *policy.Holder) error {
	h.Reset()
	b, err := unseal(key, value)
	if err != nil {
		return err
	}
	if len(b) < holderSize || b[0] != holderVersion ||
		int(b[1]) >= len(kinds) || int(b[2]) >= len(statuses) || int(b[3]) >= len(roles) ||
		b[4]&^(flagAccess|flagLink) != 0 || b[5] != 0 ||
		len(b) != holderSize+groupSize*int(binary.BigEndian.Uint16(b[6:])) {
		return errHolder
	}
	h.Kind, h.Status, h.Role = kinds[b[1]], statuses[b[2]], roles[b[3]]
	h.AccessEnabled, h.LinkAllowed = b[4]&flagAccess != 0, b[4]&flagLink != 0
	h.Credential, h.Member, h.Validity = readID(b[8:]), readID(b[16:]), readValidity(b[24:])
	for b = b[holderSize:]; len(b) > 0; b = b[groupSize:] {
		h.Groups = append(h.Groups, policy.Membership{Group: readID(b), Validity: readValidity(b[8:])})
	}
	return nil
}

func appendID(b []byte, id int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(id)) }

func appendValidity(b []byte, v policy.Validity) []byte {
	return appendID(appendID(b, v.From.UnixMilli()), v.Until.UnixMilli())
}

func readID(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) }

func readValidity(b []byte) policy.Validity {
	return policy.Validity{From: time.UnixMilli(readID(b)).UTC(), Until: time.UnixMilli(readID(b[8:])).UTC()}
}
