package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// pairExtensions are the names that files of index:value have.
var pairExtensions = []string{".svm", ".libsvm", ".svmlight"}

// isPairs reports whether a text is rows of index:value: by the name, or by the first row
// with a colon, all of which but a label before must then be such pairs.
func isPairs(base string, head []byte) bool {
	for _, extension := range pairExtensions {
		if strings.HasSuffix(base, extension) {
			return true
		}
	}
	complete := len(head) < sniffed
	for line := range bytes.Lines(head) {
		if !complete && !bytes.HasSuffix(line, []byte("\n")) && len(line) < sniffed {
			return false // cut off; no line before it tells
		}
		line, _, _ = bytes.Cut(line, []byte("#"))
		fields := bytes.Fields(line)
		if len(fields) == 0 || len(fields) == 1 && bytes.IndexByte(line, ':') < 0 {
			continue
		}
		if !complete && len(fields) > 2 && !bytes.HasSuffix(line, []byte("\n")) {
			fields = fields[:len(fields)-1] // of a line that is longer than the beginning
		}
		if bytes.IndexByte(fields[0], ':') < 0 {
			fields = fields[1:]
		}
		for _, field := range fields {
			if _, _, err := pair(field); err != nil {
				return bytes.HasPrefix(field, []byte("qid:"))
			}
		}
		return len(fields) > 0
	}
	return false
}

// pair splits index:value.
func pair(field []byte) (index int, value []byte, err error) {
	before, value, ok := bytes.Cut(field, []byte(":"))
	if !ok {
		return 0, nil, fmt.Errorf("%s is not index:value", shown(field))
	}
	if index, err = strconv.Atoi(string(before)); err != nil {
		return 0, nil, fmt.Errorf("%s: the index must be a whole number", shown(field))
	}
	if _, err := parse(value); err != nil && !isMissing(value) {
		return 0, nil, fmt.Errorf("%s: the value must be a number", shown(field))
	}
	return index, value, nil
}

// pairs reads rows of index:value.
type pairs struct {
	sparse
	options Options
	known   doubles
	labels  []string
	blank   int // the line of an empty row that no label makes an example; 0: none
	width   int // the largest index, counted from 1
}

// Indexed reports whether a file has rows of index:value, whose width only their largest index
// or Options.Columns tells.
func Indexed(name string) (bool, error) {
	return from(name, Options{}, func(s *source) (bool, error) {
		f, err := s.format()
		return f == textFormat && isPairs(s.base, s.head), err
	})
}

// readPairs reads rows of index:value, each after a label or none of them.
func (s *source) readPairs(o Options) (*Table, error) {
	if o.LabelColumn != "" {
		return nil, errNoColumns
	}
	p, in := &pairs{options: o}, &lines{r: s.text}
	for {
		line, err := in.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := p.row(line, in.number); err != nil {
			return nil, fmt.Errorf("line %d: %w", in.number, err)
		}
	}
	width := p.width
	if o.Columns > 0 {
		width = o.Columns
	}
	if len(p.ends) > 0 && width == 0 {
		return nil, errors.New("no row has any index; say how many columns there are with --columns")
	}
	t, err := p.dense(width)
	if err != nil {
		return nil, err
	}
	t.Labels = p.labels
	return t, nil
}

// row reads one line.
func (p *pairs) row(line []byte, number int) error {
	text, _, comment := bytes.Cut(line, []byte("#"))
	fields := bytes.Fields(text)
	if len(fields) == 0 {
		if p.blank == 0 && !comment {
			p.blank = number
		}
		return nil
	}
	labelled := bytes.IndexByte(fields[0], ':') < 0
	if n := len(p.ends); n > 0 && labelled != (p.labels != nil) {
		return errors.New("rows must all have a label before the first index:value, or none")
	}
	if !labelled && p.blank > 0 && len(p.ends) > 0 {
		return fmt.Errorf("line %d is empty: an example without values needs a label; else take the line out", p.blank)
	}
	if len(p.ends) == maxExamples {
		return checkSize(maxExamples+1, 1)
	}
	p.blank = 0
	if labelled {
		p.labels = append(p.labels, string(fields[0]))
		fields = fields[1:]
	}
	for _, field := range fields {
		if err := p.add(field); err != nil {
			return err
		}
	}
	p.ends = append(p.ends, len(p.columns))
	return nil
}

// add reads one index:value.
func (p *pairs) add(field []byte) error {
	if bytes.HasPrefix(field, []byte("qid:")) {
		return errors.New("a query (qid:) is not read; take it out")
	}
	index, value, err := pair(field)
	if err != nil {
		return err
	}
	first, most := 1, maxColumns
	if p.options.Columns > 0 {
		most = p.options.Columns
	}
	if p.options.ZeroBased {
		first--
		most--
	}
	switch {
	case index == 0 && first == 1:
		return errors.New("index 0: where the indices count from 0, say --zero-based")
	case index < first:
		return fmt.Errorf("index %d is below %d", index, first)
	case index > most && p.options.Columns > 0:
		return fmt.Errorf("index %d: with %d columns the largest is %d", index, p.options.Columns, most)
	case index > most:
		return fmt.Errorf("index %d; must be at most %d", index, most)
	}
	column := index - first
	if p.known.seen(len(p.ends)+1, column) {
		return fmt.Errorf("index %d is there twice", index)
	}
	if err := p.values.addCell(value); err != nil {
		return fmt.Errorf("index %d: %w", index, err)
	}
	p.columns = append(p.columns, int32(column))
	p.width = max(p.width, column+1)
	return nil
}
