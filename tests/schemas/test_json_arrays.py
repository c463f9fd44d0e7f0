"""Long lists of numbers in JSON, which become arrays."""

import json
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.schemas import json_arrays
from service.schemas.json_arrays import loads
from service.schemas.json_numbers import Underflow
from service.schemas.number_rows import InvalidElement, NumberRows

NUMBER = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False), st.integers(-(2**70), 2**70), st.just(0)
)
ROWS = st.lists(st.lists(NUMBER, min_size=1, max_size=6), min_size=1, max_size=6)
SPACE = st.sampled_from(["", " ", "\n  "])
# Bytes that hardly break JSON, and those that make it invalid or irregular.
TOKENS = st.sampled_from(["1", "2.5", "-0", ",", "[", "]", " ", "1e-400", "null", "true", "{", '"'])


@pytest.fixture(autouse=True)
def short_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read short lists as long ones are read, in many parts."""
    monkeypatch.setattr(json_arrays, "LONG", 2)
    monkeypatch.setattr(json_arrays, "PART", 80)


def as_lists(value: Any) -> Any:
    """Return a value with lists in place of arrays."""
    if isinstance(value, NumberRows):
        stops = np.cumsum(value.lengths)
        starts = stops - value.lengths
        return [value.numbers[a:b].tolist() for a, b in zip(starts, stops, strict=True)]
    if isinstance(value, np.ndarray):
        return value.tolist()
    return {name: as_lists(each) for name, each in value.items()}


@given(ROWS, st.lists(NUMBER, min_size=2), SPACE, SPACE)
@settings(max_examples=200)
def test_numbers_are_those_of_another_parser(
    rows: list[list[float]], vector: list[float], comma: str, colon: str
) -> None:
    text = json.dumps({"a": {"rows": rows}, "v": vector}, separators=("," + comma, ":" + colon))
    value = loads(text.encode())
    assert isinstance(value["a"]["rows"], NumberRows)
    assert isinstance(value["v"], np.ndarray)
    expected = {
        "a": {"rows": [[float(each) for each in row] for row in rows]},
        "v": [float(each) for each in vector],
    }
    assert as_lists(value) == expected


@given(ROWS, st.integers(1, 4))
def test_indented_text(rows: list[list[float]], indent: int) -> None:
    found = loads(json.dumps({"a": rows}, indent=indent).encode())
    assert as_lists(found) == {"a": [[float(each) for each in row] for row in rows]}


@pytest.mark.slow
@given(st.lists(TOKENS, max_size=14).map("".join), st.booleans())
@example("null],[", True)
@example("2.5],[null", True)
@settings(max_examples=2000)
def test_what_is_not_json_has_no_arrays(tokens: str, in_object: bool) -> None:
    """Whatever is read must be what a strict parser reads."""
    text = f'{{"a": [{tokens}]}}' if in_object else f"[[{tokens}]]"
    try:
        found = loads(text.encode())
    except json.JSONDecodeError:
        with pytest.raises(json.JSONDecodeError):
            orjson.loads(text)
        return
    if found is None:
        return
    expected = orjson.loads(text)
    value = found["a"] if in_object else found
    lists = expected["a"] if in_object else expected
    if isinstance(value, InvalidElement):
        assert_first_invalid(lists, value)
    else:
        assert as_lists(value) == lists


def assert_first_invalid(lists: Any, found: InvalidElement) -> None:
    """Check the place of the first element that is not a number, or not a list of numbers."""
    element = lists
    for index in found.at:
        element = element[index]
    if isinstance(found.value, Underflow):
        assert element == 0
    else:
        assert element == found.value
        assert type(element) not in {int, float} or len(found.at) == 1


@pytest.mark.parametrize("place", [(0, 0), (0, 30), (3, 0), (40, 39)])
@pytest.mark.parametrize("element", ["null", "true", "false", "1e-400", "-0.0e1,2e-999"])
def test_the_first_invalid_element_is_located(place: tuple[int, int], element: str) -> None:
    rows = [["0"] * 40 for _ in range(41)]
    rows[40][39] = "1e-400"
    rows[place[0]][place[1]] = element
    text = "[" + ",".join("[" + ",".join(row) + "]" for row in rows) + "]"
    found = loads(b'{"a": %b}' % text.encode())["a"]
    assert isinstance(found, InvalidElement)
    shift = element.count("2e-999")  # the second of two
    assert found.at == (place[0], place[1] + shift)
    vector = loads(b'{"a": [%b]}' % ",".join(rows[place[0]]).encode())["a"]
    assert vector.at == (place[1] + shift,)


@pytest.mark.parametrize("text", ["[[1,2],[],[3]]", "[[],[]]", "[[ ]]"])
def test_an_empty_row_is_invalid(text: str) -> None:
    row = json.loads(text).index([])
    assert loads(text.encode()) == InvalidElement((row,), [])


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "[[1,2],[3,4]]]",
        "[[1]],[[2]]",
        "[1],[2]",
        "[[1],[2]",
        "[[1] [2]]",
        "[[1]\v,[2]]",
        "[[1],2[]]",
        '{"a": [[1,2]], "b": }',
        '{"a": 1[[1,2]]}',
        '{"a": [[1,2]]1}',
        "{[[1,2]]: 1}",
        '{"a": "[[1,2,3]]',
        "[[" + "1" * 100 + "," * 100 + "1]]",
    ],
)
def test_what_no_array_can_hold_is_left_to_another_parser(text: str) -> None:
    assert loads(text.encode()) is None


@pytest.mark.parametrize("rows", [0, 1, 100])
@pytest.mark.parametrize(
    "row", ["1,2,", "3,'x'", ",1", "1 2", "1,,2", "3,1e999", "NaN", "-", "01", "{,1"]
)
def test_an_error_in_a_list_is_located(rows: int, row: str) -> None:
    text = '{"a": [%s]}' % ",".join([*["[0.5, 1]"] * rows, f"[{row}]", "[2]"])  # noqa: UP031
    with pytest.raises(json.JSONDecodeError) as found:
        loads(text.encode())
    with pytest.raises(json.JSONDecodeError) as expected:
        orjson.loads(text)
    assert (found.value.msg, found.value.pos) == (expected.value.msg, expected.value.pos)


@pytest.mark.parametrize("title", ['"', "\\", '",\\', "\u00e9\n/", "x\1", '\\\\"'])
def test_strings_may_have_escapes(title: str) -> None:
    value = {"title": title, "a": [[1.0, 2.0]], title: [3.0, 4.0]}
    found = loads(json.dumps(value).replace("/", "\\/").encode())
    assert found.pop("title") == title
    assert as_lists(found) == {"a": [[1.0, 2.0]], title: [3.0, 4.0]}


def test_a_string_with_a_nul_character_is_no_placeholder() -> None:
    assert loads(b'{"title": "\\u00000", "a": [1,2]}') is None


@pytest.mark.parametrize(
    "text",
    [
        '{"title": "[1,2,3]"}',
        '{"title": "\\"[1,2,3]", "a": [[1,2]]}',
        '{"a": ["[1,2,3]", {"b": [[1,2]]}]}',
    ],
)
def test_lists_in_strings_are_text(text: str) -> None:
    found = loads(text.encode())
    assert found is None or as_lists(found) == json.loads(text)


def test_a_list_in_place_of_a_number_is_invalid() -> None:
    assert loads(b"[[1, 2], [3, [4]]]") == InvalidElement((1, 1), [4])


def test_deep_nesting_is_left_to_another_parser() -> None:
    assert loads(b'{"v":[1,2],"a":' * 1000 + b"1" + b"}" * 1000) is None


def test_long_numbers_are_not_divided() -> None:
    digits = "1." + "3" * 100
    assert loads(f"[[1,{digits}]]".encode()) is None
