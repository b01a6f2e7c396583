package dbm

// Panel is the number of columns in a panel of packed weights.
const Panel = 16

// Padded rounds a number of units up to whole panels.
func Padded(n int) int { return (n + Panel - 1) / Panel * Panel }

// Stride is the length of a row of n units in memory: whole panels, and an odd
// number of them, so that the rows of a block do not fall into the same sets
// of a cache.
func Stride(n int) int {
	s := Padded(n)
	if s/Panel%2 == 0 {
		s += Panel
	}
	return s
}

// Kernels is the arithmetic that learning needs, on blocks of float32. The
// generic kernels define it to the bit (docs/numerics.md); every other set
// gives the same bits. All are safe for concurrent use on disjoint outputs.
//
// A matrix of k × n weights is packed into panels of 16 columns: element (i, j)
// lies at ((j/16)·Padded(k) + i)·16 + j%16. What pads it is 0.
type Kernels struct {
	Name string

	// Linear computes Out = pre of a pass.
	Linear func(p *Pass)

	// Sigmoid computes Out = σ(pre). Where change is not nil, change[r]
	// becomes the largest |new − old| over row r of Out, if that is larger.
	Sigmoid func(p *Pass, change []float32)

	// Sample computes Out = 1 where u < σ(pre), else 0, with the uniform
	// numbers u of d: row r takes those of row d.Row + r.
	Sample func(p *Pass, d Draw)

	// Learn moves the weights of a step.
	Learn func(s *Step)

	// Refresh computes Back and Squares of a step from W, for its panels.
	Refresh func(s *Step)

	// List writes the places and the values of the elements of x that are not 0,
	// in ascending order, and returns how many there are. Places count from first.
	// index and value have room for len(x)+8 numbers; what lies behind the list is
	// left in any state.
	List func(index []int32, value, x []float32, first int32) int

	// LearnBias adds rate · Σ_r scale[r]·x[r][j] to bias[j].
	// x: len(scale) × len(bias), with stride.
	LearnBias func(bias, x []float32, stride int, scale []float32, rate float32)

	// Scale computes dst[i] = src[i]·by.
	Scale func(dst, src []float32, by float32)

	// Softplus computes pre[j] = to.Beta·a[j] + to.Bias[j], one fused
	// multiply-add, and adds softplus(pre[j]) − softplus(from.Beta·a[j] + from.Bias[j])
	// to sums[j mod 16], j ascending. a is whole panels; where a and the biases
	// are 0, nothing is added.
	Softplus func(pre, a []float32, to, from Tempered, sums *[Panel]float32)

	// Adam makes the step of Kingma and Ba (2014), upwards, for parameters w of
	// gradient g, each product and sum rounded by itself:
	//
	//	mean   = AdamKeepMean·mean + (1−AdamKeepMean)·g
	//	square = AdamKeepSquare·square + ((1−AdamKeepSquare)·g)·g
	//	w      = w + (rate·mean)/(√square + AdamEpsilon)
	//
	// rate is one that the beginnings of both averages have been taken into.
	Adam func(w, g, mean, square []float32, rate float32)
}

// Adam's constants: how much of the averages of gradients and of their squares an
// update keeps, and what keeps it from dividing by 0.
const (
	AdamKeepMean   = 0.9
	AdamKeepSquare = 0.999
	AdamEpsilon    = 1e-8
)

// Tempered is a layer at an inverse temperature.
type Tempered struct {
	Beta float32   // times what comes from other layers
	Bias []float32 // of each unit
}

// Pass is one pass over a layer for a block of rows:
//
//	pre[r][j] = start[r][j] + Σ_k below[r][k]·w[k][j] + Σ_k above[r][k]·w[k][j]
//
// as one chain of fused multiply-adds in this order, and +0 added at its end.
type Pass struct {
	Rows, Panels int
	Start        []float32 // rows × panels·16
	StartStride  int       // 0: one row, the bias, for all
	Below, Above Input
	Out          []float32 // rows × panels·16; may be Start, but not an input
	Stride       int       // of Out
}

// Input is one side of a pass: rows of units and the packed weights from them
// to the layer. K = 0 stands for none.
type Input struct {
	X       []float32 // rows × K
	Stride  int
	K       int
	W       []float32 // packed K × panels·16
	Nonzero *Lists    // the units of each row that are not 0, or nil
}

// Lists holds, for each of a number of rows, the places and values of its
// elements that are not 0, in ascending order. Row r has Index[Start[r]:Start[r+1]].
type Lists struct {
	Start []int32
	Index []int32
	Value []float32

	// Cuts cuts the rows into stretches: with s = Stretches(length of a row), stretch i
	// of row r has Index[Cuts[r·s+i]:Cuts[r·s+i+1]]. Transpose makes none.
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

// Add appends the list of a row.
func (l *Lists) Add(k *Kernels, x []float32) {
	n := len(l.Index)
	if room := n + len(x) + 8; cap(l.Index) < room || cap(l.Value) < room {
		l.Index = append(make([]int32, 0, 2*room), l.Index...)
		l.Value = append(make([]float32, 0, 2*room), l.Value...)
	}
	for from := 0; from < len(x); from += stretch {
		part := x[from:min(from+stretch, len(x))]
		end := n + len(part) + 8
		n += k.List(l.Index[n:end], l.Value[n:end], part, int32(from))
		l.Cuts = append(l.Cuts, int32(n))
	}
	l.Index, l.Value = l.Index[:n], l.Value[:n]
	l.Start = append(l.Start, int32(n))
}

// Transpose makes the lists of each of n units, the rows in which it is not 0,
// from lists of the rows, which may be in several parts, one behind the other.
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

// IfSparse returns the lists of rows × units if they are worth using: a term
// from a list costs two to three times one of a dense product.
func (l *Lists) IfSparse(rows, units int) *Lists {
	if len(l.Index)*2 > rows*units {
		return nil
	}
	return l
}

// Step is one step of learning for some panels of the weights between two layers:
//
//	g[i][j] = Σ_r x[r][i]·y[r][j]
//	w[i][j] = w[i][j] + Rate·(g[i][j] − Pull[j]·w[i][j])
//
// where g is one chain from +0, r ascending, with +0 added at its end, and
// each of the other two lines' operations is one fused multiply-add.
type Step struct {
	Rows     int       // of x and y: the minibatch, then the chains
	X        []float32 // rows × units below
	XStride  int
	Nonzero  *Lists    // the rows in which each unit below is not 0, or nil
	Y        []float32 // rows × units, scaled; 0 in the padding
	YStride  int
	Below    int // units below
	Units    int
	From, To int // panels to learn
	Rate     float32
	Pull     []float32 // for each column
	W        []float32 // packed, units below × units, 0 in the padding

	// For Refresh:
	Back    []float32 // the transposed weights, packed, units × units below
	Squares []float32 // for each column, Σ_i w[i][j]²
}
