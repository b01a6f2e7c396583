package dbm

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	"tandem/dbm/kernel/kerneltest"
)

// Every array of a state is in its list: filling all of them by the list leaves no
// field of the struct as NewState made it.
func TestArraysAreTheWholeState(t *testing.T) {
	c := tiny(5, 4, 3, 2)
	c.OffsetRate, c.Pretrain, c.Chains = 0.1, 7, 2
	s := NewState(&c)
	var names []string
	bytes, x := int64(0), float32(0)
	for a := range s.Arrays(&c) {
		names = append(names, a.Name)
		bytes += 4*int64(len(a.Float32)) + 8*int64(len(a.Float64))
		if n := len(a.Float32) + len(a.Float64); n != a.Len() {
			t.Errorf("%s has %d numbers, its shape %v asks for %d", a.Name, n, a.Shape, a.Len())
		}
		for i := range a.Float32 {
			if x++; a.Binary {
				a.Float32[i] = 1
			} else {
				a.Float32[i] = x
			}
		}
		for i := range a.Float64 {
			a.Float64[i] = 0.5
		}
	}
	want := "W1 W2 W3 b0 b1 b2 b3 mu chains0 chains1 chains2 chains3 offsets0 offsets1 offsets2 offsets3 lower1 lower2"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("arrays %s, want %s", got, want)
	}
	if bytes != c.StateBytes() {
		t.Errorf("%d bytes of arrays, StateBytes returns %d", bytes, c.StateBytes())
	}
	v := reflect.ValueOf(*s)
	for i := range v.NumField() {
		var each func(v reflect.Value)
		each = func(v reflect.Value) {
			switch v.Kind() {
			case reflect.Slice:
				for i := range v.Len() {
					each(v.Index(i))
				}
			case reflect.Float32, reflect.Float64:
				if v.Float() == 0 {
					t.Errorf("a number of %s is in no array", reflect.TypeOf(*s).Field(i).Name)
				}
			}
		}
		each(v.Field(i))
	}
	again := NewState(&c)
	again.copyFrom(s)
	if err := again.Check(&c); err != nil || again.SHA256() != s.SHA256() {
		t.Errorf("a copy is another state: %v", err)
	}
}

func TestStateCheck(t *testing.T) {
	c := tiny(3, 2)
	c.OffsetRate = 0.1
	for _, f := range []struct {
		change func(s *State)
		want   string
	}{
		{func(s *State) { s.Weights[0][1] = float32(math.Inf(1)) }, "weights of layer 1: value 1 is +Inf; must be finite"},
		{func(s *State) { s.Mu[0] = math.NaN() }, "mu: value 0 is NaN"},
		{func(s *State) { s.Chains[1][0] = 0.5 }, "chains of layer 1: value 0 is 0.5; must be 0 or 1"},
		{func(s *State) { s.Offsets = nil }, "offsets of 0 layers; the configuration asks for 2"},
		{func(s *State) { s.Biases[1] = s.Biases[1][:1] }, "biases of layer 1: 1 values; the configuration asks for 2"},
	} {
		s := NewState(&c)
		f.change(s)
		if err := s.Check(&c); err == nil || !strings.Contains(err.Error(), f.want) {
			t.Errorf("error %v, want %q", err, f.want)
		}
	}
}

// A state can be made of a model's arrays alone. Without chains it can be sampled from new
// ones, and can be no beginning of training.
func TestStateWithoutChains(t *testing.T) {
	c := tiny(5, 4, 3)
	c.OffsetRate = 0.1
	whole := NewState(&c)
	s, err := StateFrom(&c, func(a *Array) error {
		if !a.TrainingOnly && !a.Binary {
			a.Float32 = make([]float32, a.Len())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(s.Weights, whole.Weights) || !reflect.DeepEqual(s.Biases, whole.Biases) ||
		!reflect.DeepEqual(s.Mu, whole.Mu) || s.HasChains() || !whole.HasChains() || s.Offsets != nil {
		t.Errorf("state %+v", s)
	}
	set := kerneltest.Reference
	if _, err := NewSampler(&c, set, s, 0, 1); !errors.Is(err, ErrNoChains) {
		t.Errorf("sampler of chains that are not there: %v", err)
	}
	if _, err := NewSampler(&c, set, s, 2, 1); err != nil {
		t.Error(err)
	}
	if err := s.Check(&c); err == nil || !strings.Contains(err.Error(), "chains") {
		t.Errorf("a state to train from: %v", err)
	}
	s.Weights[1] = s.Weights[1][:2]
	if _, err := NewModel(&c, set, s); err == nil || !strings.Contains(err.Error(), "weights of layer 2") {
		t.Errorf("a model with other weights: %v", err)
	}
	stop := errors.New("stop")
	if _, err := StateFrom(&c, func(*Array) error { return stop }); err != stop {
		t.Errorf("error %v, want %v", err, stop)
	}
}
