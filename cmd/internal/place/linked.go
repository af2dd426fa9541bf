package place

import (
	"net/http"
	"strconv"
	"time"

	"doord/policy"
)

// linked is what a quick access link is to who asks with it: a group's, or a member's
// own, which is one of his credentials.
type linked struct {
	kind *kind // groupLinks, cards
	id   int64
	hash string // of its secret
}

// asLink makes the caller a link, or says why it is none.
func (c *caller) asLink(v view, hash string, now time.Time) {
	c.refused = policy.LinkInvalid
	if l, _ := any(v.find(groupLinks, hash)).(*GroupLink); l != nil {
		if c.refused = standingOf(l.Enabled, now, l.Validity); c.refused != "" {
			return
		}
		if g := lookup[Group](v, groups, l.GroupID); g != nil {
			c.become(groupLinks, l.ID, hash)
			c.places[l.PlaceID] = &standing{groups: map[int64]bool{l.GroupID: within(g.Validity, now)}}
		}
		return
	}
	card, _ := any(v.find(cards, linkKey(hash))).(*Card)
	if card == nil {
		return
	}
	m := lookup[Member](v, members, card.MemberID)
	if m == nil {
		return
	}
	if c.refused = standingOf(card.Status == policy.Activated && m.LinkAllowed && m.AccessEnabled, now, card.Validity); c.refused != "" {
		return
	}
	c.become(cards, card.ID, hash)
	c.join(v, m, now)
	x := c.places[m.PlaceID]
	*x = standing{groups: x.groups} // a link opens doors, whatever else its member may do
}

func (c *caller) become(k *kind, id int64, hash string) {
	c.link = &linked{k, id, hash}
	c.name = "link " + strconv.FormatInt(id, 10)
	c.actor = policy.Ref{Type: k.envelope, ID: id}
}

// standingOf says why a link is not to be used now; "" if it is.
func standingOf(on bool, now time.Time, v policy.Validity) policy.Reason {
	switch {
	case !on:
		return policy.LinkDisabled
	case !v.From.IsZero() && now.Before(v.From):
		return policy.NotYetValid
	case !v.Until.IsZero() && !now.Before(v.Until):
		return policy.NoLongerValid
	}
	return ""
}

// linkKey is the key of a member's own link, wherever he is a member.
func linkKey(hash string) string { return "link " + hash }

// unknown says that nobody is known to ask, and of a link why.
func (c *caller) unknown() error {
	if c.refused == "" {
		return errUnauthenticated
	}
	return &Error{Status: http.StatusUnauthorized, Text: c.refused.Text(), Code: c.refused.Code(), Reason: c.refused}
}

// usedLink notes when a link was last used.
func (c *call) usedLink() {
	if c.caller.link == nil {
		return
	}
	err := c.s.change(func(t *tx) error {
		switch x := t.get(c.caller.link.kind, c.caller.link.id).(type) {
		case *GroupLink:
			next := *x
			next.LastUsedAt = t.now
			t.keep(groupLinks, &next)
		case *Card:
			next := *x
			next.LastUsedAt = t.now
			t.keep(cards, &next)
		}
		return nil
	})
	if err != nil {
		c.s.log.Warn("the last use of a link could not be kept", "err", err)
	}
}

// guardLink keeps who manages groups from making a link that opens more than they do: a
// member's own opens the doors of all his groups.
func (x *standing) guardLink(v view, c *Card) error {
	if rankOf(x.role) >= rankOf(policy.RoleManager) {
		return nil
	}
	m := lookup[Member](v, members, c.MemberID)
	if m == nil || c.Kind != policy.KindLink {
		return errForbidden
	}
	for _, g := range m.groups(v) {
		if !x.manages[g] {
			return errForbidden
		}
	}
	return nil
}
