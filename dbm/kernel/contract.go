// Package kernel is the contract between learning and arithmetic: what a set of
// kernels computes, to the bit, and the data that both sides share: packed weights,
// lists of nonzeros, random numbers and elementary functions.
//
// A Set is a struct of functions. Package main fills one for each instruction set
// and hands it to package dbm, which never asks which one it got. kernels_generic.go
// at the root of the module is the definition in plain Go; kerneltest checks any
// other set against this contract.
package kernel

// Version is the version of the numeric contract (docs/numerics.md). Two builds
// with the same version produce the same bits from the same configuration and data.
const Version = 1

// Set is the arithmetic that learning needs, on blocks of float32. All sets produce
// the same bits. All functions are safe for concurrent use on disjoint outputs.
type Set struct {
	Name string

	// Linear computes Out = pre of a pass.
	Linear func(p *Pass)

	// Sigmoid computes Out = σ(pre). If change is not nil, change[r] is raised to
	// the largest |new − old| over row r of Out. A NaN raises nothing.
	Sigmoid func(p *Pass, change []float32)

	// Sample computes Out = 1 where u < σ(pre) and 0 elsewhere. Row r takes the
	// uniform numbers u of row d.Row + r of the draw.
	Sample func(p *Pass, d Draw)

	// Learn updates the weights of a step.
	Learn func(s *Step)

	// Refresh computes Back and Squares of a step from W, for its panels.
	Refresh func(s *Step)

	// List writes the indices and values of the nonzero elements of x in ascending
	// order and returns their number. Indices count from first. index and value have
	// room for len(x)+8 numbers; what follows the list is undefined.
	List func(index []int32, value, x []float32, first int32) int

	// LearnBias adds rate · Σ_r scale[r]·x[r][j] to bias[j].
	// x: len(scale) × len(bias), with the given stride.
	LearnBias func(bias, x []float32, stride int, scale []float32, rate float32)

	// Scale computes dst[i] = src[i]·by.
	Scale func(dst, src []float32, by float32)

	// Softplus computes pre[j] = to.Beta·a[j] + to.Bias[j], one fused
	// multiply-add, and adds softplus(pre[j]) − softplus(from.Beta·a[j] + from.Bias[j])
	// to sums[j mod 16], j ascending. len(a) is a multiple of Panel; where a and the
	// biases are 0, nothing is added.
	Softplus func(pre, a []float32, to, from Tempered, sums *[Panel]float32)

	// Adam takes the step of Kingma and Ba (2014), upwards, for parameters w with
	// gradient g. Each product and each sum is rounded separately:
	//
	//	mean   = AdamKeepMean·mean + (1−AdamKeepMean)·g
	//	square = AdamKeepSquare·square + ((1−AdamKeepSquare)·g)·g
	//	w      = w + (rate·mean)/(√square + AdamEpsilon)
	//
	// rate already includes the correction for averages that started at 0.
	Adam func(w, g, mean, square []float32, rate float32)
}

// Adam's constants: the fraction of each running average that an update keeps, and
// the term that prevents a division by 0.
const (
	AdamKeepMean   = 0.9
	AdamKeepSquare = 0.999
	AdamEpsilon    = 1e-8
)

// Tempered is a layer at an inverse temperature.
type Tempered struct {
	Beta float32   // multiplies the input from other layers
	Bias []float32 // of each unit
}

// Pass is one pass over a layer for a block of rows:
//
//	pre[r][j] = start[r][j] + Σ_k below[r][k]·w[k][j] + Σ_k above[r][k]·w[k][j]
//
// as one chain of fused multiply-adds in this order, with +0 added at its end.
type Pass struct {
	Rows, Panels int
	Start        []float32 // rows × panels·16
	StartStride  int       // 0: one row, the bias, for all
	Below, Above Input
	Out          []float32 // rows × panels·16; may be Start, but not an input
	Stride       int       // of Out
}

// NewPass returns a pass without inputs for rows of a layer of n units, from one row of
// biases, start, to out: rows × Stride(n).
func NewPass(n, rows int, start, out []float32) Pass {
	return Pass{Rows: rows, Panels: Panels(n), Start: start, Out: out, Stride: Stride(n)}
}

// Input is one side of a pass: rows of units and the packed weights from them
// to the layer. K = 0 means none.
type Input struct {
	X       []float32 // rows × K
	Stride  int
	K       int
	W       []float32 // packed K × panels·16
	Nonzero *Lists    // the nonzero units of each row, or nil
}

// Step is one learning step for some panels of the weights between two layers:
//
//	g[i][j] = Σ_r x[r][i]·y[r][j]
//	w[i][j] = w[i][j] + Rate·(g[i][j] − Pull[j]·w[i][j])
//
// where g is one chain from +0, r ascending, with +0 added at its end, and each
// operation of the second line is one fused multiply-add.
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
