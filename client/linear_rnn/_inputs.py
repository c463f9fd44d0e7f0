"""Conversion of arguments to the JSON of the API."""

import csv
import io
import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime
from numbers import Integral
from pathlib import Path
from typing import IO, Any, Protocol, TypedDict, TypeGuard

from linear_rnn import _models as m
from linear_rnn._arrays import Array, read_csv, to_column
from linear_rnn._errors import LinearRNNError

Numbers = Sequence[float] | Array
Rows = Sequence[Numbers] | Array


class DataFrame(Protocol):
    """A table of pandas or polars."""

    @property
    def columns(self) -> Any:
        """The names of its columns."""


class Series(Protocol):
    """A series of pandas or polars."""

    def to_frame(self) -> DataFrame:
        """Return a table with this column."""


class Stored(Protocol):
    """A stored resource: a run, a map, a fit or a dataset."""

    @property
    def id(self) -> Any:
        """Its id."""


class WeightPair(Protocol):
    """Weights, as in results."""

    w_in: Any
    w_rec: Any


File = str | os.PathLike[str] | IO[bytes] | IO[str]
Columns = Mapping[str, Any]
TableLike = File | DataFrame | Series | Columns | Array
DatasetLike = str | Stored | m.Dataset | tuple[Rows, Numbers]
WeightsLike = tuple[float, float] | m.WeightsFields | WeightPair
NetworkLike = m.Activation | m.Network
OptimizerLike = m.OptimizerName | m.Optimizer | Mapping[str, Any]
RangeLike = tuple[float, float] | m.Range


class Window(TypedDict, total=False):
    """A window of weights, such as ``{"w_in": (0, 2), "w_rec": (0, 2), "resolution": 50}``."""

    w_in: RangeLike
    w_rec: RangeLike
    resolution: int


def compose(**arguments: Any) -> dict[str, Any]:
    """Return arguments of a method as the JSON of a request.

    Arguments that are None are omitted, and have the default of the service.
    """
    return {
        name: _CONVERTERS.get(name, _plain)(value)
        for name, value in arguments.items()
        if value is not None
    }


def encode(request: Mapping[str, Any]) -> bytes:
    """Return a request as bytes.

    Raises
    ------
    ValueError
        If a number is nan or infinite, which JSON does not support.
    """
    try:
        return json.dumps(request, default=_plain, allow_nan=False).encode()
    except ValueError:
        raise ValueError("the request has a number that is nan or infinite") from None


def is_table(value: object) -> TypeGuard[TableLike]:
    """Return True if a value is a file, a table or columns, and not a dataset of the API."""
    if isinstance(value, str):
        return not value.startswith("ds_")
    if isinstance(value, Mapping):
        return "kind" not in value and "id" not in value
    is_file = isinstance(value, os.PathLike) or hasattr(value, "read")
    return is_file or any(hasattr(value, name) for name in ("collect", "columns", "dtype"))


def to_csv(table: TableLike) -> tuple[bytes, dict[str, Any]]:
    """Return a file, a table or columns as CSV, and the default options for reading it."""
    if isinstance(table, str | os.PathLike):
        if str(table).startswith(("https:/", "http:/")):
            raise ValueError(f"{table} is an address; download it, or read it with pandas")
        return Path(table).read_bytes(), {}
    source: Any = table
    if hasattr(source, "read"):
        content = source.read()
        return (content if isinstance(content, bytes) else content.encode()), {}
    if hasattr(source, "to_frame") and not hasattr(source, "columns"):  # a series
        source = source.to_frame()
    if hasattr(source, "to_csv"):
        return _write_pandas(source)
    source = _collect(source)
    if hasattr(source, "write_csv"):
        source = source.to_dict()
    if hasattr(source, "dtype"):  # an array of numpy
        names = source.dtype.names or [f"column_{k}" for k in range(1, source[0].size + 1)]
        rows = source if source.dtype.names else source.reshape(len(source), -1).T
        source = {name: rows[name if source.dtype.names else k] for k, name in enumerate(names)}
    return _write_columns(source).encode(), {"header": 1}


def find_values(table: Any, column: str | int, content: bytes, texts: Sequence[str]) -> Any:
    """Return the values of a column that are written as some texts, with their type.

    Parameters
    ----------
    table
        A table or columns; the type of the values in a file is not known.
    column
        The name of the column.
    content
        The table as CSV.
    texts
        The texts, as the service read them.
    """
    source = _collect(table)
    has_columns = isinstance(source, Mapping) or hasattr(source, "columns")
    if not has_columns or column not in source:
        return to_column(texts)
    places: dict[str, int] = {}
    for k, row in enumerate(csv.DictReader(io.StringIO(content.decode()))):
        places.setdefault(row[str(column)].strip(), k)
    if not places.keys() >= {*texts}:
        return to_column(texts)
    chosen = [places[text] for text in texts]
    values = source[column]
    if hasattr(values, "iloc"):
        return values.iloc[chosen].values
    return values[chosen] if hasattr(values, "dtype") else [values[k] for k in chosen]


def _collect(table: Any) -> Any:
    """Return a table, computed if it is a lazy one of polars."""
    return table.collect() if hasattr(table, "collect") else table


def _write_pandas(frame: Any) -> tuple[bytes, dict[str, Any]]:
    """Return a table of pandas as CSV, whose index is the time if it has dates."""
    frame = frame.copy(deep=False)
    if hasattr(frame.index, "to_timestamp"):  # of periods
        frame.index = frame.index.to_timestamp()
    name = "time" if frame.index.name is None else str(frame.index.name)
    has_times = getattr(frame.index.dtype, "kind", "") == "M" and name not in frame.columns
    if has_times:
        frame.index.name = name
    for column in frame.columns:
        kind = str(frame[column].dtype)
        if kind.startswith("bool"):
            frame[column] = frame[column].astype("Int64")
        elif kind.startswith("period"):
            frame[column] = frame[column].dt.to_timestamp()
    # An index without a name is only a number.
    text = frame.to_csv(index=any(level is not None for level in frame.index.names))
    return text.encode(), {"header": 1} | ({"time": name} if has_times else {})


def read_steps(table: Any, names: Sequence[str]) -> tuple[list[Any], list[str]]:
    """Return the inputs of steps, one row per step, and their dates if the table has some.

    Parameters
    ----------
    table
        A table with a column per input, columns by name, rows, the numbers of a single input, or
        without inputs the number of steps.
    names
        The names of the inputs, in order.
    """
    if isinstance(table, str | os.PathLike):
        raise TypeError("future inputs are a table, columns by name, or rows, and not a file")
    if isinstance(table, Integral):
        return [[]] * int(table), []
    table = table.to_frame(*names[:1]) if hasattr(table, "to_frame") else _collect(table)
    if not (isinstance(table, Mapping) or hasattr(table, "columns")):
        rows = _plain_list(table)
        rows = [row if isinstance(row, list | tuple) else [row] for row in rows]
        return check_inputs(rows, names), []
    columns = read_csv(to_csv(table)[0])
    for name in names:
        if name not in columns:
            raise LinearRNNError(
                f"the future inputs have no {name!r}; their columns are {[*columns]}"
            )
    others = (column for name, column in columns.items() if name not in names)
    texts = ([*map(str, column)] for column in others)
    dates: list[str] = next((each for each in texts if each and to_date(each[0])), [])
    n_steps = max(map(len, columns.values()), default=0)
    rows = [[columns[name][k] for name in names] for k in range(n_steps)]
    return check_inputs(rows, names), dates


def check_inputs(rows: list[Any], names: Sequence[str]) -> list[Any]:
    """Return future inputs; raises LinearRNNError for one that is missing at a step."""
    for step, row in enumerate(rows, 1):
        for name, value in zip(names, row, strict=False):
            if value is None or value != value:  # noqa: PLR0124 - nan
                raise LinearRNNError(f"the future input {name!r} is missing at step {step}")
    return rows


def to_date(text: str) -> datetime | None:
    """Return a date or the first day of a month; None if the text is none."""
    for day in ("", "-01"):
        with suppress(ValueError):
            return datetime.fromisoformat(text + day)
    return None


def check_dates(dates: Sequence[str], expected: Sequence[str]) -> None:
    """Raise LinearRNNError for dates of future inputs that do not continue a sequence."""
    for step, (text, next_text) in enumerate(zip(dates, expected, strict=False), 1):
        date = to_date(text)
        due = to_date(next_text)
        if date and due and not (date.tzinfo and due.tzinfo):  # local
            date = date.replace(tzinfo=due.tzinfo)
        if due and date != due:
            raise LinearRNNError(
                f"step {step} of the future inputs is at {text}, but the sequence continues at "
                f"{next_text}"
            )


def id_of(stored: Any) -> str:
    """Return the id of something stored, or the id itself."""
    if not (isinstance(stored, str) or hasattr(stored, "id")):
        raise TypeError(f"{stored!r} is neither an id nor stored")
    if not isinstance(stored, str) and stored.id is None:
        raise ValueError("it is not stored, because of `keep=False`")
    return stored if isinstance(stored, str) else str(stored.id)


def to_dataset(value: Any) -> Any:
    """Return a dataset as JSON: an id, a stored dataset, inputs with targets, or JSON itself."""
    if isinstance(value, str) or hasattr(value, "id"):
        return {"kind": "stored", "id": id_of(value)}
    if isinstance(value, tuple):
        inputs, targets = value
        return {"kind": "explicit", "inputs": inputs, "targets": targets}
    return value


def _to_weights(value: Any) -> Any:
    if isinstance(value, Mapping):
        return value
    pair = (value.w_in, value.w_rec) if hasattr(value, "w_in") else value
    if not hasattr(pair, "__len__") or len(pair) != 2:
        raise TypeError(f"{value!r} is not a pair of weights, such as (1, 0.5)")
    return dict(zip(("w_in", "w_rec"), pair, strict=True))


def _to_range(value: Any) -> Any:
    return {"low": value[0], "high": value[1]} if isinstance(value, tuple | list) else value


def _to_window(value: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _to_range(part) for name, part in value.items()}


def _to_optimizer(value: Any) -> Any:
    if isinstance(value, str):
        return {"name": value}
    return value if isinstance(value, Mapping) else asdict(value)


def _to_model(value: Any) -> Any:
    if isinstance(value, Mapping):
        return value
    identifier = id_of(value)
    return {"kind": identifier.partition("_")[0], "id": identifier}


def _plain(value: Any) -> Any:
    """Return arrays and numbers of numpy, pandas and polars as Python's."""
    for name in ("tolist", "to_list"):
        if hasattr(value, name):
            return getattr(value, name)()
    is_plain = isinstance(value, str | dict | list) or not isinstance(value, Iterable)
    return value if is_plain else list(value)


def _plain_list(value: Any) -> list[Any]:
    plain = _plain(value)
    return plain if isinstance(plain, list) else list(plain)


def _write_columns(columns: Columns) -> str:
    cells = {name: [*map(_cell, _plain_column(column))] for name, column in columns.items()}
    lengths = {name: len(column) for name, column in cells.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"the columns differ in length: {lengths}")
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(cells)
    writer.writerows(zip(*cells.values(), strict=True))
    return text.getvalue()


def _plain_column(column: Any) -> list[Any]:
    # numpy formats dates as text, but converts them to integers in lists.
    is_date = getattr(getattr(column, "dtype", None), "kind", "") == "M"
    return list(map(str, column)) if is_date else _plain_list(column)


def _cell(value: Any) -> Any:
    """Return a value of CSV: nothing for None and nan, and a number for a truth value."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return int(value) if isinstance(value, bool) else value


def _each(convert: Any) -> Any:
    return lambda values: [convert(value) for value in values]


_CONVERTERS: dict[str, Any] = {
    "dataset": to_dataset,
    "network": lambda value: {"activation": value} if isinstance(value, str) else value,
    "initial_weights": _to_weights,
    "weights": _to_weights,
    "points": _each(_to_weights),
    "windows": _each(_to_window),
    "window": _to_window,
    "optimizer": _to_optimizer,
    "model": _to_model,
    "runs": _each(id_of),
    "w_rec": _to_range,
    "delay": _to_range,
}
