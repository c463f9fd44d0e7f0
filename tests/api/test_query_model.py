"""Reading numbers and pairs of numbers from query parameters."""

from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from service.api.query_model import pair_of, parse_number
from service.schemas.common import Range


@pytest.mark.parametrize(("text", "number"), [("12", 12), ("-1e-3", -0.001), ("0.5", 0.5)])
def test_numbers(text: str, number: float) -> None:
    assert parse_number(text) == number


@pytest.mark.parametrize("text", ["", "x", "true", "null", "[1]", '"1"', "NaN", "Infinity", "1,2"])
def test_other_text_is_left_for_validation(text: str) -> None:
    assert parse_number(text) == text


def test_a_pair_of_numbers() -> None:
    reader, examples = pair_of("low", "high")
    adapter: TypeAdapter[Any] = TypeAdapter(Annotated[Range, reader, examples])
    found = adapter.validate_python("-1,2.5")
    assert (found.low, found.high) == (-1.0, 2.5)
    for text in ("1", "1,2,3", "a,b", "2,1"):
        with pytest.raises(ValidationError):
            adapter.validate_python(text)
