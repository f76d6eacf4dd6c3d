package web

import (
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/hallpass-edu/hallpass/broker"
	"github.com/hallpass-edu/hallpass/policy"
)

const problemBase = "https://hallpass.example/problems/"

// problem is an RFC 9457 document.
type problem struct {
	Type      string         `json:"type"`
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Detail    string         `json:"detail,omitzero"`
	RequestID string         `json:"request_id"`
	Fields    []broker.Field `json:"fields,omitempty"`
	Reasons   []reason       `json:"reasons,omitempty"`
	Receipt   jsontext.Value `json:"receipt,omitzero"`
}

type reason struct {
	Code     string `json:"code"`
	Sentence string `json:"sentence"`
	Remedy   string `json:"remedy,omitzero"`
	Contact  string `json:"contact,omitzero"`
}

// refusal is an error of the edge itself that has a status of its own.
type refusal struct {
	status int
	public *broker.Error
}

func (r *refusal) Error() string { return r.public.Error() }
func (r *refusal) Unwrap() error { return r.public }

func unreadable(field, problem, remedy string) error {
	return refuse(http.StatusBadRequest, "the request cannot be read", field, problem, remedy)
}

func unacceptable(field, problem, remedy string) error {
	return refuse(http.StatusUnprocessableEntity, "the request cannot be taken as it stands", field, problem, remedy)
}

func refuse(status int, detail, field, problem, remedy string) error {
	return &refusal{status: status, public: &broker.Error{
		Kind: broker.Invalid, Detail: detail,
		Fields: []broker.Field{{Name: field, Problem: problem, Remedy: remedy}},
	}}
}

// notAvailable is the one answer to a route, a method, a role or an object
// that is not there.
func notAvailable() error {
	return &broker.Error{Kind: broker.NotAvailable, Detail: "there is nothing here for you"}
}

func unauthenticated() error {
	return broker.ErrToken
}

// class is the status and the title of a kind.
func class(k broker.Kind) (int, string) {
	switch k {
	case broker.Invalid:
		return http.StatusUnprocessableEntity, "The request cannot be taken"
	case broker.Unauthenticated:
		return http.StatusUnauthorized, "No valid token"
	case broker.Denied:
		return http.StatusForbidden, "Not allowed by the agreement"
	case broker.NotAvailable:
		return http.StatusNotFound, "Not available"
	case broker.Conflict:
		return http.StatusConflict, "Conflict"
	case broker.Exhausted:
		return http.StatusTooManyRequests, "Too many requests"
	case broker.Unavailable:
		return http.StatusServiceUnavailable, "Not able to answer now"
	default:
		return http.StatusInternalServerError, "The service failed"
	}
}

// publicError returns what of an error its caller may read, and its status.
// Of an error that is not a *broker.Error that is nothing.
func publicError(err error) (*broker.Error, int) {
	var edge *refusal
	if errors.As(err, &edge) {
		return edge.public, edge.status
	}
	var e *broker.Error
	if !errors.As(err, &e) {
		e = &broker.Error{Kind: broker.Internal, Detail: "the service failed; its log has the detail under the request id"}
	}
	status, _ := class(e.Kind)
	if status == http.StatusInternalServerError {
		e = &broker.Error{Kind: broker.Internal, Detail: e.Detail, Receipt: e.Receipt}
	}
	return e, status
}

// fail answers with the problem document of an error. The private half goes
// to the log line of the request.
func fail(c *gin.Context, err error) {
	x := exchangeOf(c)
	e, status := publicError(err)
	x.kind = string(e.Kind)
	if status >= http.StatusInternalServerError {
		x.cause = err
	}
	header := c.Writer.Header()
	header.Set("Content-Type", mediaProblem)
	switch e.Kind {
	case broker.Exhausted, broker.Unavailable:
		header.Set("Retry-After", seconds(max(e.RetryAfter, time.Second)))
	case broker.Unauthenticated:
		header.Set("WWW-Authenticate", "Bearer")
	}
	body := document(e, status, x.id)
	header.Set("Content-Length", strconv.Itoa(len(body)))
	c.Abort()
	c.Status(status)
	// The connection is the only one who could be told of a failed write.
	_, _ = c.Writer.Write(body)
}

// document encodes the problem; it holds nothing that cannot be encoded.
func document(e *broker.Error, status int, requestID string) []byte {
	_, title := class(e.Kind)
	p := problem{
		Type: problemBase + string(e.Kind), Title: title, Status: status, Detail: e.Detail,
		RequestID: requestID, Fields: e.Fields, Reasons: explain(e.Reasons),
	}
	if r := jsontext.Value(e.Receipt); r.IsValid() {
		p.Receipt = r
	}
	body, err := json.Marshal(p, jsontext.AllowInvalidUTF8(true))
	if err != nil {
		return []byte(`{"type":"` + problemBase + `internal","title":"The service failed","status":500}`)
	}
	return body
}

func explain(reasons []policy.Reason) []reason {
	var all []reason
	for _, r := range reasons {
		all = append(all, reason{Code: string(r), Sentence: r.Sentence(), Remedy: r.Remedy(), Contact: r.Contact()})
	}
	return all
}

// seconds rounds up, so that nobody comes back too early.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64(math.Ceil(d.Seconds())), 10)
}
