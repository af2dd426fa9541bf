package cloudsync

import (
	"errors"
	"fmt"
	"time"

	"doord/policy/ledger"
)

// Why a policy is refused.
var (
	errPlace    = errors.New("it is of another place")
	errBack     = errors.New("it goes back to an older version")
	errFork     = errors.New("it is another history of the version that is here")
	errStep     = errors.New("it begins a generation that the root did not sign")
	errBase     = errors.New("it builds on another version than is here")
	errDelta    = errors.New("it says not what its head says")
	errPreamble = errors.New("it is not signed by whom the root trusts")
)

// refused is a policy that must not be taken, which is told loudly.
type refused struct{ error }

func (r refused) Unwrap() error { return r.error }

// stand is where a controller is when a policy comes.
type stand struct {
	place    int64
	root     []byte
	trust    *ledger.Trust
	position ledger.Position // zero: nothing is here
	least    ledger.Position // not to go back behind, where nothing is here
	at       time.Time       // zero: the clock is not set
}

// admit verifies what comes before a policy, in the order of the package's comment,
// and returns its head and what is to be believed from then on.
func (s stand) admit(p *ledger.Preamble) (head ledger.Head, trust *ledger.Trust, err error) {
	trust = ledger.NewTrust(s.root)
	if err := trust.Grant(p.Grants); err != nil {
		return head, nil, refused{fmt.Errorf("%w: %w", errPreamble, err)}
	}
	if trust.Last().Before(s.trust.Last()) {
		trust = s.trust // grants of old, that somebody plays again
	}
	if err := trust.Open(p.Head, ledger.ForHead, s.at, &head); err != nil {
		return head, nil, refused{fmt.Errorf("%w: %w", errPreamble, err)}
	}
	if head.Place != s.place {
		return head, nil, refused{fmt.Errorf("%w: %d, not %d", errPlace, head.Place, s.place)}
	}
	if err := s.forward(p, head); err != nil {
		return head, nil, refused{err}
	}
	if p.Base != nil && *p.Base != s.position {
		return head, nil, fmt.Errorf("%w: %v, not %v", errBase, *p.Base, s.position)
	}
	return head, trust, nil
}

// firstGeneration needs no step that began it.
const firstGeneration = 1

// forward allows only a head that is not behind, and a new generation only by the
// root's word.
func (s stand) forward(p *ledger.Preamble, head ledger.Head) error {
	from := s.position
	if from == (ledger.Position{}) {
		from = s.least
	}
	switch {
	case head.Generation < from.Generation,
		head.Generation == from.Generation && head.Version < from.Version:
		return fmt.Errorf("%w: %d.%d, not after %d.%d", errBack, head.Generation, head.Version, from.Generation, from.Version)
	case head.Generation == from.Generation && head.Version == from.Version && head.Chain != from.Chain && from != (ledger.Position{}):
		return fmt.Errorf("%w: %v, not %v", errFork, head.Position(), from)
	case head.Generation == from.Generation, head.Generation <= firstGeneration && from == (ledger.Position{}):
		return nil
	}
	var step ledger.Step
	if p.Step == nil {
		return fmt.Errorf("%w: there is none for generation %d", errStep, head.Generation)
	}
	if err := p.Step.Open(ledger.ForStep, s.root, &step); err != nil {
		return fmt.Errorf("%w: %w", errStep, err)
	}
	if step.Place != s.place || step.Generation != head.Generation {
		return fmt.Errorf("%w: it is for generation %d of place %d", errStep, step.Generation, step.Place)
	}
	return nil
}
