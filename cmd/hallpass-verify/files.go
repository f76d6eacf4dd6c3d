package main

import (
	"fmt"
	"io"
	"os"

	"github.com/hallpass-edu/hallpass/broker/tlog"
)

// maxFile bounds each file that is read whole.
const maxFile = 64 << 20

// readSmall reads a file of at most maxFile bytes.
func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, err
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("%s: over %d megabytes", path, maxFile>>20)
	}
	return b, nil
}

func readKey(path string) (*tlog.Verifier, error) {
	if path == "" {
		return nil, fmt.Errorf("%w: --key is required: the district's public log key, or the file with it", errUsage)
	}
	if v, err := tlog.NewVerifier(path); err == nil {
		return v, nil
	}
	text, err := readSmall(path)
	if err != nil {
		return nil, err
	}
	v, err := tlog.NewVerifier(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return v, nil
}
