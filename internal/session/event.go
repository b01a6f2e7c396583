package session

import (
	"time"

	"tandem/dbm"
	"tandem/internal/runs"
)

// Event reports the state of a session before its first update and after each. It is
// valid during the call that receives it. Measures that cost time are methods: a listener
// that shows a line now and then pays for them only then.
type Event struct {
	Time    time.Time
	First   uint64        // updates before this session
	Update  uint64        // made so far; First before the first update of this session
	Updates uint64        // of the run in all
	Rate    float64       // updates a second in this session; 0 before the first, and until a clock has moved
	Layer   int           // that is being pretrained; 0: all layers train together
	Bound   float64       // the last estimate of the bound on test examples, in nats; 0: none yet
	Warning error         // what has failed since the last event, but does not end training
	Line    *runs.Metrics // of metrics, if one was made after this update

	session *session
}

// report sends an event.
func (s *session) report() {
	if s.events == nil {
		return
	}
	e := &Event{Time: time.Now(), First: s.first, Update: s.trainer.Updates(), Updates: s.settings.Updates,
		Layer: s.trainer.Layer(), Bound: s.bound, session: s}
	e.Warning, s.warning = s.warning, nil
	e.Line, s.line = s.line, nil
	e.Rate = rate(e.Update-e.First, e.Time.Sub(s.began))
	s.events(e)
}

// rate returns updates a second, or 0 where no time has passed: some clocks move once in
// 16 ms.
func rate(updates uint64, passed time.Duration) float64 {
	if passed <= 0 {
		return 0
	}
	return float64(updates) / passed.Seconds()
}

// Begins reports whether this is the event before the first update of the session.
func (e *Event) Begins() bool { return e.Update == e.First }

// Ends reports whether the run has made all its updates.
func (e *Event) Ends() bool { return e.Update == e.Updates }

// Left returns the number of seconds that the updates left will take at this rate, or 0
// before the rate is known.
func (e *Event) Left() float64 {
	if e.Rate == 0 {
		return 0
	}
	return float64(e.Updates-e.Update) / e.Rate
}

// Filters returns measures of the filters, or nil where there are none yet. They are taken
// again where the budget of looks allows it.
func (e *Event) Filters() *dbm.FilterMeasures {
	s := e.session
	if s.looks.allow(s.filterStats.Cost()) {
		s.measureFilters(s.trainer.State())
	}
	return s.measures
}

// Activity returns what the units did at the last line of metrics, or nil before the first.
func (e *Event) Activity() *dbm.Activity { return e.session.activity }

// State returns a copy of the parameters and chains. It takes as much time as a checkpoint does.
func (e *Event) State() *dbm.State { return e.session.trainer.State() }

// Reconstruction returns the squared error of the reconstructions of a minibatch, the last
// one where the budget of looks allows it; 0 before the first update.
func (e *Event) Reconstruction() float64 {
	s := e.session
	if s.looks.allow(s.reconstructionCost()) {
		s.reconstruct()
	}
	return s.reconstruction
}

// MeanField returns the mean number of iterations of mean field since the last line of
// metrics, or before that line where it was just written; 0 for a model without mean field.
func (e *Event) MeanField() float64 {
	made := e.Update - e.session.since
	if made == 0 {
		return e.session.meanField
	}
	return e.session.iterations / float64(made)
}
