package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"

	"tandem/internal/archive"
	"tandem/internal/runs"
)

// What docs/results may take of a checkout.
const (
	maxResultFiles = 80
	maxResultBytes = 9 << 20
)

var (
	codeSpan = regexp.MustCompile("`[^`]*`")
	linked   = regexp.MustCompile(`\]\(\s*<?([^)>\s]*)|(?:src|href)="([^"]*)"`)
	named    = regexp.MustCompile(`(?:id|name)="([^"]*)"`)
	heading  = regexp.MustCompile(`^#{1,6}\s+(.*?)\s*#*$`)
	linkText = regexp.MustCompile(`!?\[([^\]]*)\]\([^)]*\)`)
)

// proseLines returns the lines of a Markdown file that are not code blocks.
func proseLines(text string) []string {
	var lines []string
	fence := ""
	for line := range strings.Lines(text) {
		trimmed := strings.TrimSpace(line)
		switch {
		case fence != "":
			if strings.HasPrefix(trimmed, fence) {
				fence = ""
			}
		case strings.HasPrefix(trimmed, "```") || strings.HasPrefix(trimmed, "~~~"):
			fence = trimmed[:3]
		case !strings.HasPrefix(line, "    ") && !strings.HasPrefix(line, "\t"):
			lines = append(lines, strings.TrimRight(line, "\r\n"))
		}
	}
	return lines
}

// links returns the targets of a Markdown file's links and images.
func links(text string) []string {
	var targets []string
	prose := codeSpan.ReplaceAllString(strings.Join(proseLines(text), "\n"), "")
	for _, m := range linked.FindAllStringSubmatch(prose, -1) {
		targets = append(targets, m[1]+m[2])
	}
	return targets
}

// anchors returns the anchors that GitHub gives to a Markdown file's headings, and
// those that its HTML names.
func anchors(text string) map[string]bool {
	found := map[string]bool{}
	for _, line := range proseLines(text) {
		for _, m := range named.FindAllStringSubmatch(line, -1) {
			found[m[1]] = true
		}
		m := heading.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		anchor := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r == '-', r == '_', unicode.IsLetter(r), unicode.IsDigit(r):
				return unicode.ToLower(r)
			}
			return -1
		}, linkText.ReplaceAllString(m[1], "$1"))
		once := anchor
		for i := 1; found[anchor]; i++ {
			anchor = fmt.Sprintf("%s-%d", once, i)
		}
		found[anchor] = true
	}
	return found
}

// checkLink returns what is wrong with a link of a Markdown file, if anything is.
func checkLink(root fs.FS, file, target string) error {
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
		return nil
	}
	name, anchor, anchored := strings.Cut(target, "#")
	full := file
	if name != "" {
		full = path.Join(path.Dir(file), name)
	}
	if !fs.ValidPath(full) || strings.HasPrefix(name, "/") {
		return fmt.Errorf("%s: %s leads out of the repository", file, target)
	}
	if _, err := fs.Stat(root, full); err != nil {
		return fmt.Errorf("%s: %s: %w", file, target, err)
	}
	if !anchored || path.Ext(full) != ".md" {
		return nil
	}
	text, err := fs.ReadFile(root, full)
	if err != nil {
		return err
	}
	if !anchors(string(text))[anchor] {
		return fmt.Errorf("%s: %s: no such heading", file, target)
	}
	return nil
}

func TestEveryLinkOfTheDocumentationLeadsSomewhere(t *testing.T) {
	root := os.DirFS(".")
	checked := 0
	for _, top := range []string{"README.md", "CHANGELOG.md", "SECURITY.md", "docs", "bench", "mnist"} {
		err := fs.WalkDir(root, top, func(file string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || path.Ext(file) != ".md" {
				return err
			}
			text, err := fs.ReadFile(root, file)
			if err != nil {
				return err
			}
			for _, target := range links(string(text)) {
				checked++
				if err := checkLink(root, file, target); err != nil {
					t.Error(err)
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
	if checked < 50 {
		t.Errorf("only %d links were found", checked)
	}
}

// docs/reliability.md names tests that there are.
func TestNamedTestsExist(t *testing.T) {
	text, err := os.ReadFile("docs/reliability.md")
	if err != nil {
		t.Fatal(err)
	}
	code := ""
	err = filepath.WalkDir(".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(name, "_test.go") && !strings.Contains(name, "kerneltest") {
			return err
		}
		data, err := os.ReadFile(name)
		code += string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	named := regexp.MustCompile("`((?:Test|Fuzz)[A-Za-z]+)`").FindAllStringSubmatch(string(text), -1)
	for _, m := range named {
		if !strings.Contains(code, "func "+m[1]+"(") {
			t.Errorf("there is no test %s", m[1])
		}
	}
	if len(named) < 30 {
		t.Errorf("only %d tests are named", len(named))
	}
}

func TestLinksAndAnchors(t *testing.T) {
	text := "# A title\n## What `x` is, and *why*\n## Twice\n## Twice\n" +
		"```\n# no heading [no](link)\n```\n    [no](link)\n" +
		"## A [link](x.md) to 10⁻⁴\nSee [a\nb](one.md#a), ![p](two.png \"title\"), `[no](link)`, <img src=\"three.svg\">.\n"
	if got, want := links(text), []string{"x.md", "one.md#a", "two.png", "three.svg"}; !slices.Equal(got, want) {
		t.Errorf("links %q, want %q", got, want)
	}
	want := []string{"a-link-to-10", "a-title", "twice", "twice-1", "what-x-is-and-why"}
	if got := slices.Sorted(maps.Keys(anchors(text))); !slices.Equal(got, want) {
		t.Errorf("anchors %q, want %q", got, want)
	}
	root := os.DirFS(".")
	for target, ok := range map[string]bool{
		"numerics.md": true, "numerics.md#arithmetic": true, "../go.mod": true, "https://go.dev": true, "#the-numbers": true,
		"missing.md": false, "numerics.md#missing": false, "../../tandem/go.mod": false, "/docs/numerics.md": false,
	} {
		if err := checkLink(root, "docs/numerics.md", target); (err == nil) != ok {
			t.Errorf("%s: error %v", target, err)
		}
	}
}

func TestResultsStaySmall(t *testing.T) {
	files, size := 0, int64(0)
	err := filepath.WalkDir("docs/results", func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		files++
		size += info.Size()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files > maxResultFiles || size > maxResultBytes {
		t.Errorf("docs/results has %d files and %d bytes; may have %d and %d", files, size, maxResultFiles, maxResultBytes)
	}
}

// ended is what a study, its measures and its metrics each say about the end of a
// run.
type ended struct {
	Run          string `json:"run"`
	Updates      uint64 `json:"updates"`
	ParamsSHA256 string `json:"params_sha256"`
}

// studied returns the runs of a study by name. A model that is no study is one
// run, whose likelihood has been estimated.
func studied(dir string) (map[string]ended, error) {
	data, err := os.ReadFile(filepath.Join(dir, "results.json"))
	if os.IsNotExist(err) {
		if data, err = os.ReadFile(filepath.Join(dir, "eval.json")); err != nil {
			return nil, err
		}
		one := ended{Run: filepath.Base(dir)}
		var score struct{ Updates uint64 }
		err := json.Unmarshal(data, &score)
		one.Updates = score.Updates
		return map[string]ended{one.Run: one}, err
	}
	if err != nil {
		return nil, err
	}
	var study struct{ Experiments []struct{ Runs []ended } }
	if err := json.Unmarshal(data, &study); err != nil {
		return nil, err
	}
	all := map[string]ended{}
	for _, e := range study.Experiments {
		for _, r := range e.Runs {
			all[r.Run] = r
		}
	}
	return all, nil
}

// checkRun compares the unpacked files of a run with what its study says of it.
func checkRun(dir string, want ended) error {
	if _, err := runs.ReadSettings(dir); err != nil {
		return err
	}
	if _, err := runs.ReadManifest(dir); err != nil {
		return err
	}
	metrics, err := runs.ReadMetrics(dir)
	if err != nil {
		return err
	}
	if len(metrics) == 0 {
		return fmt.Errorf("%s: no metrics", dir)
	}
	last := metrics[len(metrics)-1]
	if last.Update != want.Updates || want.ParamsSHA256 != "" && last.ParamsSHA256 != want.ParamsSHA256 {
		return fmt.Errorf("%s: metrics end with update %d and %s, the study has %+v",
			dir, last.Update, last.ParamsSHA256, want)
	}
	if want.ParamsSHA256 == "" { // no study
		return nil
	}
	data, err := os.ReadFile(filepath.Join(dir, "measures.json"))
	if err != nil {
		return err
	}
	var m ended
	if err := json.Unmarshal(data, &m); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if m != want {
		return fmt.Errorf("%s: measures have %+v, the study has %+v", dir, m, want)
	}
	return nil
}

func TestPackedRunsAgreeWithTheirStudies(t *testing.T) {
	packed, err := filepath.Glob("docs/results/*/runs.tar.gz")
	if err != nil || len(packed) < 4 {
		t.Fatalf("%d packed studies, error %v", len(packed), err)
	}
	for _, name := range packed {
		t.Run(filepath.Base(filepath.Dir(name)), func(t *testing.T) {
			want, err := studied(filepath.Dir(name))
			if err != nil {
				t.Fatal(err)
			}
			f, err := os.Open(name)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			files, _, err := archive.Read(f, func(string) bool { return true })
			if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			found := map[string]bool{}
			for name, data := range files {
				if run, ok := strings.CutPrefix(path.Dir(name), "runs/"); ok {
					found[run] = true
				}
				full := filepath.Join(dir, filepath.FromSlash(name))
				if err := os.MkdirAll(filepath.Dir(full), 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(full, data, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			got := slices.Sorted(maps.Keys(found))
			if all := slices.Sorted(maps.Keys(want)); !slices.Equal(got, all) {
				t.Errorf("packed runs %q, the study has %q", got, all)
			}
			for _, run := range got {
				if err := checkRun(filepath.Join(dir, "runs", run), want[run]); err != nil {
					t.Error(err)
				}
			}
		})
	}
}
