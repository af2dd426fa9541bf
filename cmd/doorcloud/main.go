// Doorcloud is the place service: it keeps the records of places, answers the API and
// the pages, and is what controllers are enrolled with.
//
//	doorcloud --dir DIR [--listen ADDRESS]    serve until SIGTERM
//	doorcloud backup FILE                     copy the storage while it is in use
//	doorcloud restore FILE                    make a storage of a copy
//	doorcloud keys [sign|generation]          what the root key is for
//
// It exits with 0 when all is well, 2 if the command line is wrong, and 1 for
// anything else. README.md tells the rest.
package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	_ "time/tzdata" // the machine may have no zone files

	"github.com/spf13/cobra"

	"doord/cmd/internal/daemon"
)

// The exit codes.
const (
	exitFailure = 1
	exitUsage   = 2
)

const defaultDir = "/var/lib/doorcloud"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	cmd := command(stdout, stderr)
	cmd.SetArgs(args)
	cmd.SetOut(stdout)
	cmd.SetErr(stderr)
	err := cmd.Execute()
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "doorcloud:", err)
	if failed := (failure{}); errors.As(err, &failed) {
		return exitFailure
	}
	return exitUsage
}

// failure is an error that is not the command line's.
type failure struct{ error }

func (f failure) Unwrap() error { return f.error }

// does turns what a command does into cobra's form.
func does(do func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if err := do(cmd, args); err != nil {
			return failure{err}
		}
		return nil
	}
}

func command(stdout, stderr io.Writer) *cobra.Command {
	s := &service{stdout: stdout, log: slog.New(slog.NewTextHandler(stderr, nil))}
	root := &cobra.Command{
		Use:   "doorcloud [--dir DIR] [--listen ADDRESS]",
		Short: "The place service",
		Long: "Doorcloud serves the API, the pages and the controllers of its places at one HTTPS address, until SIGTERM.\n" +
			"It exits with 0 when all is well, 2 if the command line is wrong, and 1 for anything else.",
		Args:              cobra.NoArgs,
		SilenceUsage:      true,
		SilenceErrors:     true,
		Version:           daemon.Version,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
		RunE:              does(func(cmd *cobra.Command, _ []string) error { return s.serve(cmd.Context()) }),
	}
	root.PersistentFlags().StringVar(&s.dir, "dir", defaultDir, "where everything is kept")
	flags := root.Flags()
	flags.StringVar(&s.listen, "listen", "127.0.0.1:8443", "address and port; port 0 takes any")
	flags.StringVar(&s.cert, "cert", "", "certificate chain in PEM; without it the service makes its own")
	flags.StringVar(&s.key, "key", "", "the certificate's key in PEM")
	flags.StringArrayVar(&s.hosts, "host", nil, "a name or address by which the service is reached, for its own certificate; the first is told as its URL")
	flags.StringArrayVar(&s.origins, "origin", nil, "whose pages may ask the API, as https://admin.example.org")
	flags.BoolVar(&s.privateHooks, "private-webhooks", false, "let webhooks go to private addresses, and without TLS")
	flags.UintVar(&s.keepDays, "keep-events", 0, "days after which events are deleted; 0 keeps them for ever")
	flags.StringVar(&s.mail, "mail", "", "the server that mails go out by, as smtps://USER@HOST or smtp://localhost; without it none are sent")
	flags.StringVar(&s.mailFrom, "mail-from", "", "the address that mails come from")
	flags.StringVar(&s.mailPassword, "mail-password-file", "", "a file with the user's password at that server")
	root.MarkFlagsRequiredTogether("cert", "key")
	root.MarkFlagsRequiredTogether("mail", "mail-from")
	root.AddCommand(
		&cobra.Command{
			Use:   "backup FILE",
			Short: "Copy the storage, also while it is in use",
			Long:  "Backup copies the storage as of one moment. The key files are not in the copy: keep one of those, too.",
			Args:  cobra.ExactArgs(1),
			RunE:  does(func(cmd *cobra.Command, args []string) error { return s.backup(cmd.Context(), args[0]) }),
		},
		&cobra.Command{
			Use:   "restore FILE",
			Short: "Make a storage of a copy, and have the root key say that it goes back",
			Long: "Restore makes a storage of a copy in a folder that has the key files and no storage. Controllers take an older\n" +
				"policy only if the root key says so: with root.key there it does, else run doorcloud keys generation later.",
			Args: cobra.ExactArgs(1),
			RunE: does(func(cmd *cobra.Command, args []string) error { return s.restore(cmd.Context(), args[0]) }),
		},
		s.keysCommand(),
	)
	return root
}
