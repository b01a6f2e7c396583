package dbm

// The spring of the paper's Eq. 15 pulls the norms of all units' weights towards
// a learned mean for each layer, and the means of neighbouring layers towards
// each other. It is the gradient of
//
//	−Σ_l α_l Σ_j (‖w_j‖ − μ_l)² − γ Σ_l (μ_l − μ_{l+1})²
//
// where w_j are the weights into unit j of layer l. (The paper prints plus signs,
// but says that the terms penalise.) A unit of norm 0 feels no spring.

// pull writes, for each unit of a layer, the factor of its weights in the
// spring's gradient, −2α(‖w‖−μ)·w/‖w‖ = −pull·w, and adds weight decay to it.
func (m *model) pull(dst []float32, l int, alpha, decay float64) {
	for j := range m.layers[l] {
		p := decay
		if norm := m.norm(l, j); norm > 0 && alpha != 0 {
			p += float64(2 * alpha * (norm - m.mu[l-1]) / norm)
		}
		dst[j] = float32(p)
	}
}

// meanGradient writes the gradient with respect to each μ into g.
func (m *model) meanGradient(g, alpha []float64, gamma float64) {
	for i, mu := range m.mu {
		sum := 0.0
		for j := range m.layers[i+1] {
			sum += m.norm(i+1, j) - mu
		}
		g[i] = float64(2 * alpha[i] * sum)
		if i > 0 {
			g[i] -= float64(2 * gamma * (mu - m.mu[i-1]))
		}
		if i+1 < len(m.mu) {
			g[i] -= float64(2 * gamma * (mu - m.mu[i+1]))
		}
	}
}
