package cloudsync

import (
	"testing"
	"time"

	"doord/policy"
	"doord/policy/zone"
)

// zoned makes a controller with one zone, 5, at rest.
func zoned(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	r.daemon.set(func() { r.daemon.zones[5] = zone.Shared{} })
	r.pass(time.Second)
	return r
}

func (r *rig) zone() zone.Shared {
	r.daemon.mu.Lock()
	defer r.daemon.mu.Unlock()
	return r.daemon.zones[5]
}

func (r *rig) override(level policy.ZoneLevel, length time.Duration) {
	r.daemon.set(func() {
		z := r.daemon.zones[5]
		z.Override = zone.Override{Level: level, Until: time.Now().Add(length).UTC()}
		r.daemon.zones[5] = z
	})
}

// agreed checks that both sides know the same, with this level.
func (r *rig) agreed(level policy.ZoneLevel, violated bool) {
	r.Helper()
	here := r.zone()
	r.service.mu.Lock()
	there := r.service.zones[5].Shared
	r.service.mu.Unlock()
	now := time.Now()
	if here = here.Merge(here, now); !same(here, there.Merge(there, now)) || here.Override.Level != level || here.Violated() != violated {
		r.Errorf("here %+v, there %+v; want %q, violated %t", here, there, level, violated)
	}
}

func TestAZoneThatChangesHereIsChangedEverywhere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := zoned(t)
		r.override(policy.Disarmed, time.Hour)
		r.pass(10 * time.Millisecond)
		r.agreed(policy.Disarmed, false)
		if r.zone().Override.Order == 0 {
			t.Error("the service's order is not here")
		}
		r.daemon.set(func() { z := r.daemon.zones[5]; z.ViolatedAt = time.Now().UTC(); r.daemon.zones[5] = z })
		r.pass(time.Second)
		r.agreed(policy.Disarmed, true)
		before := r.service.count("/v1/zones/5")
		for range 100 {
			r.client.Changed() // of something else
			r.pass(time.Second)
		}
		if n := r.service.count("/v1/zones/5") - before; n != 0 {
			t.Errorf("%d requests for a zone at rest", n)
		}
	})
}

func TestAZoneThatChangesElsewhereIsChangedHere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := zoned(t)
		z := r.service.setZone(5, zone.Shared{Override: zone.Override{Level: policy.Away, Until: time.Now().Add(time.Hour).UTC(), Order: 4}})
		r.service.open().event(StreamZone, z)
		r.pass(10 * time.Millisecond)
		r.agreed(policy.Away, false)
		// One that is older by its number is not news.
		old := z
		old.Version, old.Shared.Override.Level = z.Version-1, policy.Stay
		r.service.open().event(StreamZone, old)
		r.pass(time.Second)
		r.agreed(policy.Away, false)
		r.service.open().event(StreamZone, ZoneState{Zone: 99, Version: 1}) // of no door here
		r.pass(time.Second)
		r.agreed(policy.Away, false)
	})
}

func TestTwoThatChangeAZoneAtOnceMeet(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := zoned(t)
		at := time.Now().UTC()
		r.service.setZone(5, zone.Shared{ViolatedAt: at}) // of which the stream has not told yet
		r.override(policy.Disarmed, time.Hour)
		r.pass(time.Second)
		r.agreed(policy.Disarmed, true)
	})
}

func TestAZoneGoesOnWhileCutOffAndMeetsAfterwards(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := zoned(t)
		r.override(policy.Stay, 10*time.Hour)
		r.pass(time.Second)
		r.agreed(policy.Stay, false)
		r.service.cut(true)
		r.override(policy.Disarmed, 3*time.Hour)
		r.pass(time.Hour)
		r.service.setZone(5, zone.Shared{Override: zone.Override{Level: policy.Away, Until: time.Now().Add(time.Hour).UTC(), Order: 9}, ViolatedAt: time.Now().UTC()})
		r.pass(time.Minute)
		if r.zone().Override.Level != policy.Disarmed {
			t.Errorf("cut off it is %+v", r.zone())
		}
		r.service.cut(false)
		r.pass(mostPause + time.Second)
		r.agreed(policy.Disarmed, true) // what the service does not know of is later than all it knows
		r.pass(3 * time.Hour)
		r.agreed("", true) // and one that ends does so everywhere
	})
}

func TestAStateThatTheServiceDoesNotTakeIsNotSentAgainAndAgain(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := zoned(t)
		s := r.service
		s.mu.Lock()
		s.refuse["/v1/zones/5"] = &refusal{status: 404}
		s.mu.Unlock()
		r.override(policy.Disarmed, time.Hour)
		for range 50 {
			r.client.Changed()
			r.pass(time.Second)
		}
		if n := s.count("/v1/zones/5"); n > 6 {
			t.Errorf("%d requests", n)
		}
		s.mu.Lock()
		clear(s.refuse)
		s.mu.Unlock()
		s.cut(false)
		r.pass(10 * time.Second)
		r.agreed(policy.Disarmed, false)
	})
}

// The service may have gone back: what it told on the last stream would be of a higher
// version than what it tells now.
func TestWhatAStreamToldIsForgottenWhenTheNextOneOpens(t *testing.T) {
	wake := func() chan struct{} { return make(chan struct{}, 1) }
	s := &session{Client: &Client{status: wake(), zones: wake()}, wake: wake(), resend: wake(), met: wake(),
		revived: make(chan struct{}), coming: map[int64]ZoneState{}}
	s.zoneCame(ZoneState{Zone: 5, Version: 9})
	s.revive()
	if len(s.coming) != 0 || !s.fresh {
		t.Errorf("%+v waits, and all zones are to be exchanged: %t", s.coming, s.fresh)
	}
}
