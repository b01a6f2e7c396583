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

// DecodeJSON reads one JSON object over *v. Errors are, at every depth: a field that is
// unknown, or not in the case that v gives it; a field given twice; null, which would leave
// a field, or an old element of a list, as it was. So is anything after the object.
func DecodeJSON(data []byte, v any) error {
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
	names := json.NewDecoder(bytes.NewReader(data))
	names.UseNumber()
	if err := checkNames(names, "", reflect.TypeOf(v).Elem()); err != nil {
		return err
	}
	err := json.Unmarshal(data, v)
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		field := kind.Field[strings.LastIndex(kind.Field, ".")+1:]
		return fmt.Errorf("%s: a JSON %s; must be %s", field, kind.Value, describe(kind.Type))
	}
	return err
}

// checkNames reads the value of a field that is to be decoded as a type, and returns an
// error for what encoding/json lets pass in it. What does not fit the type is not its
// business.
func checkNames(d *json.Decoder, field string, t reflect.Type) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	switch token {
	case nil:
		return fmt.Errorf("%s: null; leave the field out to keep its value", field)
	case json.Delim('['):
		for d.More() {
			if err := checkNames(d, field, element(t)); err != nil {
				return err
			}
		}
	case json.Delim('{'):
		if err := checkObject(d, t); err != nil {
			return err
		}
	default:
		return nil
	}
	_, err = d.Token() // the closing bracket
	return err
}

// checkObject is checkNames for what stands between the brackets of an object.
func checkObject(d *json.Decoder, t reflect.Type) error {
	known, seen := fields(t), map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string)
		of, ok := known[name]
		if known != nil && !ok {
			return fmt.Errorf("unknown field %q", name)
		}
		if seen[name] {
			return fmt.Errorf("%s: given twice", name)
		}
		seen[name] = true
		if err := checkNames(d, name, of); err != nil {
			return err
		}
	}
	return nil
}

// element returns the type of the elements of a list, or nil.
func element(t reflect.Type) reflect.Type {
	if t == nil || t.Kind() != reflect.Slice {
		return nil
	}
	return t.Elem()
}

// fields returns the types of a structure's fields by their names in JSON, or nil where t
// is no structure. The fields of embedded structures stand beside the others.
func fields(t reflect.Type) map[string]reflect.Type {
	if t == nil || t.Kind() != reflect.Struct {
		return nil
	}
	known := map[string]reflect.Type{}
	for _, f := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" && name != "-" {
			known[name] = f.Type
		}
	}
	return known
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
