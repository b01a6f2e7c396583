package tensorboard

import (
	"bytes"
	"errors"
	"testing"
	"time"
)

// Records are, byte by byte, what the format says; their checksums are those of a reference.
func TestRecords(t *testing.T) {
	var b bytes.Buffer
	now := func() time.Time { return time.Unix(1, 500_000_000) } // 1.5
	w, err := NewWriter(&b, now, 3)
	if err != nil {
		t.Fatal(err)
	}
	version := "\x18\x00\x00\x00\x00\x00\x00\x00\xa3\x7f\x4b\x22" + // as every file of TensorFlow's begins
		"\x09\x00\x00\x00\x00\x00\x00\xf8\x3f\x1a\x0dbrain.Event:2"
	if got := b.String(); len(got) < 40 || got[:36] != version {
		t.Errorf("begins with %q", got[:min(len(got), 44)])
	}
	b.Reset()
	if err := w.Scalars(300, []Scalar{{"norm", 0.5}, {"x", -2}}); err != nil {
		t.Fatal(err)
	}
	event := "\x09\x00\x00\x00\x00\x00\x00\xf8\x3f" + "\x10\xac\x02" + "\x2a\x17" +
		"\x0a\x0b\x0a\x04norm\x15\x00\x00\x00\x3f" +
		"\x0a\x08\x0a\x01x\x15\x00\x00\x00\xc0"
	if got := b.String(); got[12:len(got)-4] != event {
		t.Errorf("an event is %q, want %q", got[12:len(got)-4], event)
	}
	b.Reset()
	if err := w.Image(1, "a", 2, 3, []byte("png")); err != nil {
		t.Fatal(err)
	}
	event = "\x09\x00\x00\x00\x00\x00\x00\xf8\x3f" + "\x10\x01" + "\x2a\x12" +
		"\x0a\x10\x0a\x01a\x22\x0b" + "\x08\x03\x10\x02\x18\x03" +
		"\x22\x03png"
	if got := b.String(); got[12:len(got)-4] != event {
		t.Errorf("an image is %q, want %q", got[12:len(got)-4], event)
	}
	// RFC 3720, B.4: the CRC-32C of 32 zeros is 8a9136aa.
	if c := uint32(0x8a9136aa); masked(make([]byte, 32)) != (c>>15|c<<17)+0xa282ead8 {
		t.Errorf("the checksum of 32 zeros is %x", masked(make([]byte, 32)))
	}
}

type full struct{}

var errFull = errors.New("full")

func (full) Write([]byte) (int, error) { return 0, errFull }

func TestErrorStays(t *testing.T) {
	if _, err := NewWriter(full{}, time.Now, 0); err != errFull {
		t.Errorf("error %v", err)
	}
}
