package store

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"doord/policy"
)

func TestARecordsJSONIsStable(t *testing.T) {
	r := Record{
		UUID: "019c9f2b-8f40-7001-8000-000000000001", Sequence: 1, Epoch: "00112233445566778899aabbccddeeff", BootID: "b-1",
		Event: happened(2), Hash: Hash{0xab},
	}
	r.Reason, r.Detail, r.Bits = policy.CardNotFound, "no such card", "1010"
	got, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"version":1,"uuid":"019c9f2b-8f40-7001-8000-000000000001","sequence":1,"epoch":"00112233445566778899aabbccddeeff",` +
		`"created_at":"2026-03-01T08:00:02Z","uptime":2,"boot_id":"b-1","clock_set":true,"type":"lock.unlock",` +
		`"actor_type":"member","actor_id":9,"authenticated_by_type":"card","authenticated_by_id":11,` +
		`"object_type":"lock","object_id":2,"object_name":"Gate","reader":"gate-in","success":true,` +
		`"reason":"card_not_found","code":"faa9ef","until":5,"detail":"no such card","bits":"1010","policy_revision":7,` +
		`"trace":[{"check":"door","saw":"lock 1","rule":"is configured and wired here","ok":true},` +
		`{"check":"method","saw":"card","rule":"reader 1","ok":true},` +
		`{"check":"group_dates","saw":"2026-03-01T08:00:02Z","rule":"[…, …)","ok":false,"reason":"no_longer_valid"}],` +
		`"hash":"ab00000000000000000000000000000000000000000000000000000000000000"}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestUnmarshalRefusesWhatIsNoRecord(t *testing.T) {
	for _, s := range []string{`{}`, `{"sequence":1}`, `null`, `"x"`,
		`{"sequence":"x","hash":"ab00000000000000000000000000000000000000000000000000000000000000"}`,
		`{"sequence":1,"hash":"zz00000000000000000000000000000000000000000000000000000000000000"}`} {
		var r Record
		if err := json.Unmarshal([]byte(s), &r); err == nil {
			t.Errorf("%s is taken for a record", s)
		}
	}
}

func TestSecondsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := seconds(rapid.Int64Min(-1<<63+1).Draw(t, "ns")) // the least has no positive twin
		b, _ := want.MarshalJSON()
		var got seconds
		if err := got.UnmarshalJSON(b); err != nil || got != want {
			t.Errorf("%d written as %s, read as %d: %v", want, b, got, err)
		}
	})
}

// anyEvent draws an event with every field.
func anyEvent(t *rapid.T) policy.Event {
	word := rapid.StringN(0, 6, -1)
	ref := rapid.Custom(func(t *rapid.T) policy.Ref {
		return policy.Ref{Type: word.Draw(t, "type"), ID: rapid.Int64().Draw(t, "id"), Name: word.Draw(t, "name")}
	})
	check := rapid.Custom(func(t *rapid.T) policy.Check {
		return policy.Check{Name: word.Draw(t, "check"), Saw: policy.Text(word.Draw(t, "saw")),
			Rule: policy.Measure(rapid.Int64().Draw(t, "rule"), "m"), OK: rapid.Bool().Draw(t, "ok"),
			Reason: rapid.SampledFrom([]policy.Reason{"", policy.AccessDenied}).Draw(t, "reason")}
	})
	wall := time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "s"), rapid.Int64Range(0, 1e9-1).Draw(t, "ns")).UTC()
	return policy.Event{
		At:     policy.Now{Up: time.Duration(rapid.Int64Range(0, 1<<60).Draw(t, "up")), Wall: wall, WallSet: rapid.Bool().Draw(t, "set")},
		Type:   policy.EventType(word.Draw(t, "type")),
		Object: ref.Draw(t, "object"), Actor: ref.Draw(t, "actor"), By: ref.Draw(t, "by"),
		Reader: word.Draw(t, "reader"), Success: rapid.Bool().Draw(t, "success"),
		Reason: rapid.SampledFrom([]policy.Reason{"", policy.CardNotFound, "unheard_of"}).Draw(t, "reason"),
		Until:  time.Duration(rapid.Int64Range(0, 1<<60).Draw(t, "until")),
		Detail: word.Draw(t, "detail"), Bits: word.Draw(t, "bits"), Revision: rapid.Uint64().Draw(t, "revision"),
		Trace: rapid.SliceOfN(check, 0, 3).Draw(t, "trace"),
	}
}

func TestTheTextIsWhatEncodingJSONMakesOfIt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Record{UUID: newUUID(time.Now(), 1), Sequence: rapid.Uint64().Draw(t, "sequence"), Epoch: newEpoch(),
			BootID: rapid.String().Draw(t, "boot"), Event: anyEvent(t)}
		want, err := json.Marshal(wire{
			Version: recordVersion, UUID: r.UUID, Sequence: r.Sequence, Epoch: r.Epoch, BootID: r.BootID,
			CreatedAt: r.At.Wall, Uptime: seconds(r.At.Up), ClockSet: r.At.WallSet, Type: r.Type,
			ActorType: r.Actor.Type, ActorID: r.Actor.ID, ActorName: r.Actor.Name,
			ByType: r.By.Type, ByID: r.By.ID, ByName: r.By.Name,
			ObjectType: r.Object.Type, ObjectID: r.Object.ID, ObjectName: r.Object.Name,
			Reader: r.Reader, Success: r.Success, Reason: r.Reason, Code: r.Reason.Code(), Until: seconds(r.Until),
			Detail: r.Detail, Bits: r.Bits, Revision: r.Revision, Trace: r.Trace,
		})
		if err != nil {
			t.Fatal(err)
		}
		got := appendText(nil, &r)
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		var back Record
		if err := back.parse(got, r.Hash); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(r, back, sameEvents); diff != "" {
			t.Errorf("read back (-want +got):\n%s", diff)
		}
		if again := appendText(nil, &back); string(again) != string(got) {
			t.Errorf("written again:\n%s\nnot\n%s", again, got)
		}
	})
}

func TestUUIDsOfOneMillisecondAreInOrder(t *testing.T) {
	at := time.UnixMilli(1_772_352_000_123)
	last := ""
	for n := range uint64(1 << 12) {
		u := newUUID(at, n)
		if u <= last {
			t.Fatalf("%s after %s", u, last)
		}
		if u[14] != '7' || u[19] < '8' || u[19] > 'b' || u[:8]+u[9:13] != fmt.Sprintf("%012x", at.UnixMilli()) {
			t.Fatalf("%s is not of version 7, or not of that time", u)
		}
		last = u
	}
}
