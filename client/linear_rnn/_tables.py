"""Columns of numbers, and their conversion to tables of pandas and polars."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any

from linear_rnn import _models as m
from linear_rnn._decode import decode
from linear_rnn._text import to_html

if TYPE_CHECKING:
    import pandas
    import polars


FIRST_ROWS = 10  # of a collection or a table in a notebook


class Table:
    """A result that can be converted to columns."""

    def columns(self) -> dict[str, Any]:
        """Return the columns by their names.

        >>> list(rnn.predict().columns())
        ['output']
        """
        return dict(vars(self))

    def to_pandas(self) -> "pandas.DataFrame":
        """Return the columns as a table of pandas, whose index has the dates, if there are some.

        >>> rnn.trace().to_pandas().shape
        (66, 6)
        """
        import pandas

        table = pandas.DataFrame(self.columns())
        if "time" in table and not pandas.api.types.is_numeric_dtype(table["time"]):
            table["time"] = pandas.to_datetime(table["time"])
            table = table.set_index("time")
        return table

    def to_polars(self) -> "polars.DataFrame":
        """Return the columns as a table of polars.

        >>> rnn.trace().to_polars().shape
        (66, 6)
        """
        import polars

        return polars.DataFrame(self.columns())


class Rows(Table, Mapping[str, Any]):
    """Columns of a file, by name and as attributes."""

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self._columns = dict(columns)

    def columns(self) -> dict[str, Any]:
        """Return the columns by their names.

        >>> list(rnn.train().trajectory.columns())
        ['iteration', 'w_in', 'w_rec', 'cost', 'log10_cost']
        """
        return dict(self._columns)

    def __getitem__(self, name: str) -> Any:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._columns:
            raise AttributeError(
                f"no column {name!r} in {', '.join(self.__dict__.get('_columns', ()))}"
            )
        return self._columns[name]

    def _repr_html_(self) -> str:
        rows = zip(*(column[:FIRST_ROWS] for column in self._columns.values()), strict=True)
        lines = [self._columns, *rows]
        cells = ("".join(f"<td>{escape(str(cell))}</td>" for cell in line) for line in lines)
        body = "".join(f"<tr>{line}</tr>" for line in cells)
        return f"{to_html(repr(self))}<table>{body}</table>"

    def __repr__(self) -> str:
        n_rows = max(map(len, self._columns.values()), default=0)
        return f"<{type(self).__name__} of {n_rows:,} rows: {', '.join(self._columns)}>"


def lengthen(w_in: Any, w_rec: Any, **grids: Any) -> dict[str, Any]:
    """Return grids, whose rows are w_rec, as columns with a row per cell."""
    cells = [(row, column) for row in range(len(w_rec)) for column in range(len(w_in))]
    return {
        "w_in": [w_in[column] for _, column in cells],
        "w_rec": [w_rec[row] for row, _ in cells],
        **{name: [grid[row][column] for row, column in cells] for name, grid in grids.items()},
    }


def stack(tables: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Concatenate tables with the same columns."""
    return {name: [value for table in tables for value in table[name]] for name in tables[0]}


def describe_fit(fit: m.FitResource) -> dict[str, Any]:
    """Return the row of a fit in a table of fits."""
    first, *others = fit.states
    verdict = getattr(fit, "verdict", None)
    interval = verdict and verdict.interval
    numbers = {
        "time_constant": None if others else first.time_constant.value,
        "w_rec": None if others else first.w_rec.value,
    }
    gains = [each.steady_state_gain for each in fit.inputs]
    if verdict is not None:  # with few targets, the numbers of ar1 noise
        numbers = {name: getattr(verdict, name) for name in numbers}
        gains = verdict.gains or []
    pairs = zip(fit.inputs, gains, strict=True)
    return {
        "level": verdict and verdict.level,
        **numbers,
        **{f"gain_{each.name}": gain.value for each, gain in pairs},
        "low": interval and interval.low,
        "high": interval and interval.high,
        "unit": fit.request["step"]["unit"],
        "r_squared": fit.r_squared,
        "n_targets": fit.n_targets,
        "summary": verdict and verdict.headline,
        "id": fit.id,
    }


def grids_of(arrays: Mapping[str, Any]) -> list[m.CostGrid]:
    """Return the windows of an archive of a cost surface, with the minimum of each."""
    import numpy as np

    grids = []
    for k in range(len(arrays) // 3):
        w_in, w_rec, cost = (arrays[f"{name}_{k}"] for name in ("w_in", "w_rec", "cost"))
        is_finite = np.isfinite(cost)
        row, column = divmod(int(np.argmin(np.where(is_finite, cost, np.inf))), len(w_in))
        grid = {
            "w_in": w_in,
            "w_rec": w_rec,
            "cost": np.where(is_finite, cost, np.nan),
            "minimum": {
                "weights": {"w_in": float(w_in[column]), "w_rec": float(w_rec[row])},
                "cost": float(cost[row, column]) if is_finite.any() else None,
            },
            "n_overflowed": int(np.sum(~is_finite)),
        }
        grids.append(decode(m.CostGrid, grid))
    return grids
