package zone

import (
	"time"

	"doord/policy"
)

// Shared is what all controllers of a place agree on about a zone.
type Shared struct {
	Override   Override  `json:"override,omitzero"`
	ViolatedAt time.Time `json:"violated_at,omitzero"` // the last violation
	ResetAt    time.Time `json:"reset_at,omitzero"`    // the last reset
}

// Override puts a zone to a level until a civil time, whatever its blocks say.
type Override struct {
	Level policy.ZoneLevel `json:"level,omitempty"` // "": cancelled, the blocks decide
	Until time.Time        `json:"until,omitzero"`
	// Order is the place service's number of the override, the later the higher; 0
	// while the service does not know of it. It stays when the override has ended.
	Order uint64 `json:"order,omitempty"`
}

// lasts reports whether the override has not ended at t.
func (o Override) lasts(t time.Time) bool { return o.Until.After(t) }

// same reports whether two overrides are one, but for the number it was given.
func (o Override) same(p Override) bool { return o.Level == p.Level && o.Until.Equal(p.Until) }

// Violated reports whether the zone was violated since it was last reset.
func (s Shared) Violated() bool { return s.ViolatedAt.After(s.ResetAt) }

// Merge returns what two controllers that meet at t both know from then on.
func (s Shared) Merge(other Shared, t time.Time) Shared {
	return Shared{
		Override:   later(s.Override, other.Override, t),
		ViolatedAt: latest(s.ViolatedAt, other.ViolatedAt),
		ResetAt:    latest(s.ResetAt, other.ResetAt),
	}
}

// later returns the later of two overrides, by the service's order. One that has
// ended leaves nothing but its number, which says that those before it are over, too.
func later(a, b Override, t time.Time) Override {
	a, b = a.at(t), b.at(t)
	switch {
	case a.lasts(t) && b.lasts(t) && a.same(b):
		a.Order = max(a.Order, b.Order)
		return a
	case a.Order == 0 && b.Order == 0: // neither is known to the service: it has no later
		if stricter(b, a) {
			return b
		}
		return a
	case a.Order == 0 && a.lasts(t), b.Order == 0 && !b.lasts(t):
		return a
	case b.Order == 0, a.Order == 0, b.Order > a.Order, b.Order == a.Order && b.lasts(t):
		return b
	default:
		return a
	}
}

// at returns what is left of an override at t.
func (o Override) at(t time.Time) Override {
	if o.lasts(t) {
		return o
	}
	return Override{Order: o.Order}
}

// stricter is an order of overrides that does not depend on who asks.
func stricter(a, b Override) bool {
	if a.Level != b.Level {
		return rank(a.Level) > rank(b.Level)
	}
	return a.Until.After(b.Until)
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// rank orders levels by how strictly the zone is watched.
func rank(l policy.ZoneLevel) int {
	switch l {
	case policy.Away:
		return 3
	case policy.Stay:
		return 2
	case policy.Disarmed:
		return 1
	}
	return 0
}
