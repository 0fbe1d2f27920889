// This file joins Dagger's package idtui (overlay.json).
package idtui

import telemetry "github.com/dagger/otel-go"

// ErrorText returns the text of an error without the origins that Dagger appends: "[traceparent:…-…]".
func ErrorText(err error) string {
	return telemetry.ErrorOriginRegex.ReplaceAllString(err.Error(), "")
}
