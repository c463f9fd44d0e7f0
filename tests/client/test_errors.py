"""Errors, misspelt keywords and retries."""

import pickle
import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from email.message import Message
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, HTTPServer
from time import time
from types import MappingProxyType

import httpx
import pytest

from linear_rnn import (
    Adam,
    Busy,
    Client,
    Conflict,
    ConnectFailed,
    Disconnected,
    InvalidRequest,
    LinearRNNError,
    NotFound,
    RateLimited,
    StatusError,
    TimedOut,
    __version__,
)
from linear_rnn._sync import connection

DISCONNECTED = 0  # instead of a status
UNREACHABLE = "http://127.0.0.1:9"  # the discard port, where nothing listens


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda rnn: rnn.train(n_iteration=5), "did you mean 'n_iterations'"),
        (lambda rnn: rnn.runs.get(id="x"), "known: identifier"),
        (lambda rnn: rnn.surface().plot(them="dark"), "did you mean 'theme'"),
    ],
)
def test_a_misspelt_keyword_is_a_type_error(
    rnn: Client, call: Callable[[Client], object], text: str
) -> None:
    with pytest.raises(TypeError, match=text):
        call(rnn)


def test_constructors_check_their_keywords() -> None:
    with pytest.raises(TypeError, match="did you mean 'learning_rate'"):
        Adam(learningrate=0.1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="did you mean 'api_key'"):
        Client(api_keys="x")  # type: ignore[call-arg]


def test_an_address_needs_a_scheme() -> None:
    with pytest.raises(ConnectFailed, match=r"'localhost:8000' .* must begin with http"):
        Client("localhost:8000")


def test_what_is_not_stored_has_no_id(rnn: Client) -> None:
    with pytest.raises(TypeError, match=r"\(1, 2\) is neither an id nor stored"):
        rnn.predict(model=(1, 2))  # type: ignore[arg-type]


def test_nothing_is_sent_with_a_misspelt_keyword() -> None:
    with Client(UNREACHABLE) as client, pytest.raises(TypeError):
        client.fit(targets="sales")  # type: ignore[call-arg]


def test_an_invalid_request_names_its_fields(rnn: Client) -> None:
    with pytest.raises(InvalidRequest, match="n_iterations") as caught:
        rnn.train(n_iterations=-1)
    error = caught.value
    assert [field.pointer for field in error.errors] == ["/n_iterations"]
    assert error.status == 422
    assert error.request_id == error.problem["request_id"]
    assert str(pickle.loads(pickle.dumps(error))) == str(error)  # noqa: S301 - our own


def test_an_unknown_field_has_a_suggestion(rnn: Client) -> None:
    with pytest.raises(InvalidRequest) as caught:
        rnn.predict(dataset={"kind": "count_ones", "n_step": 5})  # type: ignore[arg-type]
    (field,) = caught.value.errors
    assert (field.pointer, field.suggestion) == ("/dataset/n_step", "n_steps")


def test_unknown_and_unfinished_things(rnn: Client) -> None:
    with pytest.raises(NotFound):
        rnn.fits.get("fit_" + "0" * 32)
    used = rnn.upload(([[0, 1]], [1]), name="used")
    run = rnn.train(dataset=used, n_iterations=1)
    with pytest.raises(Conflict) as caught:
        rnn.datasets.delete(used)
    assert caught.value.problem["referrers"] == [run.id]
    rnn.runs.delete(run)
    rnn.datasets.delete(used.id)


def test_a_number_that_json_does_not_have(rnn: Client) -> None:
    with pytest.raises(ValueError, match="nan or infinite"):
        rnn.predict([[float("nan")]])


def test_no_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINEAR_RNN_URL", UNREACHABLE)
    with Client(max_retries=0) as client:
        with pytest.raises(ConnectFailed, match=r"127.0.0.1:9 \(from LINEAR_RNN_URL\)") as caught:
            client.predict()
        assert isinstance(caught.value, LinearRNNError)
        assert caught.value.__suppress_context__  # that of httpx says no more


def test_a_refused_connection_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with ExitStack() as services, socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and does not listen

        def start(delay: float) -> None:
            assert 0.25 <= delay <= 0.5
            services.enter_context(responding(200, bound=bound))

        monkeypatch.setattr(connection, "sleep", start)
        with Client(f"http://127.0.0.1:{bound.getsockname()[1]}") as client:
            assert client.optimizers() == []


@contextmanager
def responding(
    *statuses: int,
    retry_after: str | None = None,
    bound: socket.socket | None = None,
    headers: Mapping[str, str] = MappingProxyType({}),
    body: bytes = b'{"items": []}',
) -> Iterator[tuple[str, list[Message]]]:
    """Run a server that responds with these statuses in turn, and disconnects instead of 0.

    Yield its address, and the headers of the requests.
    """
    remaining = list(statuses)
    received: list[Message] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            received.append(self.headers)
            status = remaining.pop(0)
            if status == DISCONNECTED:
                return
            self.send_response(status)
            if retry_after is not None:
                self.send_header("Retry-After", retry_after)
            self.send_header("X-Request-ID", "r1")
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler, bind_and_activate=bound is None) as server:
        if bound is not None:
            server.socket.close()
            server.socket = bound
            server.server_activate()
            server.server_port = bound.getsockname()[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", received
        server.shutdown()
        thread.join()


@pytest.fixture
def delays(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the delays of the client, which it does not wait for."""
    delays: list[float] = []
    monkeypatch.setattr(connection, "sleep", delays.append)
    return delays


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, DISCONNECTED])
def test_a_request_is_repeated_after_a_temporary_failure(
    status: int, delays: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG", "linear_rnn")
    with responding(status, status, 200) as (url, received), Client(url, api_key="k") as client:
        assert client.optimizers() == []
        assert [headers["Authorization"] for headers in received] == ["Bearer k"] * 3
    assert received[0]["User-Agent"].startswith(f"linear-rnn-client/{__version__} python/3.")
    assert 0.25 <= delays[0] <= 0.5 <= delays[1] <= 1
    texts = [each.getMessage() for each in caplog.records if each.name == "linear_rnn"]
    retries = [each for each in caplog.records if each.levelname == "INFO" if "retry" in each.msg]
    assert len(retries) == 2
    assert re.fullmatch(r"GET /v1/optimizers: 200 in \d+\.\d+ s, request r1", texts[-1])


def test_clients_that_fail_together_retry_at_different_times(delays: list[float]) -> None:
    with responding(*[503] * 12) as (url, _), Client(url, max_retries=3) as client:
        for _ in range(3):
            with pytest.raises(Busy):
                client.optimizers()
    assert len({round(delay, 6) for delay in delays}) == 9


@pytest.mark.parametrize("status", [409, 429])
@pytest.mark.parametrize("as_date", [False, True])
def test_retry_after_is_seconds_or_a_date(status: int, as_date: bool, delays: list[float]) -> None:
    retry_after = formatdate(time() + 30, usegmt=True) if as_date else "30"
    with responding(status, 200, retry_after=retry_after) as (url, _), Client(url) as client:
        assert client.optimizers() == []
    assert 10 < delays[0] <= 31


@pytest.mark.parametrize("status", [401, 409, 422, 507])
def test_other_errors_are_raised_at_once(status: int) -> None:
    with responding(status) as (url, _), Client(url) as client:
        with pytest.raises(StatusError) as caught:
            client.optimizers()
        assert (caught.value.status, caught.value.request_id) == (status, "r1")


@pytest.mark.parametrize(
    ("status", "kind"), [(429, RateLimited), (503, Busy), (DISCONNECTED, Disconnected)]
)
def test_retries_end(status: int, kind: type[LinearRNNError], delays: list[float]) -> None:
    with responding(status, status) as (url, _), Client(url) as client, pytest.raises(kind):
        client.with_options(max_retries=1).optimizers()
    assert len(delays) == 1


def test_nobody_waits_for_an_hour() -> None:
    with (
        responding(503, retry_after="3600") as (url, _),
        Client(url) as client,
        pytest.raises(Busy) as caught,
    ):
        client.optimizers()
    assert caught.value.retry_after == 3600


def test_a_timeout_names_its_limit_and_does_not_ask_whether_the_service_runs() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Client(url) as client, pytest.raises(TimedOut, match=r"within 0\.1 s") as caught:
            client.with_options(timeout=0.1).optimizers()
    assert "running" not in str(caught.value)


def test_a_closed_client_is_an_error_of_this_package() -> None:
    client = Client(UNREACHABLE)
    client.close()
    for use in (client.optimizers, client.with_options(timeout=1).optimizers):
        with pytest.raises(LinearRNNError, match="closed"):
            use()


def test_another_version_of_the_service_is_named() -> None:
    with (
        responding(200, 200, body=b'{"version": "9.8"}') as (url, _),
        Client(url) as client,
        pytest.raises(LinearRNNError, match=rf"version 9\.8, and this client {__version__}.*items"),
    ):
        client.optimizers()


def test_a_list_of_another_version_is_named() -> None:
    with (
        responding(200, 200, body=b'{"version": "9.8", "runs": []}') as (url, _),
        Client(url) as client,
        pytest.raises(LinearRNNError, match=rf"version 9\.8, and this client {__version__}.*items"),
    ):
        client.runs.list()


def test_a_service_without_a_version_is_another_one() -> None:
    with (
        responding(200, 200, body=b'["x"]') as (url, _),
        Client(url) as client,
        pytest.raises(LinearRNNError, match=f"version None, and this client {__version__}"),
    ):
        len(client.fits)


def test_a_client_of_httpx_sends_the_requests_and_stays_open() -> None:
    with httpx.Client(headers={"X-Team": "a"}, trust_env=False) as own:
        with responding(200, 200) as (url, received), Client(url, http_client=own) as client:
            client.with_options(headers={"X-Request-ID": "mine"}).optimizers()
            client.optimizers()
        assert not own.is_closed
    assert [headers["X-Team"] for headers in received] == ["a", "a"]
    assert [headers["X-Request-ID"] for headers in received] == ["mine", None]


@pytest.mark.parametrize(
    ("status", "headers", "body", "text"),
    [
        (200, {"Content-Type": "text/html"}, b"<!doctype html>", "200, text/html"),
        (200, {"Content-Type": "text/plain"}, b"it works", "200, text/plain"),
        (200, {}, b"", "200, no content type"),
        (302, {"Location": "https://log.in/"}, b"", "which redirects to https://log.in/"),
    ],
)
def test_the_response_of_another_program_is_an_error(
    status: int, headers: dict[str, str], body: bytes, text: str
) -> None:
    with responding(status, headers=headers, body=body) as (url, _), Client(url) as client:
        with pytest.raises(LinearRNNError, match="This is not a response of linear-rnn") as caught:
            client.optimizers()
        assert f"{url}/v1/optimizers responded with {status}" in str(caught.value)
        assert text in str(caught.value)


@pytest.mark.parametrize("proxy", [UNREACHABLE, "socks5://127.0.0.1:9"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_service_on_this_machine_needs_no_proxy(
    monkeypatch: pytest.MonkeyPatch, proxy: str, host: str
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("all_proxy", proxy)
    with responding(200) as (url, _), Client(url.replace("127.0.0.1", host)) as client:
        assert client.optimizers() == []


def test_a_service_elsewhere_is_reached_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    with responding(200) as (url, _):
        monkeypatch.setenv("http_proxy", url)
        with Client("http://service.invalid") as client:
            assert client.optimizers() == []
