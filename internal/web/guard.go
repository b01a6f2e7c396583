// Package web serves pages to this machine alone.
//
// A page on another site can make a browser send requests to any address of this machine,
// and can give this machine a name of its own. So a request is answered only if it was sent
// to localhost or a loopback address, and by the user or by our own page: by what the
// browser says of its origin. Only GET and HEAD are answered, so that no request changes
// anything.
package web

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// Limits of a server.
const (
	headerTime  = 5 * time.Second  // for the header of a request
	requestTime = 10 * time.Second // for all of a request
	idleTime    = time.Minute      // between requests
	answerTime  = 3 * time.Minute  // for an answer, unless its handler takes more
	maxHeader   = 16 << 10         // bytes
	maxBody     = 1 << 10          // bytes
	maxClients  = 256              // connections at the same time
)

// Listen listens at an address of this machine, such as localhost:6060; without a host it is
// localhost, and port 0 is any that is free. It rejects addresses that other machines reach.
func Listen(address string) (net.Listener, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, &AddressError{err}
	}
	if host == "" {
		host = "localhost"
	}
	if !isLocal(host) {
		return nil, &AddressError{fmt.Errorf("%s is not a loopback address; the pages are for this machine only", host)}
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return nil, err
	}
	return &limited{l, make(chan struct{}, maxClients)}, nil
}

// AddressError is the error of an address at which nothing can be served.
type AddressError struct{ error }

func (e *AddressError) Unwrap() error { return e.error }

// isLocal reports whether a host is localhost or a loopback address.
func isLocal(host string) bool {
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

// Serve answers requests that Guard lets pass, until the listener or the context ends.
func Serve(ctx context.Context, l net.Listener, pages http.Handler) error {
	s := &http.Server{Handler: Guard(pages), ReadHeaderTimeout: headerTime, ReadTimeout: requestTime,
		WriteTimeout: answerTime, IdleTimeout: idleTime, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return ctx }}
	stop := context.AfterFunc(ctx, func() { s.Close() })
	defer stop()
	err := s.Serve(l)
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Guard answers requests that must not pass with an error, and passes on the others.
func Guard(pages http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			h.Set("Allow", "GET, HEAD")
			http.Error(w, "only GET and HEAD", http.StatusMethodNotAllowed)
			return
		}
		if err := foreign(r); err != nil {
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		pages.ServeHTTP(w, r)
	})
}

// foreign returns an error for a request that comes by another name of this machine, or from
// a page of another site.
func foreign(r *http.Request) error {
	if !isLocal(hostName(r.Host)) {
		return errors.New("this page is reached as localhost only")
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
	default:
		return errors.New("another site asks for this page")
	}
	if from := r.Header.Get("Origin"); from != "" {
		if u, err := url.Parse(from); err != nil || u.Scheme != "http" || u.Host != r.Host {
			return errors.New("another site asks for this page")
		}
	}
	return nil
}

// hostName returns a host without its port and without the brackets of IPv6, or "".
func hostName(host string) string {
	name, port, err := net.SplitHostPort(host)
	if err != nil {
		name, port = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"), ""
	}
	if strings.Trim(port, "0123456789") != "" {
		return ""
	}
	return name
}

// limited is a listener with a limit of connections at the same time.
type limited struct {
	net.Listener
	open chan struct{}
}

// Accept closes connections beyond the limit.
func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		select {
		case l.open <- struct{}{}:
			return &counted{Conn: c, from: l}, nil
		default:
			c.Close()
		}
	}
}

// counted is a connection that counts until it is closed.
type counted struct {
	net.Conn
	from *limited
	once sync.Once
}

func (c *counted) Close() error {
	c.once.Do(func() { <-c.from.open })
	return c.Conn.Close()
}
