package runs

import (
	"strings"
	"testing"
)

// What encoding/json lets pass is rejected at every depth, in each kind of file.
func TestStrictJSON(t *testing.T) {
	header := header(encoded(t, testCheckpoint()))
	manifest := `{"version":"v1","data":{"source":"a","examples":1},"parts":[{"kernel":"x","threads":1}]}`
	config := func(data string) error { _, err := decodeSettings([]byte(data)); return err }
	about := func(data string) error { _, err := parseHeader([]byte(data)); return err }
	made := func(data string) error { _, err := decodeManifest([]byte(data)); return err }
	for _, c := range []struct {
		decode         func(string) error
		good, old, new string
		want           string
	}{
		{config, configGolden, `"batch": 5`, `"batch": 5, "batch": 5`, "batch: given twice"},
		{about, header, `"updates":7`, `"updates":7,"updates":8`, "updates: given twice"},
		{about, header, `"seed":`, `"seed":1,"seed":`, "seed: given twice"},
		{about, header, `"config":`, `"config":{"seed":1},"config":`, "config: given twice"},
		{about, header, `"updates":7`, `"Updates":7`, `unknown field "Updates"`},
		{about, header, `"gibbs":1`, `"gibbs":1,"GIBBS":2`, `unknown field "GIBBS"`},
		{about, header, `"layers":[6,4,3]`, `"layers":[6,null,3]`, "layers: null"},
		{about, header, `"updates":7`, `"updates":9223372036854775808`, "updates: 9223372036854775808 is more"},
		{about, header, `"seconds":2.5`, `"seconds":null`, "seconds: null"},
		{about, header, `"seconds":2.5`, `"seconds":1e999`, "seconds: a JSON number 1e999"},
		{made, manifest, `"threads":1`, `"threads":1,"threads":2`, "threads: given twice"},
		{made, manifest, `"source":"a"`, `"source":"a","source":"b"`, "source: given twice"},
		{made, manifest, `"kernel"`, `"Kernel"`, `unknown field "Kernel"`},
		{made, manifest, `"examples":1`, `"examples":null`, "examples: null"},
		{made, manifest, `"version":"v1"`, `"version":"v1","\u0076ersion":"v2"`, "version: given twice"},
	} {
		if err := c.decode(c.good); err != nil {
			t.Fatal(err)
		}
		if strings.Count(c.good, c.old) != 1 {
			t.Fatalf("%d times %s in %s", strings.Count(c.good, c.old), c.old, c.good)
		}
		wantError(t, c.decode(strings.Replace(c.good, c.old, c.new, 1)), c.want)
	}
}
