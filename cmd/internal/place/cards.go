package place

import (
	"encoding/json"
	"fmt"
	"time"

	"doord/policy"
)

// Card is a credential: what a member presents. PINs and the hashes of links are
// taken in and never shown.
type Card struct {
	Base
	cardRecord
	Name       string    `json:"name"`
	LastUsedAt time.Time `json:"last_used_at,omitzero"` // of a link
}

type (
	cardRecord struct{ cardFields }
	cardFields policy.Credential
)

var cards = new(kind)

func init() {
	*cards = kind{
		path: "cards", envelope: "card", resource: "Card",
		fresh: func() record {
			return &Card{cardRecord: cardRecord{cardFields{Kind: policy.KindCard, Status: policy.Activated}}}
		},
		object:   cardObject{},
		readOnly: []string{"secret_sha256", "last_used_at"},
		words:    func(body map[string]json.RawMessage) { rename(body, "user_id", "member_id") },
		filters: map[string]filter{
			"user_id": people(func(s *shower, member int64) []int64 {
				return idsOf(s.v.by(cards, members, member), func(r record) int64 { return r.base().ID })
			}),
			"status": {"string", func(_ *shower, value string) (func(record) bool, error) {
				return func(r record) bool { return string(r.(*Card).Status) == value }, nil
			}},
		},
		prepare: func(c *call, _ *tx, old, r record) (any, error) {
			card := r.(*Card)
			if card.MemberID == 0 && card.Status == policy.Activated && c.body["status"] == nil {
				card.Status = policy.Unassigned
			}
			if card.Kind != policy.KindLink || card.SecretSHA256 != "" {
				return nil, nil
			}
			secret := newSecret()
			card.SecretSHA256 = hashed(secret)
			return once{Secret: secret}, nil
		},
		actions: []action{
			{name: "activate", reply: done{}, do: setStatus(policy.Activated, "Activated!")},
			{name: "deactivate", reply: done{}, do: setStatus(policy.Deactivated, "Deactivated!")},
		},
	}
}

func (c *Card) credential() policy.Credential {
	p := policy.Credential(c.cardFields)
	p.ID = c.ID
	return p
}

func (c *Card) text() string { return fmt.Sprint(c.Name, " ", c.Card, " ", c.UID) }

// groups are those whose managers have to do with it: of a member's link.
func (c *Card) groups(v view) []int64 {
	if m := lookup[Member](v, members, c.MemberID); m != nil && c.Kind == policy.KindLink {
		return m.groups(v)
	}
	return nil
}

func (c *Card) owner() int64 { return c.MemberID }
func (c *Card) refs() []ref {
	return []ref{{field: "member_id", to: members, id: c.MemberID, may: c.Status == policy.Unassigned}}
}

// without its member a card is unassigned; what is part of a person goes with him.
func (c *Card) without(to *kind, _ int64) record {
	switch {
	case to != members:
		return nil
	case c.Kind == policy.KindPIN, c.Kind == policy.KindPhone, c.Kind == policy.KindLink:
		return nil
	}
	left := *c
	left.MemberID, left.Status = 0, policy.Unassigned
	return &left
}

// keys are the tokens that a reader would see.
func (c *Card) keys() []key {
	const text = "has the same identifiers as another one"
	r := policy.Records{Credentials: []policy.Credential{c.credential()}}
	var list []key
	for token := range r.Tokens() { // none: package policy says why
		list = append(list, key{"base", c.tokenKey(token), text, codeTaken})
	}
	if c.Kind == policy.KindLink {
		list = append(list, key{"base", linkKey(c.SecretSHA256), text, codeTaken})
	}
	return list
}

func (c *Card) tokenKey(t policy.Token) string {
	return string(t.AppendCanonical(fmt.Appendf(nil, "%d ", c.PlaceID)))
}

func (c *Card) check(_ view, bad *Invalid) {
	if c.Kind != policy.KindPIN {
		bad.must(c.PIN == "", "pin", "is for credentials of the kind pin")
	}
}

func (c *Card) addTo(r *policy.Records) { r.Credentials = append(r.Credentials, c.credential()) }

type cardObject struct {
	*Card
	ResourceType string     `json:"resource_type"`
	PIN          hidden     `json:"pin,omitempty"`
	Secret       hidden     `json:"secret_sha256,omitempty"`
	UserID       *int64     `json:"user_id"`
	MemberID     *int64     `json:"member_id"`
	ValidFrom    *time.Time `json:"valid_from"`
	ValidUntil   *time.Time `json:"valid_until"`
	LastUsedAt   *time.Time `json:"last_used_at"`
}

func (c *Card) show(*shower) any {
	o := &cardObject{LastUsedAt: orNull(c.LastUsedAt), Card: c, ResourceType: cards.resource, ValidFrom: orNull(c.From), ValidUntil: orNull(c.Until)}
	if c.MemberID != 0 {
		o.UserID, o.MemberID = &c.MemberID, &c.MemberID
	}
	return o
}

func setStatus(status policy.CredentialStatus, message string) func(*call, record) (any, error) {
	return func(c *call, r record) (any, error) {
		return done{message}, c.s.change(func(t *tx) error {
			old := lookup[Card](t, cards, r.base().ID)
			if old == nil {
				return errMissing
			}
			next := *old
			next.Status = status
			t.put(cards, &next)
			t.tell(c, "card.change", cards, &next, "status")
			return nil
		})
	}
}
