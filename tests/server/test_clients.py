"""The number of open connections of each client."""

import pytest

from service.server.clients import OpenConnections


def test_connections_are_counted_per_address() -> None:
    opened = OpenConnections([])
    assert [opened.add("10.0.0.1") for _ in range(3)] == [1, 2, 3]
    assert opened.add("::ffff:10.0.0.1") == 4
    assert opened.add("10.0.0.2") == 1
    assert [opened.add(f"2001:db8::{n}") for n in (1, 2)] == [1, 2]
    opened.remove("10.0.0.1")
    assert opened.add("10.0.0.1") == 4
    opened.remove("10.0.0.2")
    assert opened.add("10.0.0.2") == 1


@pytest.mark.parametrize("proxies", [["*"], ["10.0.0.0/8"], ["10.0.0.1"]])
def test_those_of_trusted_proxies_are_not_counted(proxies: list[str]) -> None:
    opened = OpenConnections(proxies)
    assert [opened.add("10.0.0.1") for _ in range(3)] == [0, 0, 0]
    opened.remove("10.0.0.1")
    assert opened.add("10.0.0.1") == 0
    assert opened.add("192.0.2.1") == (proxies != ["*"])
