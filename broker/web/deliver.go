package web

import (
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/hallpass-edu/hallpass/broker"
)

// departure writes one answer's bytes to the connection and can be cut.
type departure struct {
	c       *gin.Context
	rc      *http.ResponseController // over the server's own writer: gin's hides the error of a flush
	joints  *joints
	status  int
	page    *broker.Page // nil: as JSON
	begun   bool
	noFlush bool // sabotage

	mu      sync.Mutex
	over    bool // Deliver returned; the connection belongs to the next request
	severed bool // cut was called before that
}

// deliver lets an answer go. An answer that is cut before its first byte
// becomes 503; later, the connection is broken off.
func (a *API) deliver(c *gin.Context, answer Answer) {
	d := &departure{c: c, rc: http.NewResponseController(own(c)), joints: &a.joints, status: http.StatusOK, page: answer.Page(), noFlush: a.sabotage.NoFlush}
	outcome := outcomeOK
	if answer.Created() {
		d.status, outcome = http.StatusCreated, outcomeCreated
	}
	err := answer.Deliver(d.write, d.cut)
	d.end()
	x := exchangeOf(c)
	switch {
	case err == nil:
		x.kind = outcome
	case !d.begun && errors.Is(err, broker.ErrCut):
		fail(c, &broker.Error{Kind: broker.Unavailable, Detail: "permissions changed while the answer was on its way; ask again"})
		x.kind = outcomeCut
	case !d.begun:
		fail(c, err)
	default:
		x.kind = outcomeLost
		if d.wasCut() {
			x.kind = outcomeCut
		}
		panic(http.ErrAbortHandler)
	}
}

// write returns nil only when every byte was handed to the connection. What is
// made of the answer is made here, while a withdrawal still waits for it.
func (d *departure) write(body ...[]byte) error {
	m, err := compose(body, d.page)
	if err != nil {
		return err
	}
	if d.wasCut() {
		return broker.ErrCut
	}
	d.begun = true
	for _, h := range m.header {
		d.c.Header(h[0], h[1])
	}
	d.c.Header("Content-Length", strconv.Itoa(length(m.parts)))
	d.c.Status(d.status)
	err = d.send(m.parts)
	if err != nil && d.wasCut() {
		return errors.Join(broker.ErrCut, err)
	}
	return err
}

func (d *departure) send(body [][]byte) error {
	if err := d.writeJoined(body); err != nil {
		return err
	}
	if d.noFlush {
		return nil
	}
	return d.rc.Flush()
}

// joints are buffers in which the parts of an answer are joined.
type joints struct{ free sync.Pool }

// joint is the length of most answers at most, in bytes.
const joint = 64 << 10

func (j *joints) take() *[joint]byte {
	if b, ok := j.free.Get().(*[joint]byte); ok {
		return b
	}
	return new([joint]byte)
}

// writeJoined writes the parts with one call where they fit a buffer: the system
// takes one piece for less than it takes two.
func (d *departure) writeJoined(body [][]byte) error {
	if length(body) <= joint {
		buffer := d.joints.take()
		defer d.joints.free.Put(buffer)
		joined := buffer[:0]
		for _, part := range body {
			joined = append(joined, part...)
		}
		body = [][]byte{joined}
	}
	for _, part := range body {
		if _, err := d.c.Writer.Write(part); err != nil {
			return err
		}
	}
	return nil
}

func length(body [][]byte) (n int) {
	for _, part := range body {
		n += len(part)
	}
	return n
}

// cut makes a running write fail at once and later ones not begin.
func (d *departure) cut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.over {
		return
	}
	d.severed = true
	// A writer that has no deadlines is not a connection and cannot hang.
	_ = d.rc.SetWriteDeadline(time.Unix(1, 0))
}

func (d *departure) end() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.over = true
}

func (d *departure) wasCut() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.severed
}

// own returns the server's writer under gin's, which swallows the error of a
// flush and hides the server's handling of bodies that are too large.
func own(c *gin.Context) http.ResponseWriter {
	if u, ok := c.Writer.(interface{ Unwrap() http.ResponseWriter }); ok {
		return u.Unwrap()
	}
	return c.Writer
}
