package policy

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
)

// Bounds of a policy's source.
const (
	maxFiles    = 64
	maxFileSize = 256 << 10
)

type source struct {
	name, text string
}

// readSources returns the rule files of a policy in the order of their names.
// Tests (*_test.rego) and files that are not rules are left out.
func readSources(fsys fs.FS) ([]source, error) {
	var out []source
	err := fs.WalkDir(fsys, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !isRule(name) {
			return err
		}
		if len(out) == maxFiles {
			return &LoadError{File: name, Problem: fmt.Sprintf("a policy has at most %d files", maxFiles), Remedy: "join some"}
		}
		text, err := readBounded(fsys, name)
		out = append(out, source{name, text})
		return err
	})
	var load *LoadError
	switch {
	case errors.As(err, &load):
		return nil, load
	case err != nil:
		return nil, &LoadError{Problem: err.Error(), Remedy: "make every file of the policy readable"}
	case len(out) == 0:
		return nil, &LoadError{Problem: "there is no rule file", Remedy: "put the .rego files of the policy here"}
	}
	return out, nil
}

func isRule(name string) bool {
	base := path.Base(name)
	return strings.HasSuffix(base, ".rego") && !strings.HasSuffix(base, "_test.rego") && !strings.HasPrefix(base, ".")
}

func readBounded(fsys fs.FS, name string) (string, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxFileSize+1))
	if err == nil && len(text) > maxFileSize {
		err = &LoadError{File: name, Problem: fmt.Sprintf("the file is larger than %d bytes", maxFileSize), Remedy: "split it"}
	}
	return string(text), err
}

// digest is the SHA-256, in hex, over names and contents in the order of the
// names, each preceded by its length.
func digest(sources []source) string {
	h := sha256.New()
	var n [8]byte
	for _, s := range sources {
		for _, part := range [...]string{s.name, s.text} {
			binary.BigEndian.PutUint64(n[:], uint64(len(part)))
			h.Write(n[:])
			h.Write([]byte(part))
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// parse reads the modules, by file name.
func parse(sources []source) (map[string]*ast.Module, error) {
	out := make(map[string]*ast.Module, len(sources))
	for _, s := range sources {
		m, err := ast.ParseModuleWithOpts(s.name, s.text, ast.ParserOptions{
			Capabilities: capabilities(), ProcessAnnotation: true, RegoVersion: ast.RegoV1,
		})
		switch {
		case err != nil:
			return nil, fromCompiler(err, "mend the syntax")
		case m == nil:
			return nil, &LoadError{File: s.name, Problem: "the file is empty", Remedy: "remove it or write its package"}
		}
		out[s.name] = m
	}
	return out, nil
}
