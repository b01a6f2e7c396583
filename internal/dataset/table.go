package dataset

// Table is examples as a file has them.
type Table struct {
	Source string   // the file, for messages
	N      int      // examples
	Shape  []int    // of an example: {columns}, or {rows, columns} of an image
	Names  []string // of the columns, where a header has them; nil: none

	// One of the two is not nil: examples × units, row-major.
	Bytes  []uint8   // where all values are whole numbers from 0 to 255, whatever the type of the file
	Floats []float32 // otherwise; finite

	Least, Largest float64  // of all values
	Whole          bool     // all values are whole numbers
	Labels         []string // one an example, as the file has them; nil: none
}
