package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"doord/cmd/internal/api"
	"doord/policy"
	"doord/policy/controller"
	"doord/reader/wiegand"
)

// LoadPolicy puts a place's records into the cache and then into force. Only
// then it returns: what the caller does next meets the new policy.
func (d *Daemon) LoadPolicy(ctx context.Context, records *policy.Records) (api.Loaded, error) {
	d.loading.Lock()
	defer d.loading.Unlock()
	if d.Policy == nil {
		return api.Loaded{}, &api.Error{Status: http.StatusServiceUnavailable, Text: "the policy cache cannot be opened",
			Hint: "doorctl status says why; mend that and restart doord"}
	}
	if d.cloud.Enrolled() {
		return api.Loaded{}, errEnrolled
	}
	if problems := checkFormats(records); len(problems) > 0 {
		return api.Loaded{}, &api.Error{Status: http.StatusUnprocessableEntity, Problems: problems,
			Text: "the policy was not loaded; the one in force stays", Hint: "mend these and load it again"}
	}
	if _, err := time.LoadLocation(records.Place.TimeZone); err != nil {
		return api.Loaded{}, &api.Error{Status: http.StatusUnprocessableEntity,
			Problems: policy.Problems{{Path: "place.time_zone", Text: err.Error()}},
			Text:     "the policy was not loaded; the one in force stays"}
	}
	revision, err := d.Policy.Replace(records)
	if err != nil {
		return api.Loaded{}, &api.Error{Status: http.StatusInsufficientStorage, Text: fmt.Sprintf("the policy was not loaded: %v", err),
			Hint: "the one in force stays; see that the disk of " + d.Config.StateDir + " has room"}
	}
	if err := d.usePolicy(ctx); err != nil {
		return api.Loaded{}, err
	}
	loaded := api.Loaded{Version: api.Version, Warnings: []string{}}
	err = d.look(ctx, func(c *controller.Controller) {
		loaded.Revision = revision
		switch set := c.Policy(); {
		case set == nil:
			loaded.Warnings = append(loaded.Warnings, "it is in force once the core has restarted: "+errCrashed.Text)
			return
		case set.Controller.ID == 0:
			loaded.Warnings = append(loaded.Warnings, "no controller has device_id "+d.Config.DeviceID+": no door is served")
		}
		for i := range d.board.Doors {
			if s := c.Door(i); s.Misconfigured != "" {
				loaded.Warnings = append(loaded.Warnings, fmt.Sprintf("door %s is misconfigured: %s", s.Name, s.Misconfigured))
			}
		}
	})
	return loaded, err
}

// checkFormats finds credentials in a format that no reader can deliver.
func checkFormats(records *policy.Records) policy.Problems {
	known := wiegand.Formats()
	var problems policy.Problems
	for i := range records.Credentials {
		if f := records.Credentials[i].Format; f != "" && !slices.Contains(known, f) {
			problems = append(problems, policy.Problem{Path: fmt.Sprintf("credentials[%d].format", i),
				Text: fmt.Sprintf("%q is not one of %s", f, strings.Join(known, ", "))})
		}
	}
	return problems
}

// usePolicy puts the cached policy into force. Its caller holds loading. It does
// not stop half way for a caller that goes away: the cache holds the policy
// already, and cards are looked up there.
func (d *Daemon) usePolicy(ctx context.Context) error {
	records, revision, err := d.Policy.Records()
	if err != nil || revision == 0 {
		return err
	}
	loc, err := time.LoadLocation(records.Place.TimeZone)
	if err != nil {
		return fmt.Errorf("place.time_zone: %w", err)
	}
	set := policy.Compile(&records, revision, d.Config.DeviceID, loc)
	if _, head := d.Policy.Head(); head.Expires != 0 {
		set.Expires = time.Unix(head.Expires, 0).UTC()
	}
	_, err = d.send(context.WithoutCancel(ctx), controller.SetPolicy{Set: set})
	if err != nil && !errors.Is(err, errCrashed) {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.revision = revision
	close(d.renewed)
	d.renewed = make(chan struct{})
	return nil
}

// inForce returns the revision in force, and a channel that is closed when
// another one comes into force.
func (d *Daemon) inForce() (renewed <-chan struct{}, revision uint64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.renewed, d.revision
}
