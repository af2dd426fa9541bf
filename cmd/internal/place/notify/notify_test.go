package notify

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"doord/cmd/internal/place"
	"doord/cmd/internal/place/fleet"
	"doord/policy"
)

// world is a fleet, a place and a mail server as the notifier sees them.
type world struct {
	mu     sync.Mutex
	call   func(fleet.Notice)
	online map[int64]bool
	notes  []string
	mails  []letter
	fail   int // mails that do not go out at once
	want   []place.Recipient
}

func (w *world) Recipients(int64, place.Topic, []byte) []place.Recipient { return w.want }

func (w *world) Named(_ int64, event []byte) []byte { return event }

func (w *world) NoteController(_, controller int64, kind policy.EventType) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.notes = append(w.notes, fmt.Sprint(kind, " ", controller))
	return nil
}

func (w *world) Send(_ context.Context, to, subject, text string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.fail > 0 {
		w.fail--
		return errors.New("the server is busy")
	}
	w.mails = append(w.mails, letter{to, subject, text})
	return nil
}

func start(t *testing.T, w *world) *Notifier {
	w.online = map[int64]bool{}
	n := Start(Config{
		Place: w, Mail: w, Origin: "https://doors.example.org",
		Subscribe: func(call func(fleet.Notice)) func() { w.call = call; return func() {} },
		Online:    func(id int64) bool { w.mu.Lock(); defer w.mu.Unlock(); return w.online[id] },
	})
	t.Cleanup(n.Close)
	return n
}

func happened(at time.Time, text string) fleet.Notice {
	var id fleet.EventID
	ns := at.UnixNano()
	for i := range 8 {
		id[i] = byte(ns >> (56 - 8*i))
	}
	return fleet.Notice{Place: 1, Kind: fleet.NoticeEvents, Events: []fleet.Event{{ID: id, Place: 1, Text: []byte(text)}}}
}

const forced = `{"type":"lock.forced_open","object_type":"lock","object_id":7,"object_name":"Front door","created_at":"2026-03-02T09:00:00Z","success":true}`

func TestWhoWantsItGetsOneMail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{want: []place.Recipient{{Member: 3, Name: "Ada", Email: "ada@example.org"}}, fail: 2}
		start(t, w)
		w.call(happened(time.Now(), forced))
		w.call(happened(time.Now(), forced))
		time.Sleep(time.Minute) // of the bubble: two attempts fail
		synctest.Wait()
		if len(w.mails) != 1 || w.mails[0].to != "ada@example.org" || w.mails[0].subject != "Front door forced open" ||
			!strings.Contains(w.mails[0].text, "https://doors.example.org/app/p/1/events/") {
			t.Fatalf("mailed %+v", w.mails)
		}
		time.Sleep(quiet)
		w.call(happened(time.Now(), forced))
		synctest.Wait()
		if len(w.mails) != 2 {
			t.Errorf("after a while mailed %+v", w.mails)
		}
	})
}

func TestWhatIsLongOverAndWhatIsNoTopicIsNotMailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{want: []place.Recipient{{Member: 3, Name: "Ada", Email: "ada@example.org"}}}
		start(t, w)
		w.call(happened(time.Now().Add(-time.Hour), forced))
		w.call(happened(time.Now(), `{"type":"lock.opened","object_type":"lock","object_id":7}`))
		w.call(happened(time.Now(), `{"type":"lock.unlock","reason":"access_denied","object_type":"lock","object_id":7}`))
		w.call(happened(time.Now(), `none`))
		synctest.Wait()
		if len(w.mails) != 0 {
			t.Errorf("mailed %+v", w.mails)
		}
		w.call(happened(time.Now(), `{"type":"lock.unlock","reason":"two_factor_required","object_type":"lock","object_id":7}`))
		synctest.Wait()
		if len(w.mails) != 1 {
			t.Errorf("of a second factor mailed %+v", w.mails)
		}
	})
}

func TestAControllerThatStaysAwayIsNotedOnceAndAgainWhenItReturns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{}
		start(t, w)
		away := fleet.Notice{Place: 1, Controller: 5, Kind: fleet.NoticeOffline}
		back := fleet.Notice{Place: 1, Controller: 5, Kind: fleet.NoticeOnline}
		w.call(away)
		time.Sleep(grace / 2)
		w.call(back)
		time.Sleep(2 * grace)
		synctest.Wait()
		if len(w.notes) != 0 {
			t.Fatalf("it was back at once, noted %v", w.notes)
		}
		w.call(away)
		w.call(away)
		time.Sleep(2 * grace)
		w.call(back)
		synctest.Wait()
		if got := fmt.Sprint(w.notes); got != "[controller.offline 5 controller.online 5]" {
			t.Errorf("noted %s", got)
		}
	})
}
