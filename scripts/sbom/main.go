// Command sbom tells what a built program is made of, from what the Go linker
// has put into it:
//
//	sbom bom VERSION PROGRAM       a bill of materials, as CycloneDX 1.5 in JSON
//	sbom licences PROGRAM…         the licences of the libraries in them, to ship beside them
package main

import (
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	switch {
	case len(args) == 3 && args[0] == "bom":
		return bom(args[1], args[2], out)
	case len(args) >= 2 && args[0] == "licences":
		return licences(args[1:], out)
	}
	return fmt.Errorf("usage: sbom bom VERSION PROGRAM | sbom licences PROGRAM…")
}

// hash and component are CycloneDX's.
type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type component struct {
	Type    string `json:"type"`
	Ref     string `json:"bom-ref"`
	Name    string `json:"name"`
	Version string `json:"version"`
	Purl    string `json:"purl,omitempty"`
	Hashes  []hash `json:"hashes,omitempty"`
}

// bom writes the bill of materials of a program.
func bom(version, program string, out io.Writer) error {
	info, err := buildinfo.ReadFile(program)
	if err != nil {
		return err
	}
	data, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	subject := component{
		Type: "application", Ref: "bilipaste", Name: "bilipaste", Version: version,
		Hashes: []hash{{"SHA-256", hex.EncodeToString(sum[:])}},
	}
	parts := []component{{Type: "library", Ref: "std", Name: "std", Version: info.GoVersion, Purl: "pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go")}}
	for _, m := range modules(info) {
		purl := "pkg:golang/" + m.Path + "@" + m.Version
		part := component{Type: "library", Ref: purl, Name: m.Path, Version: m.Version, Purl: purl}
		// go.sum's "h1:" is a SHA-256 of the module's files.
		if raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(m.Sum, "h1:")); err == nil && len(raw) == sha256.Size {
			part.Hashes = []hash{{"SHA-256", hex.EncodeToString(raw)}}
		}
		parts = append(parts, part)
	}
	w := json.NewEncoder(out)
	w.SetIndent("", "  ")
	return w.Encode(map[string]any{
		"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
		"metadata":   map[string]any{"component": subject},
		"components": parts,
	})
}

// modules returns the modules that a program was built from, as they were built.
func modules(info *debug.BuildInfo) []*debug.Module {
	var ms []*debug.Module
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		ms = append(ms, m)
	}
	return ms
}

// licences writes the licence of Go and of each module in the programs. A module
// without one is an error: it could not be shipped.
func licences(programs []string, out io.Writer) error {
	found := map[string]*debug.Module{}
	for _, program := range programs {
		info, err := buildinfo.ReadFile(program)
		if err != nil {
			return err
		}
		for _, m := range modules(info) {
			found[m.Path] = m
		}
	}
	if _, err := fmt.Fprint(out, "bilipaste is built from the libraries below, and Go's standard library,\nwhich has the licence of golang.org/x/sys.\n\n"); err != nil {
		return err
	}
	var names []string
	for name := range found {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		dir, err := goCommand("list", "-m", "-f", "{{.Dir}}", name)
		if err != nil {
			return err
		}
		if err := section(out, name+" "+found[name].Version, dir); err != nil {
			return err
		}
	}
	return nil
}

// section writes what a module's folder says of its licence.
func section(out io.Writer, title, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(out, "%s\n%s\n\n", title, strings.Repeat("=", len(title))); err != nil {
		return err
	}
	some := false
	for _, e := range entries {
		name := strings.ToUpper(e.Name())
		if e.IsDir() || !slices.ContainsFunc([]string{"LICENSE", "LICENCE", "COPYING", "NOTICE", "PATENTS"}, func(kind string) bool { return strings.HasPrefix(name, kind) }) {
			continue
		}
		text, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			return err
		}
		some = true
		if _, err := fmt.Fprintf(out, "%s\n\n", strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n"))); err != nil {
			return err
		}
	}
	if !some {
		return fmt.Errorf("%s: no licence in %s", title, dir)
	}
	return nil
}

// goCommand runs the go command and returns its one line.
func goCommand(args ...string) (string, error) {
	out, err := exec.Command("go", args...).Output()
	return strings.TrimSpace(string(out)), err
}
