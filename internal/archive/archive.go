// Package archive packs files into one, a gzipped tar whose bytes follow from the
// files alone, with their checksums in SHA256SUMS, and reads such archives
// without trust in them.
package archive

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Sums is the file of an archive that has the checksums of all others, as
// sha256sum writes them: `sha256sum -c SHA256SUMS` checks what was unpacked.
const Sums = "SHA256SUMS"

// What an archive may hold: far more than the runs of a study, and little enough
// for a hostile archive to do no harm.
const (
	maxFiles = 10_000
	maxName  = 1000     // bytes of a name
	maxBytes = MaxBytes // of all files together

	// What each byte of an archive may unpack to, beside slack. Numbers unpack to less than
	// twice their size, text to some ten times.
	slack = int64(64 << 20)
	ratio = int64(100)
)

// MaxBytes is the most bytes that the files of an archive may have together.
const MaxBytes = int64(2_000 << 20)

// File is a file of an archive.
type File struct {
	Name       string // relative, with slashes
	Executable bool
	Data       []byte
}

// checkName returns an error where a file cannot have a name in an archive. A name must mean a
// file inside the folder where the archive is unpacked, on every system, and stand
// in a line of Sums as it is.
func checkName(name string) error {
	switch {
	case len(name) > maxName:
		return fmt.Errorf("%.40q…: a name of more than %d bytes", name, maxName)
	case !utf8.ValidString(name):
		return fmt.Errorf("%q: a name that is not UTF-8, which not every system can unpack; rename it", name)
	case !fs.ValidPath(name) || name == ".":
		return fmt.Errorf("%q: not a clean relative path", name)
	case strings.ContainsAny(name, `\:`) || strings.ContainsFunc(name, unicode.IsControl) ||
		strings.ContainsRune(name, utf8.RuneError):
		return fmt.Errorf("%q: a character that names in archives must not have", name)
	}
	return nil
}

// census counts the files of an archive, and rejects what must not be in one.
type census struct {
	most  int64 // bytes of all files together
	bytes int64
	names map[string]bool
}

func (c *census) add(name string, size int64) error {
	if err := checkName(name); err != nil {
		return err
	}
	if c.names[name] {
		return fmt.Errorf("%s: twice", name)
	}
	c.names[name] = true
	if len(c.names) > maxFiles {
		return fmt.Errorf("more than %d files", maxFiles)
	}
	if size < 0 || size > c.most-c.bytes {
		return fmt.Errorf("%s: %d bytes, after %d bytes of other files; all together may have %d", name, size, c.bytes,
			c.most)
	}
	c.bytes += size
	return nil
}

// errFollows is the error of an archive that continues after its end.
var errFollows = errors.New("something follows the last file")
