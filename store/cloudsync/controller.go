package cloudsync

import (
	"context"

	"doord/policy"
	"doord/policy/ledger"
	"doord/policy/zone"
)

// Controller is the daemon, as far as this package needs it. Its methods may wait
// for the daemon's loop; none is called by it.
type Controller interface {
	// UsePolicy puts the policy that is now in the cache into force.
	UsePolicy(context.Context) error
	// Do carries out a command that was verified, before the context ends or never.
	Do(context.Context, Command) Result
	// Zones returns what controllers share of each zone in the policy.
	Zones(context.Context) (map[int64]zone.Shared, error)
	// Meet tells the core what the service knows of a zone.
	Meet(ctx context.Context, zone int64, s zone.Shared) error
	// Status tells how the board is: all but what the client itself knows.
	Status(context.Context) (Status, error)
	// Note puts something into the journal.
	Note(context.Context, policy.Event)
	// Fault records something that needs a person; without a hint it is over.
	Fault(what, hint string)
}

// Cache is the policy cache: *store.Policy.
type Cache interface {
	Position() ledger.Position
	Head() (ledger.Signed, ledger.Head)
	Load(placeKey []byte, signed ledger.Signed, head ledger.Head, next func() (ledger.Record, error)) error
	Apply(signed ledger.Signed, head ledger.Head, entries []ledger.Entry) error
	Renew(signed ledger.Signed, head ledger.Head) error
}
