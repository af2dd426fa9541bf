package place

import (
	"bytes"
	"encoding/json"
	"testing"

	"doord/cmd/internal/place/fleet"
)

// Where an event is from is the service's to say, whatever its controller says; and the
// bits of a card that nobody knows stay at the door.
func TestAnEventDoesNotSayWhereItIsFrom(t *testing.T) {
	e := fleet.Event{ID: fleet.EventID{1}, Place: 2, Controller: 3, Text: []byte(
		`{"type":"reader.access","object_id":7,"id":"x","Place_ID":99,"place_id":99,"controller_id":98,"resource_type":"Lock","bits":"1011"}`)}
	shown, err := showEvent(e)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(shown)
	if err != nil {
		t.Fatal(err)
	}
	want := `{"id":"01000000000000000000000000000000","resource_type":"Event","place_id":2,"controller_id":3,"object_id":7,"type":"reader.access"}`
	if string(text) != want {
		t.Errorf("%s", text)
	}
	e.Text = []byte(`{"type":"lock.unlock","object_id":7}`)
	if shown, err = showEvent(e); err != nil {
		t.Fatal(err)
	}
	if text, _ := shown.(raw); !bytes.HasSuffix(text, []byte(`"controller_id":3,"type":"lock.unlock","object_id":7}`)) {
		t.Errorf("%s", text)
	}
}
