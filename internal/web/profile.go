package web

import (
	"fmt"
	"net/http"
	"net/http/pprof"
	"strconv"
)

// maxSeconds is the longest time that a profile or a trace may take.
const maxSeconds = 120

// Profiles returns the pages of net/http/pprof, under /debug/pprof/.
func Profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", seconds(pprof.Index))
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", seconds(pprof.Profile))
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", seconds(pprof.Trace))
	return mux
}

// seconds rejects requests that would take too long.
func seconds(page http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, word := range r.URL.Query()["seconds"] {
			if n, err := strconv.ParseFloat(word, 64); err != nil || !(n >= 0 && n <= maxSeconds) {
				http.Error(w, fmt.Sprintf("seconds: must be 0 to %d", maxSeconds), http.StatusBadRequest)
				return
			}
		}
		page(w, r)
	}
}
