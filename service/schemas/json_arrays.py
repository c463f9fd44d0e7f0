"""JSON bodies with long lists of numbers, which become arrays.

A parser that makes a list of a million numbers holds the GIL for 0.1 s, and so
do the conversion of the list and its deallocation. Here, the text of a list is parsed in parts.
"""

import re
import struct
from array import array
from collections.abc import Iterator
from itertools import chain
from json import JSONDecodeError
from typing import Any, Final, TypeAlias

import numpy as np
import orjson

from service.schemas import json_numbers
from service.schemas.number_rows import Array, InvalidElement, NumberRows, make_rows

LONG: Final = 8 * 1024  # bytes of a list that becomes an array
PART: Final = 64 * 1024  # bytes that are parsed at a time, in a fraction of a millisecond
# What a valid text has besides long lists.
MAX_LISTS: Final = 16
MAX_BYTES: Final = 100_000
_SPACE: Final = rb"[ \t\r\n]*"
_OPENING: Final = re.compile(rb"\[" + _SPACE + rb"(\[)?")
_CLOSING: Final = re.compile(rb"\]" + _SPACE + rb"\]")
_ESCAPE: Final = re.compile(rb"\\.", re.DOTALL)
_NUL: Final = rb"\u0000"
_BETWEEN_ROWS: Final = re.compile(rb"\]" + _SPACE + rb"," + _SPACE + rb"\[")

Numbers: TypeAlias = Array | NumberRows | InvalidElement


class _IrregularError(Exception):
    """The text is more than long lists of numbers, and objects."""


def loads(text: bytes) -> Any:
    """Parse JSON; long lists of numbers become arrays, and long lists of such lists `NumberRows`.

    A list with other elements becomes the first `InvalidElement`. Such an element is also a number
    that float64 rounds to 0, or an empty row.

    Returns
    -------
    value
        None if the text has no such list, has much besides these lists, or is perhaps not JSON. Any
        parser can then be used.

    Raises
    ------
    json.JSONDecodeError
        A long list is not JSON.
    """
    try:
        with json_numbers.without_collections():
            return _loads(text)
    except (_IrregularError, RecursionError):  # no valid request is as deep
        return None


def _loads(text: bytes) -> Any:
    """Parse the text with a placeholder in place of every long list, and insert the arrays.

    A string with a NUL character can only be a placeholder.
    """
    if b"\\" in text and _NUL in text:  # a search for one byte is much faster
        raise _IrregularError
    rest = b""
    arrays: dict[str, Numbers] = {}
    end = 0
    for start, stop in [*_find_long_lists(text), (len(text), len(text))]:
        if len(rest) + start - end > MAX_BYTES:
            raise _IrregularError
        between = text[end:start]
        if _ESCAPE.sub(b"", between).count(b'"') % 2:
            raise _IrregularError  # the list is in a string
        rest += between
        if start < stop:
            rest += b'"%b%d"' % (_NUL, len(arrays))
            arrays[f"\0{len(arrays)}"] = _read(text, start, stop)
        end = stop
    if not arrays:
        return None
    try:
        value = _insert(json_numbers.loads(rest), arrays)
    except JSONDecodeError:
        raise _IrregularError from None
    return None if arrays else value  # a list elsewhere than as a value of an object remains


def _find_long_lists(text: bytes) -> Iterator[tuple[int, int]]:
    """Yield the start and the end of each candidate: it has brackets, and no string or object."""
    end = 0
    for _ in range(MAX_LISTS):
        start = text.find(b"[", end)
        if start < 0:
            return
        following = [text.find(mark, start) for mark in (b'"', b"}")]
        end = min((each for each in following if each >= 0), default=len(text))
        if end - start >= LONG:
            yield start, text.rfind(b"]", start, end) + 1


def _insert(value: Any, arrays: dict[str, Numbers]) -> Any:
    """Return a value with the arrays in place of their placeholders, and remove these arrays."""
    if isinstance(value, dict):
        return {name: _insert(each, arrays) for name, each in value.items()}
    return arrays.pop(value, value) if isinstance(value, str) else value


def _read(text: bytes, start: int, stop: int) -> Numbers:
    """Return the numbers of a list of numbers, or of a list of such lists."""
    opening = _OPENING.match(text, start, stop)
    if opening is None:
        raise _IrregularError
    start, stop = opening.end(), stop - 1
    is_matrix = opening[1] is not None
    if is_matrix:
        stop = text.rfind(b"]", start, stop)
        if stop < 0 or not _CLOSING.match(text, stop):
            raise _IrregularError
    characters = np.frombuffer(text, np.uint8, stop - start, start)
    reader = _RowReader(int(np.count_nonzero(characters == ord(","))) + 1)
    for begin, end, ends_row in _divide(text, start, stop):
        part = text[begin:end]
        reader.append(part, _parse_rows(part, begin), ends_row)
    return reader.matrix() if is_matrix else reader.vector()


def _divide(text: bytes, start: int, stop: int) -> Iterator[tuple[int, int, bool]]:
    """Divide the text between the outer brackets of a list at commas, if possible between rows.

    Yields
    ------
    start, stop, ends_row
        ``ends_row`` is False for a part that is followed by more of its last row.
    """
    while stop - start > PART:
        end = text.rfind(b"]", start, start + PART)
        if end >= 0:
            between = _BETWEEN_ROWS.match(text, end, stop)
            if between is None:
                raise _IrregularError
            yield start, end, True
            start = between.end()
        else:
            end = text.rfind(b",", start, start + PART)
            if end < 0:
                raise _IrregularError
            yield start, end, False
            start = end + 1
    yield start, stop, True


def _parse_rows(part: bytes, begin: int) -> list[Any]:
    """Return the rows of a part that begins at a character of the text and within a row.

    Raises
    ------
    json.JSONDecodeError
        It is not JSON, and has no brackets but those of the rows.
    """
    try:
        rows: list[Any] = orjson.loads(b"[[" + part + b"]]")
    except JSONDecodeError as error:
        if re.search(rb"[][]", _BETWEEN_ROWS.sub(b"", part)):
            raise _IrregularError from None
        raise JSONDecodeError(error.msg, "", begin + error.pos - 2) from None
    return rows


class _RowReader:
    """Collects the numbers and the lengths of rows, until an element is invalid.

    Parameters
    ----------
    capacity
        The maximum number of numbers.
    """

    def __init__(self, capacity: int) -> None:
        self._numbers: Array = np.empty(capacity)
        self._n_numbers = 0
        self._lengths = array("q")  # of complete rows
        self._length = 0  # so far, of the last row
        self._n_rows = 0  # also of those after an invalid element
        self._continues = False  # whether the last row does
        self._invalid: InvalidElement | None = None

    def append(self, part: bytes, rows: list[Any], ends_row: bool) -> None:
        """Add a part of the text; it may begin and end within a row."""
        if (self._continues and rows[0] == []) or (not ends_row and rows[-1] == []):
            raise _IrregularError  # a comma with nothing before or after it
        self._n_rows += len(rows) - self._continues
        self._continues = not ends_row
        if self._invalid is None:
            self._invalid = self._collect(rows, part)

    def vector(self) -> Array | InvalidElement:
        """Return the only row."""
        if self._n_rows != 1:
            raise _IrregularError
        if self._invalid is not None:
            (_, *at), value = self._invalid
            if not at:
                raise _IrregularError
            return InvalidElement(tuple(at), value)
        return self._numbers

    def matrix(self) -> NumberRows | InvalidElement:
        """Return all rows."""
        lengths = np.frombuffer(self._lengths, np.int64)
        return self._invalid or make_rows(self._numbers, lengths)

    def _collect(self, rows: list[Any], part: bytes) -> InvalidElement | None:
        """Add rows, the first of which may continue the last one; return an invalid element."""
        has_literals = b"u" in part or b"s" in part  # as in true, false and null
        if has_literals or set(map(type, rows)) != {list} or not all(rows):
            return self._find_invalid(rows)
        lengths = array("q", map(len, rows))
        n_numbers = sum(lengths)
        numbers = self._numbers[self._n_numbers : self._n_numbers + n_numbers]
        try:
            struct.pack_into(f"{n_numbers}d", numbers.data, 0, *chain.from_iterable(rows))
        except struct.error:  # a list
            return self._find_invalid(rows)
        underflow = None if numbers.all() else _find_underflow(part, numbers)
        if underflow is not None:
            row = int(np.searchsorted(np.cumsum(lengths), underflow[0], side="right"))
            column = underflow[0] - sum(lengths[:row])
            return self._invalid_at(row, column, underflow[1])
        self._n_numbers += n_numbers
        lengths[0] += self._length
        self._length = lengths.pop() if self._continues else 0
        self._lengths.extend(lengths)
        return None

    def _find_invalid(self, rows: list[Any]) -> InvalidElement:
        for i, row in enumerate(rows):
            if not isinstance(row, list) or not row:
                return InvalidElement((len(self._lengths) + i,), row)
            for j, each in enumerate(row):
                if type(each) not in {float, int}:
                    return self._invalid_at(i, j, each)
        raise _IrregularError

    def _invalid_at(self, row: int, column: int, value: Any) -> InvalidElement:
        """Return the invalid element at the given indices of the part that is being read."""
        column += self._length if row == 0 else 0
        return InvalidElement((len(self._lengths) + row, column), value)


def _find_underflow(part: bytes, numbers: Array) -> tuple[int, json_numbers.Underflow] | None:
    """Return the first number of a part that float64 rounds to 0, and its index."""
    text = part.decode()
    if json_numbers.may_underflow(text):
        literals = text.split(",")
        for i in np.flatnonzero(numbers == 0.0).tolist():
            if json_numbers.underflows(literals[i].strip(" \t\r\n[]")):
                return i, json_numbers.Underflow(literals[i])
    return None
