"""A running service, for the documents whose commands and numbers are checked."""

import re
from collections.abc import Callable, Iterator
from math import isclose
from typing import Any

import httpx
import pytest

from tests.programs import run_service

Post = Callable[..., dict[str, Any]]
NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]\d+)?")


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the service, and return its address."""
    # A busy machine has time for what an idle one computes at once.
    settings = {"RNN_RENDER_PROCESSES": "1", "RNN_MAX_SYNC_SECONDS": "2"}
    with run_service(tmp_path_factory.mktemp("service"), **settings) as url:
        yield url.removeprefix("http://")


@pytest.fixture(scope="session")
def post(address: str) -> Post:
    """Return a function that sends fields to a path below /v1 and returns the response."""

    def send(path: str, **fields: Any) -> dict[str, Any]:
        response = httpx.post(f"http://{address}/v1/{path}", json=fields, timeout=60.0)
        result: dict[str, Any] = response.raise_for_status().json()
        return result

    return send


def assert_equal_text(printed: str, shown: str) -> None:
    """Compare texts; the last digits of numbers may differ between processors."""
    assert NUMBER.sub("#", printed).split() == NUMBER.sub("#", shown).split()
    for number, other in zip(NUMBER.findall(printed), NUMBER.findall(shown), strict=True):
        assert isclose(float(number), float(other), rel_tol=1e-4, abs_tol=1e-9), (number, other)
