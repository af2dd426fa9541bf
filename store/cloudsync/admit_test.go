package cloudsync

import (
	"crypto/ed25519"
	"errors"
	"testing"
	"time"

	"doord/policy/ledger"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// preamble is one that may be taken by whoever stands at version 5 of generation 1
// of place 7, as a delta; tests spoil it.
type preambles struct {
	root, key ed25519.PrivateKey
	head      ledger.Head
	grants    []ledger.Signed
	step      *ledger.Signed
	base      *ledger.Position
	stand     stand
}

func newPreambles(t *testing.T) *preambles {
	t.Helper()
	p := &preambles{root: newKey(t), key: newKey(t)}
	p.stand = stand{place: 7, root: public(p.root), position: ledger.Position{Generation: 1, Version: 5, Chain: ledger.Hash{5}}, at: noon}
	p.grants = []ledger.Signed{p.grant(p.key, noon.Add(-time.Hour), noon.Add(time.Hour))}
	p.stand.trust = ledger.NewTrust(public(p.root))
	if err := p.stand.trust.Grant(p.grants); err != nil {
		t.Fatal(err)
	}
	base := p.stand.position
	p.base = &base
	p.head = ledger.Head{Place: 7, Generation: 1, Version: 6, Chain: ledger.Hash{6}, Issued: noon.Unix(), Expires: noon.Add(time.Hour).Unix()}
	return p
}

func (p *preambles) grant(key ed25519.PrivateKey, from, to time.Time) ledger.Signed {
	return ledger.Sign(ledger.ForGrant, ledger.Grant{Key: public(key), NotBefore: from.Unix(), NotAfter: to.Unix()}, p.root)
}

func (p *preambles) begin(generation uint64, place int64, key ed25519.PrivateKey) {
	p.head.Generation, p.base = generation, nil
	s := ledger.Sign(ledger.ForStep, ledger.Step{Place: place, Generation: generation, Issued: noon.Unix()}, key)
	p.step = &s
}

func TestWhatIsNotTheNextOfThePlaceIsRefused(t *testing.T) {
	other := newKey(t)
	tests := []struct {
		name  string
		spoil func(*preambles)
		want  error // nil: it is taken
		loud  bool
	}{
		{"the next version as a delta", func(*preambles) {}, nil, false},
		{"a later version as a snapshot", func(p *preambles) { p.base, p.head.Version = nil, 50 }, nil, false},
		{"the version that is here, for longer", func(p *preambles) { p.head.Version, p.head.Chain = 5, ledger.Hash{5} }, nil, false},
		{"a first policy", func(p *preambles) { p.stand.position, p.base = ledger.Position{}, nil }, nil, false},
		{"a first policy of an empty log", func(p *preambles) {
			p.stand.position, p.base, p.head.Version, p.head.Chain = ledger.Position{}, nil, 0, ledger.Hash{}
		}, nil, false},
		{"a key that nobody granted", func(p *preambles) { p.key = other }, errPreamble, true},
		{"a key that another root granted", func(p *preambles) {
			p.key, p.root = other, other
			p.grants = []ledger.Signed{p.grant(other, noon.Add(-time.Hour), noon.Add(9*time.Hour))}
		}, errPreamble, true},
		{"no grants", func(p *preambles) { p.grants, p.key = nil, other }, errPreamble, true},
		{"a grant that has ended", func(p *preambles) { p.stand.at = noon.Add(time.Hour) }, errPreamble, true},
		{"a grant that has not begun", func(p *preambles) { p.stand.at = noon.Add(-2 * time.Hour) }, errPreamble, true},
		{"any granted key, while the clock is not set", func(p *preambles) { p.stand.at = time.Time{} }, nil, false},
		{"a new key with its grant", func(p *preambles) {
			p.key = other
			p.grants = append(p.grants, p.grant(other, noon.Add(-time.Minute), noon.Add(9*time.Hour)))
		}, nil, false},
		{"grants of old, played again for a key that is gone", func(p *preambles) {
			old := p.grant(other, noon.Add(-9*time.Hour), noon.Add(time.Minute))
			p.key, p.grants = other, []ledger.Signed{old}
		}, errPreamble, true},
		{"another place", func(p *preambles) { p.head.Place = 8 }, errPlace, true},
		{"a lower version", func(p *preambles) { p.head.Version, p.base = 4, nil }, errBack, true},
		{"a lower generation", func(p *preambles) { p.head.Generation, p.stand.position.Generation, p.base = 1, 2, nil }, errBack, true},
		{"a lower version than there was before the cache was lost", func(p *preambles) {
			p.stand.least, p.stand.position, p.base, p.head.Version = p.stand.position, ledger.Position{}, nil, 4
		}, errBack, true},
		{"another history of the version that is here", func(p *preambles) { p.head.Version, p.base = 5, nil }, errFork, true},
		{"a new generation without the root's word", func(p *preambles) { p.head.Generation, p.head.Version, p.base = 2, 1, nil }, errStep, true},
		{"a first policy of a later generation without the root's word", func(p *preambles) {
			p.head.Generation, p.base, p.stand.position = 2, nil, ledger.Position{}
		}, errStep, true},
		{"a new generation that the policy key began", func(p *preambles) { p.begin(2, 7, p.key) }, errStep, true},
		{"a new generation of another place", func(p *preambles) { p.begin(2, 8, p.root) }, errStep, true},
		{"another generation than the root began", func(p *preambles) { p.begin(2, 7, p.root); p.head.Generation = 3 }, errStep, true},
		{"a new generation by the root's word, though its version is lower", func(p *preambles) { p.begin(2, 7, p.root); p.head.Version = 1 }, nil, false},
		{"a delta from another version", func(p *preambles) { p.base.Version = 4 }, errBase, false},
		{"a delta from another history", func(p *preambles) { p.base.Chain[0] = 9 }, errBase, false},
		{"a delta, where nothing is here", func(p *preambles) { p.stand.position = ledger.Position{} }, errBase, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p := newPreambles(t)
			tt.spoil(p)
			head, _, err := p.stand.admit(&ledger.Preamble{Head: ledger.Sign(ledger.ForHead, p.head, p.key), Grants: p.grants, Step: p.step, Base: p.base})
			if !errors.Is(err, tt.want) || tt.want == nil && head.Position() != p.head.Position() {
				t.Errorf("%+v, %v; want %v", head, err, tt.want)
			}
			var loud refused
			if errors.As(err, &loud) != tt.loud {
				t.Errorf("loud: %t, %v", !tt.loud, err)
			}
		})
	}
}

func TestAHeadThatIsSignedAsSomethingElseIsNone(t *testing.T) {
	p := newPreambles(t)
	_, _, err := p.stand.admit(&ledger.Preamble{Head: ledger.Sign(ledger.ForCommand, p.head, p.key), Grants: p.grants, Base: p.base})
	if !errors.Is(err, errPreamble) {
		t.Error(err)
	}
}
