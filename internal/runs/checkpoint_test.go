package runs

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"tandem/dbm"
	"tandem/dbm/kernel"
)

func testCheckpoint() *Checkpoint {
	c := testConfig()
	return &Checkpoint{Header: Header{"v1", kernel.Version, 7, 2.5, c}, State: testState(&c, 7)}
}

func encoded(t testing.TB, c *Checkpoint) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := c.encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decode(data []byte) (*Checkpoint, error) {
	return decodeCheckpoint(bytes.NewReader(data), int64(len(data)))
}

// resum gives data that someone changed its right checksum.
func resum(data []byte) []byte {
	body := data[:len(data)-sha256.Size]
	sum := sha256.Sum256(body)
	return slices.Concat(body, sum[:])
}

// withHeader is a checkpoint with this header and rest, and the right checksum.
func withHeader(version, length uint32, header string, rest []byte) []byte {
	b := []byte(magic)
	b = binary.LittleEndian.AppendUint32(b, version)
	b = binary.LittleEndian.AppendUint32(b, length)
	b = append(b, header...)
	b = append(b, rest...)
	return resum(append(b, make([]byte, sha256.Size)...))
}

// header is the header of an encoded checkpoint.
func header(data []byte) string {
	return string(data[prefixSize : prefixSize+int(binary.LittleEndian.Uint32(data[12:]))])
}

// TestCheckpointFormat pins the layout: what is on people's disks must stay readable.
func TestCheckpointFormat(t *testing.T) {
	c := testCheckpoint()
	data := encoded(t, c)
	h := `{"version":"v1","numerics":1,"updates":7,"seconds":2.5,"config":{"preset":"quick","layers":[6,4,3],"batch":5,` +
		`"chains":2,"gibbs":1,"mean_field_tolerance":0.0001,"mean_field_max":10,` +
		`"learning_rate":0.01,"learning_rate_end":0,"upper_rate":0,"weight_decay":0,` +
		`"offset_rate":0,"alpha":[0.1,0.2],` +
		`"gamma":1,"mu_damping":0.001,"init_scale":0.003,"zero_biases":false,` +
		`"sample_posterior":false,"contrastive_divergence":false,"pretrain":0,"patch":0,"image_columns":0,` +
		`"seed":18446744073709551615,"pixels":"grey",` +
		`"data":"a \u0026 b/\u003cc\u003e","updates":100,"checkpoint_every":10}}`
	if got := header(data); got != h {
		t.Fatalf("header %s\nwant   %s", got, h)
	}
	// dbm.State.SHA256 hashes just the arrays.
	arrays := data[prefixSize+len(h) : len(data)-sha256.Size]
	if got := fmt.Sprintf("%x", sha256.Sum256(arrays)); got != c.State.SHA256() {
		t.Error("the arrays are not in the order of State.SHA256")
	}
	if !bytes.Equal(data, withHeader(1, uint32(len(h)), h, arrays)) {
		t.Error("prefix or checksum differ")
	}
	if n := int64(len(arrays)); n != c.Settings.StateBytes() {
		t.Errorf("%d bytes of arrays; StateBytes says %d", n, c.Settings.StateBytes())
	}
}

func TestCheckpointRoundTrip(t *testing.T) {
	small, large := testConfig(), testConfig()
	small.Layers, small.Alpha, small.Chains = []int{1, 1}, []float64{0}, 1
	large.Layers, large.Chains = []int{chunk + 1, 3, chunk}, 3 // arrays of other than whole chunks
	for _, c := range []Settings{small, testConfig(), large} {
		r, err := Create(filepath.Join(t.TempDir(), "run"), c)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		s := dbm.NewState(&c.Config)
		s.Updates = math.MaxUint32
		for i := range s.Weights[0] {
			s.Weights[0][i] = math.Float32frombits(uint32(i) * 0x9E3779B1 & 0xff7fffff)
		}
		s.Biases[0][0] = float32(math.Copysign(0, -1))
		s.Mu[0] = math.SmallestNonzeroFloat64
		s.Chains[0][0] = 1
		if err := r.WriteCheckpoint(s, 0.1, "v1"); err != nil {
			t.Fatal(err)
		}
		got, err := ReadCheckpoint(r.dir)
		if err != nil {
			t.Fatal(err)
		}
		want := Header{"v1", kernel.Version, math.MaxUint32, 0.1, c}
		if !reflect.DeepEqual(got.Header, want) || got.State.Updates != s.Updates {
			t.Errorf("header %+v; want %+v", got.Header, want)
		}
		if got.State.SHA256() != s.SHA256() {
			t.Errorf("%v: the numbers differ", c.Layers)
		}
		if h, err := ReadHeader(r.dir); err != nil || !reflect.DeepEqual(*h, want) {
			t.Errorf("header alone %+v, %v; want %+v", h, err, want)
		}
	}
}

func TestCheckpointDamage(t *testing.T) {
	data := encoded(t, testCheckpoint())
	if _, err := decode(data); err != nil {
		t.Fatal(err)
	}
	for i := range data {
		for _, bit := range []byte{1, 0x80} {
			bad := bytes.Clone(data)
			bad[i] ^= bit
			_, err := decode(bad)
			switch {
			case err == nil:
				t.Errorf("byte %d changed by %#x passed", i, bit)
			case i < len(magic):
				wantError(t, err, "not a tandem checkpoint")
			case i >= prefixSize+len(header(data)):
				wantError(t, err, "damaged", "checksum")
			}
		}
	}
	for n := range data {
		_, err := decode(data[:n])
		wantError(t, err, "truncated")
		_, err = decodeHeader(bytes.NewReader(data[:n]), int64(n))
		wantError(t, err, "truncated")
		// A file that shrinks while it is read.
		_, err = decodeCheckpoint(bytes.NewReader(data[:n]), int64(len(data)))
		wantError(t, err, "truncated while it was read")
	}
	for _, extra := range []int{1, 4, 1000} {
		_, err := decode(append(bytes.Clone(data), make([]byte, extra)...))
		wantError(t, err, fmt.Sprintf("%d bytes too long", extra))
	}
}

func TestCheckpointRefused(t *testing.T) {
	good := encoded(t, testCheckpoint())
	h := header(good)
	arrays := good[prefixSize+len(h) : len(good)-sha256.Size]
	n := uint32(len(h))
	replaced := func(old, new string) []byte {
		if strings.Count(h, old) != 1 {
			t.Fatalf("%d times %s in the header", strings.Count(h, old), old)
		}
		s := strings.Replace(h, old, new, 1)
		return withHeader(1, uint32(len(s)), s, arrays)
	}
	for _, f := range []struct {
		name, want string
		data       []byte
	}{
		{"empty", "truncated: only 0 bytes", nil},
		{"another kind of file", "not a tandem checkpoint", []byte("PK\x03\x04 and so on and so on")},
		{"short file of another kind", "not a tandem checkpoint", []byte("hi")},
		{"newer format", "written by a newer tandem: format version 2", withHeader(2, n, h, arrays)},
		{"no format", "damaged: format version 0", withHeader(0, n, h, arrays)},
		{"long header", "damaged: a header of 1048577 bytes", withHeader(1, maxHeader+1, h, make([]byte, 2<<20))},
		{"longest header", "truncated", withHeader(1, maxHeader, h, arrays)},
		{"longer header", "header: ", withHeader(1, n+1, h, arrays)},
		{"shorter header", "header: ", withHeader(1, n-1, h, arrays)},
		{"no header", "header: ", withHeader(1, 0, "", arrays)},
		{"null", "header: not a JSON object", withHeader(1, 4, "null", arrays)},
		{"unknown field", `unknown field "momentum"`, replaced(`"gamma":1`, `"gamma":1,"momentum":0.5`)},
		{"invalid configuration", "header: chains: 0", replaced(`"chains":2`, `"chains":0`)},
		{"numerics", "header: numerics: 0", replaced(`"numerics":1`, `"numerics":0`)},
		{"updates", "header: updates: 4294967296", replaced(`"updates":7`, `"updates":4294967296`)},
		{"seconds", "header: seconds: -1", replaced(`"seconds":2.5`, `"seconds":-1`)},
		{"larger layers", "truncated: ", replaced(`[6,4,3]`, `[6,4,4]`)},
		{"smaller layers", "too long: ", replaced(`[6,4,3]`, `[6,4,2]`)},
	} {
		t.Run(f.name, func(t *testing.T) {
			_, err := decode(f.data)
			wantError(t, err, f.want)
			_, err = decodeHeader(bytes.NewReader(f.data), int64(len(f.data)))
			wantError(t, err, f.want)
		})
	}

	// Errors name the file.
	r := testRun(t, 1)
	path := filepath.Join(r.dir, CheckpointFile)
	write(t, path, good[:len(good)-1])
	_, err := ReadCheckpoint(r.dir)
	wantError(t, err, path, fmt.Sprintf("truncated: %d bytes of %d", len(good)-1, len(good)))
	_, err = ReadHeader(r.dir)
	wantError(t, err, path, "truncated")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o777); err != nil {
		t.Fatal(err)
	}
	_, err = ReadCheckpoint(r.dir)
	wantError(t, err, path, "not a regular file")
}

// TestCheckpointMemory checks that a header's claims take no memory.
func TestCheckpointMemory(t *testing.T) {
	c := testCheckpoint()
	c.Settings.Layers = []int{1 << 10, 1 << 20, 1 << 10}
	c.Settings.Chains = 1000
	if err := c.Settings.Validate(); err != nil {
		t.Fatal(err)
	}
	small := testCheckpoint()
	c.State = small.State
	huge := encoded(t, c) // gigabytes, in a file of a kilobyte
	for _, data := range [][]byte{huge, withHeader(1, maxHeader, "{", nil), withHeader(1, math.MaxUint32, "{", nil)} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := decode(data)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Error("no error")
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 1<<18 {
			t.Errorf("took %d bytes to say %v", n, err)
		}
	}
}

func TestCheckpointValues(t *testing.T) {
	nan32, inf32 := float32(math.NaN()), float32(math.Inf(1))
	for _, f := range []struct {
		want   string
		change func(*dbm.State)
	}{
		{"weights of layer 2: value 11 is NaN", func(s *dbm.State) { s.Weights[1][11] = nan32 }},
		{"weights of layer 1: value 0 is +Inf", func(s *dbm.State) { s.Weights[0][0] = inf32 }},
		{"biases of layer 0: value 5 is -Inf", func(s *dbm.State) { s.Biases[0][5] = -inf32 }},
		{"mu: value 1 is NaN", func(s *dbm.State) { s.Mu[1] = math.NaN() }},
		{"chains of layer 2: value 5 is 0.5", func(s *dbm.State) { s.Chains[2][5] = 0.5 }},
		{"chains of layer 0: value 0 is NaN", func(s *dbm.State) { s.Chains[0][0] = nan32 }},
		{"chains of layer 0: value 0 is -0", func(s *dbm.State) { s.Chains[0][0] = float32(math.Copysign(0, -1)) }},
	} {
		c := testCheckpoint()
		f.change(c.State)
		_, err := decode(encoded(t, c)) // whose checksum is right
		wantError(t, err, f.want)
	}

	// What could not be read is not written either, and the old one stays.
	r := testRun(t, 3)
	path := filepath.Join(r.dir, CheckpointFile)
	before := read(t, path)
	for _, f := range []struct {
		want    string
		seconds float64
		change  func(*dbm.State)
	}{
		{"weights of layer 1: value 2 is NaN", 1, func(s *dbm.State) { s.Weights[0][2] = nan32 }},
		{"updates: ", 1, func(s *dbm.State) { s.Updates = 1 << 32 }},
		{"seconds: ", math.Inf(1), func(*dbm.State) {}},
		{"seconds: ", math.NaN(), func(*dbm.State) {}},
		{"weights of 1 layers; the configuration asks for", 1, func(s *dbm.State) { s.Weights = s.Weights[:1] }},
		{"biases of 0 layers; the configuration asks for", 1, func(s *dbm.State) { s.Biases = nil }},
		{"mu: 3 values; the configuration asks for", 1, func(s *dbm.State) { s.Mu = append(s.Mu, 1) }},
		{"chains of 4 layers; the configuration asks for", 1, func(s *dbm.State) { s.Chains = append(s.Chains, nil) }},
		{"weights of layer 2: 1 values; the configuration asks for 12", 1,
			func(s *dbm.State) { s.Weights[1] = s.Weights[1][:1] }},
		{"biases of layer 1: 0 values; the configuration asks for 4", 1, func(s *dbm.State) { s.Biases[1] = nil }},
		{"chains of layer 0: 13 values; the configuration asks for 12", 1,
			func(s *dbm.State) { s.Chains[0] = append(s.Chains[0], 1) }},
	} {
		s := testState(&r.settings, 9)
		f.change(s)
		wantError(t, r.WriteCheckpoint(s, f.seconds, "v1"), path, "not written", f.want)
	}
	if !bytes.Equal(read(t, path), before) {
		t.Error("a refused checkpoint replaced the old one")
	}
	if err := r.WriteCheckpoint(testState(&r.settings, 9), 1, strings.Repeat("v", maxHeader)); err == nil {
		t.Error("a header that is too long was written")
	}
	if !bytes.Equal(read(t, path), before) || slices.ContainsFunc(names(t, r.dir),
		func(s string) bool { return strings.HasSuffix(s, ".tmp") }) {
		t.Errorf("a failed write left its traces: %q", names(t, r.dir))
	}
}

// crashConfig makes checkpoints large enough to be killed within.
func crashConfig() Settings {
	c := testConfig()
	c.Layers, c.Updates = []int{784, 300, 20}, math.MaxUint32
	return c
}

// writeCheckpoints goes on with a run and writes a checkpoint and a line of
// metrics at every update, printing the update once it is on the disk.
func writeCheckpoints(dir string) {
	r, c, err := Open(dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	config := r.Settings()
	s := dbm.NewState(&config.Config)
	if c != nil {
		s = c.State
	}
	if err := r.CutAfter(s.Updates); err != nil {
		fmt.Println(err)
		return
	}
	for {
		s.Updates++
		for _, w := range s.Weights {
			for i := range w {
				w[i] = float32(s.Updates)
			}
		}
		if err := r.Append(testMetrics(s.Updates)); err != nil {
			fmt.Println(err)
			return
		}
		if err := r.WriteCheckpoint(s, 1, "v1"); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(s.Updates)
	}
}

func TestCheckpointCrash(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "run")
	r, err := Create(dir, crashConfig())
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	last, temps := uint64(0), 0
	for range 20 {
		cmd, out := helper(t, "write", dir)
		if !out.Scan() { // it has resumed and written once
			t.Fatal("the other process said nothing")
		}
		time.AfterFunc(time.Duration(rand.IntN(12000))*time.Microsecond, func() { cmd.Process.Kill() })
		for ok := true; ok; ok = out.Scan() {
			u, err := strconv.ParseUint(out.Text(), 10, 64)
			if err != nil {
				t.Fatal(out.Text())
			}
			if u != last+1 && u != last+2 { // the last may have been killed before it could say so
				t.Errorf("update %d after %d", u, last)
			}
			last = u
		}
		cmd.Wait()
		c, err := ReadCheckpoint(dir)
		if err != nil {
			t.Fatal(err)
		}
		if c.Updates < last {
			t.Fatalf("checkpoint of update %d after that of %d was written", c.Updates, last)
		}
		for _, w := range c.State.Weights {
			for _, x := range w {
				if x != float32(c.Updates) {
					t.Fatalf("checkpoint of update %d has weights of update %v", c.Updates, x)
				}
			}
		}
		temps += len(names(t, dir)) - 4 // config, checkpoint, metrics, lock
		r, _, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.CutAfter(c.Updates); err != nil {
			t.Fatal(err)
		}
		r.Close()
		ms, err := ReadMetrics(dir)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range ms {
			if m.Update != uint64(i)+1 {
				t.Fatalf("line %d of the metrics is of update %d", i+1, m.Update)
			}
		}
		if uint64(len(ms)) != c.Updates {
			t.Fatalf("%d lines of metrics with the checkpoint of update %d", len(ms), c.Updates)
		}
		if got := names(t, dir); len(got) != 4 {
			t.Fatalf("after Open the folder has %q", got)
		}
	}
	t.Logf("%d checkpoints, %d killed half-written", last, temps)
}

func FuzzReadCheckpoint(f *testing.F) {
	c := testCheckpoint()
	c.Settings.Layers, c.Settings.Alpha = []int{2, 1}, []float64{0}
	c.State = testState(&c.Settings, 7)
	good := encoded(f, c)
	h := header(good)
	f.Add(good)
	f.Add(good[:len(good)-5])
	f.Add(good[:prefixSize+3])
	f.Add(append(bytes.Clone(good), 0))
	f.Add(withHeader(1, uint32(len(h)), strings.Replace(h, "[2,1]", "[2,9]", 1),
		good[prefixSize+len(h):len(good)-sha256.Size]))
	f.Add(withHeader(1, maxHeader, h, nil))
	twice := strings.Replace(h, `"updates":7`, `"updates":7,"updates":8`, 1)
	f.Add(withHeader(1, uint32(len(twice)), twice, good[prefixSize+len(h):len(good)-sha256.Size]))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		check := func(data []byte) {
			var c *Checkpoint
			var err error
			bounded(t, data, func() { c, err = decode(data) })
			if err != nil {
				return
			}
			// What is taken is a checkpoint in every way.
			again, err := decode(encoded(t, c))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(c, again) {
				t.Fatalf("%+v came back as %+v", c, again)
			}
		}
		check(data)
		if len(data) >= sha256.Size {
			check(resum(data)) // or nothing would come past the checksum
		}
	})
}
