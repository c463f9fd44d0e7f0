"""JSON to the dataclasses of the API."""

import types
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, cast, get_args, get_origin

from linear_rnn._arrays import NAN, Array, IntArray, to_array
from linear_rnn._errors import LinearRNNError

T = TypeVar("T")

RENAMED = {  # names with another meaning in the client
    "residual_tests": "residuals",
    "from_": "from",
    "verdict": "summary",
}


class UnknownVersion(LinearRNNError):
    """A response whose fields are not those of the model."""


def decode(model: type[T], data: dict[str, Any]) -> T:
    """Return JSON as a dataclass, without unknown fields.

    Raises
    ------
    UnknownVersion
        If the JSON lacks a field, or has one of another type.
    """
    try:
        values = {
            name: _convert(kind, data[key])
            for name, key, kind in _fields(cast("Any", model))
            if key in data
        }
        return model(**values)
    except (TypeError, ValueError) as error:
        raise UnknownVersion(str(error)) from None


@cache
def _fields(model: Any) -> list[tuple[str, str, Any]]:
    return [(item.name, RENAMED.get(item.name, item.name), item.type) for item in fields(model)]


def _convert(kind: Any, value: Any) -> Any:
    if value is None and kind is not Array:
        return NAN if kind is float else None
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
