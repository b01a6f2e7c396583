package runs

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"tandem/dbm"
	"tandem/dbm/kernel"
)

// A run can keep models of its way: every so many updates, or at 1, 2, 5, 10, 20, 50, … of them.
// Each is a file of its own, update-N.npz. Where they become too many, the oldest goes.

// Exponential is the value of KeepEvery for updates that grow exponentially.
const Exponential = "exp"

// KeptFile returns the name of the model that is kept of an update.
func KeptFile(update uint64) string { return fmt.Sprintf("update-%d.npz", update) }

// keptUpdate returns the update of which a file is the model.
func keptUpdate(name string) (update uint64, ok bool) {
	number, ok := strings.CutPrefix(name, "update-")
	if ok {
		number, ok = strings.CutSuffix(number, ".npz")
	}
	update, err := strconv.ParseUint(number, 10, 64)
	return update, ok && err == nil && name == KeptFile(update)
}

// Keeps reports whether the model of an update is to be kept.
func (c *Settings) Keeps(update uint64) bool {
	switch c.KeepEvery {
	case "":
		return false
	case Exponential:
		for update >= 10 && update%10 == 0 {
			update /= 10
		}
		return update == 1 || update == 2 || update == 5
	}
	every, err := strconv.ParseUint(c.KeepEvery, 10, 64)
	return err == nil && update%every == 0
}

// validateKeep returns an error that names the field of what is kept that is not valid.
func (c *Settings) validateKeep() error {
	if every, err := strconv.ParseUint(c.KeepEvery, 10, 32); c.KeepEvery != "" && c.KeepEvery != Exponential &&
		(err != nil || every < 1 || strconv.FormatUint(every, 10) != c.KeepEvery) {
		return fmt.Errorf("keep_every: %q; must be a number of updates or %s", c.KeepEvery, Exponential)
	}
	if c.KeepMax < 0 || c.KeepMax > 10_000 {
		return fmt.Errorf("keep_max: %d; must be 0 to 10000", c.KeepMax)
	}
	return nil
}

// WriteKept keeps the model of a state, with its chains, and lets the oldest ones go where there
// are more than the settings allow.
func (r *Run) WriteKept(s *dbm.State, version string, data *Data) error {
	if err := r.check(); err != nil {
		return err
	}
	c := &Checkpoint{Header: Header{Version: version, Numerics: kernel.Version, Updates: s.Updates, Settings: r.settings},
		State: s, Data: data}
	err := r.folder.Write(KeptFile(s.Updates), func(w io.Writer) error { return c.WriteModel(w, true) })
	if err != nil {
		return err
	}
	entries, err := r.folder.Entries()
	if err != nil {
		return err
	}
	var kept []uint64
	for _, e := range entries {
		if update, ok := keptUpdate(e.Name()); ok {
			kept = append(kept, update)
		}
	}
	slices.SortFunc(kept, func(a, b uint64) int { return cmp.Compare(a, b) })
	for len(kept) > cmp.Or(r.settings.KeepMax, DefaultKeepMax) {
		if err := r.folder.Remove(KeptFile(kept[0])); err != nil {
			return err
		}
		kept = kept[1:]
	}
	return nil
}

// DefaultKeepMax is how many models are kept where the settings do not say it.
const DefaultKeepMax = 20
