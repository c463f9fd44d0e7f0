"""Traces that a server sends to a collector."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest


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
    thread.join()
    collector.server.server_close()


def test_every_request_is_a_span_with_its_route(
    start_server: Callable[..., Any],
    collector: Collector,
    tmp_path: Path,
    clean_environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(clean_environment, "OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    server = start_server(tmp_path / "data", "--workers", "0")
    assert server.client.get("/v1/training-runs/run_0").status_code == 404
    server.stop()  # which sends what was not sent yet
    assert {path for path, _ in collector.received} == {"/v1/traces"}
    spans = b"".join(body for _, body in collector.received)
    assert b"GET /v1/training-runs/{run_id}" in spans
    assert b"linear-rnn" in spans
