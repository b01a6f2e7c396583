package cli

import (
	"bytes"
	"fmt"
	"image"

	"tandem/dbm"
	"tandem/dbm/kernel"
	"tandem/internal/figure"
	"tandem/internal/format"
	"tandem/internal/runs"
	"tandem/internal/session"
	"tandem/mnist"
)

// moments keeps pictures of the way of a run: of its filters, samples and activities.
type moments struct {
	model   *model
	run     *runs.Run
	data    *mnist.Set
	kernels *kernel.Set
	threads int
	due     []uint64 // updates of those to come, in order
	last    uint64   // update of the last one

	kept func(update uint64, picture []byte) // if not nil, is called with each
}

// What a moment shows at most.
const (
	momentFilters    = 40 // of each hidden layer
	momentSamples    = 20
	momentExamples   = 12 // whose hidden activities are shown
	momentUnits      = 60 // of each hidden layer
	momentCellPixels = 4  // across an activity
	momentTilePixels = 28 // across a small tile
)

// newMoments returns what keeps the moments of a run.
func newMoments(o *session.Options) *moments {
	c := o.Run.Settings()
	if o.Settings != nil {
		c = *o.Settings
	}
	m := &model{Checkpoint: &runs.Checkpoint{Header: runs.Header{Settings: c}}, rows: o.Data.Rows(),
		columns: o.Data.Columns()}
	return &moments{model: m, run: o.Run, data: o.Data, kernels: o.Kernels, threads: o.Threads, due: c.MomentUpdates()}
}

// keep keeps the moment of an event, if it is one.
func (m *moments) keep(e *session.Event) error {
	for len(m.due) > 0 && (m.due[0] < e.Update || m.due[0] == m.last && m.last > 0) {
		m.due = m.due[1:]
	}
	ends := e.Ends() && m.last != e.Update && m.model.Settings.Moments > 0 // as where patience ends it
	if !ends && (len(m.due) == 0 || m.due[0] != e.Update) {
		return nil
	}
	m.last = e.Update
	picture, err := m.draw(e.State())
	if err == nil && m.kept != nil {
		m.kept(e.Update, picture)
	}
	if err == nil {
		err = m.run.WriteMoment(e.Update, picture)
	}
	if err != nil {
		return fmt.Errorf("the moment of update %s could not be kept: %w", format.Count(e.Update), err)
	}
	return nil
}

// draw draws the picture of a state, in PNG.
func (m *moments) draw(s *dbm.State) ([]byte, error) {
	c := &m.model.Settings.Config
	var parts []*image.Paletted
	add := func(grid figure.Grid) error {
		img, err := figure.Draw("", grid)
		parts = append(parts, img)
		return err
	}
	tiles := m.room()
	for l := 1; l < len(c.Layers); l++ {
		n := min(c.Layers[l], momentFilters, tiles)
		grid := m.small(fmt.Sprintf("filters of layer %d", l), dbm.Pictures(c, s, l, m.threads)[:n*c.Layers[0]],
			figure.Symmetric)
		if err := add(grid); err != nil {
			return nil, err
		}
	}
	if s.HasChains() {
		g, err := dbm.NewSampler(c, m.kernels, s, 0, 0)
		if err != nil {
			return nil, err
		}
		n := min(c.Chains, momentSamples, tiles)
		if err := add(m.small("chains of training", g.Means()[:n*c.Layers[0]], figure.Unit)); err != nil {
			return nil, err
		}
	}
	activities, err := m.activities(s)
	if err != nil {
		return nil, err
	}
	for _, grid := range activities {
		if err := add(grid); err != nil {
			return nil, err
		}
	}
	var b bytes.Buffer
	title := "update " + format.Count(s.Updates) // short, so that all moments of a run have one size
	if err := figure.WritePNG(&b, figure.Stack(title, parts...)); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// room returns how many tiles each part may have, so that the picture stays as small as it must
// be.
func (m *moments) room() int {
	c := &m.model.Settings
	each := m.model.rows * m.model.columns
	if g := m.small("", make([]float32, each), figure.Unit); g.Zoom > 1 {
		each *= g.Zoom * g.Zoom
	}
	return max(1, c.MomentBytes()/2/(each*(c.Hidden()+1)))
}

// small returns a grid of small tiles.
func (m *moments) small(caption string, values []float32, scale figure.Scale) figure.Grid {
	g := m.model.tiles(caption, values, scale)
	if g.Across == 1 { // a heat map
		g.Zoom = max(1, min(g.Zoom, 290/g.Columns))
		g.Bar = false
		return g
	}
	g.Across, g.Zoom = 10, max(1, momentTilePixels/max(g.Rows, g.Columns))
	return g
}

// activities returns, for each hidden layer, the means by mean field of some examples.
func (m *moments) activities(s *dbm.State) (grids []figure.Grid, err error) {
	c := &m.model.Settings.Config
	n := min(momentExamples, m.data.N())
	inference, err := dbm.NewInference(c, m.kernels, s, n, 1e-3, 50)
	if err != nil {
		return nil, err
	}
	for r := range n {
		m.data.Values(inference.Visible(r), r*m.data.N()/n, mnist.Fixed, kernel.Draw{})
	}
	inference.Infer(n)
	for l := 1; l < len(c.Layers); l++ {
		units := min(c.Layers[l], momentUnits)
		g := figure.Grid{Caption: fmt.Sprintf("layer %d: a row for each of %d examples", l, n), Rows: n, Columns: units,
			Scale: figure.Unit, Zoom: momentCellPixels}
		for r := range n {
			g.Tiles = append(g.Tiles, inference.Hidden(l)[r*kernel.Stride(c.Layers[l]):][:units]...)
		}
		grids = append(grids, g)
	}
	return grids, nil
}
