"""A running service that all tests share."""

import os
from collections.abc import Iterator

import pytest

from linear_rnn import Client
from linear_rnn._service import start_service


@pytest.fixture(scope="session")
def url() -> Iterator[str]:
    """Return the address of a service: that of LINEAR_RNN_TEST_URL, or one that is started."""
    given = os.environ.get("LINEAR_RNN_TEST_URL")
    if given is not None:
        yield given
        return
    service = start_service()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("LINEAR_RNN_API_KEY", service.key)
        yield service.url
    service.stop()


@pytest.fixture(scope="session")
def rnn(url: str) -> Iterator[Client]:
    """Return a client of that service."""
    with Client(url) as client:
        yield client
