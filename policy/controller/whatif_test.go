package controller_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"doord/policy"
	"doord/policy/controller"
)

// running is a controller with the place's policy, at 8:00.
func running(t *testing.T) *controller.Controller {
	open, _ := policies(t)
	c := controller.New(board(), controller.State{})
	c.Step(eight(0), controller.SetPolicy{Set: open})
	return c
}

func TestWhatIf(t *testing.T) {
	c := running(t)
	c.Step(eight(0), controller.ZoneOverridden{Zone: 1, Level: policy.Away, For: time.Minute})
	q := policy.Request{Door: 1, Reader: 1, Method: policy.MethodCard, Holder: holder()}
	for _, at := range []struct {
		after time.Duration
		want  policy.Reason
	}{
		{0, policy.ZoneDenied}, // by the override of now
		{2 * time.Minute, ""},  // which has ended then
		{4 * time.Minute, ""},  // away, and access disarms
		{24 * time.Hour, ""},   // no block on Tuesday
	} {
		before, _ := json.Marshal(c.State())
		d := c.WhatIf(q, eight(at.after).Wall)
		if d.Reason != at.want || len(d.Trace) == 0 {
			t.Errorf("after %v: %q, want %q", at.after, d.Reason, at.want)
		}
		if after, _ := json.Marshal(c.State()); string(before) != string(after) {
			t.Errorf("after %v: something came of it:\n%s\n%s", at.after, before, after)
		}
	}
	c.Step(eight(0), controller.LockedDown{Door: vault, On: true})
	q = policy.Request{Door: 3, Method: policy.MethodInApp, Holder: holder()}
	if d := c.WhatIf(q, eight(time.Hour).Wall); d.Reason != policy.DoorLockedDown {
		t.Errorf("a lockdown of now: %q", d.Reason)
	}
	q.Door = 9
	if d := c.WhatIf(q, eight(0).Wall); d.Reason != policy.DoorNotFound {
		t.Errorf("no such door: %q", d.Reason)
	}
}

// What is durable does not change by the mere passing of time, or the daemon would
// write it again and again.
func TestDurableStateIsTheSameAtAnyTime(t *testing.T) {
	c := running(t)
	for _, in := range []controller.Input{
		controller.LockedDown{Door: lab, On: true},
		controller.Changed{Line: fireInput, Status: controller.InputOpen, Active: true},
		controller.ReaderChanged{Reader: frontIn, Tampered: true},
		controller.Presented{Reader: labIn, Class: policy.TokenNumber, Holder: holder(), Found: 1},
		controller.Presented{Reader: labIn, Class: policy.TokenPIN, Found: 1},
		controller.Presented{Reader: frontIn, Class: policy.TokenNumber, Holder: holder(), Found: 1},
		controller.Changed{Line: box, Status: controller.InputOpen, Active: true},
	} {
		c.Step(eight(time.Second), in)
	}
	first := c.State().Durable()
	c.Step(eight(20*time.Second), nil)
	second := c.State().Durable()
	if !reflect.DeepEqual(first.Readers["front"], second.Readers["front"]) || !reflect.DeepEqual(first.Alarms, second.Alarms) ||
		!reflect.DeepEqual(first.LockDown, []string{"lab"}) || !second.Fire.Latched || len(first.Doors) != 0 {
		t.Errorf("first %+v\nthen %+v", first, second)
	}
	resumed := controller.New(board(), second.Resumed(5*time.Second))
	if !resumed.Outputs().On(2) || resumed.Outputs().On(1) || !resumed.Reader(frontIn).Tampered {
		t.Errorf("resumed: relays %b, reader %+v", resumed.Outputs(), resumed.Reader(frontIn))
	}
}

func TestWhatAReaderShows(t *testing.T) {
	c, found := running(t), uint64(1)
	shows := func(after time.Duration, in controller.Input, want policy.Feedback) {
		t.Helper()
		if c.Step(eight(after), in); c.Feedback(frontIn) != want {
			t.Errorf("after %v and %T: %s, want %s", after, in, c.Feedback(frontIn), want)
		}
	}
	contact := controller.Changed{Line: frontContact, Status: controller.InputClosed}
	shows(0, contact, policy.ShowIdle)
	shows(time.Second, controller.Presented{Reader: frontIn, Class: policy.TokenNumber, Found: found}, policy.ShowDenied)
	shows(2*time.Second, controller.Presented{Reader: frontIn, Class: policy.TokenNumber, Holder: holder(), Found: found}, policy.ShowGranted)
	shows(5*time.Second, nil, policy.ShowReleased)
	contact.Active = true
	shows(6*time.Second, contact, policy.ShowIdle)
	shows(18*time.Second, nil, policy.ShowWarning)
	shows(26*time.Second, nil, policy.ShowAlarm)
	contact.Active = false
	shows(30*time.Second, contact, policy.ShowAlarm) // the rule's buzzer still sounds
	shows(40*time.Second, nil, policy.ShowIdle)
	c.Step(eight(41*time.Second), controller.Presented{Reader: labIn, Class: policy.TokenNumber, Holder: holder(), Found: found})
	if c.Feedback(labIn) != policy.ShowAskPIN || !c.Buzzer(labIn) {
		t.Errorf("a card that waits for its PIN: %s", c.Feedback(labIn))
	}
}

// The first of two is shown that another one is waited for, for as long as that is so.
func TestAReaderShowsThatASecondPersonIsWaitedFor(t *testing.T) {
	open, _ := policies(t)
	open.Door(1).TwoPersonWithin = 20
	c := controller.New(board(), controller.State{})
	c.Step(eight(0), controller.SetPolicy{Set: open})
	in := controller.Presented{Reader: frontIn, Class: policy.TokenNumber, Holder: holder(), Found: 1}
	for _, s := range []struct {
		after time.Duration
		in    controller.Input
		want  policy.Feedback
	}{{0, in, policy.ShowSecondPerson}, {20*time.Second - 1, nil, policy.ShowSecondPerson}, {20 * time.Second, nil, policy.ShowIdle}} {
		if c.Step(eight(s.after), s.in); c.Feedback(frontIn) != s.want {
			t.Errorf("after %v: %s, want %s", s.after, c.Feedback(frontIn), s.want)
		}
	}
	d := c.WhatIf(policy.Request{Door: 1, Reader: 1, Method: policy.MethodCard, Holder: holder()}, eight(time.Hour).Wall)
	if d.Reason != policy.SecondPerson {
		t.Errorf("what if: %q", d.Reason)
	}
}

// A duress PIN looks to whoever stands at the door like the other one.
func TestDuressShowsNothing(t *testing.T) {
	for _, duress := range []bool{false, true} {
		c := running(t)
		h := holder()
		h.Kind, h.Duress = policy.KindPIN, duress
		c.Step(eight(0), controller.Presented{Reader: labIn, Class: policy.TokenNumber, Holder: holder(), Found: 1})
		told := c.Step(eight(time.Second), controller.Presented{Reader: labIn, Class: policy.TokenPIN, Holder: h, Found: 1})
		if c.Feedback(labIn) != policy.ShowGranted || !c.Outputs().On(2) || told[0].Type != policy.LockUnlock {
			t.Errorf("duress %t: shows %s, %+v", duress, c.Feedback(labIn), told)
		}
		if help := len(told) > 1 && told[1].Type == policy.LockDuress; help != duress {
			t.Errorf("duress %t: told %+v", duress, told)
		}
	}
}
