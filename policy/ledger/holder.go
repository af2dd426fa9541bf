package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"doord/policy"
)

// The value of a record in Credentials and Members is flat, so that a look-up needs
// no decoder. All numbers are big endian; a time is in milliseconds since 1970 UTC,
// and Go's zero time an open bound.
//
//	 0  1  version, 1
//	 1  1  kind of the credential, by its place in credentialKinds
//	 2  1  status, by its place in statuses
//	 3  1  role at the place, by its place in roles
//	 4  1  flags: 1 access enabled, 2 link allowed, 4 needs an escort,
//	      8 may escort, 16 the credential calls for help
//	 5  1  0
//	 6  2  number of groups, n
//	 8  8  id of the credential
//	16  8  id of the member
//	24  8  valid from
//	32  8  valid until
//	40 24  n times: id of the group, valid from, valid until
const (
	holderVersion = 1
	holderSize    = 40
	groupSize     = 24

	flagAccess = 1 << 0
	flagLink   = 1 << 1
	flagNeeds  = 1 << 2
	flagEscort = 1 << 3
	flagDuress = 1 << 4
)

// The order is part of the format: add at the end.
var (
	credentialKinds = []policy.CredentialKind{"", policy.KindCard, policy.KindFob, policy.KindTag,
		policy.KindPhone, policy.KindPIN, policy.KindLink}
	statuses = []policy.CredentialStatus{"", policy.Activated, policy.Deactivated, policy.Unassigned}
	roles    = []policy.Role{"", policy.RoleMember, policy.RoleManager, policy.RoleAdministrator, policy.RoleOwner}
)

var errHolder = errors.New("not a holder's record")

// AppendHolder appends the value of a holder's record.
func AppendHolder(b []byte, h *policy.Holder) ([]byte, error) {
	kind, status, role := slices.Index(credentialKinds, h.Kind), slices.Index(statuses, h.Status), slices.Index(roles, h.Role)
	switch {
	case kind < 0:
		return b, fmt.Errorf("unknown kind %q", h.Kind)
	case status < 0:
		return b, fmt.Errorf("unknown status %q", h.Status)
	case role < 0:
		return b, fmt.Errorf("unknown role %q", h.Role)
	case len(h.Groups) > maxGroups:
		return b, fmt.Errorf("in %d groups, at most %d are possible", len(h.Groups), maxGroups)
	}
	var flags byte
	for _, f := range [...]struct {
		set bool
		bit byte
	}{{h.AccessEnabled, flagAccess}, {h.LinkAllowed, flagLink}, {h.EscortNeeded, flagNeeds}, {h.MayEscort, flagEscort}, {h.Duress, flagDuress}} {
		if f.set {
			flags |= f.bit
		}
	}
	b = append(b, holderVersion, byte(kind), byte(status), byte(role), flags, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(h.Groups)))
	b = appendNumber(b, h.Credential)
	b = appendNumber(b, h.Member)
	b = appendValidity(b, h.Validity)
	for i := range h.Groups {
		b = appendNumber(b, h.Groups[i].Group)
		b = appendValidity(b, h.Groups[i].Validity)
	}
	return b, nil
}

// maxGroups is as many as fit into a value; two bytes count them.
const maxGroups = min((MaxValue-holderSize)/groupSize, math.MaxUint16)

// DecodeHolder reads a holder's record into h, and allocates only when h has room
// for fewer groups. After an error h holds nothing.
func DecodeHolder(b []byte, h *policy.Holder) error {
	h.Reset()
	if len(b) < holderSize || b[0] != holderVersion ||
		int(b[1]) >= len(credentialKinds) || int(b[2]) >= len(statuses) || int(b[3]) >= len(roles) ||
		b[4]&^(flagAccess|flagLink|flagNeeds|flagEscort|flagDuress) != 0 || b[5] != 0 ||
		len(b) != holderSize+groupSize*int(binary.BigEndian.Uint16(b[6:])) {
		return errHolder
	}
	h.Kind, h.Status, h.Role = credentialKinds[b[1]], statuses[b[2]], roles[b[3]]
	h.AccessEnabled, h.LinkAllowed = b[4]&flagAccess != 0, b[4]&flagLink != 0
	h.EscortNeeded, h.MayEscort, h.Duress = b[4]&flagNeeds != 0, b[4]&flagEscort != 0, b[4]&flagDuress != 0
	h.Credential, h.Member, h.Validity = number(b[8:]), number(b[16:]), validity(b[24:])
	for b = b[holderSize:]; len(b) > 0; b = b[groupSize:] {
		h.Groups = append(h.Groups, policy.Membership{Group: number(b), Validity: validity(b[8:])})
	}
	return nil
}

func appendNumber(b []byte, n int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(n)) }

func appendValidity(b []byte, v policy.Validity) []byte {
	return appendNumber(appendNumber(b, v.From.UnixMilli()), v.Until.UnixMilli())
}

func number(b []byte) int64 { return int64(binary.BigEndian.Uint64(b)) }

func validity(b []byte) policy.Validity {
	return policy.Validity{From: time.UnixMilli(number(b)).UTC(), Until: time.UnixMilli(number(b[8:])).UTC()}
}
