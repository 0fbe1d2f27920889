"""Shows a run in Dagger's progress: its work as a tree of spans, its log as the lines of one of them.

How the CLI shows a span is said by attributes:
https://github.com/dagger/otel-go/blob/main/attrs.go and, for tests, OpenTelemetry's
https://opentelemetry.io/docs/specs/semconv/registry/attributes/test/.
"""

import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

import anyio
from dagger import telemetry
from opentelemetry import trace
from typing_extensions import override

from ci.build.progress import Progress, Span
from ci.suite_results import TestOutcome, TestResult

# What is below such a span is hidden. Dagger's tree shows it if the span fails, or with `-vv`.
_HIDES_CALLS = {"dagger.io/ui.encapsulate": True}
# Dagger's tree leaves such spans out, but `--progress=logs` prints what they log.
_LOG_ONLY = {"dagger.io/ui.internal": True}
_SUITE_NAME, _SUITE_STATUS = "test.suite.name", "test.suite.run.status"
_CASE_NAME, _CASE_STATUS = "test.case.name", "test.case.result.status"
# Spans are exported by a thread, which drops what is more than 2,048 behind. Each test has two records.
_TESTS_AT_ONCE = 250
_PAUSE = 0.1


class _TelemetrySpan(Span):
    def __init__(self, span: trace.Span) -> None:
        self.span = span

    @override
    def fail(self, why: str) -> None:
        self.span.set_status(trace.StatusCode.ERROR, why)

    @override
    def end(self) -> None:
        self.span.end()


class TelemetryProgress(Progress):
    """The CLI shows its spans and lines live, and the trace keeps them."""

    def __init__(self) -> None:
        self._tracer = telemetry.get_tracer()
        self._log: _Log | None = None

    @override
    def group(self, name: str) -> _TelemetrySpan:
        return _TelemetrySpan(self._tracer.start_span(name))

    @override
    @contextmanager
    def work(self, name: str, group: Span | None = None) -> Iterator[_TelemetrySpan]:
        with self._open(name, group, _HIDES_CALLS) as span:
            yield span

    @override
    @contextmanager
    def suite(self, name: str, group: Span | None = None) -> Iterator[_TelemetrySpan]:
        # Its tests are below it, and are not to be hidden.
        with self._open(name, group, {_SUITE_NAME: name}) as span, self.work("run the tests"):
            yield span

    @contextmanager
    def _open(self, name: str, group: Span | None, attributes: Mapping[str, str | bool]) -> Iterator[_TelemetrySpan]:
        context = trace.set_span_in_context(group.span) if isinstance(group, _TelemetrySpan) else None
        with self._tracer.start_as_current_span(name, context, attributes=attributes) as span:
            yield _TelemetrySpan(span)

    @override
    async def show_tests(self, suite: Span, tests: Sequence[TestResult]) -> None:
        if not isinstance(suite, _TelemetrySpan):
            return
        suite.span.set_attribute(_SUITE_STATUS, "success" if all(test.outcome.ok for test in tests) else "failure")
        context = trace.set_span_in_context(suite.span)
        # The times of tests are not known, but how long each took, and that one came after the other.
        begin = time.time_ns() - sum(_nanoseconds(test) for test in tests)
        for number, test in enumerate(tests, start=1):
            span = self._tracer.start_span(
                test.name,
                context,
                attributes={_CASE_NAME: test.name, _CASE_STATUS: _status(test.outcome)},
                start_time=begin,
            )
            if not test.outcome.ok:
                span.set_status(trace.StatusCode.ERROR, str(test.outcome))
            begin += _nanoseconds(test)
            span.end(begin)
            if number % _TESTS_AT_ONCE == 0:
                await anyio.sleep(_PAUSE)

    @override
    def line(self, text: str) -> None:
        self._log = self._log or _log_of(self._tracer)
        self._log.write(f"{text}\n")


def _nanoseconds(test: TestResult) -> int:
    return int(test.seconds * 1e9)


def _status(outcome: TestOutcome) -> str:
    if not outcome.ok:
        return "fail"
    return "skip" if outcome is TestOutcome.SKIPPED else "pass"


class _Log(Protocol):
    def write(self, text: str) -> None: ...


class _StandardOutput(_Log):
    @override
    def write(self, text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()


class _SpanLog(_Log):
    """Lines of a span. What a module prints belongs to its function, which Dagger's tree shows in full."""

    def __init__(self, tracer: trace.Tracer) -> None:
        # A tenth of a second that functions without a log need not pay.
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter  # noqa: PLC0415
        from opentelemetry.sdk._logs import LoggerProvider  # noqa: PLC0415
        from opentelemetry.sdk._logs.export import BatchLogRecordProcessor  # noqa: PLC0415

        provider = LoggerProvider()
        provider.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(), schedule_delay_millis=200))
        self._logger = provider.get_logger("dagger.io/sdk.python")
        span = tracer.start_span("log", attributes=_LOG_ONLY)
        self._context = trace.set_span_in_context(span)
        span.end()

    @override
    def write(self, text: str) -> None:
        self._logger.emit(timestamp=time.time_ns(), context=self._context, body=text)


def _log_of(tracer: trace.Tracer) -> _Log:
    # Dagger tells a function where logs go. Outside of one, as in a script of ours, the terminal is the place.
    return _SpanLog(tracer) if os.environ.get("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT") else _StandardOutput()
