package web

import (
	"context"
	"io"
	"reflect"
	"time"

	"github.com/hallpass-edu/hallpass/broker"
)

// Route is one row of the API's table.
type Route struct {
	Method       string
	Path         string        // as in OpenAPI, with {name} for a parameter
	Roles        []broker.Role // who may be answered; anybody else gets 404
	Query        []string      // parameters that may stand in the query, once each
	Accepts      string        // media type of the body; empty when there is none
	BodyOptional bool          // the body may be left out
	Body         reflect.Type  // what a JSON body decodes into; nil without one
}

// Routes returns every route of the API, in the order of docs/openapi.yaml.
// Tests walk it: a route without a path in the OpenAPI file or without a row
// in the role matrix fails them.
func Routes() []Route {
	var all []Route
	for _, r := range table[Answer]() {
		all = append(all, r.Route)
	}
	return all
}

// call is one call of the broker, ready to be made.
type call[A Answer] func(ctx context.Context, s Service[A], c broker.Caller) (A, error)

// route is a Route with its reader, which turns a request into one call.
type route[A Answer] struct {
	Route
	patience time.Duration // beyond the server's timeouts; zero keeps them
	read     func(in *incoming) (call[A], error)
}

const (
	uploadPatience  = 2 * time.Minute  // 16 MB over a slow line
	computePatience = 10 * time.Minute // a whole district's figures
)

// empty is the body of an operation that needs none.
type empty struct{}

// lists makes the route of an operation without input.
func lists[A Answer](method, path string, roles []broker.Role,
	op func(Service[A], context.Context, broker.Caller) (A, error),
) route[A] {
	return route[A]{
		Route: Route{Method: method, Path: path, Roles: roles},
		read: func(*incoming) (call[A], error) {
			return func(ctx context.Context, s Service[A], c broker.Caller) (A, error) { return op(s, ctx, c) }, nil
		},
	}
}

// reads makes the route of an operation on the object its path names.
func reads[A Answer](method, path string, roles []broker.Role,
	op func(Service[A], context.Context, broker.Caller, string) (A, error),
) route[A] {
	return route[A]{
		Route: Route{Method: method, Path: path, Roles: roles},
		read: func(in *incoming) (call[A], error) {
			return func(ctx context.Context, s Service[A], c broker.Caller) (A, error) { return op(s, ctx, c, in.id) }, nil
		},
	}
}

// acts makes the route of an operation on the object its path names, with an
// empty object or nothing as its body.
func acts[A Answer](method, path string, roles []broker.Role,
	op func(Service[A], context.Context, broker.Caller, string) (A, error),
) route[A] {
	return mayChange(method, path, roles, func(s Service[A], ctx context.Context, c broker.Caller, id string, _ empty) (A, error) {
		return op(s, ctx, c, id)
	})
}

// closes makes the route of an operation on some indicator families of the period
// that its path names, which may take minutes. A body without families, or none,
// stands for all.
func closes[A Answer](method, path string, roles []broker.Role,
	op func(Service[A], context.Context, broker.Caller, string, ...broker.Family) (A, error),
) route[A] {
	return patiently(mayChange(method, path, roles, func(s Service[A], ctx context.Context, c broker.Caller, id string, body broker.FamiliesRequest) (A, error) {
		return op(s, ctx, c, id, body.Families...)
	}))
}

// patiently gives a route the time that a whole district's figures take.
func patiently[A Answer](r route[A]) route[A] {
	r.patience = computePatience
	return r
}

// takes makes the route of an operation with a JSON body.
func takes[A Answer, T any](method, path string, roles []broker.Role,
	op func(Service[A], context.Context, broker.Caller, T) (A, error),
) route[A] {
	return changes(method, path, roles, func(s Service[A], ctx context.Context, c broker.Caller, _ string, body T) (A, error) {
		return op(s, ctx, c, body)
	})
}

// changes makes the route of an operation with a JSON body on the object its
// path names.
func changes[A Answer, T any](method, path string, roles []broker.Role,
	op func(Service[A], context.Context, broker.Caller, string, T) (A, error),
) route[A] {
	return route[A]{
		Route: Route{Method: method, Path: path, Roles: roles, Accepts: mediaJSON, Body: reflect.TypeFor[T]()},
		read: func(in *incoming) (call[A], error) {
			body, err := readJSON[T](in)
			if err != nil {
				return nil, err
			}
			return func(ctx context.Context, s Service[A], c broker.Caller) (A, error) { return op(s, ctx, c, in.id, body) }, nil
		},
	}
}

// mayChange is changes for an operation whose body may be left out.
func mayChange[A Answer, T any](method, path string, roles []broker.Role,
	op func(Service[A], context.Context, broker.Caller, string, T) (A, error),
) route[A] {
	r := changes(method, path, roles, op)
	r.BodyOptional = true
	return r
}

// uploads makes the route of an operation with a CSV body on the object its
// path names. The broker reads the body as it comes.
func uploads[A Answer](method, path string, roles []broker.Role,
	op func(Service[A], context.Context, broker.Caller, string, io.Reader) (A, error),
) route[A] {
	return route[A]{
		Route:    Route{Method: method, Path: path, Roles: roles, Accepts: mediaCSV},
		patience: uploadPatience,
		read: func(in *incoming) (call[A], error) {
			file, err := openCSV(in)
			if err != nil {
				return nil, err
			}
			return func(ctx context.Context, s Service[A], c broker.Caller) (A, error) {
				a, err := op(s, ctx, c, in.id, file)
				return a, file.explain(err)
			}, nil
		},
	}
}

// asks makes the route of an operation whose request is built from path and
// query.
func asks[A Answer, T any](method, path string, roles []broker.Role,
	op func(Service[A], context.Context, broker.Caller, T) (A, error),
	build func(in *incoming) (T, error), query ...string,
) route[A] {
	return route[A]{
		Route: Route{Method: method, Path: path, Roles: roles, Query: query},
		read: func(in *incoming) (call[A], error) {
			req, err := build(in)
			if err != nil {
				return nil, err
			}
			return func(ctx context.Context, s Service[A], c broker.Caller) (A, error) { return op(s, ctx, c, req) }, nil
		},
	}
}
