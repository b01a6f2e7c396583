package cli

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/dustin/go-humanize"

	"tandem/dbm/kernel"
	"tandem/internal/format"
	"tandem/internal/memory"
	"tandem/internal/runs"
	"tandem/internal/session"
	"tandem/mnist"
)

// trialTime is how long a dry run trains, in memory, to guess the time of the run.
const trialTime = time.Second

// dryRun prints what a run would be and would take, and makes nothing.
func (o *trainOptions) dryRun(ctx context.Context, t *terminal, k *kernel.Set, c *runs.Settings,
	data *mnist.Set) error {
	parameters := 0
	for l, n := range c.Layers {
		if parameters += n; l > 0 {
			parameters += n * c.Layers[l-1]
		}
	}
	need := memory.Sum(session.Memory(c, data, &o.estimates, o.execution.threads), programMemory)
	limit, who := memory.Limit()
	lasts := "unknown: there is not enough memory"
	if need <= limit {
		rate, err := trialRate(ctx, k, c, data, o.execution.threads)
		if err != nil {
			return err
		}
		lasts = fmt.Sprintf("about %s, a guess from %.2g updates a second at the beginning",
			format.Duration(float64(c.Updates)/rate), rate)
	}
	table(t.out, [][2]string{
		{"layers", format.Shape(c.Layers)},
		{"parameters", format.Count(uint64(parameters))},
		{"data", fmt.Sprintf("%s: %s images of %d × %d", data.Source, format.Count(uint64(data.N())), data.Rows(),
			data.Columns())},
		{"updates", fmt.Sprintf("%s, a checkpoint every %s", format.Count(c.Updates), format.Count(c.CheckpointEvery))},
		{"memory", fmt.Sprintf("about %s; %s has %s", humanize.IBytes(need), who, humanize.IBytes(limit))},
		{"disk", disk(c)},
		{"time", lasts},
	})
	return nil
}

// disk returns how much the files of a run take.
func disk(c *runs.Settings) string {
	size := uint64(c.StateBytes())
	text := fmt.Sprintf("%s for the checkpoint, twice as much while one is written", humanize.IBytes(size))
	kept := uint64(0)
	if c.KeepBest {
		kept++
	}
	if c.KeepEvery != "" {
		kept += uint64(cmp.Or(c.KeepMax, runs.DefaultKeepMax))
	}
	if kept > 0 {
		text += fmt.Sprintf("; up to %s for %s", humanize.IBytes(kept*size), format.Number(int(kept), "model")+" that are "+
			"kept")
	}
	return text
}

// trialRate trains in memory for a moment, and returns the updates a second.
func trialRate(ctx context.Context, k *kernel.Set, c *runs.Settings, data *mnist.Set, threads int) (float64, error) {
	trainer, err := session.NewTrainer(c, k, nil, data, threads)
	if err != nil {
		return 0, err
	}
	defer trainer.Close()
	began := time.Now()
	for made := 1; ; made++ {
		if _, err := trainer.Update(); err != nil {
			return 0, err
		}
		if ctx.Err() != nil {
			return 0, context.Cause(ctx)
		}
		if spent := time.Since(began); spent >= trialTime || uint64(made) == c.Updates {
			return float64(made) / spent.Seconds(), nil
		}
	}
}
