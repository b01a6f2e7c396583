package runs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"

	"tandem/dbm/kernel"
	"tandem/internal/files"
)

// A run keeps moments of its way: pictures of its filters, samples and activities, at updates
// that grow exponentially, for most happens at the beginning. They are files of a folder of its
// own, moments/000000123.png, and about momentsBytes in all at most. What they show is for others
// to decide.

const (
	MomentsFolder = "moments"
	momentsBytes  = 5 << 20
)

// MostMoments is the most moments of a run.
const MostMoments = 1000

// momentFile returns the name of the picture of an update.
func momentFile(update uint64) string { return fmt.Sprintf("%09d.png", update) }

// momentUpdate returns the update of which a file is the picture.
func momentUpdate(name string) (update uint64, ok bool) {
	number, ok := strings.CutSuffix(name, ".png")
	update, err := strconv.ParseUint(number, 10, 64)
	return update, ok && err == nil && name == momentFile(update)
}

// MomentUpdates returns the updates at which moments are kept, the beginning and the end among
// them, in order.
func (c *Settings) MomentUpdates() []uint64 {
	if c.Moments == 0 {
		return nil
	}
	updates, all := []uint64{0}, kernel.Log(float64(max(c.Updates, 1)))
	for k := range c.Moments - 2 { // from update 1 on, each as many times the one before
		u := kernel.Exp(float64(all*float64(k)) / float64(c.Moments-2))
		updates = append(updates, min(uint64(math.Round(u)), c.Updates))
	}
	return slices.Compact(append(updates, c.Updates))
}

// MomentBytes returns how many bytes the picture of a moment may take, so that all stay small.
func (c *Settings) MomentBytes() int { return momentsBytes / max(c.Moments, 1) }

// validateMoments returns an error where there are to be too many.
func (c *Settings) validateMoments() error {
	if c.Moments < 0 || c.Moments == 1 || c.Moments > MostMoments {
		return fmt.Errorf("moments: %d; must be 0, or 2 to %d", c.Moments, MostMoments)
	}
	return nil
}

// WriteMoment keeps the picture of an update, in PNG.
func (r *Run) WriteMoment(update uint64, picture []byte) error {
	if err := r.check(); err != nil {
		return err
	}
	d, err := r.folder.Make(MomentsFolder)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Write(momentFile(update), func(w io.Writer) error {
		_, err := w.Write(picture)
		return err
	})
}

// cutMoments removes the pictures of updates beyond one, which a resume will make again.
func (r *Run) cutMoments(after uint64) error {
	d, err := r.folder.Sub(MomentsFolder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.RemoveTemps(func(name string) bool { _, ok := momentUpdate(name); return ok }); err != nil {
		return err
	}
	updates, err := momentsIn(d)
	if err != nil {
		return err
	}
	for _, u := range updates {
		if u <= after {
			continue
		}
		if err := d.Remove(momentFile(u)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// Moments returns the updates of which a run has pictures, in order.
func Moments(dir string) ([]uint64, error) {
	d, err := openMoments(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return momentsIn(d)
}

// openMoments opens the folder of a run's moments. It rejects links.
func openMoments(dir string) (*files.Folder, error) {
	run, err := files.OpenFolder(dir)
	if err != nil {
		return nil, err
	}
	defer run.Close()
	return run.Sub(MomentsFolder)
}

func momentsIn(d *files.Folder) (updates []uint64, err error) {
	entries, err := d.Entries()
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		if u, ok := momentUpdate(e.Name()); ok && e.Type().IsRegular() {
			updates = append(updates, u)
		}
	}
	slices.Sort(updates)
	return updates, nil
}

// ReadMoment returns the picture of an update, in PNG.
func ReadMoment(dir string, update uint64) ([]byte, error) {
	d, err := openMoments(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Read(momentFile(update), momentsBytes)
}
