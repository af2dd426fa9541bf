package place

import (
	"errors"
	"net/http"
	"slices"
	"sync"

	"doord/cmd/internal/place/fleet"
	"doord/policy"
	"doord/store/cloudsync"
)

// unlockBody is what a phone tells with an unlock. All of it may be left out.
type unlockBody struct {
	Context struct {
		Location *struct {
			Latitude  float64 `json:"latitude"`
			Longitude float64 `json:"longitude"`
			Accuracy  float64 `json:"horizontal_accuracy"` // m
			Age       float64 `json:"age"`                 // s, since the fix
		} `json:"location"`
		Services []struct {
			Type       string `json:"type"` // BLE, GPS, NFC
			Available  bool   `json:"available"`
			Enabled    bool   `json:"enabled"`
			Authorized bool   `json:"authorized"`
		} `json:"services"`
	} `json:"context"`
	Lock struct {
		Proof string `json:"proximity_proof"`
	} `json:"lock"`
}

// unlock asks the lock's controllers. They decide, by the core that they all have; what
// is decided here is only whether the caller may ask.
func unlock(c *call, r record) (any, error) {
	l := r.(*Lock)
	var body unlockBody
	if err := c.decode("", &body); err != nil {
		return nil, err
	}
	ask := cloudsync.Unlock{Code: body.Lock.Proof}
	if at := body.Context.Location; at != nil {
		bad := &Invalid{}
		bad.must(at.Latitude >= -90 && at.Latitude <= 90, "context.location.latitude", "must be -90 to 90 degrees")
		bad.must(at.Longitude >= -180 && at.Longitude <= 180, "context.location.longitude", "must be -180 to 180 degrees")
		bad.must(at.Accuracy >= 0, "context.location.horizontal_accuracy", "must be 0 m or more")
		bad.must(at.Age >= 0, "context.location.age", "must be 0 s or more")
		if err := bad.orNil(); err != nil {
			return nil, err
		}
		ask.Location = &cloudsync.Location{Latitude: at.Latitude, Longitude: at.Longitude, Accuracy: at.Accuracy, Age: at.Age}
	}
	if len(ask.Code) > 100 {
		return nil, invalid("lock.proximity_proof", "is too long")
	}
	if c.caller.link != nil {
		ask.Link = c.caller.link.hash
	} else {
		ask.Member = c.caller.at(l.PlaceID).member
	}
	end, err := c.s.unlocking.begin(c.caller.name, l.ID)
	if err != nil {
		return nil, err
	}
	defer end()
	if err := c.askAll(c.controllersOf(l.ID), cloudsync.ActionUnlock, l.ID, 0, ask); err != nil {
		return nil, err
	}
	c.usedLink()
	return done{"Unlocked!"}, nil
}

// inProgress holds who is unlocking what, so that a button pressed twice is one unlock.
type inProgress struct {
	mu sync.Mutex
	at map[progress]bool
}

type progress struct {
	who  string
	lock int64
}

var errInProgress = &Error{Status: http.StatusConflict, Text: "you are unlocking it already", Code: codeInProgress}

func (x *inProgress) begin(who string, lock int64) (end func(), err error) {
	p := progress{who, lock}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.at[p] {
		return nil, errInProgress
	}
	if x.at == nil {
		x.at = map[progress]bool{}
	}
	x.at[p] = true
	return func() {
		x.mu.Lock()
		defer x.mu.Unlock()
		delete(x.at, p)
	}, nil
}

// command orders something of all controllers of a lock.
func command(what cloudsync.Action, message string) func(*call, record) (any, error) {
	return func(c *call, r record) (any, error) {
		return done{message}, c.orderAll(c.controllersOf(r.base().ID), what, r.base().ID, 0)
	}
}

func (c *call) controllersOf(lock int64) (ids []int64) {
	c.s.read(func(v view) { ids = controllersOf(v, lock) })
	return ids
}

func (c *call) controllersIn(place int64) (ids []int64) {
	c.s.read(func(v view) {
		ids = idsOf(v.by(controllers, places, place), func(r record) int64 { return r.base().ID })
	})
	return ids
}

// order orders something of a controller.
func (c *call) order(controller int64, what cloudsync.Action, lock, object int64) error {
	return c.orderAll([]int64{controller}, what, lock, object)
}

func (c *call) orderAll(ids []int64, what cloudsync.Action, lock, object int64) error {
	var by cloudsync.By
	c.s.read(func(v view) {
		if len(ids) == 0 {
			return
		}
		if r := v.get(controllers, ids[0]); r != nil && c.caller.at(r.base().PlaceID) != nil {
			by.Member = c.caller.at(r.base().PlaceID).member
		}
	})
	return c.askAll(ids, what, lock, object, by)
}

// askAll asks several controllers at once. It is done if one of them did it; else the
// answer is what a controller said before that another said nothing.
func (c *call) askAll(ids []int64, what cloudsync.Action, lock, object int64, body any) error {
	if len(ids) == 0 {
		return denied(policy.NoController)
	}
	answers := make([]error, len(ids))
	var all sync.WaitGroup
	for i, id := range ids {
		all.Go(func() {
			result, err := c.s.fleet.Do(c.r.Context(), id, what, lock, object, body)
			answers[i] = outcome(result, err)
		})
	}
	all.Wait()
	if slices.Contains(answers, nil) {
		return nil
	}
	slices.SortStableFunc(answers, func(a, b error) int { return statusOf(a) - statusOf(b) })
	return answers[0]
}

func statusOf(err error) int {
	var e *Error
	if errors.As(err, &e) {
		return e.Status
	}
	return http.StatusInternalServerError + 99
}

// outcome is what became of a command, nil if it was carried out.
func outcome(r cloudsync.Result, err error) error {
	switch {
	case errors.Is(err, fleet.ErrOffline), errors.Is(err, fleet.ErrTimeout), errors.Is(err, fleet.ErrBusy), errors.Is(err, fleet.ErrClosed):
		return denied(policy.Unavailable)
	case err != nil:
		return err
	case r.Done:
		return nil
	case r.Reason != "":
		return denied(r.Reason)
	}
	return conflict("the controller did not do it: %s", r.Text)
}
