package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"assay/internal/cli"
)

func main() {
	os.Exit(run(os.Args[1:]))
}

// run is main without the exit, so that tests can call it.
func run(args []string) int {
	if len(args) == 1 && args[0] == childArg {
		return child(os.Stdin, os.Stdout, os.Stderr)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	a := newApp(args)
	root := a.root()
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err != nil {
		return cli.Explain(os.Stderr, a.lang, cli.ColorFor(os.Stderr, os.Getenv), a.usage(err))
	}
	return a.code
}
