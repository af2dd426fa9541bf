package policy

import "time"

// Validity bounds something in civil time: [From, Until), a zero bound is open.
type Validity struct {
	From  time.Time `json:"valid_from,omitzero"`
	Until time.Time `json:"valid_until,omitzero"`
}

// Bounded reports whether there is a bound, so that the clock must be known.
func (v Validity) Bounded() bool { return !v.From.IsZero() || !v.Until.IsZero() }

// check returns the reason that t is outside, or none.
func (v Validity) check(t time.Time) Reason {
	if !v.From.IsZero() && t.Before(v.From) {
		return NotYetValid
	}
	if !v.Until.IsZero() && !t.Before(v.Until) {
		return NoLongerValid
	}
	return ""
}

// WholePlace stands for a group in the Membership of those who run the place:
// its owner and administrators.
const WholePlace = 0

// Membership is one group that a holder is in, with the dates of the assignment.
type Membership struct {
	Group int64 // or WholePlace
	Validity
}

// Holder is all that the cache knows about whoever presented a token: one flat
// record, found with one look-up, so that Decide needs nothing fetched.
type Holder struct {
	Credential int64
	Kind       CredentialKind
	Status     CredentialStatus
	Validity        // of the credential
	Duress     bool // the credential calls for help

	Member        int64 // 0 for a group link
	AccessEnabled bool
	LinkAllowed   bool
	EscortNeeded  bool
	MayEscort     bool
	Role          Role // at the place, the strongest: "" for a plain member
	Groups        []Membership
}

// Reset empties h and keeps its memory.
func (h *Holder) Reset() { *h = Holder{Groups: h.Groups[:0]} }
