package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"os"
)

// The layout of a bbolt file, version 2, as bbolt's internal/common has it. Numbers
// are in the byte order of the machine.
//
//	page     id u64, flags u16, count u16, overflow u32, then its elements
//	branch   pos u32, ksize u32, page u64; the key is at pos, counted from the element
//	leaf     flags u32, pos u32, ksize u32, vsize u32; key and value at pos
//	bucket   (the value of a leaf element with flag 1) root u64, sequence u64; if root
//	         is 0, the bucket's one leaf page follows
//	meta     (pages 0 and 1, behind the page header) magic u32, version u32, page size
//	         u32, flags u32, root u64, sequence u64, freelist u64, pages u64, txid u64,
//	         FNV-1a 64 of all before
const (
	pageHeader   = 16
	element      = 16
	bucketHeader = 16
	metaSize     = 64
	metaSummed   = 56

	branchFlag = 0x01
	leafFlag   = 0x02

	magic      = 0xED0CDAED
	version    = 2
	noFreelist = ^uint64(0)

	maxDepth = 64 // no honest tree comes near
)

var order = binary.NativeEndian

type meta struct{ pageSize, root, freelist, pages, txid uint64 }

// checkPages walks every page that the newest meta page reaches and tests all that
// bbolt relies on: that pages are what their parents take them for, lie in the file
// and are reached once, that elements lie in their pages, and that keys are in order
// within and across pages. It does not look at values.
func checkPages(f *os.File) error {
	m, err := newestMeta(f)
	if err != nil {
		return err
	}
	c := &pageCheck{file: f, meta: m, seen: make([]bool, m.pages), page: make([]byte, m.pageSize)}
	return c.tree(m.root, true, nil, nil, 0)
}

func newestMeta(f *os.File) (meta, error) {
	info, err := f.Stat()
	if err != nil {
		return meta{}, err
	}
	m0, err := readMeta(f, 0, 0)
	if err != nil {
		return meta{}, err
	}
	m1, err := readMeta(f, int64(m0.pageSize), 1)
	if err != nil {
		return meta{}, err
	}
	m := m0
	if m1.txid > m0.txid {
		m = m1
	}
	switch {
	case m0.pageSize != m1.pageSize || max(m0.txid, m1.txid)-min(m0.txid, m1.txid) != 1:
		return meta{}, damaged("its meta pages do not belong together")
	case m.pages > uint64(info.Size())/m.pageSize:
		return meta{}, damaged("it is shorter than it should be")
	case m.freelist != noFreelist:
		return meta{}, damaged("it was not written by this program")
	}
	return m, nil
}

func readMeta(f *os.File, at int64, n int) (meta, error) {
	var b [pageHeader + metaSize]byte
	if _, err := f.ReadAt(b[:], at); err != nil {
		if errors.Is(err, io.EOF) {
			return meta{}, damaged("it is too short for a store")
		}
		return meta{}, err
	}
	body := b[pageHeader:]
	h := fnv.New64a()
	h.Write(body[:metaSummed])
	m := meta{
		pageSize: uint64(order.Uint32(body[8:])),
		root:     order.Uint64(body[16:]),
		freelist: order.Uint64(body[32:]),
		pages:    order.Uint64(body[40:]),
		txid:     order.Uint64(body[48:]),
	}
	sound := order.Uint32(body) == magic && order.Uint32(body[4:]) == version &&
		order.Uint64(body[56:]) == h.Sum64() &&
		m.pageSize >= 512 && m.pageSize <= 1<<20 && m.pageSize&(m.pageSize-1) == 0
	if !sound {
		return meta{}, damaged(fmt.Sprintf("meta page %d does not match its checksum", n))
	}
	return m, nil
}

type pageCheck struct {
	file *os.File
	meta meta
	seen []bool
	page []byte // where pages are read into
}

// tree checks the page and all below it; all keys must be ≥ low and < high, where nil
// is no bound. top says that its leaves hold the buckets.
func (c *pageCheck) tree(id uint64, top bool, low, high []byte, depth int) error {
	p, err := c.read(id)
	if err != nil {
		return err
	}
	if depth > maxDepth {
		return faulty(id, "lies too deep")
	}
	if err := p.inOrder(low, high); err != nil {
		return err
	}
	switch {
	case p.flags == leafFlag && top:
		return c.buckets(p)
	case p.flags == leafFlag:
		return onlyPairs(p)
	case p.flags == branchFlag && p.count > 0:
		return c.branch(p, top, high, depth)
	}
	return faulty(id, "is neither branch nor leaf")
}

func (c *pageCheck) branch(p *page, top bool, high []byte, depth int) error {
	p.data = bytes.Clone(p.data) // reading what is below overwrites it
	for i := range p.count {
		end := high
		if i+1 < p.count {
			end = p.key(i + 1)
		}
		if err := c.tree(order.Uint64(p.element(i)[8:]), top, p.key(i), end, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func onlyPairs(p *page) error {
	for i := range p.count {
		if order.Uint32(p.element(i)) != 0 {
			return faulty(p.id, "has a bucket among its pairs")
		}
	}
	return nil
}

func (c *pageCheck) buckets(p *page) error {
	p.data = bytes.Clone(p.data)
	for i := range p.count {
		if order.Uint32(p.element(i)) != 1 {
			return faulty(p.id, "has a pair among its buckets")
		}
		if err := c.bucket(p, i); err != nil {
			return err
		}
	}
	return nil
}

func (c *pageCheck) bucket(p *page, i int) error {
	value := p.value(i)
	if len(value) < bucketHeader {
		return faulty(p.id, "has a bucket that is too short")
	}
	if root := order.Uint64(value); root != 0 {
		return c.tree(root, false, nil, nil, 0)
	}
	inline, err := parsePage(value[bucketHeader:], p.id)
	if err != nil {
		return err
	}
	if inline.flags != leafFlag {
		return faulty(p.id, "has an inline bucket that is no leaf")
	}
	if err := inline.inOrder(nil, nil); err != nil {
		return err
	}
	return onlyPairs(inline)
}

// read reads a page with its overflow and marks it as seen. The next read overwrites it.
func (c *pageCheck) read(id uint64) (*page, error) {
	if id < 2 || id >= c.meta.pages {
		return nil, faulty(id, "lies outside the file")
	}
	at := int64(id * c.meta.pageSize)
	data := c.page
	if _, err := c.file.ReadAt(data, at); err != nil {
		return nil, err
	}
	span := uint64(order.Uint32(data[12:])) + 1
	if order.Uint64(data) != id || span > c.meta.pages-id {
		return nil, faulty(id, "is not what it should be")
	}
	for i := id; i < id+span; i++ {
		if c.seen[i] {
			return nil, faulty(i, "is used twice")
		}
		c.seen[i] = true
	}
	if span > 1 {
		data = make([]byte, span*c.meta.pageSize)
		if _, err := c.file.ReadAt(data, at); err != nil {
			return nil, err
		}
	}
	return parsePage(data, id)
}

func faulty(id uint64, what string) error { return damaged(fmt.Sprintf("page %d %s", id, what)) }

// page is one page in memory, or an inline page in a bucket's value.
type page struct {
	id    uint64 // for messages
	flags uint16
	count int
	data  []byte
}

func parsePage(data []byte, id uint64) (*page, error) {
	if len(data) < pageHeader {
		return nil, faulty(id, "is cut off")
	}
	p := &page{id: id, flags: order.Uint16(data[8:]), count: int(order.Uint16(data[10:])), data: data}
	if pageHeader+p.count*element > len(data) {
		return nil, faulty(id, "has too many elements")
	}
	return p, nil
}

func (p *page) element(i int) []byte { return p.data[pageHeader+i*element:] }

// place returns where an element's key and value lie: key from..mid, value mid..to.
func (p *page) place(i int) (from, mid, to uint64) {
	e := p.element(i)
	pos, key, value := e, e[4:], []byte(nil)
	if p.flags == leafFlag {
		pos, key, value = e[4:], e[8:], e[12:]
	}
	from = uint64(pageHeader+i*element) + uint64(order.Uint32(pos))
	mid = from + uint64(order.Uint32(key))
	to = mid
	if value != nil {
		to += uint64(order.Uint32(value))
	}
	return from, mid, to
}

func (p *page) key(i int) []byte {
	from, mid, _ := p.place(i)
	return p.data[from:mid]
}

func (p *page) value(i int) []byte {
	_, mid, to := p.place(i)
	return p.data[mid:to]
}

// inOrder tests that all elements lie in the page and that the keys ascend from low to
// below high.
func (p *page) inOrder(low, high []byte) error {
	var before []byte
	for i := range p.count {
		from, mid, to := p.place(i)
		if to > uint64(len(p.data)) || from < uint64(pageHeader+p.count*element) {
			return faulty(p.id, "has an element outside of itself")
		}
		key := p.data[from:mid]
		switch {
		case i > 0 && bytes.Compare(before, key) >= 0,
			low != nil && bytes.Compare(key, low) < 0,
			high != nil && bytes.Compare(key, high) >= 0:
			return faulty(p.id, "has keys out of order")
		}
		before = key
	}
	return nil
}
