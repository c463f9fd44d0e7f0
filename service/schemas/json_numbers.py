"""JSON numbers, including those that float64 rounds to 0."""

import gc
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import orjson

# A number that is not 0 rounds to 0 below 2.5e-324. Its text has an exponent of three digits, or
# at least 224 zeros.
# An expression that begins with a literal is searched ten times as fast as one with a set, and a
# single letter, which is usually missing, 20 times as fast as that.
_IN_TEXT: Final = re.compile("e-[0-9]{3}"), re.compile("E-[0-9]{3}")
_IN_BYTES: Final = re.compile(b"e-[0-9]{3}"), re.compile(b"E-[0-9]{3}")
ZEROS_TEXT: Final = "0" * 200
ZEROS: Final = ZEROS_TEXT.encode()
LARGE: Final = 64 * 1024  # bytes of a text
_NONZERO: Final = re.compile(r"[+-]?[0.]*[1-9]")


class Underflow(str):
    """The text of a number that float64 rounds to 0. It is not a number, so no field accepts it."""

    __slots__ = ()


def loads(text: bytes) -> Any:
    """Parse JSON; a number that float64 rounds to 0 becomes an `Underflow`.

    Raises
    ------
    json.JSONDecodeError
        The text is not JSON.
    """
    if len(text) < LARGE:
        return _parse(text)
    with without_collections():
        return _parse(text)


def _parse(text: bytes) -> Any:
    value = orjson.loads(text)
    lower, upper = _IN_BYTES
    found = (b"e" in text and lower.search(text)) or (b"E" in text and upper.search(text))
    if not (found or ZEROS in text):
        return value
    try:
        return json.loads(text, parse_float=_parse_float, parse_int=orjson.loads)
    except RecursionError:  # no valid request is as deep
        return value


def _parse_float(text: str) -> float | Underflow:
    """Return the number of a literal with a fraction or an exponent, which does not overflow."""
    number = float(text)
    return number if number or not _NONZERO.match(text) else Underflow(text)


@contextmanager
def without_collections() -> Iterator[None]:
    """Run without garbage collection, unless another thread already does.

    A million lists otherwise cause collections that take 1.8 s on Python 3.11, and no other thread
    can run meanwhile.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def parse_number(text: str) -> Any:
    """Return the number of a JSON literal, or an `Underflow`; raises orjson.JSONDecodeError."""
    return Underflow(text) if underflows(text) else orjson.loads(text)


def underflows(text: str) -> bool:
    """Return whether the text is that of a number which is not 0, but which float64 rounds to 0."""
    if not may_underflow(text) or not _NONZERO.match(text):
        return False
    try:
        return float(text) == 0.0
    except ValueError:
        return False


def may_underflow(text: str) -> bool:
    """Return whether a text may contain a number that float64 rounds to 0."""
    return ZEROS_TEXT in text or any(exponent.search(text) for exponent in _IN_TEXT)
