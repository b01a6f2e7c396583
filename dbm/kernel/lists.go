package kernel

// Most pixels of an image are 0, and so are many units of the chains. A product or
// a gradient then follows lists of the nonzero elements instead of all of them: the
// bits are the same, since a factor of 0 may be left out of a chain.

// Lists holds, for each of a number of rows, the indices and values of its nonzero
// elements, in ascending order. Row r has Index[Start[r]:Start[r+1]].
type Lists struct {
	Start []int32
	Index []int32
	Value []float32

	// Cuts divides the rows into stretches of 64 elements. With s = Stretches(length
	// of a row), stretch i of row r has Index[Cuts[r·s+i]:Cuts[r·s+i+1]]. Transpose
	// makes no cuts.
	Cuts []int32
}

// stretch is the length of a stretch of a row.
const stretch = 4 * Panel

// Stretches is the number of stretches in a row of n units.
func Stretches(n int) int { return (n + stretch - 1) / stretch }

// Reset empties the lists.
func (l *Lists) Reset() {
	l.Start = append(l.Start[:0], 0)
	l.Cuts = append(l.Cuts[:0], 0)
	l.Index = l.Index[:0]
	l.Value = l.Value[:0]
}

// Add appends the list of one row.
func (l *Lists) Add(set *Set, x []float32) {
	n := len(l.Index)
	if room := n + len(x) + 8; cap(l.Index) < room || cap(l.Value) < room {
		l.Index = append(make([]int32, 0, 2*room), l.Index...)
		l.Value = append(make([]float32, 0, 2*room), l.Value...)
	}
	for from := 0; from < len(x); from += stretch {
		part := x[from:min(from+stretch, len(x))]
		end := n + len(part) + 8
		n += set.List(l.Index[n:end], l.Value[n:end], part, int32(from))
		l.Cuts = append(l.Cuts, int32(n))
	}
	l.Index, l.Value = l.Index[:n], l.Value[:n]
	l.Start = append(l.Start, int32(n))
}

// AddRows appends the lists of the first n units of rows of x, stride apart.
func (l *Lists) AddRows(set *Set, x []float32, stride, rows, n int) {
	for r := range rows {
		l.Add(set, x[r*stride:][:n])
	}
}

// Transpose makes, for each of n units, the list of the rows in which it is not 0.
// rows holds the lists by row, in consecutive parts.
func (l *Lists) Transpose(rows []*Lists, n int) {
	if len(l.Start) != n+1 {
		l.Start = make([]int32, n+1)
	}
	// Start[i+1] counts unit i, then becomes the place of its next entry.
	clear(l.Start)
	total := 0
	for _, part := range rows {
		for _, i := range part.Index {
			l.Start[i+1]++
		}
		total += len(part.Index)
	}
	if cap(l.Index) < total {
		l.Index, l.Value = make([]int32, 2*total), make([]float32, 2*total)
	}
	l.Index, l.Value = l.Index[:total], l.Value[:total]
	at := int32(0)
	for i := 1; i <= n; i++ {
		at, l.Start[i] = at+l.Start[i], at
	}
	r := int32(0)
	for _, part := range rows {
		for j := range max(len(part.Start)-1, 0) {
			for k, end := part.Start[j], part.Start[j+1]; k < end; k++ {
				i := part.Index[k]
				to := l.Start[i+1]
				l.Index[to], l.Value[to] = r, part.Value[k]
				l.Start[i+1]++
			}
			r++
		}
	}
}

// IfSparse returns the lists of rows × units if following them is faster than a
// dense product, and nil otherwise. A term from a list costs two to three times a
// dense one.
func (l *Lists) IfSparse(rows, units int) *Lists {
	if len(l.Index)*2 > rows*units {
		return nil
	}
	return l
}
