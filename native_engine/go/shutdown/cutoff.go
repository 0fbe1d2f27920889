// This file joins the engine's main package (overlay.json).
package main

import (
	"context"
	"net/http"
	"time"
)

// cutOffAfter lets the server's clients finish what they do, for a while, and closes the connections of those that don't.
func cutOffAfter(server *http.Server, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	defer server.Close()
	return server.Shutdown(ctx)
}
