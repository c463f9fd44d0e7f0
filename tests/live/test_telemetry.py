"""Traces that a server sends to a collector."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from service import __version__
from tests.live.conftest import Start


class Collector:
    """An OTLP collector that keeps what it receives."""

    def __init__(self) -> None:
        self.received: list[tuple[str, bytes]] = []
        received = self.received

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                received.append((self.path, body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def collector() -> Iterator[Collector]:
    collector = Collector()
    thread = threading.Thread(target=collector.server.serve_forever)
    thread.start()
    yield collector
    collector.server.shutdown()
    thread.join(60)
    collector.server.server_close()


def test_every_request_is_a_span(
    start: Start,
    collector: Collector,
    tmp_path: Path,
    clean_environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(clean_environment, "OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setitem(clean_environment, "OTEL_RESOURCE_ATTRIBUTES", "deployment=test")
    server = start(log_level="info")
    requests = {
        "/v1/training-runs/run_0": ("GET /v1/training-runs/{run_id}", 404),
        "/v1/optimizers": ("GET /v1/optimizers", 200),
        "/nothing": ("GET", 404),
    }
    for path in requests:
        server.client.get(path, headers={"x-request-id": path})
    server.stop()  # which sends what was not sent yet
    assert {path for path, _ in collector.received} == {"/v1/traces"}
    groups = [
        group
        for _, body in collector.received
        for group in ExportTraceServiceRequest.FromString(body).resource_spans
    ]
    for group in groups:
        resource = read_attributes(group.resource.attributes)
        assert resource["service.name"] == "linear-rnn"
        assert resource["service.version"] == __version__
        assert resource["deployment"] == "test"
    lines = (tmp_path / "data.log").read_text().splitlines()
    trace_ids = {
        event["request_id"]: event["trace_id"]
        for event in map(json.loads, lines)
        if event["event"] == "request"
    }
    spans = [span for group in groups for scope in group.scope_spans for span in scope.spans]
    assert len(spans) == len(requests)
    for span in spans:
        attributes = read_attributes(span.attributes)
        (request_id,) = attributes["http.response.header.x-request-id"]
        assert (span.name, attributes["http.response.status_code"]) == requests[request_id]
        assert trace_ids[request_id] == span.trace_id.hex()


def read_attributes(attributes: Any) -> dict[str, Any]:
    """Return attributes by name."""

    def read(value: Any) -> Any:
        kind = value.WhichOneof("value")
        content = getattr(value, kind)
        return [read(item) for item in content.values] if kind == "array_value" else content

    return {attribute.key: read(attribute.value) for attribute in attributes}
