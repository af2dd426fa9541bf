package zone

import (
	"time"

	"doord/policy"
)

// Input is what can happen to a zone.
type Input interface{ isInput() }

// Accessed is an unlock of one of the zone's doors that every check has granted.
type Accessed struct{ By policy.Ref }

// Overridden is a person's word on the level; the empty level gives it back to the
// weekly blocks.
type Overridden struct {
	Level policy.ZoneLevel
	For   time.Duration
	By    policy.Ref
}

// Opened is a door of the zone that opened.
type Opened struct {
	Door     policy.Ref
	Exterior bool
	Forced   bool
}

// Reset is a person's word that a violation has been seen to.
type Reset struct{ By policy.Ref }

// Met is what another controller, or the place service, knows of the zone.
type Met struct{ Shared Shared }

// Configured changes the zone's blocks; its state goes on.
type Configured struct{ Plan *policy.ZonePlan }

func (Accessed) isInput()   {}
func (Overridden) isInput() {}
func (Opened) isInput()     {}
func (Reset) isInput()      {}
func (Met) isInput()        {}
func (Configured) isInput() {}
