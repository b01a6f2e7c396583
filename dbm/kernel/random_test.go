package kernel

import "testing"

// Random123's known answers for philox4x32-10 (kat_vectors).
func TestPhiloxKnownAnswers(t *testing.T) {
	for _, c := range []struct {
		ctr  [4]uint32
		key  uint64
		want [4]uint32
	}{
		{[4]uint32{}, 0, [4]uint32{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
		{[4]uint32{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff}, 0xffffffffffffffff,
			[4]uint32{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
		{[4]uint32{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, 0x299f31d0a4093822,
			[4]uint32{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
	} {
		a, b, x, y := Philox(c.key, c.ctr[0], c.ctr[1], c.ctr[2], c.ctr[3])
		if got := [4]uint32{a, b, x, y}; got != c.want {
			t.Errorf("Philox(%x, %x) = %x, want %x", c.key, c.ctr, got, c.want)
		}
	}
}

// The map from word to unit, written out once more and independently.
func TestUniformsFollowTheMap(t *testing.T) {
	d := Draw{Seed: 0x123456789abcdef, Row: 7, Update: 9, Tag: Tag(ForChains, 2, 3)}
	u := make([]float32, 45)
	d.Uniforms(u)
	for j := range u {
		block, in := j/16, j%16
		counter := 4*block + []int{0, 0, 1, 1, 2, 2, 3, 3, 0, 0, 1, 1, 2, 2, 3, 3}[in]
		var w [4]uint32
		w[0], w[1], w[2], w[3] = Philox(d.Seed, uint32(counter), 7, 9, 1<<24|2<<16|3)
		word := w[[]int{0, 1, 0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 2, 3}[in]]
		if want := float32(word>>8) / (1 << 24); u[j] != want {
			t.Fatalf("unit %d: %v, want %v", j, u[j], want)
		}
	}
}
