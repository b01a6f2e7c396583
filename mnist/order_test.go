package mnist

import (
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"tandem/dbm"
	"tandem/dbm/kernel"
)

var _ dbm.Examples = (*Minibatches)(nil)

func minibatches(t testing.TB, set *Set, pixels Pixels, seed uint64, batch int) *Minibatches {
	t.Helper()
	m, err := NewMinibatches(set, pixels, seed, batch)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// indices are the images of an update.
func indices(m *Minibatches, update uint64, batch int) []int {
	m.Prepare(update)
	got := make([]int, batch)
	for row := range got {
		got[row] = m.Index(row)
	}
	return got
}

// shuffledByHand is the order of an epoch, from the description alone: words of
// Philox in turn; a word whose product with n has a lower half below 2³² mod n is
// thrown away.
func shuffledByHand(n int, seed uint64, epoch uint32) (order []int, thrown int) {
	var stream []uint32
	next := func() uint64 {
		w := stream[0]
		stream = stream[1:]
		return uint64(w)
	}
	for c := range uint32(n) {
		a, b, x, y := kernel.Philox(seed, c, 0, epoch, 5<<24)
		stream = append(stream, a, b, x, y)
	}
	for i := range n {
		order = append(order, i)
	}
	for i := n - 1; i > 0; i-- {
		choices := uint64(i + 1)
		product := next() * choices
		for product%(1<<32) < (1<<32)%choices {
			thrown++
			product = next() * choices
		}
		j := product / (1 << 32)
		order[i], order[j] = order[j], order[i]
	}
	return order, thrown
}

func TestOrderFollowsTheDescription(t *testing.T) {
	for _, n := range []int{1, 2, 3, 7, 40} {
		for epoch := range uint32(4) {
			want, _ := shuffledByHand(n, 99, epoch)
			m := minibatches(t, small(Train, n), Grey, 99, n)
			if got := indices(m, uint64(epoch), n); !slices.Equal(got, want) {
				t.Errorf("%d images, epoch %d: %v, want %v", n, epoch, got, want)
			}
		}
	}
	// With so many images some words are thrown away.
	set, thrown := &Set{Images: &Images{N: 60000, Rows: 1, Columns: 1}}, 0
	m := minibatches(t, set, Grey, 1, 60000)
	for epoch := range uint32(6) {
		want, k := shuffledByHand(60000, 1, epoch)
		thrown += k
		if got := indices(m, uint64(epoch), 60000); !slices.Equal(got, want) {
			t.Errorf("60000 images, epoch %d: another order", epoch)
		}
	}
	if thrown == 0 {
		t.Error("no word was thrown away: the test is too weak")
	}
}

// The order is part of the numeric contract: what stands here changes only with
// kernel.Version.
func TestOrderStays(t *testing.T) {
	for _, c := range []struct {
		seed, epoch uint64
		want        []int
	}{
		{0, 0, []int{2, 7, 9, 5, 0, 4, 6, 3, 1, 8}},
		{1, 0, []int{7, 2, 4, 0, 9, 3, 6, 8, 5, 1}},
		{1, 3, []int{5, 6, 8, 2, 3, 9, 7, 1, 0, 4}},
		{1 << 32, 0, []int{2, 1, 8, 4, 3, 5, 9, 0, 7, 6}},
	} {
		if got := indices(minibatches(t, small(Train, 10), Grey, c.seed, 10), c.epoch, 10); !slices.Equal(got, c.want) {
			t.Errorf("seed %d, epoch %d: %v, want %v", c.seed, c.epoch, got, c.want)
		}
	}
}

func TestEveryEpochIsAPermutation(t *testing.T) {
	set := must(t, embeddedTest)
	m := minibatches(t, set, Grey, 5, 100)
	var epochs [3][]int
	for u := range uint64(300) {
		epochs[u/100] = append(epochs[u/100], indices(m, u, 100)...)
	}
	for e, order := range epochs {
		sorted := slices.Sorted(slices.Values(order))
		for i, x := range sorted {
			if x != i {
				t.Fatalf("epoch %d is no permutation", e)
			}
		}
		if slices.Equal(order, sorted) {
			t.Errorf("epoch %d is not shuffled", e)
		}
	}
	if slices.Equal(epochs[0], epochs[1]) || slices.Equal(epochs[0], epochs[2]) || slices.Equal(epochs[1], epochs[2]) {
		t.Error("two epochs have the same order")
	}
	for _, seed := range []uint64{4, 5 | 1<<32} {
		if other := indices(minibatches(t, set, Grey, seed, 10000), 0, 10000); slices.Equal(other, epochs[0]) {
			t.Errorf("seeds 5 and %d give the same order", seed)
		}
	}
}

// Batches that divide N, do not, equal it, exceed it and span many epochs must all
// cut the same stream of examples, whichever update is asked for first.
func TestMinibatchesCutOneStream(t *testing.T) {
	set := small(Train, 12)
	var stream []int
	for epoch := range uint32(60) {
		order, _ := shuffledByHand(12, 7, epoch)
		stream = append(stream, order...)
	}
	for _, batch := range []int{1, 3, 5, 12, 13, 24, 50} {
		m := minibatches(t, set, Grey, 7, batch)
		updates := len(stream) / batch
		for _, u := range []int{0, 1, 2, updates - 1, updates / 2, updates/2 + 1, 0, 3} {
			if got, want := indices(m, uint64(u), batch), stream[u*batch:(u+1)*batch]; !slices.Equal(got, want) {
				t.Errorf("batch %d, update %d: %v, want %v", batch, u, got, want)
			}
		}
	}
}

// A resumed run starts at any update and must see the very numbers of an uncut one.
func TestMinibatchesResume(t *testing.T) {
	set := small(Train, 11)
	for _, pixels := range []Pixels{Grey, Threshold, Sample, Fixed} {
		uncut := minibatches(t, set, pixels, 3, 4)
		a, b := make([]float32, 45), make([]float32, 45)
		for u := range uint64(30) {
			uncut.Prepare(u)
			resumed := minibatches(t, set, pixels, 3, 4)
			resumed.Prepare(u)
			for row := range 4 {
				uncut.Row(row, a)
				resumed.Row(row, b)
				if !slices.Equal(a, b) {
					t.Fatalf("%v, update %d, row %d: another example", pixels, u, row)
				}
			}
		}
	}
}

// The largest update that package dbm knows, with the largest batch, overflows nothing.
func TestLastUpdate(t *testing.T) {
	const batch, n = 1 << 20, 1000
	m := minibatches(t, small(Train, n), Grey, 3, batch)
	got := indices(m, 1<<32-1, batch)
	first := uint64(1<<32-1) * batch
	for _, row := range []int{0, 500, batch - 1} {
		e := first + uint64(row)
		order, _ := shuffledByHand(n, 3, uint32(e/n))
		if want := order[e%n]; got[row] != want {
			t.Errorf("row %d: image %d, want %d", row, got[row], want)
		}
	}
}

func TestRow(t *testing.T) {
	set := small(Test, 40)
	v := make([]float32, 45)
	for _, c := range []struct {
		pixels Pixels
		want   func(row, i, j int, x byte) float32
	}{
		{Grey, func(row, i, j int, x byte) float32 { return float32(x) / 255 }},
		{Threshold, func(row, i, j int, x byte) float32 { return float32(x / 128) }},
		{Sample, func(row, i, j int, x byte) float32 { return below(uniform(77, j, uint32(row), 21, 3<<24), x) }},
		{Fixed, func(row, i, j int, x byte) float32 { return below(uniform(0, j, uint32(i), 1, 4<<24), x) }},
	} {
		m := minibatches(t, set, c.pixels, 77, 16)
		m.Prepare(21)
		for row := range 16 {
			m.Row(row, v)
			i := m.Index(row)
			for j, x := range set.Image(i) {
				if want := c.want(row, i, j, x); v[j] != want {
					t.Fatalf("%v: row %d, pixel %d is %v, want %v", c.pixels, row, j, v[j], want)
				}
			}
		}
	}
}

// Sampled anew: the same image in the next epoch is another one, but for Fixed.
func TestSampleIsFreshAndFixedIsNot(t *testing.T) {
	set := small(Train, 1)
	a, b := make([]float32, 45), make([]float32, 45)
	for _, pixels := range []Pixels{Sample, Fixed} {
		m := minibatches(t, set, pixels, 8, 2)
		m.Prepare(0)
		m.Row(0, a)
		m.Row(1, b)
		rows := slices.Equal(a, b)
		m.Prepare(1)
		m.Row(0, b)
		updates := slices.Equal(a, b)
		other := minibatches(t, set, pixels, 9, 2)
		other.Prepare(0)
		other.Row(0, b)
		seeds := slices.Equal(a, b)
		if same := pixels == Fixed; rows != same || updates != same || seeds != same {
			t.Errorf("%v: same in two rows: %v, in two updates: %v, under two seeds: %v", pixels, rows, updates, seeds)
		}
	}
}

func TestRowsAtOnce(t *testing.T) {
	set := small(Train, 30)
	for _, pixels := range []Pixels{Grey, Threshold, Sample, Fixed} {
		m := minibatches(t, set, pixels, 2, 64)
		m.Prepare(5)
		want := make([][]float32, 64)
		for row := range want {
			want[row] = make([]float32, 45)
			m.Row(row, want[row])
		}
		var wait sync.WaitGroup
		for row := range want {
			wait.Go(func() {
				v := make([]float32, 45)
				m.Row(row, v)
				if !slices.Equal(v, want[row]) {
					t.Errorf("%v: row %d differs", pixels, row)
				}
			})
		}
		wait.Wait()
	}
}

func TestMinibatchesDoNotAllocate(t *testing.T) {
	set := small(Train, 17)
	v := make([]float32, 45)
	for _, pixels := range []Pixels{Grey, Threshold, Sample, Fixed} {
		m := minibatches(t, set, pixels, 2, 20) // so every update needs a new epoch
		update := uint64(0)
		if n := testing.AllocsPerRun(100, func() {
			m.Prepare(update)
			for row := range 20 {
				m.Row(row, v)
			}
			update++
		}); n != 0 {
			t.Errorf("%v: %v allocations an update", pixels, n)
		}
	}
}

// Only a new epoch costs a shuffle, not each minibatch that straddles two.
func TestPrepareKeepsBothEpochs(t *testing.T) {
	m := minibatches(t, small(Train, 10), Grey, 2, 4)
	m.Prepare(2) // examples 8 to 11
	for i := range m.shuffles {
		slices.Reverse(m.shuffles[i].order) // a mark
	}
	marked := indices(m, 2, 4)
	if fresh := indices(minibatches(t, small(Train, 10), Grey, 2, 4), 2, 4); slices.Equal(marked, fresh) {
		t.Error("a minibatch that straddles two known epochs was shuffled again")
	}
}

// All 24 orders of four images come equally often, over epochs and over seeds; so
// each image is first equally often.
func TestShuffleIsUniform(t *testing.T) {
	const draws = 24000
	for name, key := range map[string]func(k int) (seed uint64, epoch uint64){
		"epochs": func(k int) (uint64, uint64) { return 6, uint64(k) },
		"seeds":  func(k int) (uint64, uint64) { return uint64(k), 0 },
	} {
		orders, first := map[[4]uint32]int{}, [4]int{}
		for k := range draws {
			seed, epoch := key(k)
			var order [4]uint32
			shuffle(order[:], seed, uint32(epoch))
			orders[order]++
			first[order[0]]++
		}
		if len(orders) != 24 {
			t.Errorf("%s: %d orders, want 24", name, len(orders))
		}
		for order, n := range orders {
			if p := 1.0 / 24; math.Abs(float64(n)-draws*p) > 5*math.Sqrt(draws*p*(1-p)) {
				t.Errorf("%s: order %v comes %d times of %d", name, order, n, draws)
			}
		}
		for image, n := range first {
			if math.Abs(float64(n)-draws/4) > 5*math.Sqrt(draws*0.25*0.75) {
				t.Errorf("%s: image %d is first %d times of %d", name, image, n, draws)
			}
		}
	}
}

// Where n is 3·2³⁰, four words fall on three integers: without throwing any away a
// multiple of three would come half of the time.
func TestBelowIsUnbiased(t *testing.T) {
	const n, draws = 3 << 30, 30000
	w := words{seed: 4}
	var rest [3]int
	for range draws {
		x := w.below(n)
		if x >= n {
			t.Fatalf("%d is not below %d", x, uint32(n))
		}
		rest[x%3]++
	}
	for r, k := range rest {
		if math.Abs(float64(k)-draws/3) > 5*math.Sqrt(draws*2/9.0) {
			t.Errorf("rest %d comes %d times of %d", r, k, draws)
		}
	}
}

func TestNewMinibatchesRefuses(t *testing.T) {
	set := small(Train, 4)
	for _, c := range []struct {
		name   string
		set    *Set
		pixels Pixels
		batch  int
		want   string
	}{
		{"no examples", set, Grey, 0, "batch: 0; must be 1 to 1048576"},
		{"negative", set, Grey, -1, "batch: -1"},
		{"too many", set, Grey, 1<<20 + 1, "batch: 1048577; must be"},
		{"unknown way", set, Pixels(9), 2, "Pixels(9)"},
		{"empty set", &Set{Images: &Images{}}, Grey, 2, "no images"},
	} {
		m, err := NewMinibatches(c.set, c.pixels, 0, c.batch)
		if err == nil || m != nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}

func BenchmarkPrepare(b *testing.B) {
	set := must(b, embeddedTrain)
	m := minibatches(b, set, Grey, 1, 50)
	for u := uint64(0); b.Loop(); u++ {
		m.Prepare(u)
	}
}

func BenchmarkShuffle(b *testing.B) {
	order := make([]uint32, 60000)
	for e := uint32(0); b.Loop(); e++ {
		shuffle(order, 1, e)
	}
}
