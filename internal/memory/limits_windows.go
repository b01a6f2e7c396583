package memory

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// status is MEMORYSTATUSEX.
type status struct {
	length, load                                                               uint32
	total, available, totalPage, availablePage, totalVirtual, availableVirtual uint64
	availableExtended                                                          uint64
}

// limits returns all limits of this process.
func limits() []limit {
	var s status
	s.length = uint32(unsafe.Sizeof(s))
	call := windows.NewLazySystemDLL("kernel32.dll").NewProc("GlobalMemoryStatusEx")
	if call.Find() != nil {
		return nil
	}
	if ok, _, _ := call.Call(uintptr(unsafe.Pointer(&s))); ok == 0 {
		return nil
	}
	return []limit{{s.total, "this machine"}}
}
