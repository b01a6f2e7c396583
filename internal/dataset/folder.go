package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// The names of the sets.
const (
	train = "train"
	test  = "test"
)

// imagesName is how files of images are named: train-images-idx3-ubyte, also with a dot
// before idx, with .gz, and with the name of a set before, as in EMNIST and QMNIST. Files for
// tests begin with t10k or test.
var imagesName = regexp.MustCompile(`(?i)^((?:.*-)?)(train|t10k|test)(-images[-.]idx3-ubyte)(\.gz)?$`)

// Folder reads the images and labels of one set, "train" or "test", from a folder with files
// as MNIST, Fashion-MNIST, EMNIST and QMNIST name theirs. Where a file is there in several
// forms, one with a dash is taken before one with a dot, and a plain one before a gzipped
// one. Labels may be missing. EMNIST's images come as a person reads them. An error about
// files that are not there is an fs.ErrNotExist.
func Folder(dir, set string) (*Table, error) {
	if set != train && set != test {
		return nil, fmt.Errorf("there is no set %q; the sets are %s and %s", set, train, test)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		var path *fs.PathError
		if errors.As(err, &path) {
			err = path.Err
		}
		return nil, fmt.Errorf("no folder %s: %w", dir, err)
	}
	names := []string{}
	for _, entry := range entries {
		// Some archives of MNIST put each file in a folder named like it.
		if info, err := os.Stat(filepath.Join(dir, entry.Name())); err == nil && !info.IsDir() {
			names = append(names, entry.Name())
		}
	}
	images, stem, err := findImages(names, set)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	t, err := Read(filepath.Join(dir, images), Options{})
	if err != nil {
		return nil, err
	}
	labels := findLabels(names, stem)
	if labels == "" {
		return t, nil
	}
	full := filepath.Join(dir, labels)
	if t.Labels, err = ReadLabels(full, Options{}); err != nil {
		return nil, err
	}
	if len(t.Labels) != t.N {
		return nil, fmt.Errorf("%s: %d labels for the %d images of %s", full, len(t.Labels), t.N, images)
	}
	return t, nil
}

// findImages returns the file of a set's images, and what its name begins with.
func findImages(names []string, set string) (file, stem string, err error) {
	found := map[string][]string{}
	for _, name := range names {
		part := imagesName.FindStringSubmatch(name)
		if part == nil || (strings.ToLower(part[2]) == train) != (set == train) {
			continue
		}
		stem := strings.ToLower(part[1] + part[2])
		found[stem] = append(found[stem], name)
	}
	if len(found) == 0 {
		first := "train"
		if set == test {
			first = "t10k"
		}
		return "", "", fmt.Errorf("no %s images: no file like %s-images-idx3-ubyte or "+
			"emnist-letters-%s-images-idx3-ubyte.gz; "+
			"give the file itself where it is named otherwise: %w", set, first, set, fs.ErrNotExist)
	}
	if len(found) > 1 {
		list := []string{}
		for _, same := range found {
			list = append(list, preferred(same))
		}
		slices.Sort(list)
		return "", "", fmt.Errorf("several files of %s images: %s; keep one set in a folder, or give the file itself", set,
			strings.Join(list, ", "))
	}
	for stem, same := range found {
		return preferred(same), stem, nil
	}
	return "", "", nil
}

// findLabels returns the file of the labels that belong to images, or nothing.
func findLabels(names []string, stem string) string {
	found := []string{}
	for _, name := range names {
		rest, ok := strings.CutPrefix(strings.ToLower(name), stem+"-labels")
		rest = strings.TrimSuffix(rest, ".gz")
		if ok && slices.Contains([]string{"-idx1-ubyte", ".idx1-ubyte", "-idx2-int", ".idx2-int"}, rest) {
			found = append(found, name)
		}
	}
	if len(found) == 0 {
		return ""
	}
	return preferred(found)
}

// preferred returns the most wanted of names of the same content.
func preferred(names []string) string {
	rank := func(name string) int {
		name = strings.ToLower(name)
		rank := 0
		if strings.Contains(name, ".idx") {
			rank += 2
		}
		if strings.HasSuffix(name, ".gz") {
			rank++
		}
		return rank
	}
	return slices.MinFunc(names, func(a, b string) int { return rank(a) - rank(b) })
}
