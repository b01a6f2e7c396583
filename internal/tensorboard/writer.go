// Package tensorboard writes the event files that TensorBoard shows.
//
// A file is a sequence of records: the length in eight bytes, a masked CRC-32C of these, the
// content, and a masked CRC-32C of that. Each content is an Event in protocol buffers, of which the
// few fields that are needed are written here by hand: fields and their numbers are those of
// TensorFlow's event.proto and summary.proto.
package tensorboard

import (
	"encoding/binary"
	"hash/crc32"
	"io"
	"math"
	"time"
)

// Writer writes events. Its first error is that of all later calls.
type Writer struct {
	to  io.Writer
	now func() time.Time
	err error
}

// Scalar is a number with a name, such as norm/layer 1.
type Scalar struct {
	Tag   string
	Value float64
}

// NewWriter returns a writer of a file that begins: with its version, and with the start of a
// session, from which on TensorBoard forgets what an earlier one had of later updates.
func NewWriter(w io.Writer, now func() time.Time, update uint64) (*Writer, error) {
	t := &Writer{to: w, now: now}
	t.event(0, bytesField(nil, 3, []byte("brain.Event:2")))
	const start = 1
	t.event(update, bytesField(nil, 7, numberField(nil, 1, start)))
	return t, t.err
}

// Scalars writes numbers of an update.
func (w *Writer) Scalars(update uint64, scalars []Scalar) error {
	var summary []byte
	for _, s := range scalars {
		value := bytesField(nil, 1, []byte(s.Tag))
		value = binary.LittleEndian.AppendUint32(append(value, 2<<3|fixed32), math.Float32bits(float32(s.Value)))
		summary = bytesField(summary, 1, value)
	}
	w.event(update, bytesField(nil, 5, summary))
	return w.err
}

// Image writes a picture of an update, in PNG.
func (w *Writer) Image(update uint64, tag string, width, height int, png []byte) error {
	const rgb = 3
	image := numberField(nil, 1, uint64(height))
	image = numberField(image, 2, uint64(width))
	image = numberField(image, 3, rgb)
	image = bytesField(image, 4, png)
	value := bytesField(bytesField(nil, 1, []byte(tag)), 4, image)
	w.event(update, bytesField(nil, 5, bytesField(nil, 1, value)))
	return w.err
}

// event writes an event with what it is about.
func (w *Writer) event(update uint64, what []byte) {
	if w.err != nil {
		return
	}
	seconds := float64(w.now().UnixNano()) / 1e9
	event := binary.LittleEndian.AppendUint64([]byte{1<<3 | fixed64}, math.Float64bits(seconds))
	if update > 0 { // what is 0 is left out, as protocol buffers have it
		event = numberField(event, 2, update)
	}
	event = append(event, what...)
	record := binary.LittleEndian.AppendUint64(nil, uint64(len(event)))
	record = binary.LittleEndian.AppendUint32(record, masked(record))
	record = append(record, event...)
	record = binary.LittleEndian.AppendUint32(record, masked(event))
	_, w.err = w.to.Write(record) // in one go, so that a reader sees whole records
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// masked returns the CRC-32C of some bytes as records have it: turned and moved, since a CRC of
// bytes that hold their own CRC tells little.
func masked(b []byte) uint32 {
	c := crc32.Checksum(b, castagnoli)
	return (c>>15 | c<<17) + 0xa282ead8
}

// The kinds of fields in protocol buffers.
const (
	varint    = 0
	fixed64   = 1
	delimited = 2
	fixed32   = 5
)

// numberField appends a field that is a whole number.
func numberField(b []byte, field int, x uint64) []byte {
	return binary.AppendUvarint(append(b, byte(field<<3|varint)), x)
}

// bytesField appends a field that is text, bytes or a message.
func bytesField(b []byte, field int, x []byte) []byte {
	return append(binary.AppendUvarint(append(b, byte(field<<3|delimited)), uint64(len(x))), x...)
}
