package dbm

import "tandem/dbm/kernel"

// The spring of the paper's Eq. 15 pulls the norms of all units' weights towards a
// learned mean for each layer, and the means of neighbouring layers towards each
// other. It is the gradient of
//
//	−Σ_l α_l Σ_j (‖w_j‖ − μ_l)² − γ Σ_l (μ_l − μ_{l+1})²
//
// where w_j are the weights into unit j of layer l. (The paper prints plus signs,
// but says that the terms penalise.) A unit of norm 0 feels no spring.

// spring holds the forces of one update on the weights: of the spring, and of weight
// decay, which acts in the same direction.
type spring struct {
	on       bool      // some α is not 0
	alpha    []float64 // α of each hidden layer
	gamma    float64
	damping  float64     // the rate of the means over that of the weights
	decay    float64     // weight decay
	pull     [][]float32 // pull[l]: for each unit of layer l, the factor of −w in the gradient
	gradient []float64   // of each mean
}

func newSpring(c *Config) *spring {
	s := &spring{on: c.Spring(), alpha: c.Alpha, gamma: c.Gamma, damping: c.MuDamping, decay: c.WeightDecay,
		gradient: make([]float64, c.Hidden())}
	for l, n := range c.Layers {
		s.pull = append(s.pull, nil)
		if l > 0 {
			s.pull[l] = make([]float32, kernel.Padded(n))
		}
	}
	return s
}

// exert computes the forces on the weights of a model, and moves its mean norms at
// a learning rate. Without a spring they stay, whatever gamma is.
func (s *spring) exert(m *Model, rate float64) {
	for l := 1; l < len(m.Layers); l++ {
		s.forces(m, l)
	}
	if !s.on {
		return
	}
	s.meanGradient(m)
	for i, g := range s.gradient {
		m.mu[i] += float64(rate * s.damping * g)
	}
}

// forces computes the pull of each unit of layer l: −2α(‖w‖−μ)·w/‖w‖ = −pull·w.
func (s *spring) forces(m *Model, l int) {
	alpha := s.alpha[l-1]
	for j := range m.Layers[l] {
		p := s.decay
		if alpha != 0 {
			if norm := m.norm(l, j); norm > 0 {
				p += float64(2 * alpha * (norm - m.mu[l-1]) / norm)
			}
		}
		s.pull[l][j] = float32(p)
	}
}

// meanGradient computes the gradient with respect to each mean norm.
func (s *spring) meanGradient(m *Model) {
	for i, mu := range m.mu {
		sum := 0.0
		for j := range m.Layers[i+1] {
			sum += m.norm(i+1, j) - mu
		}
		g := float64(2 * s.alpha[i] * sum)
		if i > 0 {
			g -= float64(2 * s.gamma * (mu - m.mu[i-1]))
		}
		if i+1 < len(m.mu) {
			g -= float64(2 * s.gamma * (mu - m.mu[i+1]))
		}
		s.gradient[i] = g
	}
}
