package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A word finds flags and terms, and a misspelt one is told the nearest.
func TestHelpFinds(t *testing.T) {
	dir := t.TempDir()
	said := must(t, dir, "help", "varying")
	if !strings.HasPrefix(said, "varying ") || !strings.Contains(said, "answer examples differently") {
		t.Errorf("says\n%s", said)
	}
	said = must(t, dir, "help", "--gibbs")
	if !strings.HasPrefix(said, "train --gibbs N") || !strings.Contains(said, "bench --gibbs N") ||
		!strings.Contains(said, "sample --sweeps N") {
		t.Errorf("says\n%s", said)
	}
	if said := must(t, dir, "help", "train"); !strings.HasPrefix(said, "usage: tandem train") {
		t.Errorf("says\n%s", said)
	}
	refuse(t, 2, dir, []string{"help", "varing"}, "did you mean varying?")
	refuse(t, 2, dir, []string{"help", "--"}, "no word")
	if page := must(t, dir, "help", "--man"); !strings.HasPrefix(page, ".TH TANDEM 1") ||
		!strings.Contains(page, ".B \\-\\-gibbs N\nsweeps of the chains per update (default 1)\n") {
		t.Errorf("%.300s", page)
	}
}

// What is printed for a shell completes commands and flags in it, where it is here.
func TestCompletion(t *testing.T) {
	dir := t.TempDir()
	for shell, script := range map[string]string{
		"bash": `. ./script; COMP_WORDS=(tandem train --mean); COMP_CWORD=2; _tandem; printf '%s\n' "${COMPREPLY[@]}"
COMP_WORDS=(tandem fil); COMP_CWORD=1; _tandem; printf '%s\n' "${COMPREPLY[@]}"`,
		"zsh": `_describe() { print -l -- ${(P)@[-1]}; }; _files() { :; }
flags() { words=(tandem train --mean); CURRENT=3; PREFIX=--mean; . ./script; }; flags | grep mean-field-m
verbs() { words=(tandem fil); CURRENT=2; PREFIX=fil; . ./script; }; verbs | grep ^fil | sed 's/:.*//'`,
		"fish": `source script; complete -C "tandem train --mean"; complete -C "tandem fil" | string split -f 1 \t`,
	} {
		text := must(t, dir, "completion", shell)
		if !strings.Contains(text, "mean-field-max") || !strings.Contains(text, "filters") {
			t.Errorf("%s: %.200s", shell, text)
		}
		if _, err := exec.LookPath(shell); err != nil {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, "script"), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
		c := exec.Command(shell, "-c", script)
		c.Dir = dir
		out, err := c.CombinedOutput()
		if lines := strings.Split(string(out), "\n"); err != nil || !strings.Contains(string(out), "--mean-field-max") ||
			!slices.Contains(lines, "filters") || strings.Contains(string(out), "sample") {
			t.Errorf("%s completes %q, %v", shell, out, err)
		}
	}
	refuse(t, 2, dir, []string{"completion", "powershell"}, "bash, zsh or fish")
}
