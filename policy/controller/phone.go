package controller

import (
	"time"

	"doord/policy"
)

// Attempts are the wrong proximity codes given for a door in one window.
type Attempts struct {
	Window int64 `json:"window"`
	Wrong  int   `json:"wrong"`
}

// ProximityCode returns the code that the readers of door i show at the monotonic
// time up.
func (c *Controller) ProximityCode(i int, up time.Duration) string {
	return policy.ProximityCode(c.board.Secret, c.object(i).ID, up)
}

// atReader reports whether a proximity code shows that the phone is at door i.
// After a few wrong ones none is right until the next window.
func (c *Controller) atReader(now policy.Now, i int, code string) bool {
	if code == "" || i < 0 {
		return false
	}
	a := &c.attempts[i]
	if window := int64(now.Up / policy.ProximityWindow); a.Window != window {
		*a = Attempts{Window: window}
	}
	if a.Wrong >= policy.ProximityTries {
		return false
	}
	right := policy.CheckProximity(c.board.Secret, c.object(i).ID, now.Up, code)
	if !right {
		a.Wrong++
	}
	return right
}

// challenge notes what the phone at a reader was asked to sign.
func (c *Controller) challenge(now policy.Now, in Challenged) {
	r := &c.readers[in.Reader]
	r.Challenge, r.ChallengeUntil = in.Challenge, now.Up+policy.ChallengeFor
}

// signed reports whether a phone signed the reader's challenge, which is good for
// this once.
func (c *Controller) signed(i int, a *policy.Assertion) bool {
	r := &c.readers[i]
	asked, challenge := r.ChallengeUntil != 0, r.Challenge
	r.Challenge, r.ChallengeUntil = policy.Challenge{}, 0
	return asked && a != nil && c.set != nil && a.Verify(policy.Tap{Place: c.set.Place.ID, Controller: c.set.Controller.ID,
		Reader: c.ports[i], Door: c.object(c.board.Readers[i].Door).ID, Challenge: challenge})
}
