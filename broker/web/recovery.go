package web

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/hallpass-edu/hallpass/broker"
)

// recovery turns a panic into a problem document, or breaks the connection
// off when bytes have left already. Only the type of what was thrown is
// noted: its text, the request's header and the stack may hold a person's
// data.
func recovery(c *gin.Context) {
	defer func() {
		thrown := recover()
		if thrown == nil {
			return
		}
		if err, ok := thrown.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			panic(http.ErrAbortHandler)
		}
		x := exchangeOf(c)
		x.panic, x.kind = fmt.Sprintf("%T", thrown), string(broker.Internal)
		if c.Writer.Written() {
			panic(http.ErrAbortHandler)
		}
		fail(c, &broker.Error{Kind: broker.Internal, Detail: "the service failed; its log has the detail under the request id"})
	}()
	c.Next()
}
