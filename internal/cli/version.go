package cli

import (
	"context"
	"fmt"
	"time"

	"tandem/internal/format"
	"tandem/internal/runs"
)

// version is the verb that prints the version.
func version(ctx context.Context, t *terminal, m *Machine, args []string) error {
	f := flags(t, "tandem version [--json]")
	asJSON := f.Bool("json", false, "print JSON, for programs")
	if _, err := parse(f, args); err != nil {
		return err
	}
	d := runs.NewManifest(Version, time.Time{})
	if *asJSON {
		return format.JSON(t.out, map[string]any{
			"version": d.Version, "numerics": d.Numerics, "go": d.Go, "goos": d.GOOS, "goarch": d.GOARCH,
			"goamd64": d.GOAMD64, "vcs_revision": d.Revision, "vcs_modified": d.Modified, "kernel": m.Kernels.Name,
		})
	}
	fmt.Fprintf(t.out, "tandem %s (numerics %d, %s, %s/%s, %s kernels)\n", d.Version, d.Numerics, d.Go, d.GOOS, d.GOARCH,
		m.Kernels.Name)
	return nil
}
