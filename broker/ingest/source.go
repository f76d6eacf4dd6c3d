package ingest

import (
	"archive/zip"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
)

// A source is the files of an input, by name. It is refused where nothing of
// it may be read; the report says why.
type source struct {
	files   map[string][]byte
	total   int64
	refused bool
}

// OpenPath reads a folder, or a single zip file, from disk.
func OpenPath(name string, opt Options) (*Import, *Report, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, nil, err
	}
	if info.IsDir() {
		return Read(os.DirFS(name), opt)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	return ReadZip(f, info.Size(), opt)
}

// folder reads the files of a folder that belong to an import.
func folder(fsys fs.FS, limits Limits, report *Report) (source, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return source{}, err
	}
	src := source{files: map[string][]byte{}}
	for _, e := range entries {
		if e.IsDir() || !strings.HasSuffix(strings.ToLower(e.Name()), ".csv") {
			continue
		}
		open := func() (io.ReadCloser, error) { return fsys.Open(e.Name()) }
		if err := src.take(e.Name(), open, limits, report); err != nil {
			return source{}, err
		}
	}
	return src, nil
}

// take reads one file, if it is part of an import.
func (s *source) take(name string, open func() (io.ReadCloser, error), limits Limits, report *Report) error {
	known := strings.ToLower(path.Base(name))
	if !slices.ContainsFunc(forms, func(f form) bool { return f.name == known }) {
		report.add(printable(name), 0, "", IgnoredFile, "")
		return nil
	}
	if _, twice := s.files[known]; twice {
		report.add(known, 0, "", DuplicateFile, "")
		return nil
	}
	f, err := open()
	if err != nil {
		return err
	}
	defer f.Close()
	limit := min(limits.FileBytes, limits.TotalBytes-s.total)
	data, err := readAll(f, limit)
	if err != nil {
		return err
	}
	if int64(len(data)) > limit {
		report.add(known, 0, "", TooLarge, "")
		data = nil
	}
	s.total += int64(len(data))
	s.files[known] = data
	return nil
}

// readAll reads at most one byte over the limit.
func readAll(f io.Reader, limit int64) ([]byte, error) {
	var b bytes.Buffer
	if file, ok := f.(fs.File); ok {
		if info, err := file.Stat(); err == nil && info.Size() <= limit {
			b.Grow(int(info.Size()) + bytes.MinRead)
		}
	}
	_, err := b.ReadFrom(io.LimitReader(f, limit+1))
	return b.Bytes(), err
}

// archive reads the files of a zip. What makes it unacceptable (CWE-409 and
// the like) is a finding; nothing of a refused zip is unpacked.
func archive(r io.ReaderAt, size int64, limits Limits, report *Report) source {
	src := source{files: map[string][]byte{}}
	z, err := zip.NewReader(r, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		report.add("", 0, "", BadZip, "it is damaged or not a zip")
		return source{refused: true}
	}
	if reason := refuseZip(z, size, limits); reason != "" && !limits.sabotage.unpackAll {
		report.add("", 0, "", BadZip, reason)
		return source{refused: true}
	}
	for _, f := range z.File {
		if f.FileInfo().IsDir() || !strings.HasSuffix(strings.ToLower(f.Name), ".csv") {
			continue
		}
		if src.take(f.Name, f.Open, limits, report) != nil {
			report.add("", 0, "", BadZip, "an entry cannot be unpacked")
			return source{refused: true}
		}
	}
	return src
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
	case strings.Count(strings.TrimSuffix(f.Name, "/"), "/") > 1:
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
