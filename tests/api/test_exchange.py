"""What the log and the metrics read from a request."""

from types import SimpleNamespace
from typing import Any

import pytest

from service.api.exchange import DISCONNECTED, Exchange, Interruption, find_route

ROUTE = SimpleNamespace(path_format="/v1/datasets/{dataset_id}")


@pytest.mark.parametrize(
    ("scope", "route"),
    [
        ({"route": ROUTE, "endpoint": print, "path": "/v1/datasets/ds_1"}, ROUTE.path_format),
        ({"endpoint": print, "path": "/livez"}, "/livez"),  # Starlette's own, without parameters
        ({"path": "/any/text"}, None),
    ],
)
def test_a_route_is_one_of_finitely_many(scope: Any, route: str | None) -> None:
    assert find_route(scope) == route


@pytest.mark.parametrize(
    ("status", "interruption", "outcome"),
    [
        (200, None, 200),
        (200, DISCONNECTED, 499),  # the response began
        (None, Interruption(408, "too slow"), 408),
        (None, None, None),
    ],
)
def test_an_interruption_decides_the_outcome(
    status: int | None, interruption: Interruption | None, outcome: int | None
) -> None:
    exchange = Exchange({}, "GET", status=status, interruption=interruption)
    assert exchange.outcome == outcome
