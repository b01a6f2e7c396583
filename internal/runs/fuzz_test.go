package runs

import (
	"encoding/json"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

// bounded fails where f takes far more memory than the data that it reads.
func bounded(t *testing.T, data []byte, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<22+1000*uint64(len(data)) {
		t.Fatalf("%d bytes took %d bytes of memory", len(data), n)
	}
}

// Whatever the bytes, they are rejected, or are a manifest that can be written and read
// again.
func FuzzManifest(f *testing.F) {
	for _, s := range []string{
		`{"version":"v1","started":"2026-11-23T00:02:03Z","data":{"source":"a","examples":1},"parts":[{"threads":1}]}`,
		`{}`, `{"parts":[{"kernel":"a","kernel":"b"}]}`, `{"parts":null}`, `{"parts":[null]}`, `{"Version":"v1"}`,
		`{"started":"0000-01-01T00:00:00Z"}`, `{"started":{"wall":1}}`, `{"version":"\ud800"}`, `{"threads":1e3}`,
		strings.Repeat(`{"parts":[`, 100), strings.Repeat(`[`, 100),
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var m *Manifest
		var err error
		bounded(t, data, func() { m, err = decodeManifest(data) })
		if err != nil {
			return
		}
		written, err := encodeJSON(m)
		if err != nil {
			t.Fatal(err)
		}
		// Lists that were not given are null here: WriteManifest never writes them so.
		again := new(Manifest)
		if err := json.Unmarshal(written, again); err != nil || !reflect.DeepEqual(m, again) {
			t.Fatalf("%+v came back as %+v, %v", m, again, err)
		}
	})
}

// Whatever the bytes, they are rejected, or are metrics that can be written and read again.
func FuzzMetrics(f *testing.F) {
	line, err := json.Marshal(testMetrics(7))
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{
		string(line) + "\n" + string(line) + "\n{",
		"{\"update\":1,\"new\":[1,2]}\n", "{}\n", "\n", "\x00\x00\n", "{\"update\":x}\n",
		"{\"update\":1,\"update\":2}\n", "{\"update\":1,\"mu\":null}\n", "{\"update\":1,\"noise_filters\":[]}\n", "null\n",
		"{\"update\":18446744073709551615,\"seconds\":1e999}\n", "{\"update\":null}\n", "{\"Metrics\":{\"update\":1}}\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var all []Metrics
		var err error
		bounded(t, data, func() { all, err = decodeMetrics(data) })
		if err != nil {
			return
		}
		write := func(all []Metrics) (data []byte) {
			for i := range all {
				line, err := json.Marshal(&all[i])
				if err != nil {
					t.Fatal(err)
				}
				data = append(append(data, line...), '\n')
			}
			return data
		}
		written := write(all)
		again, err := decodeMetrics(written)
		if err != nil || string(write(again)) != string(written) {
			t.Fatalf("%s came back as %s, %v", written, write(again), err)
		}
	})
}
