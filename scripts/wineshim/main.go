// Command wineshim writes bcryptprimitives.dll to the path that it is told.
//
// Every Go program for Windows loads that DLL when it starts, for its one
// function ProcessPrng, and Wine before 8.13 does not have it. The DLL holds no
// code: its export leads on to the random numbers of advapi32, which Wine has.
package main

import (
	"bytes"
	"debug/pe"
	"encoding/binary"
	"fmt"
	"os"
	"unsafe"
)

const (
	fileAlign = 0x200  // of what is in the file
	pageAlign = 0x1000 // of what is in memory
	exports   = pageAlign
)

// directory is an export directory with a single name; addresses are relative
// to where the DLL is loaded.
type directory struct {
	Flags, Time               uint32
	Major, Minor              uint16
	DLL, OrdinalBase          uint32
	Functions, Names          uint32 // how many
	FunctionAt, NameAt, OrdAt uint32 // where their tables are

	Function, Name uint32
	Ordinal, _     uint16
}

func main() {
	if err := os.WriteFile(os.Args[1], shim("bcryptprimitives.dll", "ProcessPrng", "ADVAPI32.SystemFunction036"), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, "wineshim:", err)
		os.Exit(1)
	}
}

// shim returns a DLL whose one export is another DLL's.
func shim(dll, name, target string) []byte {
	texts := uint32(exports + binary.Size(directory{}))
	named := texts + uint32(len(dll)) + 1
	content := encode(directory{
		DLL: texts, OrdinalBase: 1, Functions: 1, Names: 1,
		FunctionAt: exports + 40, NameAt: exports + 44, OrdAt: exports + 48,
		Function: named + uint32(len(name)) + 1, // an address in here is a target's name
		Name:     named,
	}, []byte(dll+"\x00"+name+"\x00"+target+"\x00"))

	const start = 0x40 // of the headers, behind those of DOS
	dos := make([]byte, start)
	copy(dos, "MZ")
	binary.LittleEndian.PutUint32(dos[0x3c:], start)
	optional := pe.OptionalHeader64{
		Magic: 0x20b, SizeOfInitializedData: fileAlign, ImageBase: 0x270000000,
		SectionAlignment: pageAlign, FileAlignment: fileAlign,
		MajorOperatingSystemVersion: 6, MinorOperatingSystemVersion: 1,
		MajorSubsystemVersion: 6, MinorSubsystemVersion: 1, Subsystem: pe.IMAGE_SUBSYSTEM_WINDOWS_CUI,
		SizeOfImage: exports + pageAlign, SizeOfHeaders: fileAlign,
		DllCharacteristics: pe.IMAGE_DLLCHARACTERISTICS_DYNAMIC_BASE | pe.IMAGE_DLLCHARACTERISTICS_NX_COMPAT,
		SizeOfStackReserve: 1 << 20, SizeOfStackCommit: pageAlign, SizeOfHeapReserve: 1 << 20, SizeOfHeapCommit: pageAlign,
		NumberOfRvaAndSizes: 16,
	}
	optional.DataDirectory[pe.IMAGE_DIRECTORY_ENTRY_EXPORT] = pe.DataDirectory{VirtualAddress: exports, Size: uint32(len(content))}
	headers := encode(dos, []byte("PE\x00\x00"), pe.FileHeader{
		Machine: pe.IMAGE_FILE_MACHINE_AMD64, NumberOfSections: 1, SizeOfOptionalHeader: uint16(unsafe.Sizeof(optional)),
		Characteristics: pe.IMAGE_FILE_EXECUTABLE_IMAGE | pe.IMAGE_FILE_LARGE_ADDRESS_AWARE | pe.IMAGE_FILE_DLL,
	}, optional, pe.SectionHeader32{
		Name: [8]uint8{'.', 'r', 'd', 'a', 't', 'a'}, VirtualSize: uint32(len(content)), VirtualAddress: exports,
		SizeOfRawData: fileAlign, PointerToRawData: fileAlign,
		Characteristics: pe.IMAGE_SCN_CNT_INITIALIZED_DATA | pe.IMAGE_SCN_MEM_READ,
	})
	file := make([]byte, 2*fileAlign)
	copy(file, headers)
	copy(file[fileAlign:], content)
	return file
}

// encode lays values out as they are in the file.
func encode(values ...any) []byte {
	var b bytes.Buffer
	for _, v := range values {
		if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
			panic(err) // a value of no fixed size
		}
	}
	return b.Bytes()
}
