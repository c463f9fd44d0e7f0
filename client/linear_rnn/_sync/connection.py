# Generated from _async by `make openapi`: do not edit.
"""Requests over HTTP, their retries and errors."""

import logging
import os
import platform
import random
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from itertools import count
from time import monotonic, sleep, time
from typing import TYPE_CHECKING, Any, Self, TypeVar

from linear_rnn._decode import UnknownVersion, decode
from linear_rnn._errors import (
    ConnectFailed,
    Disconnected,
    LinearRNNError,
    StatusError,
    TimedOut,
    status_error,
)
from linear_rnn._inputs import encode
from linear_rnn._version import __version__

if TYPE_CHECKING:
    import httpx

M = TypeVar("M")

LOG = logging.getLogger("linear_rnn")
DEFAULT_URL = "http://localhost:8000"
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
RETRIED = frozenset({408, 429, 500, 502, 503, 504})
MAX_DELAY = 60.0  # the longest Retry-After that is respected, in seconds
BACKOFF = 0.5  # seconds before the first retry without Retry-After; doubled every time
MAX_BACKOFF = 8.0  # seconds
RESTART_SECONDS = 300.0  # of the service, during which waiting for a job continues
WAIT_SECONDS = 20  # per request; proxies often close connections after sixty


class Connection:
    """Connections to one service.

    Retries are safe, because identical requests have identical results.
    """

    def __init__(
        self,
        url: str | None,
        api_key: str | None,
        timeout: float,
        max_retries: int,
        http_client: "httpx.Client | None",
    ) -> None:
        import httpx  # slower than the rest of this package

        self._httpx = httpx
        given = url or os.environ.get("LINEAR_RNN_URL")
        self.source = "the argument `url`" if url else "LINEAR_RNN_URL" if given else "the default"
        self.url = (given or DEFAULT_URL).rstrip("/").removesuffix("/v1")
        if not self.url.startswith(("http://", "https://")):
            message = f"{self.url!r} (from {self.source}) must begin with http:// or https://"
            raise ConnectFailed(message)
        try:
            host = httpx.URL(self.url).host
        except httpx.InvalidURL as error:
            raise ConnectFailed(f"{self.url!r} (from {self.source}): {error}") from None
        self.headers = {"User-Agent": _user_agent()}
        key = api_key or os.environ.get("LINEAR_RNN_API_KEY")
        if key:
            self.headers["Authorization"] = f"Bearer {key}"
        self.local_key: str | None = None  # of a local service; no other is written by pickle
        self.timeout = timeout
        self.max_retries = max_retries
        self.restart_seconds = RESTART_SECONDS
        self._is_own = http_client is None
        # Proxies of the environment are on other machines.
        self.http = http_client or httpx.Client(trust_env=host not in LOOPBACK)

    @property
    def wait_seconds(self) -> int:
        """The seconds that a request may wait for the end of a job."""
        return min(WAIT_SECONDS, int(self.timeout / 2))

    def with_options(
        self, timeout: float | None, max_retries: int | None, headers: Mapping[str, str] | None
    ) -> Self:
        """Return the same connections with other options."""
        other = type(self).__new__(type(self))
        vars(other).update(vars(self))
        other.timeout = self.timeout if timeout is None else timeout
        other.max_retries = self.max_retries if max_retries is None else max_retries
        other.headers = {**self.headers, **(headers or {})}
        return other

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        *,
        waits: bool = False,
    ) -> "httpx.Response":
        """Send a request, several times if necessary, and return a response without an error.

        With ``waits``, it is repeated while the service restarts, if that has received the job.

        Raises
        ------
        ConnectFailed
            If the service does not respond.
        StatusError
            If it responds with an error.
        LinearRNNError
            If the response is that of another program, or if the client is closed.
        """
        all_headers = {**self.headers, **(headers or {})}
        arguments: dict[str, Any] = {"content": body, "headers": all_headers, "params": query}
        if isinstance(body, Mapping):
            arguments["content"] = encode(body)
            all_headers["Content-Type"] = "application/json"
        started = monotonic()
        is_received = method == "GET"
        for attempt in count(1):
            try:
                return self._send(method, path, arguments)
            except (ConnectFailed, StatusError) as error:
                delay = _delay(error, attempt)
                is_received = is_received or isinstance(error, Disconnected)
                restarts = waits and is_received and monotonic() < started + self.restart_seconds
                if delay is None or not (restarts or attempt <= self.max_retries):
                    raise
                LOG.info("%s %s: retry %d in %.1f s: %s", method, path, attempt, delay, error)
            sleep(delay)
        raise AssertionError("the last attempt returns or raises")

    def events(self, path: str) -> Iterator[tuple[str, str]]:
        """Yield the name and the data of server-sent events, until the stream ends or breaks."""
        self._check_open()
        options: dict[str, Any] = {"headers": self.headers, "timeout": self.timeout}
        event = {"event": "", "data": ""}
        try:
            with self.http.stream("GET", self.url + path, **options) as response:
                for line in response.iter_lines():
                    field, _, value = line.partition(":")
                    event[field] = value.removeprefix(" ")
                    if not line and event["data"]:
                        yield event["event"], event["data"]
                        event["data"] = ""
        except self._httpx.RequestError:
            return

    def file(self, path: str, query: Any = None, request: Any = None) -> bytes:
        """Return the content of a file, which may require a request."""
        method = "GET" if request is None else "POST"
        return self.request(method, path, request, query=query).content

    def receive(
        self,
        model: type[M],
        response: "httpx.Response",
        request: dict[str, Any],
        data: Any = None,
    ) -> M:
        """Return a response, or the part ``data`` of it, as a result with these connections."""
        data = read_json(response) if data is None else data
        result: Any = self.decode(model, data)
        result._connection, result._data, result._request = self, data, request
        result.request_id = request_id_of(response)
        return result  # type: ignore[no-any-return]

    def decode(self, model: type[M], data: Any) -> M:
        """Return JSON as a model; raises LinearRNNError for that of another version."""
        try:
            return decode(model, data)
        except UnknownVersion as error:
            health = read_json(self.request("GET", "/livez"))
            version = health.get("version") if isinstance(health, dict) else None
            raise LinearRNNError(
                f"the service has version {version}, and this client {__version__}, which does not "
                f"support its response: {error}"
            ) from None

    def __deepcopy__(self, _: object) -> Self:
        """Return itself, because a copy would not share the connections."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.url, self.local_key, self.timeout, self.max_retries, None)

    def close(self) -> None:
        """Close the connections, except those of a given client."""
        if self._is_own:
            self.http.close()

    def _send(self, method: str, path: str, arguments: dict[str, Any]) -> "httpx.Response":
        """Send a request once, and return a response without an error."""
        self._check_open()
        started = monotonic()
        try:
            response = self.http.request(method, self.url + path, timeout=self.timeout, **arguments)
        except self._httpx.RequestError as error:
            raise self._failure(error) from None
        LOG.debug(
            "%s %s: %d in %.3f s, request %s",
            method,
            path,
            response.status_code,
            monotonic() - started,
            request_id_of(response),
        )
        return _check(response)

    def _check_open(self) -> None:
        if self.http.is_closed:
            raise LinearRNNError("the connections of this client are closed")

    def _failure(self, error: Exception) -> ConnectFailed:
        """Return the exception of this package for one of httpx."""
        names = self._httpx
        reason = str(error) or type(error).__name__
        text = f"no response from {self.url} (from {self.source})"
        if isinstance(error, names.ConnectError | names.ConnectTimeout | names.ProxyError):
            return ConnectFailed(
                f"{text}: {reason}. Is the service running? Start it with `linear-rnn serve`, "
                "or use `Client.local()`; another address goes into LINEAR_RNN_URL."
            )
        if isinstance(error, names.TimeoutException):
            return TimedOut(f"{text} within {self.timeout:g} s; `timeout` sets another limit")
        return Disconnected(f"{text}: {reason}")


def _user_agent() -> str:
    return f"linear-rnn-client/{__version__} python/{platform.python_version()}"


def _delay(error: ConnectFailed | StatusError, attempt: int) -> float | None:
    """Return the seconds before a retry; None if the request is not repeated."""
    # Clients that failed at the same time repeat at different times.
    backoff = min(BACKOFF * 2 ** (attempt - 1), MAX_BACKOFF) * random.uniform(0.5, 1)  # noqa: S311
    if isinstance(error, ConnectFailed):
        return None if isinstance(error, TimedOut) else backoff
    # A conflict with Retry-After is a lock that another request has.
    is_lock = error.status == 409 and error.retry_after is not None
    pause = error.retry_after or 0.0
    is_repeated = (error.status in RETRIED or is_lock) and pause <= MAX_DELAY
    return pause + backoff if is_repeated else None


def request_id_of(response: "httpx.Response") -> str | None:
    """Return the id of a request in the log of the service."""
    request_id: str | None = response.headers.get("X-Request-ID")
    return request_id


def read_json(response: "httpx.Response") -> Any:
    """Return the JSON of a response; raises LinearRNNError for other content."""
    try:
        return response.json()
    except ValueError:
        raise LinearRNNError(_describe_foreign(response)) from None


def _check(response: "httpx.Response") -> "httpx.Response":
    """Return a response of the service; raises LinearRNNError for any other."""
    if response.is_error:
        is_problem = response.headers.get("Content-Type") == "application/problem+json"
        problem = read_json(response) if is_problem else {}
        retry_after = _retry_after(response.headers.get("Retry-After", ""))
        raise status_error(response.status_code, problem, request_id_of(response), retry_after)
    is_page = response.headers.get("Content-Type", "").startswith("text/html")
    if is_page or not response.is_success:
        raise LinearRNNError(_describe_foreign(response))
    return response


def _retry_after(value: str) -> float | None:
    """Return the seconds of Retry-After, which may be a date."""
    if value.isdecimal():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, date.timestamp() - time())


def _describe_foreign(response: "httpx.Response") -> str:
    kind = response.headers.get("Content-Type", "no content type")
    text = f"{response.request.url} responded with {response.status_code}, {kind}"
    if "Location" in response.headers:
        text += f", which redirects to {response.headers['Location']}"
    return f"{text}. This is not a response of linear-rnn; is the address that of the service?"
