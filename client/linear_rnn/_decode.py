"""JSON to the dataclasses of the API."""

import types
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin

from linear_rnn._arrays import Array, IntArray, to_array
from linear_rnn._errors import LinearRNNError

T = TypeVar("T")

RENAMED = {  # names with another meaning in the client
    "residual_tests": "residuals",
    "verdict": "summary",
}


def decode(model: type[T], data: dict[str, Any]) -> T:
    """Return JSON as a dataclass, without unknown fields.

    Raises
    ------
    LinearRNNError
        If the JSON lacks a field, because it comes from another version of the service.
    """
    values = {
        name: _convert(kind, data[key])
        for name, key, kind in _fields(cast("Any", model))
        if key in data
    }
    try:
        return model(**values)
    except TypeError as error:
        raise LinearRNNError(f"this is not the response of a known version: {error}") from None


@cache
def _fields(model: Any) -> list[tuple[str, str, Any]]:
    return [(item.name, RENAMED.get(item.name, item.name), item.type) for item in fields(model)]


def _convert(kind: Any, value: Any) -> Any:
    if value is None and kind is not Array:
        return None
    if kind is Array:
        return to_array(value)
    if kind is IntArray:
        return to_array(value, int)
    if get_origin(kind) in {Union, types.UnionType}:
        named = [member for member in get_args(kind) if member is not type(None)]
        return _convert(named[0], value) if len(named) == 1 else value
    if get_origin(kind) is list:
        return [_convert(get_args(kind)[0], item) for item in value]
    return decode(kind, value) if is_dataclass(kind) and isinstance(kind, type) else value
