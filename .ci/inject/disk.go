package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// fullDisk trains on disks of all sizes that are too small, and then makes room.
func (s *suite) fullDisk() error {
	r := s.begin("full disk")
	disk := filepath.Join(s.dir, "disk")
	if err := os.Mkdir(disk, 0o777); err != nil {
		return err
	}
	if err := mount(disk, 4); err != nil {
		r.note = "not here: no file system can be mounted"
		return nil
	}
	defer exec.Command("umount", disk).Run()
	step := 8
	if s.long {
		step = 4
	}
	for size := 4; size <= 64; size += step {
		for _, policy := range []string{"continue", "stop"} {
			for _, begins := range []bool{false, true} {
				r.injected++
				s.fill(r, disk, size, policy, begins)
			}
		}
	}
	return nil
}

// mount makes a disk of some KiB.
func mount(dir string, size int) error {
	return exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dk", size), "tmpfs", dir).Run()
}

// fill trains on a disk of some KiB.
func (s *suite) fill(r *row, disk string, size int, policy string, begins bool) {
	what := fmt.Sprintf("%d KiB, %s, begins %v", size, policy, begins)
	exec.Command("umount", disk).Run()
	if err := mount(disk, 4000); err != nil {
		r.wrong(&r.panics, "%s: %v", what, err)
		return
	}
	args, least := append(s.training("disk/run"), "--updates", fmt.Sprint(after)), uint64(0)
	if !begins {
		args, least = s.resuming("disk/run"), before
		if err := s.fresh("disk/run"); err != nil {
			r.wrong(&r.panics, "%s: %v", what, err)
			return
		}
	}
	exec.Command("mount", "-o", fmt.Sprintf("remount,size=%dk", size), disk).Run()
	o := s.start(nil, append(args, "--on-save-error", policy)...)
	r.judge(o, what)
	switch {
	case o.code == 0:
		r.survived++
	case strings.Contains(o.said, "no space left"):
		r.refused++
	default:
		r.wrong(&r.lost, "%s: does not say why: %s", what, o.said)
	}
	exec.Command("mount", "-o", "remount,size=4000k", disk).Run()
	s.recovers(r, "disk/run", least, what)
}
