package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"doord/cmd/internal/place"
	"doord/cmd/internal/place/fleet"
	"doord/cmd/internal/place/pages"
	"doord/policy"
)

// Bounds.
const (
	grace      = 30 * time.Second // that a controller may be away before it is noted
	quiet      = 15 * time.Minute // between two mails to one person about one thing
	maxQueue   = 1000             // notices that wait
	maxSent    = 10_000           // mails that are remembered
	attempts   = 5
	firstWait  = 2 * time.Second // doubled four times over at each attempt
	maxWaiting = 1000            // mails that wait
)

// Place is what the notifier needs of the place service. It is *place.Service.
type Place interface {
	Recipients(place int64, topic place.Topic, event []byte) []place.Recipient
	Named(place int64, event []byte) []byte
	NoteController(place, controller int64, kind policy.EventType) error
}

// Config is what a notifier works with.
type Config struct {
	Place     Place
	Subscribe func(func(fleet.Notice)) (cancel func())
	Online    func(controller int64) bool
	Mail      pages.Mailer // nil: nothing is mailed
	Origin    string       // of addresses in mails
	Log       *slog.Logger
}

// Notifier tells people.
type Notifier struct {
	Config
	notices chan fleet.Notice
	mails   chan letter
	cancel  func()
	stop    context.CancelFunc
	all     sync.WaitGroup

	mu      sync.Mutex
	dropped int
	away    map[int64]*time.Timer // controllers in their grace
	noted   map[int64]bool        // controllers that were noted as offline
	sent    map[about]time.Time
}

// about is what a mail is about.
type about struct {
	member, object int64
	topic          place.Topic
}

type letter struct{ to, subject, text string }

// Start begins to tell, until Close.
func Start(c Config) *Notifier {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	ctx, stop := context.WithCancel(context.Background())
	n := &Notifier{
		Config: c, stop: stop, notices: make(chan fleet.Notice, maxQueue), mails: make(chan letter, maxWaiting),
		away: map[int64]*time.Timer{}, noted: map[int64]bool{}, sent: map[about]time.Time{},
	}
	n.all.Go(func() { n.work(ctx) })
	n.all.Go(func() { n.deliver(ctx) })
	n.cancel = c.Subscribe(n.notice)
	return n
}

// Close ends it. Mails that wait are given up.
func (n *Notifier) Close() {
	n.cancel()
	n.stop()
	n.mu.Lock()
	for id, timer := range n.away {
		timer.Stop()
		delete(n.away, id)
	}
	n.mu.Unlock()
	n.all.Wait()
}

// notice takes one from the fleet. It does not wait.
func (n *Notifier) notice(x fleet.Notice) {
	switch x.Kind {
	case fleet.NoticeEvents, fleet.NoticeOnline, fleet.NoticeOffline:
	default:
		return
	}
	select {
	case n.notices <- x:
	default:
		n.mu.Lock()
		n.dropped++
		n.mu.Unlock()
	}
}

func (n *Notifier) work(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case x := <-n.notices:
			switch x.Kind {
			case fleet.NoticeEvents:
				for _, e := range x.Events {
					n.event(x.Place, e)
				}
			case fleet.NoticeOffline:
				n.left(ctx, x)
			case fleet.NoticeOnline:
				n.returned(x)
			case fleet.NoticeStatus, fleet.NoticeZone: // nobody is told of them
			}
		}
	}
}

// left waits a while before it notes that a controller is away: most are back at once.
func (n *Notifier) left(ctx context.Context, x fleet.Notice) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.away[x.Controller] != nil || n.noted[x.Controller] || ctx.Err() != nil {
		return
	}
	n.away[x.Controller] = time.AfterFunc(grace, func() {
		n.mu.Lock()
		_, waits := n.away[x.Controller]
		delete(n.away, x.Controller)
		note := waits && ctx.Err() == nil && !n.Online(x.Controller)
		if note {
			n.noted[x.Controller] = true
		}
		n.mu.Unlock()
		if note {
			n.note(x, place.ControllerOffline)
		}
	})
}

func (n *Notifier) returned(x fleet.Notice) {
	n.mu.Lock()
	if timer := n.away[x.Controller]; timer != nil {
		timer.Stop()
		delete(n.away, x.Controller)
	}
	noted := n.noted[x.Controller]
	delete(n.noted, x.Controller)
	n.mu.Unlock()
	if noted {
		n.note(x, place.ControllerOnline)
	}
}

func (n *Notifier) note(x fleet.Notice, kind policy.EventType) {
	if err := n.Place.NoteController(x.Place, x.Controller, kind); err != nil {
		n.Log.Warn("a controller's absence could not be noted", "controller", x.Controller, "err", err)
	}
}

// event mails whoever wants to be told of an event.
func (n *Notifier) event(home int64, e fleet.Event) {
	var what struct {
		Type   policy.EventType `json:"type"`
		Reason policy.Reason    `json:"reason"`
		Object int64            `json:"object_id"`
		At     time.Time        `json:"created_at"`
	}
	if n.Mail == nil || json.Unmarshal(e.Text, &what) != nil {
		return
	}
	topic := place.TopicOf(what.Type, what.Reason)
	if topic == "" || time.Since(e.ID.Time()) > quiet {
		return // a controller that was away tells what is long over
	}
	for _, r := range n.Place.Recipients(home, topic, e.Text) {
		if !n.due(about{r.Member, what.Object, topic}) {
			continue
		}
		headline := pages.Headline(n.Place.Named(home, e.Text))
		text := strings.Join([]string{
			"Hello " + r.Name + ",", "", headline + ", at " + what.At.UTC().Format("15:04:05 on 2 January 2006") + " (UTC).", "",
			fmt.Sprintf("%s%s/p/%d/events/%s", n.Origin, pages.Root, home, e.ID), "",
			fmt.Sprintf("Which mails you get: %s%s/you", n.Origin, pages.Root),
		}, "\n")
		select {
		case n.mails <- letter{r.Email, headline, text}:
		default:
			n.Log.Warn("too many mails wait: one was given up")
		}
	}
}

// due reports whether a mail is to go out, and counts it.
func (n *Notifier) due(a about) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := time.Now()
	if last, is := n.sent[a]; is && now.Sub(last) < quiet {
		return false
	}
	if len(n.sent) >= maxSent {
		for b, last := range n.sent {
			if now.Sub(last) >= quiet {
				delete(n.sent, b)
			}
		}
		if len(n.sent) >= maxSent {
			return false
		}
	}
	n.sent[a] = now
	return true
}

// deliver sends mails one after the other.
func (n *Notifier) deliver(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case m := <-n.mails:
			if err := n.send(ctx, m); err != nil && ctx.Err() == nil {
				n.Log.Warn("a mail was not sent", "err", err)
			}
		}
	}
}

func (n *Notifier) send(ctx context.Context, m letter) (err error) {
	for attempt, wait := 1, firstWait; ; attempt, wait = attempt+1, 4*wait {
		if err = n.Mail.Send(ctx, m.to, m.subject, m.text); err == nil || attempt == attempts {
			return err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}
