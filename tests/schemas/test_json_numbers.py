"""Numbers that float64 rounds to 0."""

import gc
import json
from decimal import Decimal
from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.schemas.arrays import MAX_SEQUENCES
from service.schemas.json_numbers import Underflow, loads, parse_number, underflows

UNDERFLOWS = [
    "1e-400",
    "-1e-400",
    "1E-0400",
    "0.00001e-320",
    "123456e-5000",
    "0." + "0" * 330 + "1",
    "0." + "0" * 230 + "1e-99",
    "2.4e-324",
]
NUMBERS = ["0", "-0.0", "0e-400", "0.000e-999", "5e-324", "1e-101", "1.5", "1" + "0" * 300, "1e5"]


@pytest.mark.parametrize("text", UNDERFLOWS)
def test_numbers_that_round_to_0(text: str) -> None:
    assert underflows(text)
    assert loads(f'{{"a": [1, {text}]}}'.encode()) == {"a": [1, text]}
    assert isinstance(parse_number(text), Underflow)


@pytest.mark.parametrize("text", NUMBERS)
def test_other_numbers(text: str) -> None:
    assert not underflows(text)
    assert parse_number(text) == float(text)


@given(st.decimals(-100_000, 100_000, places=9), st.integers(-800, 0))
@example(Decimal(1), -324)
@example(Decimal("2.5"), -324)
def test_underflow_is_that_of_float(mantissa: Decimal, exponent: int) -> None:
    text = f"{mantissa:f}e{exponent}"
    assert underflows(text) == (float(text) == 0.0 and mantissa != 0)


@pytest.mark.parametrize(
    "value",
    [
        {"title": "1e-400", "n": 2**70, "x": [1e-300, -1e-320, 5e-324, True, None]},
        ["0" * 300, 1e300, 10**200],
        "1e-999",
    ],
)
def test_other_values_are_those_of_orjson(value: Any) -> None:
    text = json.dumps(value).encode()
    assert loads(text) == orjson.loads(text)
    assert not isinstance(loads(text), Underflow)


@pytest.mark.parametrize("text", ["[1e-400", "[NaN, 1e-400]", "[1e999, 1e-400]", "1e-4x", ""])
def test_what_is_not_json(text: str) -> None:
    with pytest.raises(json.JSONDecodeError):
        loads(text.encode())


def test_deep_nesting_is_not_an_error_of_the_parser() -> None:
    text = b"[" * 1000 + b"1e-400" + b"]" * 1000
    assert isinstance(loads(text), list)


@pytest.mark.parametrize("item", [b"[]", b"[1]", b"0.12", b"1e-300", b"1e-400"])
def test_large_bodies_are_parsed_without_garbage_collection(item: bytes) -> None:
    """Collections would take most of the time, in which no other thread can run."""
    n_items = min(8_388_608 // (len(item) + 1), MAX_SEQUENCES)
    body = b"[" + b",".join([item] * n_items) + b"]"
    collected: list[str] = []
    gc.callbacks.append(lambda phase, _info: collected.append(phase))
    try:
        value = loads(body)
    finally:
        gc.callbacks.pop()
    assert len(value) == n_items
    assert collected in ([], ["start", "stop"])  # the one that follows
    assert gc.isenabled()
