package ingest

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
)

// Files are the files of an export, a folder or a zip, within limits. What is
// over a limit is a finding of the report and reads as nothing. Files is used
// by one goroutine at a time.
type Files struct {
	limits Limits
	report *Report
	names  []string // slash paths, sorted
	open   map[string]func() (io.ReadCloser, error)
	total  int64
	closer io.Closer

	digests map[string]*[sha256.Size]byte // of those that were read
	sizes   map[string]int64
	hashing sync.WaitGroup
}

// OpenFiles opens a folder, or a single zip file, from disk. The error speaks
// of reading only; a zip that may not be unpacked is refused in the report and
// has no files.
func OpenFiles(name string, limits Limits, report *Report) (*Files, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return FilesOf(os.DirFS(name), limits, report)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	files := FilesOfZip(f, info.Size(), limits, report)
	files.closer = f
	return files, nil
}

// FilesOf are the files of a folder, down to the limit of depth. Links and
// devices are not followed.
func FilesOf(fsys fs.FS, limits Limits, report *Report) (*Files, error) {
	files := newFiles(limits, report)
	err := fs.WalkDir(fsys, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && strings.Count(name, "/") >= files.limits.Depth && name != ".":
			return fs.SkipDir
		case !e.Type().IsRegular():
			return nil
		case len(files.names) == files.limits.Entries:
			report.Note(Place{}, "", TooManyFiles, "")
			return fs.SkipAll
		}
		files.add(name, func() (io.ReadCloser, error) { return fsys.Open(name) })
		return nil
	})
	return files, err
}

// FilesOfZip are the files of a zip of the given size. What makes a zip
// unacceptable (CWE-409 and the like) is a finding; nothing of a refused zip
// is unpacked.
func FilesOfZip(r io.ReaderAt, size int64, limits Limits, report *Report) *Files {
	files := newFiles(limits, report)
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		report.Note(Place{}, "", BadZip, "it is damaged or not a zip")
		return files
	}
	if reason := refuseZip(z, size, files.limits); reason != "" && !limits.sabotage.unpackAll {
		report.Note(Place{}, "", BadZip, reason)
		return files
	}
	for _, f := range z.File {
		if !f.FileInfo().IsDir() {
			files.add(f.Name, f.Open)
		}
	}
	slices.Sort(files.names)
	return files
}

func newFiles(limits Limits, report *Report) *Files {
	return &Files{
		limits: limits.withDefaults(), report: report,
		open: map[string]func() (io.ReadCloser, error){}, digests: map[string]*[sha256.Size]byte{}, sizes: map[string]int64{},
	}
}

func (f *Files) add(name string, open func() (io.ReadCloser, error)) {
	if _, twice := f.open[name]; twice {
		f.report.Note(Place{File: printable(name)}, "", DuplicateFile, "")
		return
	}
	f.names, f.open[name] = append(f.names, name), open
}

// Close lets go of the zip.
func (f *Files) Close() error {
	if f.closer == nil {
		return nil
	}
	return f.closer.Close()
}

// Limits are those that the files are held to.
func (f *Files) Limits() Limits { return f.limits }

// Names are the slash-separated paths of the files, in order.
func (f *Files) Names() []string { return slices.Clone(f.names) }

// Bytes returns the content of a file, which the caller must not change; ok is
// false where it cannot be had, and the report says why.
func (f *Files) Bytes(name string) (data []byte, ok bool) {
	data, err := f.bytes(name)
	if err != nil {
		f.report.Note(Place{File: printable(path.Base(name))}, "", UnreadableFile, "")
		return nil, false
	}
	limit := min(f.limits.FileBytes, f.limits.TotalBytes-f.total)
	if int64(len(data)) > limit {
		f.report.Note(Place{File: printable(path.Base(name))}, "", TooLarge, "")
		return nil, false
	}
	if f.digests[name] == nil {
		sum := new([sha256.Size]byte)
		f.digests[name], f.sizes[name] = sum, int64(len(data))
		f.hashing.Go(func() { *sum = sha256.Sum256(data) })
		f.total += int64(len(data))
	}
	return data, true
}

// bytes reads at most one byte over the limit.
func (f *Files) bytes(name string) ([]byte, error) {
	open, there := f.open[name]
	if !there {
		return nil, fs.ErrNotExist
	}
	r, err := open()
	if err != nil {
		return nil, err
	}
	defer r.Close()
	limit := min(f.limits.FileBytes, f.limits.TotalBytes)
	var b bytes.Buffer
	if file, ok := r.(fs.File); ok {
		if info, err := file.Stat(); err == nil && info.Size() <= limit {
			b.Grow(int(info.Size()) + bytes.MinRead)
		}
	}
	_, err = b.ReadFrom(io.LimitReader(r, limit+1))
	return b.Bytes(), err
}

// digest is over what was declared and the names and contents of the files
// that were read.
func (f *Files) digest(format string, opt Options) [sha256.Size]byte {
	f.hashing.Wait()
	h := sha256.New()
	fmt.Fprintf(h, "hallpass %s v2\n%s %s %s %s %s %q\n", format, opt.Snapshot, opt.Marking, opt.ExportDate,
		opt.SchoolYear.From, opt.SchoolYear.To, opt.Final)
	for _, name := range f.names {
		if sum := f.digests[name]; sum != nil {
			fmt.Fprintf(h, "%s %x\n", path.Base(strings.ToLower(name)), *sum)
		}
	}
	h.Write(f.report.fedSum())
	return [sha256.Size]byte(h.Sum(nil))
}

// A Source is a file of an export as it was read.
type Source struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Bytes  int64  `json:"bytes"`
}

// sources are the files that were read, in the order of their names.
func (f *Files) sources() (list []Source) {
	f.hashing.Wait()
	for _, name := range f.names {
		if sum := f.digests[name]; sum != nil {
			list = append(list, Source{printable(path.Base(name)), hex.EncodeToString(sum[:]), f.sizes[name]})
		}
	}
	return list
}

// refuseZip returns why a zip must not be unpacked, or nothing.
func refuseZip(z *zip.Reader, size int64, limits Limits) string {
	if len(z.File) > limits.Entries {
		return "it has too many entries"
	}
	var packed, unpacked uint64
	for _, f := range z.File {
		if reason := refuseEntry(f, limits); reason != "" {
			return reason
		}
		if f.CompressedSize64 > uint64(size) || f.UncompressedSize64 > uint64(limits.TotalBytes) {
			return "it unpacks to too many bytes"
		}
		packed += f.CompressedSize64
		unpacked += f.UncompressedSize64
	}
	switch {
	case packed > uint64(size):
		return "its entries overlap"
	case unpacked > uint64(limits.TotalBytes):
		return "it unpacks to too many bytes"
	}
	return ""
}

// encrypted is the bit of a zip entry's flags that says so.
const encrypted = 0x1

func refuseEntry(f *zip.File, limits Limits) string {
	lower := strings.ToLower(f.Name)
	mode := f.Mode()
	switch {
	case !fs.ValidPath(strings.TrimSuffix(f.Name, "/")) || strings.ContainsAny(f.Name, `\:`):
		return "an entry has an unsafe path"
	case strings.Count(strings.TrimSuffix(f.Name, "/"), "/") > limits.Depth:
		return "an entry lies in a folder inside a folder"
	case mode&fs.ModeType != 0 && !mode.IsDir():
		return "an entry is a link or a device"
	case f.Flags&encrypted != 0:
		return "an entry is encrypted"
	case slices.Contains([]string{".zip", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".tar"}, path.Ext(lower)):
		return "an entry is itself an archive"
	case f.UncompressedSize64/uint64(limits.Ratio) > f.CompressedSize64:
		return "an entry unpacks to more than it may"
	}
	return ""
}
