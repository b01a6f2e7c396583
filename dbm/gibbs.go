package dbm

// The negative phase: persistent chains of binary states. A sweep draws the odd
// layers given the even ones, then the even ones, the visible layer among them,
// given the odd ones (Eq. 4–5 of the general machine, restricted to layers).

// sampler is room for the sweeps of some chains.
type sampler struct {
	lists []Lists // the units of each layer that are on
	pass  Pass
}

func newSampler(layers []int) *sampler { return &sampler{lists: make([]Lists, len(layers))} }

// sweep makes the sweeps of an update for chains [from, to), whose states lie
// in the rows of t.x behind the minibatch.
func (t *Trainer) sweep(s *sampler, from, to int) {
	m, p := t.model, &s.pass
	top, rows := len(m.layers)-1, to-from
	state := func(l int) []float32 { return t.x[l][(t.config.Batch+from)*Stride(m.layers[l]):] }
	for l := 0; l <= top; l += 2 {
		s.list(m, l, rows, state(l))
	}
	for sweep := range t.config.Gibbs {
		for _, parity := range [2]int{1, 0} {
			for l := parity; l <= top; l += 2 {
				n := m.layers[l]
				*p = Pass{Rows: rows, Panels: Padded(n) / Panel, Start: m.bias[l], Out: state(l), Stride: Stride(n)}
				if l > 0 {
					p.Below = m.below(l, state(l-1))
					p.Below.Nonzero = s.lists[l-1].ifSparse(rows, m.layers[l-1])
				}
				if l < top {
					p.Above = m.above(l, state(l+1))
					p.Above.Nonzero = s.lists[l+1].ifSparse(rows, m.layers[l+1])
				}
				t.kernels.Sample(p, Draw{Seed: t.config.Seed, Row: uint32(from), Update: uint32(t.updates + 1), Tag: Tag(ForChains, l, sweep)})
				s.list(m, l, rows, state(l))
			}
		}
	}
}

// list makes the lists of a layer's units that are on.
func (s *sampler) list(m *model, l, rows int, x []float32) {
	s.lists[l].Reset()
	for r := range rows {
		s.lists[l].Add(x[r*Stride(m.layers[l]):][:m.layers[l]])
	}
}
