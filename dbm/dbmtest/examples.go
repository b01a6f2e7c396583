package dbmtest

import "tandem/dbm/kernel"

// Labelled returns n images of random pixels, row-major, labelled by the sums of their
// halves.
func Labelled(n, pixels, classes int) (images []float32, labels []byte) {
	images, labels = make([]float32, n*pixels), make([]byte, n)
	for i := range labels {
		d := kernel.Draw{Seed: 4, Row: uint32(i)}
		d.Uniforms(images[i*pixels : (i+1)*pixels])
		sum := float32(0)
		for j, x := range images[i*pixels : (i+1)*pixels] {
			if x < 0.6 {
				images[i*pixels+j] = 0
			} else if j < pixels/2 {
				sum += x
			} else {
				sum -= x
			}
		}
		labels[i] = byte(min(max(int(float64(sum)/2+float64(classes)/2), 0), classes-1))
	}
	return images, labels
}
