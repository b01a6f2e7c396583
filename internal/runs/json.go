package runs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"reflect"
	"strings"

	"tandem/internal/format"
)

// maxJSON is the size in bytes of the largest configuration or manifest that is read.
const maxJSON = 16 << 20

// encodeJSON gives indented JSON and a newline. Paths keep their & and <.
func encodeJSON(v any) ([]byte, error) {
	var b bytes.Buffer
	if err := format.JSON(&b, v); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// writeJSON writes a value to a file of the run, whole or not at all.
func (r *Run) writeJSON(name string, v any) error {
	data, err := encodeJSON(v)
	if err != nil {
		return fmt.Errorf("%s: %w", filepath.Join(r.dir, name), err)
	}
	return r.folder.Write(name, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// decodeJSON reads one JSON object over *v. Unknown fields and anything after
// the object are errors.
func decodeJSON(data []byte, v any) error {
	var raw json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			upto := data[:min(int(syntax.Offset), len(data))]
			return fmt.Errorf("line %d: %w", 1+bytes.Count(upto, []byte("\n")), err)
		}
		return err
	}
	if bytes.TrimSpace(raw)[0] != '{' {
		return errors.New("not a JSON object")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		field := kind.Field[strings.LastIndex(kind.Field, ".")+1:]
		return fmt.Errorf("%s: a JSON %s; must be %s", field, kind.Value, describe(kind.Type))
	}
	return err
}

// describe returns in words what a Go type holds.
func describe(t reflect.Type) string {
	switch t.Kind() {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Float64:
		return "a number"
	case reflect.Int:
		return "a whole number"
	case reflect.Uint64:
		return "a whole number from 0 to 2⁶⁴−1"
	case reflect.Slice:
		return "a list"
	}
	return "an object"
}
