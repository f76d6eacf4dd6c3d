package main

import (
	"encoding/json"
	"net/http"
)

// maxOrder bounds a command line in bytes.
const maxOrder = 1 << 20

// admin runs the commands that come through the district's socket. Only the
// owner of the socket can reach it (mode 0600), so it asks for no token.
func admin(at served) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var o order
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxOrder)).Decode(&o); err != nil {
			http.Error(w, "not a command line", http.StatusBadRequest)
			return
		}
		frames := &frames{w: w, control: http.NewResponseController(w)}
		a := &app{
			stdout: frames.writer(func(p []byte) frame { return frame{Stdout: p} }),
			stderr: frames.writer(func(p []byte) frame { return frame{Stderr: p} }),
			env:    o.Env, folder: o.Folder, person: o.Person, terminal: o.Terminal, served: &at,
		}
		root := a.bare()
		root.AddCommand(a.importCommand(), a.guardiansCommand(), a.tokenCommand(), a.linkCommand(), a.periodCommand(), a.reportCommand(), a.auditCommand(), a.messagesCommand(), a.restoreCommand())
		code := a.execute(r.Context(), o.Args, root)
		// A client that is gone needs no exit code.
		_ = frames.send(frame{Exit: &code})
	})
}

// frames writes one JSON line a frame and lets it go at once.
type frames struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

func (f *frames) send(one frame) error {
	if err := json.NewEncoder(f.w).Encode(one); err != nil {
		return err
	}
	return f.control.Flush()
}

func (f *frames) writer(wrap func([]byte) frame) frameWriter { return frameWriter{f, wrap} }

type frameWriter struct {
	to   *frames
	wrap func([]byte) frame
}

// Write sends p as one frame.
func (w frameWriter) Write(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if err := w.to.send(w.wrap(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}
