"""Pointers into the JSON body from the locations of validation errors."""

from typing import Any

import pytest

from service.api.json_pointer import MAX_STEP, body_location, pointer


@pytest.mark.parametrize(
    ("loc", "body", "expected"),
    [
        ((), None, ""),
        (("inputs", 2, 1), {}, "/inputs/2/1"),
        (("dataset", "explicit", "targets"), {"dataset": {"targets": 1}}, "/dataset/targets"),
        (("model", "run", "id"), {"model": {"id": 1}}, "/model/id"),
        # A tag at the start belongs to a body that is a union itself.
        (("count_ones", "n_steps"), {"n_steps": "x"}, "/n_steps"),
        # Here the tag is a field of the body.
        (("model", "weights"), {"model": {"weights": 1}}, "/model/weights"),
        (("a/b", "c~d"), None, "/a~1b/c~0d"),
        (("x" * 1000,), None, "/" + "x" * MAX_STEP),
    ],
)
def test_pointers(loc: Any, body: Any, expected: str) -> None:
    assert pointer(loc, body) == expected


@pytest.mark.parametrize(
    ("loc", "expected"),
    [
        (("body", "query"), ["query"]),
        (("query", "n_steps"), ["dataset", "n_steps"]),
        (("query", "w_in", "low"), ["windows", 0, "w_in", "low"]),
        (("query", "point", 3), ["points", 3]),
        (("query", "limit"), ["limit"]),
        (("path", "n_steps"), ["n_steps"]),
    ],
)
def test_locations_in_a_request_become_locations_in_the_body(loc: Any, expected: Any) -> None:
    assert body_location(loc) == expected
