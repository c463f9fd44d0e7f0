# Generated from _async by `make openapi`: do not edit.
"""Requests over HTTP, their retries and errors."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from ipaddress import ip_address
from time import sleep
from typing import TYPE_CHECKING, Any

from linear_rnn._errors import ConnectFailed, LinearRNNError, status_error
from linear_rnn._inputs import encode

if TYPE_CHECKING:
    import httpx

DEFAULT_URL = "http://localhost:8000"
RETRIED = frozenset({429, 502, 503, 504})
MAX_DELAY = 60.0  # the longest Retry-After that is respected, in seconds
BACKOFF = 0.5  # seconds before the first retry without Retry-After; doubled every time


class Connection:
    """Connections to one service.

    Retries are safe, because identical requests have identical results.
    """

    def __init__(
        self, url: str | None, api_key: str | None, timeout: float, max_retries: int
    ) -> None:
        import httpx  # slower than the rest of this package

        given = url or os.environ.get("LINEAR_RNN_URL")
        self.source = "the argument `url`" if url else "LINEAR_RNN_URL" if given else "the default"
        self.url = (given or DEFAULT_URL).rstrip("/")
        if not self.url.startswith(("http://", "https://")):
            message = f"{self.url!r} (from {self.source}) must begin with http:// or https://"
            raise ConnectFailed(message)
        key = api_key or os.environ.get("LINEAR_RNN_API_KEY")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.max_retries = max_retries
        self.http = httpx.Client(
            base_url=self.url,
            headers=headers,
            timeout=timeout,
            trust_env=not _is_loopback(httpx.URL(self.url).host),  # proxies are on other machines
        )
        self._failure = httpx.TransportError
        self._refused = httpx.ConnectError

    def request(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> "httpx.Response":
        """Send a request, several times if necessary, and return a response without an error.

        Raises
        ------
        ConnectFailed
            If the service does not respond.
        StatusError
            If it responds with an error.
        """
        arguments: dict[str, Any] = {"content": body, "headers": headers, "params": query}
        if isinstance(body, Mapping):
            arguments["content"] = encode(body)
            arguments["headers"] = {"Content-Type": "application/json", **(headers or {})}
        for attempt in range(self.max_retries + 1):
            last = attempt == self.max_retries
            try:
                response = self.http.request(method, path, **arguments)
            except self._refused as error:
                if last:
                    raise self._connect_failed(error) from None
                delay = None
            except self._failure as error:
                raise self._connect_failed(error) from None
            else:
                delay = _retry_after(response)
                too_long = delay is not None and delay > MAX_DELAY
                if response.status_code not in RETRIED or last or too_long:
                    return _check(response)
            sleep(BACKOFF * 2**attempt if delay is None else delay)
        raise AssertionError("the last attempt returns or raises")

    def events(self, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the name and the data of server-sent events; none if the stream breaks."""
        try:
            with self.http.stream("GET", path) as response:
                name = ""
                for line in response.iter_lines():
                    field, _, value = line.partition(": ")
                    if field == "event":
                        name = value
                    elif field == "data":
                        yield name, json.loads(value)
                        if name == "done":
                            return
        except self._failure:
            return

    def close(self) -> None:
        """Close the connections."""
        self.http.close()

    def _connect_failed(self, error: Exception) -> ConnectFailed:
        reason = str(error) or type(error).__name__
        return ConnectFailed(
            f"no response from {self.url} (from {self.source}): {reason}. "
            "Is the service running? Start it with `linear-rnn serve`, "
            "or use `Client.local()`; another address goes into LINEAR_RNN_URL."
        )


def _retry_after(response: "httpx.Response") -> float | None:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else None


def _is_loopback(host: str) -> bool:
    with suppress(ValueError):  # a name
        return ip_address(host).is_loopback
    return host == "localhost"


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
        problem = response.json() if is_problem else {}
        request_id = response.headers.get("X-Request-ID")
        raise status_error(response.status_code, problem, request_id)
    is_page = response.headers.get("Content-Type", "").startswith("text/html")
    if is_page or not response.is_success:
        raise LinearRNNError(_describe_foreign(response))
    return response


def _describe_foreign(response: "httpx.Response") -> str:
    kind = response.headers.get("Content-Type", "no content type")
    text = f"{response.request.url} responded with {response.status_code}, {kind}"
    if "Location" in response.headers:
        text += f", which redirects to {response.headers['Location']}"
    return f"{text}. This is not a response of linear-rnn; is the address that of the service?"
