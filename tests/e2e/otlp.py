"""A receiver of what Dagger's CLI exports by OpenTelemetry (OTLP over HTTP): the spans of a call as a tree."""

import gzip
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class ExportedSpan(NamedTuple):
    """A span. `scope` is the library that made it: `dagger.io/sdk.python` for ours, `dagger.io/core` for calls."""

    id: bytes
    parent: bytes
    name: str
    scope: str
    attributes: Mapping[str, object]
    is_failed: bool
    started: int


class Collector:
    """Keeps every span by id: one that is exported when it begins is replaced when it ends."""

    def __init__(self) -> None:
        self.spans: dict[bytes, ExportedSpan] = {}
        self.variables: Mapping[str, str] = {}

    def add(self, request: ExportTraceServiceRequest) -> None:
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                for span in scope.spans:
                    attributes = {
                        one.key: getattr(one.value, one.value.WhichOneof("value") or "string_value")
                        for one in span.attributes
                    }
                    self.spans[span.span_id] = ExportedSpan(
                        span.span_id,
                        span.parent_span_id,
                        span.name,
                        scope.scope.name,
                        attributes,
                        span.status.code == span.status.STATUS_CODE_ERROR,
                        span.start_time_unix_nano,
                    )

    def path(self, span: ExportedSpan) -> tuple[ExportedSpan, ...]:
        """Return a span and all above it, the highest first."""
        above = self.spans.get(span.parent)
        return (*(self.path(above) if above else ()), span)


@contextmanager
def collector() -> Iterator[Collector]:
    """Run a receiver; `variables` have Dagger's CLI export to it."""
    collected = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            collected.add(ExportTraceServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 (as in http.server)
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    collected.variables = {
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"http://127.0.0.1:{server.server_port}/v1/traces",
        "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
    }
    try:
        yield collected
    finally:
        server.shutdown()
        server.server_close()
