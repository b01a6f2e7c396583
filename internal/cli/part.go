package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"

	"tandem/dbm/likelihood"
	"tandem/internal/files"
	"tandem/internal/runs"
)

// part is what eval --save keeps of an estimate of log Z, and --more adds to: the results
// of ensembles and runs by their numbers, and all that they depend on.
type part struct {
	Format   int    `json:"format"`        // 1
	Params   string `json:"params_sha256"` // of the model
	Data     string `json:"data_sha256"`   // of the training images
	Pixels   string `json:"pixels"`        // how they became 0 and 1
	Seed     uint64 `json:"seed"`          //
	Sweeps   int    `json:"sweeps"`        // of each ensemble
	Temps    int    `json:"temps"`         // of each run of annealing
	Numerics int    `json:"numerics"`      // version of the numbers

	Betas      []float32             `json:"temperatures"` // of the ensembles, inverse
	Ensembles  []likelihood.Ensemble `json:"ensembles"`
	LogWeights []float64             `json:"log_weights"` // of the runs of annealing
}

// partFormat is the present version of the format.
const partFormat = 1

// mostPart is how many bytes a part may have.
const mostPart = 1 << 28

// readPart reads a part.
func readPart(name string) (*part, error) {
	data, err := files.Read(name, mostPart)
	if err != nil {
		return nil, err
	}
	p := new(part)
	if err := runs.DecodeJSON(data, p); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if p.Format != partFormat {
		return nil, fmt.Errorf("%s: format %d; this version reads %d", name, p.Format, partFormat)
	}
	for i, x := range p.LogWeights {
		if math.IsNaN(x) || math.IsInf(x, 0) {
			return nil, fmt.Errorf("%s: log-weight %d is not a number", name, i)
		}
	}
	return p, nil
}

// takeOver makes the options those of a part. Flags that were given must agree with it.
func (p *part) takeOver(f *flag.FlagSet, o *evalOptions) error {
	flags := given(f)
	for _, same := range []struct {
		name      string
		was, asks any
	}{
		{"seed", p.Seed, o.seed}, {"sweeps", p.Sweeps, o.exchange.Sweeps}, {"temps", p.Temps, o.annealing.Temperatures},
		{"pixels", p.Pixels, o.pixels.String()},
	} {
		if flags[same.name] && same.was != same.asks {
			return usageError{fmt.Errorf("%s: %v; the part was made with %v", same.name, same.asks, same.was)}
		}
	}
	if o.exchange.Error > 0 {
		return usageError{errors.New("error: --more adds ensembles of the same length; leave it out")}
	}
	o.seed, o.exchange.Sweeps, o.annealing.Temperatures = p.Seed, p.Sweeps, p.Temps
	if !flags["ensembles"] {
		o.exchange.Ensembles = len(p.Ensembles)
	}
	if !flags["runs"] {
		o.annealing.Runs = len(p.LogWeights)
	}
	if p.Pixels != o.pixels.String() {
		return usageError{fmt.Errorf("pixels: %v; the part was made with %v", o.pixels, p.Pixels)}
	}
	return nil
}

// check returns an error where a part is of another model or other data.
func (p *part) check(of *part) error {
	for _, same := range []struct{ what, was, is string }{
		{"model", p.Params, of.Params}, {"training images", p.Data, of.Data},
		{"version of the numerics", fmt.Sprint(p.Numerics), fmt.Sprint(of.Numerics)},
	} {
		if same.was != same.is {
			return fmt.Errorf("more: the part is of another %s: %.12s, not %.12s", same.what, same.was, same.is)
		}
	}
	return nil
}

// continueFrom makes the options continue from a part.
func (p *part) continueFrom(o *evalOptions) {
	if len(p.Ensembles) > 0 {
		o.exchange.Before = &likelihood.Exchanged{Ensembles: p.Ensembles, Betas: p.Betas, Sweeps: p.Sweeps}
	}
	o.annealing.Before = p.LogWeights
}

// add adds what a score found.
func (p *part) add(score *likelihood.Score) {
	p.Betas, p.Ensembles, p.LogWeights = []float32{}, []likelihood.Ensemble{}, []float64{} // not null
	if x := score.Exchange; x != nil {
		p.Betas, p.Ensembles, p.Sweeps = x.Betas, x.Ensembles, x.Sweeps
	}
	if a := score.Annealing; a != nil {
		p.LogWeights = a.LogWeights
	}
}

// write writes the part.
func (p *part) write(ctx context.Context, g *guard, name string) error {
	return g.write(ctx, name, func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", " ")
		return e.Encode(p)
	})
}
