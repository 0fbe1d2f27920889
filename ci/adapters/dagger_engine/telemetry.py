"""Shows work as spans in Dagger's progress."""

from collections.abc import Iterator
from contextlib import contextmanager

from dagger import telemetry
from opentelemetry import trace


class _Shown:
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    def fail(self, why: str) -> None:
        self._span.set_status(trace.StatusCode.ERROR, why)


class TelemetryProgress:
    """A Progress whose spans the CLI shows live and the trace keeps."""

    def __init__(self) -> None:
        self._tracer = telemetry.get_tracer()

    @contextmanager
    def span(self, name: str) -> Iterator[_Shown]:
        """Show `name` as being at work for as long as the context is open."""
        with self._tracer.start_as_current_span(name) as span:
            yield _Shown(span)
