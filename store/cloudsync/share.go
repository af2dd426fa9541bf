package cloudsync

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"time"

	"doord/policy/zone"
)

const (
	zoneTries = 5                      // with others that change a zone in the same moment
	zoneRest  = 200 * time.Millisecond // between two looks at the zones
)

// settled is a zone on which both sides agreed.
type settled struct {
	remote ZoneState
	local  zone.Shared
}

// share keeps the zones here and at the service the same, until something fails.
// Cut off, the controller goes on with what it knows; all zones meet again when
// the stream is open again.
func (s *session) share(ctx context.Context) error {
	known := map[int64]settled{}
	for {
		s.mu.Lock()
		if s.fresh {
			clear(known)
		}
		s.fresh = false
		came := s.coming
		s.coming = map[int64]ZoneState{}
		s.mu.Unlock()
		local, err := s.Controller.Zones(ctx)
		if err != nil {
			return err
		}
		for _, id := range slices.Sorted(maps.Keys(local)) {
			k, asked := known[id]
			news, told := came[id]
			told = told && (!asked || news.Version > k.remote.Version)
			if told {
				k.remote = news
			}
			if asked && !told && same(k.local, local[id]) {
				continue
			}
			if known[id], err = s.meet(ctx, id, k.remote, asked || told); err != nil {
				s.mu.Lock()
				s.fresh = true
				s.mu.Unlock()
				return err
			}
		}
		if err := pause(ctx, zoneRest, nil); err != nil {
			return err
		}
		select {
		case <-s.zones:
		case <-s.met:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// meet merges what is known of a zone here and at the service, on both sides. What
// the service has is asked for unless it is known.
func (s *session) meet(ctx context.Context, id int64, remote ZoneState, known bool) (settled, error) {
	path := fmt.Sprintf(PathZone, id)
	for range zoneTries {
		if !known {
			remote = ZoneState{}
			err := s.service.tell(ctx, http.MethodGet, path, nil, nil, &remote)
			if err != nil && !answeredWith(err, http.StatusNotFound) { // the service may not know it yet
				return settled{}, err
			}
			s.heard(ctx, sharing)
		}
		zones, err := s.Controller.Zones(ctx)
		if err != nil {
			return settled{}, err
		}
		local, now := zones[id], time.Now()
		if merged := local.Merge(remote.Shared, now); !same(merged, remote.Shared.Merge(remote.Shared, now)) {
			header := http.Header{"If-Match": {strconv.Quote(strconv.FormatUint(remote.Version, 10))}}
			next := ZoneState{}
			err := s.service.tell(ctx, http.MethodPut, path, header, merged, &next)
			switch {
			case answeredWith(err, http.StatusPreconditionFailed):
				known = false
				continue
			case answeredWith(err, http.StatusNotFound):
				return settled{remote, local}, nil
			case err != nil:
				return settled{}, err
			}
			s.heard(ctx, sharing)
			remote = next
		}
		merged := local.Merge(remote.Shared, now) // with the order that the service gave
		if !same(merged, local) {
			if err := s.Controller.Meet(ctx, id, remote.Shared); err != nil {
				return settled{}, err
			}
		}
		return settled{remote, merged}, nil
	}
	return settled{}, fmt.Errorf("cloudsync: zone %d: others change it all the time", id)
}

// zoneCame takes a zone's state from the stream.
func (s *session) zoneCame(z ZoneState) {
	s.mu.Lock()
	if _, ok := s.coming[z.Zone]; ok || len(s.coming) < maxZones {
		s.coming[z.Zone] = z
	} else {
		s.fresh = true // then all are asked for
	}
	s.mu.Unlock()
	poke(s.met)
}

// same reports whether two states of a zone say the same.
func same(a, b zone.Shared) bool {
	return a.Override.Level == b.Override.Level && a.Override.Order == b.Override.Order && a.Override.Until.Equal(b.Override.Until) &&
		a.ViolatedAt.Equal(b.ViolatedAt) && a.ResetAt.Equal(b.ResetAt)
}
