package regex_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"bilipaste/internal/regex"
)

func TestEveryExpressionOfTheProgramCompiles(t *testing.T) {
	found := 0
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			f, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || f.Sel.Name != "Lazy" {
				return true
			}
			found++
			literal, ok := call.Args[0].(*ast.BasicLit)
			if !ok {
				t.Errorf("%s: an expression that is not a literal", path)
				return true
			}
			expr, _ := strconv.Unquote(literal.Value)
			if _, err := regexp.Compile(expr); err != nil {
				t.Errorf("%s: %v", path, err)
			}
			return true
		})
		return nil
	})
	if err != nil || found < 40 {
		t.Errorf("%d expressions found, %v", found, err)
	}
}

func TestAnExpressionIsCompiledOnce(t *testing.T) {
	bad := regex.Lazy(`(`)
	digits := regex.Lazy(`^\d+$`)
	if first := digits(); first != digits() || !first.MatchString("12") || first.MatchString("1a") {
		t.Error("not the same expression each time")
	}
	defer func() {
		if recover() == nil {
			t.Error("a faulty expression is used")
		}
	}()
	bad()
}
