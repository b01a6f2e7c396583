//go:build linux

package memory

import (
	"os"
	"path/filepath"
	"testing"
)

// The limits of a process's own cgroup and of those around it count, in both versions; what
// a container does not see of the path does not matter.
func TestCgroups(t *testing.T) {
	root := t.TempDir()
	for name, content := range map[string]string{
		"sys/fs/cgroup/a/b/memory.max":                     "max\n",
		"sys/fs/cgroup/a/memory.max":                       "4000\n",
		"sys/fs/cgroup/memory.max":                         "9000\n",
		"sys/fs/cgroup/memory/x/memory.limit_in_bytes":     "3000\n",
		"sys/fs/cgroup/memory/memory.limit_in_bytes":       "9223372036854771712\n",
		"sys/fs/cgroup/memory/other/memory.limit_in_bytes": "1\n",
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for list, want := range map[string]uint64{
		"0::/a/b\n":                           4000,
		"0::/\n":                              9000,
		"0::/not/here\n":                      9000,
		"0::/../../a\n":                       4000,
		"5:cpu,memory:/x\n1:name=systemd:/\n": 3000,
		"5:memory:/not/here\n":                math64,
		"5:cpu:/x\n":                          math64,
		"nonsense":                            math64,
		"":                                    math64,
	} {
		if got, _ := smallest(cgroups(root, list)); got != want {
			t.Errorf("%q: %d, want %d", list, got, want)
		}
	}
}

const math64 = 1<<64 - 1
