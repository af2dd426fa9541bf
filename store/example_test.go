package store_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"doord/policy"
	"doord/store"
)

// A card is looked up where it was read, and what came of it is written down.
func Example() {
	dir, err := os.MkdirTemp("", "doord")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	cache, err := store.OpenPolicy(dir, store.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer cache.Close()
	journal, err := store.OpenJournal(dir, store.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer journal.Close()

	revision, err := cache.Replace(&policy.Records{
		Place:   policy.Place{ID: 1, Name: "Works", TimeZone: "Europe/Berlin"},
		Members: []policy.Member{{ID: 7, AccessEnabled: true}},
		Credentials: []policy.Credential{{ID: 3, MemberID: 7, Kind: policy.KindCard,
			Format: "H10301", Facility: 118, Card: 1603, Status: policy.Activated}},
	})
	if err != nil {
		log.Fatal(err)
	}

	var holder policy.Holder // used again for the next card
	card := policy.Token{Class: policy.TokenNumber, Format: "H10301", Facility: 118, Number: 1603}
	seen, found, err := cache.Lookup(card, &holder)
	fmt.Println(revision, seen, found, err, "member", holder.Member)

	journal.Append(policy.Event{Type: policy.LockUnlock, Success: true, Actor: policy.Ref{Type: "member", ID: holder.Member}})
	if err := journal.Sync(context.Background()); err != nil {
		log.Fatal(err)
	}
	for record, err := range journal.Follow(context.Background(), 0) {
		fmt.Println(record.Sequence, record.Type, record.Actor.ID, err)
		break
	}
	// Output:
	// 1 1 true <nil> member 7
	// 1 lock.unlock 7 <nil>
}
