package dbm

// Examples gives training its minibatches.
type Examples interface {
	// Prepare makes ready the minibatch of an update (0, 1, 2, …). One goroutine
	// calls it, before Row.
	Prepare(update uint64)
	// Row writes an example of the prepared minibatch into v, one number for each
	// visible unit. Many goroutines may call it at once.
	Row(row int, v []float32)
}
