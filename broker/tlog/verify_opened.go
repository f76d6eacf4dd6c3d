package tlog

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// maxLine bounds a line of opened entries.
const maxLine = 2*MaxPart + 1024

// opened checks the opened entries of bundle n against its leaves.
func (x *exportReader) opened(leaves []Leaf, n int64) error {
	if x.options.sabotage.skipOpened {
		return nil
	}
	path := openedPath(n)
	f, err := x.fsys.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	r, at := bufio.NewReaderSize(f, 64<<10), int64(0)
	for i, leaf := range leaves {
		place := Fault{File: path, Line: i + 1, Offset: at, Index: int64(leaf.Index)}
		line, err := readLine(r)
		if _, unreadable := errors.AsType[*fs.PathError](err); unreadable {
			return err
		}
		if err != nil {
			return place.with(err)
		}
		if err := x.openedLine(line, leaf, place); err != nil {
			return place.with(err)
		}
		at += int64(len(line))
	}
	if _, err := r.ReadByte(); err != io.EOF {
		return (&Fault{File: path, Line: len(leaves) + 1, Offset: at, Index: -1}).with(errors.New("bytes after the last entry"))
	}
	return nil
}

func (x *exportReader) openedLine(line []byte, leaf Leaf, place Fault) error {
	if leaf.Event.destroys() {
		x.unexplained = nil
	}
	o, err := parseLine(line, leaf)
	if err != nil {
		return err
	}
	if !o.Destroyed {
		return o.Entry.Check(x.sum.Checkpoint.Origin)
	}
	x.sum.Destroyed++
	if x.unexplained == nil {
		x.unexplained = place.with(errors.New("the entry is said to be destroyed, and no later leaf records a destruction"))
	}
	return nil
}

func (f *Fault) with(cause error) *Fault {
	f.Problem, f.cause = cause.Error(), cause
	return f
}

// readLine reads one line with its newline.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return line, nil
		case err == io.EOF:
			return nil, errors.New("the line is missing or has no newline at its end")
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(line) > maxLine:
			return nil, fmt.Errorf("the line is over %d bytes", maxLine)
		}
	}
}

// readFile reads a file of at most limit bytes.
func readFile(fsys fs.FS, path string, limit int64) ([]byte, error) {
	f, err := fsys.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, placed(path, errors.New("the file is missing"))
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > limit {
		return nil, &Fault{File: path, Offset: limit, Index: -1, Problem: fmt.Sprintf("the file is over %d bytes", limit)}
	}
	return data, nil
}
