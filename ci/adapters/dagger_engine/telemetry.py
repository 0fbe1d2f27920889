"""Shows tasks as spans in Dagger's progress."""

from collections.abc import Iterator
from contextlib import contextmanager

from dagger import telemetry
from opentelemetry import trace
from typing_extensions import override

from ci.build.ports import Progress, Span


class _TelemetrySpan(Span):
    def __init__(self, span: trace.Span) -> None:
        self._span = span

    @override
    def fail(self, why: str) -> None:
        self._span.set_status(trace.StatusCode.ERROR, why)


class TelemetryProgress(Progress):
    """The CLI shows its spans live, and the trace keeps them."""

    def __init__(self) -> None:
        self._tracer = telemetry.get_tracer()

    @override
    @contextmanager
    def span(self, name: str) -> Iterator[_TelemetrySpan]:
        with self._tracer.start_as_current_span(name) as span:
            yield _TelemetrySpan(span)
