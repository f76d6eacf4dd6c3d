package ingest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"io/fs"
	"sync"
	"unicode/utf8"
)

// blockBytes is how much of a long file is read at a time.
const blockBytes = 1 << 20

// errOdd says that a file can only be read whole: it has a quote, in which a
// line's end may stand inside a field, or is not plain UTF-8, or has a line of
// a block's length or too many lines, or broke off.
var errOdd = errors.New("the file cannot be read block by block")

// errTooLarge says that a file has more bytes than it may.
var errTooLarge = errors.New("the file is over its limit")

var newline = []byte{'\n'}

// blocks are a long file on its way in, cut at line ends, so that it never
// stands in memory whole. It is used by one goroutine.
type blocks struct {
	files *Files
	name  string
	limit int64 // bytes it may have
	lines int   // it may have

	in       io.ReadCloser
	sum      hash.Hash
	size     int64
	tail     []byte    // read behind the last line's end
	line     int       // of the next block
	ended    bool      // nothing is left to read
	finished bool      // and the digest is made
	buffers  sync.Pool // of *[blockBytes]byte that were read
}

// blocks opens a file to be read block by block; nil where that fails, and then
// Bytes says why.
func (f *Files) blocks(name string) *blocks {
	open, there := f.open[name]
	if !there {
		return nil
	}
	in, err := open()
	if err != nil {
		return nil
	}
	limit := min(f.limits.LongBytes, f.limits.TotalBytes-f.total)
	if file, ok := in.(fs.File); ok {
		if info, err := file.Stat(); err == nil && info.Size() > limit {
			in.Close()
			return nil
		}
	}
	return &blocks{files: f, name: name, limit: limit, lines: f.limits.Rows, in: in, sum: sha256.New(), line: 1}
}

// next reads whole lines into a buffer, and tells the number of the first; no
// text and no error is the end.
func (b *blocks) next(buffer []byte) (text []byte, line int, err error) {
	if b.ended {
		return nil, b.line, nil
	}
	n := copy(buffer, b.tail)
	more, err := io.ReadFull(b.in, buffer[n:])
	b.sum.Write(buffer[n : n+more])
	b.size += int64(more)
	text = buffer[:n+more]
	switch {
	case b.size > b.limit:
		return nil, 0, errTooLarge
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		b.ended = true
	case err != nil:
		return nil, 0, errOdd
	default:
		end := bytes.LastIndexByte(text, '\n') + 1
		if end == 0 || len(text)-end > b.files.limits.RowBytes {
			return nil, 0, errOdd
		}
		b.tail = append(b.tail[:0], text[end:]...)
		text = text[:end]
	}
	line = b.line
	if b.line += bytes.Count(text, newline); b.line > b.lines {
		return nil, 0, errOdd
	}
	return text, line, nil
}

// each hands out block after block until the context ends. A buffer is used
// again after its release.
func (b *blocks) each(ctx context.Context, use func(text []byte, line int, release func())) error {
	for ctx.Err() == nil {
		buffer, ok := b.buffers.Get().(*[blockBytes]byte)
		if !ok {
			buffer = new([blockBytes]byte)
		}
		text, line, err := b.next(buffer[:])
		if err != nil {
			return err
		}
		if len(text) == 0 {
			b.finish()
			return nil
		}
		use(text, line, func() { b.buffers.Put(buffer) })
	}
	return nil
}

// plainText reports whether lines can be read apart from those around them.
func plainText(text []byte) bool {
	return bytes.IndexByte(text, '"') < 0 && bytes.IndexByte(text, 0) < 0 && utf8.Valid(text)
}

// finish reads what is left, for the digest is over the whole file.
func (b *blocks) finish() {
	defer b.in.Close()
	b.finished = true
	n, err := io.Copy(b.sum, io.LimitReader(b.in, b.limit-b.size+1))
	if b.size += n; err != nil || b.size > b.limit {
		return
	}
	b.files.digests[b.name] = (*[sha256.Size]byte)(b.sum.Sum(nil))
	b.files.sizes[b.name] = b.size
	b.files.total += b.size
}

// whole gives the blocks up for the whole file.
func (b *blocks) whole() (data []byte, ok bool) {
	b.in.Close()
	return b.files.Bytes(b.name)
}
