"""Requests drawn from the schema, right ones and wrong ones, each with a described answer."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings

from service.documentation import openapi_schema

every = schemathesis.openapi.from_dict(openapi_schema())
some = schemathesis.openapi.from_dict(openapi_schema())
some.config.phases.coverage.enabled = False  # hundreds of requests for each operation
a_few = settings(
    max_examples=8,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@schemathesis.serializer("application/x-npz")
def as_it_is(_context: Any, value: Any) -> bytes:
    """Send what was drawn for an archive."""
    return value if isinstance(value, bytes) else str(value).encode()


@pytest.fixture(scope="module")
def small(start_api: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return an application that allows only what takes no time."""
    limits = {"max_work_seconds": 0.01, "max_iterations": 100, "max_grid": 50, "max_cells": 5000}
    with ExitStack() as closing:
        yield start_api(closing, data_dir=tmp_path_factory.mktemp("small"), **limits)


def check(case: Any, small: Any) -> None:
    request = case.as_transport_kwargs(base_url="http://service")
    request["content"] = request.pop("data", None)
    request.pop("cookies", None)
    response = small.request(request.pop("method"), request.pop("url"), **request)
    assert response.status_code < 500


@some.parametrize()
@a_few
def test_any_request_has_a_described_answer(case: Any, small: Any) -> None:
    check(case, small)


@pytest.mark.slow
@every.parametrize()
@settings(a_few, max_examples=100)
def test_any_of_many_requests_has_a_described_answer(case: Any, small: Any) -> None:
    check(case, small)
