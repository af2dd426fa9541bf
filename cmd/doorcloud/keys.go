package main

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"doord/cmd/internal/place/fleet"
	"doord/cmd/internal/place/storage"
	"doord/policy/ledger"
)

func (s *service) keysCommand() *cobra.Command {
	keys := &cobra.Command{
		Use:   "keys",
		Short: "Tell of the keys",
		Args:  cobra.NoArgs,
		RunE:  does(func(*cobra.Command, []string) error { return s.keys() }),
	}
	var years int
	sign := &cobra.Command{
		Use:   "sign [--years N]",
		Short: "Have root.key sign policy keys for more years",
		Long:  "Sign needs root.key beside the other keys, for this command only. A service that runs takes the new keys within a minute.",
		Args:  cobra.NoArgs,
		RunE: does(func(*cobra.Command, []string) error {
			if err := fleet.SignKeys(s.dir, years, time.Now()); err != nil {
				return err
			}
			return s.keys()
		}),
	}
	sign.Flags().IntVar(&years, "years", 5, "for how many years, 1 to 20")
	generation := &cobra.Command{
		Use:   "generation",
		Short: "Have root.key say that the log of every place goes back",
		Long: "Generation is for a storage that was restored: controllers then take a policy that is older than the one they\n" +
			"have. It needs root.key, and that no service runs.",
		Args: cobra.NoArgs,
		RunE: does(func(cmd *cobra.Command, _ []string) error { return s.generation(cmd.Context()) }),
	}
	keys.AddCommand(sign, generation)
	return keys
}

// fingerprint writes one as people compare it.
func fingerprint(f ledger.Fingerprint) string { return hex.EncodeToString(f[:]) }

func (s *service) keys() error {
	k, err := fleet.Keys(s.dir, time.Now())
	if err != nil {
		return err
	}
	day := func(at int64) string { return time.Unix(at, 0).UTC().Format(time.DateOnly) }
	fmt.Fprintf(s.stdout, "root         fingerprint %s\n", fingerprint(k.Fingerprint))
	if k.RootHere {
		fmt.Fprintln(s.stdout, "             root.key is here: take it to a safe place, the service does not need it")
	}
	fmt.Fprintf(s.stdout, "authority    until %s\n", day(k.CAEnds.Unix()))
	for _, g := range k.Grants {
		id, use := ledger.IDOf(g.Key), ""
		if id == k.Current {
			use = "  in use"
		}
		fmt.Fprintf(s.stdout, "policy key   %x from %s until %s%s\n", id, day(g.NotBefore), day(g.NotAfter), use)
	}
	return nil
}

func (s *service) generation(ctx context.Context) error {
	db, err := storage.Open(s.dir)
	if err != nil {
		return err
	}
	n, err := fleet.BeginGeneration(ctx, db, s.dir, time.Now())
	if err = errors.Join(err, db.Close()); err != nil {
		return err
	}
	fmt.Fprintf(s.stdout, "%d places begin a new generation\n", n)
	return nil
}
