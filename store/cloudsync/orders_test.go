package cloudsync

import (
	"errors"
	"testing"
	"time"

	"doord/policy/ledger"
)

func TestACommandThatIsNotTheNextOfItsStreamIsDropped(t *testing.T) {
	root, key, other := newKey(t), newKey(t), newKey(t)
	trust := ledger.NewTrust(public(root))
	grant := ledger.Grant{Key: public(key), NotBefore: noon.Add(-time.Hour).Unix(), NotAfter: noon.Add(time.Hour).Unix()}
	if err := trust.Grant([]ledger.Signed{ledger.Sign(ledger.ForGrant, grant, root)}); err != nil {
		t.Fatal(err)
	}
	nonce := []byte("0123456789abcdef")
	type order struct {
		Command
		signer  []byte
		purpose ledger.Purpose
		at      time.Time
		open    time.Duration // when it comes, after the stream was asked for
	}
	tests := []struct {
		name  string
		spoil func(*order)
		want  error
	}{
		{"the next", func(*order) {}, nil},
		{"the next, as slow as may be", func(o *order) { o.open = 70*time.Second - time.Millisecond }, nil},
		{"one at the very beginning", func(o *order) { o.Elapsed, o.open = 0, 0 }, nil},
		{"a key that nobody granted", func(o *order) { o.signer = other }, errOrderKey},
		{"the root, which signs no commands", func(o *order) { o.signer = root }, errOrderKey},
		{"a head in a command's place", func(o *order) { o.purpose = ledger.ForHead }, errOrderKey},
		{"a grant that has ended", func(o *order) { o.at = noon.Add(time.Hour) }, errOrderKey},
		{"a grant that has ended, while the clock is not set", func(o *order) { o.at = time.Time{} }, nil},
		{"another controller's command", func(o *order) { o.Controller = 4 }, errOrderController},
		{"another stream's command", func(o *order) { o.Nonce = []byte("fedcba9876543210") }, errOrderNonce},
		{"a command without a nonce", func(o *order) { o.Nonce = nil }, errOrderNonce},
		{"a command that was taken before", func(o *order) { o.Sequence = 2 }, errOrderSequence},
		{"a command after one that is missing", func(o *order) { o.Sequence = 4 }, errOrderSequence},
		{"a late command", func(o *order) { o.open = 70 * time.Second }, errLate},
		{"a very late command", func(o *order) { o.open = 24 * time.Hour }, errLate},
		{"a command from the future", func(o *order) { o.Elapsed = 61_000 }, errLate},
		{"a command from before the stream", func(o *order) { o.Elapsed = -1 }, errLate},
		{"an age beyond all numbers", func(o *order) { o.Elapsed = 1 << 62 }, errLate},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			opened := time.Now()
			stream := &orders{controller: 3, nonce: nonce, opened: opened, last: 2}
			o := order{Command: Command{ID: 1, Controller: 3, Nonce: nonce, Sequence: 3, Action: ActionUnlock, Elapsed: 60_000},
				signer: key, purpose: ledger.ForCommand, at: noon, open: time.Minute}
			tt.spoil(&o)
			signed := ledger.Sign(o.purpose, o.Command, o.signer)
			if _, err := stream.take(signed, trust, o.at, opened.Add(o.open)); !errors.Is(err, tt.want) {
				t.Fatalf("%v, want %v", err, tt.want)
			}
			if tt.want == nil || errors.Is(tt.want, errLate) {
				if _, err := stream.take(signed, trust, o.at, opened.Add(o.open)); !errors.Is(err, errOrderSequence) {
					t.Errorf("a second time: %v", err)
				}
			}
		})
	}
}
