"""The limits of one request."""

from collections.abc import Callable
from typing import Any

import pytest

from service.errors import LimitExceeded
from service.operations.limits import Limits

TIGHT = Limits(
    max_cells=100,
    max_steps=20,
    max_json_numbers=50,
    max_work_seconds=0.5,
    max_iterations=10,
    max_grid=4,
)


@pytest.mark.parametrize(
    ("check", "within", "beyond", "pointer"),
    [
        (TIGHT.check_cells, (10, 10), (101, 1), "/dataset"),
        (TIGHT.check_cells, (5, 20), (1, 21), "/dataset"),
        (TIGHT.check_inputs, (100,), (101,), "/inputs"),
        (TIGHT.check_json, (50, "/a", "less"), (51, "/a", "less"), "/a"),
        (TIGHT.check_iterations, (10,), (11,), "/n_iterations"),
        (TIGHT.check_grid, (4, "/b"), (5, "/b"), "/b"),
        (TIGHT.check_work, (0.5, "/c"), (0.51, "/c"), "/c"),
    ],
)
def test_a_limit_is_allowed_and_one_more_is_not(
    check: Callable[..., None], within: Any, beyond: Any, pointer: str
) -> None:
    check(*within)
    with pytest.raises(LimitExceeded) as caught:
        check(*beyond)
    (field,) = caught.value.errors
    assert field.pointer == pointer
    assert "limit" in field.detail
