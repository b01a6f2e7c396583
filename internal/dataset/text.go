package dataset

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"tandem/internal/format"
)

// spaces is the separator of cells with any number of spaces or tabs between them.
const spaces = ' '

// separator returns what stands between the cells of a table: by the name, or by the first
// row that is no comment. A semicolon goes before a comma, which may then be a decimal one.
func separator(base string, head []byte) byte {
	if strings.HasSuffix(base, ".tsv") {
		return '\t'
	}
	for line := range bytes.Lines(bytes.TrimPrefix(head, []byte("\ufeff"))) {
		if isBlank(line) || line[0] == '#' {
			continue
		}
		outside, quoted := []byte{}, false
		for _, c := range bytes.TrimSpace(line) {
			if c == '"' {
				quoted = !quoted
			} else if !quoted {
				outside = append(outside, c)
			}
		}
		for _, c := range []byte("\t;,") {
			if bytes.IndexByte(outside, c) >= 0 {
				return c
			}
		}
		if !strings.HasSuffix(base, ".csv") && bytes.IndexByte(outside, ' ') >= 0 {
			return spaces
		}
		return ','
	}
	return ','
}

// rows reads the rows of a table in text.
type rows struct {
	lines
	separator byte
	cells     [][]byte // of the row that was read last, without quotes and white space
	first     int      // the line that it begins on
	record    []byte   // a row with line breaks between quotes
	began     bool     // a row has been read
	blank     int      // an empty line after the first row and before the last one; 0: none
}

// next reads a row. Comments before the first row and empty lines are passed over.
func (r *rows) next() error {
	for {
		line, err := r.lines.next()
		if err != nil {
			return err
		}
		if r.first = r.number; isBlank(line) {
			if r.began && r.blank == 0 {
				r.blank = r.number
			}
			continue
		}
		if !r.began && line[0] == '#' {
			continue
		}
		r.began = true
		if bytes.IndexByte(line, '"') < 0 {
			r.split(line)
			return nil
		}
		if line, err = r.quoted(line); err == nil {
			err = r.splitQuoted(line)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", r.first, err)
		}
		return nil
	}
}

// split cuts a line without quotes into cells.
func (r *rows) split(line []byte) {
	r.cells = r.cells[:0]
	if r.separator == spaces {
		for field := range bytes.FieldsFuncSeq(line, func(c rune) bool { return c == ' ' || c == '\t' }) {
			r.cells = append(r.cells, trim(field))
		}
		return
	}
	from := 0
	for at, c := range line {
		if c == r.separator {
			r.cells = append(r.cells, trim(line[from:at]))
			from = at + 1
		}
	}
	r.cells = append(r.cells, trim(line[from:]))
}

// trim takes away white space, which most cells do not have.
func trim(cell []byte) []byte {
	if len(cell) > 0 && (cell[0] <= ' ' || cell[len(cell)-1] <= ' ' || cell[0] >= 0x80) {
		return bytes.TrimSpace(cell)
	}
	return cell
}

// quoted returns a whole row, which line begins: with the lines that follow as long as a
// quote is open.
func (r *rows) quoted(line []byte) ([]byte, error) {
	quotes := bytes.Count(line, []byte{'"'})
	if quotes%2 == 0 {
		return line, nil
	}
	r.record = append(r.record[:0], line...)
	for quotes%2 == 1 {
		line, err := r.lines.next()
		if err == io.EOF {
			return nil, errors.New("a quote is opened and not closed")
		}
		if err != nil {
			return nil, err
		}
		quotes += bytes.Count(line, []byte{'"'})
		r.record = append(append(r.record, '\n'), line...)
		if len(r.record) > maxLine {
			return nil, fmt.Errorf("a row longer than %d bytes; is a quote not closed?", maxLine)
		}
	}
	return r.record, nil
}

// splitQuoted cuts a row with quotes into cells: quotes stand around a whole cell, and two
// of them in it for one.
func (r *rows) splitQuoted(line []byte) error {
	r.cells = r.cells[:0]
	blanks := " \t"
	if r.separator == '\t' {
		blanks = " "
	}
	isSeparator := func(c byte) bool { return c == r.separator || r.separator == spaces && c == '\t' }
	for {
		line = bytes.TrimLeft(line, blanks)
		if r.separator == spaces && len(line) == 0 {
			return nil
		}
		var cell []byte
		if len(line) > 0 && line[0] == '"' {
			end := closing(line)
			if end < 0 {
				return errors.New("a quote is opened and not closed")
			}
			cell = bytes.ReplaceAll(line[1:end], []byte(`""`), []byte(`"`))
			line = bytes.TrimLeft(line[end+1:], " ")
			if len(line) > 0 && !isSeparator(line[0]) && r.separator != spaces {
				return fmt.Errorf("column %d: more than the quotes around a cell; write a quote within as two", len(r.cells)+1)
			}
		} else {
			end := bytes.IndexFunc(line, func(c rune) bool { return c < 0x80 && isSeparator(byte(c)) })
			if end < 0 {
				end = len(line)
			}
			if bytes.IndexByte(line[:end], '"') >= 0 {
				return fmt.Errorf("column %d: a quote within a cell; write it as two, in a cell between quotes", len(r.cells)+1)
			}
			cell, line = trim(line[:end]), line[end:]
		}
		r.cells = append(r.cells, trim(cell))
		if len(line) == 0 {
			return nil
		}
		if isSeparator(line[0]) {
			line = line[1:]
		}
	}
}

// closing returns where the quote ends that a line begins with, or -1.
func closing(line []byte) int {
	for at := 1; at < len(line); at++ {
		if line[at] != '"' {
			continue
		}
		if at+1 == len(line) || line[at+1] != '"' {
			return at
		}
		at++
	}
	return -1
}

// columns are those of a table: their number, names and which of them has the labels.
type columns struct {
	width  int
	names  []string // nil: no header
	labels int      // -1: none
}

// place names a column, counted from 0, for messages.
func (c *columns) place(column int) string {
	if c.names == nil {
		return fmt.Sprintf("column %d", column+1)
	}
	return fmt.Sprintf("column %d (%s)", column+1, shown([]byte(c.names[column])))
}

// readColumns looks at the first row of a table, and reports whether it is a header.
func readColumns(cells [][]byte, o Options) (c *columns, header bool, err error) {
	if len(cells) > maxColumns+1 {
		return nil, false, checkSize(1, len(cells))
	}
	c = &columns{width: len(cells), labels: -1}
	number, isNumber := o.columnNumber()
	header = o.Header == "yes"
	if o.Header == "" {
		if header, err = isHeader(cells, number); err != nil {
			return nil, false, err
		}
	}
	if header {
		c.names = make([]string, len(cells))
		for i, cell := range cells {
			c.names[i] = string(cell)
		}
	}
	if o.LabelColumn == "" {
		return c, header, nil
	}
	switch at := slices.Index(c.names, o.LabelColumn); {
	case at >= 0 && slices.Contains(c.names[at+1:], o.LabelColumn):
		return nil, false, fmt.Errorf("several columns are named %q; give the number of the one with the labels",
			o.LabelColumn)
	case at >= 0:
		c.labels = at
	case isNumber && number >= 0 && number < len(cells):
		c.labels = number
	case isNumber:
		return nil, false, fmt.Errorf("label column %d: there are %d columns, counted from 1", number+1, len(cells))
	case c.names == nil:
		return nil, false, fmt.Errorf("label column %q: there is no header with names; give the number of the column, "+
			"from 1", o.LabelColumn)
	default:
		if like := format.Nearest(o.LabelColumn, c.names); like != "" {
			return nil, false, fmt.Errorf("no column is named %q%s", o.LabelColumn, format.Meant(like))
		}
		return nil, false, fmt.Errorf("no column is named %q; the header has %s", o.LabelColumn, listNames(c.names))
	}
	return c, header, nil
}

// listNames lists the names of columns for messages.
func listNames(names []string) string {
	const most = 20
	words := []string{}
	for _, name := range names[:min(len(names), most)] {
		words = append(words, shown([]byte(name)))
	}
	if len(names) > most {
		words = append(words, fmt.Sprintf("and %d more", len(names)-most))
	}
	return strings.Join(words, ", ")
}

// isHeader reports whether any cell of the first row, but that of the label column, is text.
// A missing value is not text: a row of numbers that lacks some is no header. A count from 0
// may be the header that pandas makes for columns without names.
func isHeader(cells [][]byte, labels int) (bool, error) {
	fromZero, fromOne := len(cells) >= 4, len(cells) >= 4
	for i, cell := range cells {
		if i == labels {
			continue
		}
		if _, err := parse(cell); err != nil && !isMissing(cell) {
			return true, nil
		}
		fromZero = fromZero && string(cell) == strconv.Itoa(i)
		fromOne = fromOne && string(cell) == strconv.Itoa(i+1)
	}
	if fromZero || fromOne {
		return false, fmt.Errorf("the first row counts from %s to %s, as pandas numbers columns without names; say whether "+
			"it is "+
			"a header with --header yes or --header no", cells[0], cells[len(cells)-1])
	}
	return false, nil
}

// readText reads a text: rows of index:value, or a table.
func (s *source) readText(o Options) (*Table, error) {
	if isPairs(s.base, s.head) {
		return s.readPairs(o)
	}
	r := &rows{lines: lines{r: s.text}, separator: separator(s.base, s.head)}
	c, err := r.begin(o)
	if err != nil {
		return nil, err
	}
	if c.labels >= 0 && c.width == 1 {
		return nil, errors.New("the only column is that of the labels")
	}
	v, n := &numbers{gaps: o.Gaps}, 0
	var labels []string
	for ; err == nil; err = r.next() {
		if err := r.check(c, n); err != nil {
			return nil, err
		}
		for i, cell := range r.cells {
			if i == c.labels {
				if len(cell) == 0 {
					return nil, fmt.Errorf("line %d, %s: the label is empty", r.first, c.place(i))
				}
				labels = append(labels, string(cell))
				continue
			}
			if small, ok := digits(cell); ok && small <= 255 {
				v.addByte(uint8(small))
			} else if err := v.addCell(cell); err != nil {
				return nil, r.wrong(c, i, err, n == 0 && o.Header == "")
			}
		}
		n++
	}
	if err != io.EOF {
		return nil, err
	}
	t := v.table("", n, c.width)
	if t.Names, t.Labels = c.names, labels; c.labels >= 0 {
		t.Shape[0]--
		if c.names != nil {
			t.Names = slices.Delete(c.names, c.labels, c.labels+1)
		}
	}
	if err := checkSize(n, t.Shape[0]); err != nil {
		return nil, err
	}
	return t, checkIndex(t)
}

// checkIndex returns an error where the first column numbers the rows and has no name, as
// pandas writes its index.
func checkIndex(t *Table) error {
	if t.Names == nil || t.Names[0] != "" || t.N < 3 {
		return nil
	}
	for i := range t.N {
		at := i * t.Shape[0]
		if t.Bytes != nil && int(t.Bytes[at]) != i || t.Floats != nil && t.Floats[at] != float32(i) {
			return nil
		}
	}
	return fmt.Errorf("the first column numbers the rows from 0 to %d and has no name, as the index of pandas; save "+
		"the file without it, as with to_csv(index=False), or name the column", t.N-1)
}

// begin reads up to the first example, which it leaves in the cells.
func (r *rows) begin(o Options) (*columns, error) {
	switch err := r.next(); {
	case err == io.EOF:
		return nil, errors.New("no rows")
	case err != nil:
		return nil, err
	}
	c, header, err := readColumns(r.cells, o)
	if err != nil || !header {
		return c, err
	}
	if err = r.next(); err == io.EOF {
		return nil, errors.New("only a header, and no examples; if the first row is one, say --header no")
	}
	return c, err
}

// check returns an error where a row has another length, or where there were too many. n is
// the number of rows before it.
func (r *rows) check(c *columns, n int) error {
	switch {
	case len(r.cells) != c.width:
		return fmt.Errorf("line %d: %d columns; the first row has %d", r.first, len(r.cells), c.width)
	case r.blank > 0 && c.width == 1:
		return fmt.Errorf("line %d is empty: no value; take the line out or fill the value in", r.blank)
	case n == maxExamples:
		return checkSize(n+1, c.width)
	}
	return nil
}

// wrong says where a cell is that is no number, and in the first row what else it may be.
func (r *rows) wrong(c *columns, column int, err error, first bool) error {
	cell := r.cells[column]
	hint := ""
	switch {
	case len(cell) == 0 && column == c.width-1 && c.width > 1:
		hint = "; or the line ends with a separator too many"
	case first && c.names == nil:
		hint = "; where the first row is a header, say --header yes"
	case c.labels < 0 && !isMissing(cell) && !isTruth(cell):
		hint = "; where it has the labels, name it with --label-column"
	}
	return fmt.Errorf("line %d, %s: %w%s", r.first, c.place(column), err, hint)
}
