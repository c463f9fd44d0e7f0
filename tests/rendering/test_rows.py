"""The rows of a fit that a picture shows, and their places in time."""

import numpy as np
import pytest

from service.engine.data import Step
from service.rendering.labels import place_in_time
from service.rendering.rows import MAX_ROWS, MAX_SINGLE, select_rows


def test_few_of_many_rows_look_like_all() -> None:
    rng = np.random.default_rng(1)
    sequences = np.repeat([0, 1, 2], [30_000, 5, 20_000])
    columns = [rng.standard_cauchy(len(sequences)), rng.standard_normal(len(sequences))]
    columns[1][rng.random(len(sequences)) < 0.9] = np.nan
    rows = select_rows(sequences, columns, 2)
    assert len(rows) < 1.1 * MAX_ROWS
    assert {0, 29_999, 30_000, 30_004} <= {*rows.tolist()}
    assert rows[-1] == 30_004
    for column in columns:
        for start in range(0, 30_000, 1_000):
            window = rows[(rows >= start) & (rows < start + 1_000)]
            kept, every = column[window], column[start : start + 1_000]
            assert np.nanmin(kept) == np.nanmin(every)
            assert np.nanmax(kept) == np.nanmax(every)
    assert len(select_rows(np.arange(9_999), [np.zeros(9_999)], 8)) == MAX_SINGLE


@pytest.mark.parametrize(
    ("starts", "step", "expected"),
    [
        ((), Step(2.0, "hour"), [2.0, 4.0, 2.0, 4.0]),
        ((1871.0, 1900.0), Step(1.0, "year"), [1871.0, 1872.0, 1900.0, 1901.0]),
        (("1970-01-31", "1970-02-28"), Step(1.0, "month"), [30.0, 58.0, 58.0, 89.0]),
        (("1970-01-02", "1970-01-05"), Step(1.0, "business day"), [1.0, 4.0, 4.0, 5.0]),
        (("2024-01-01T00:00Z", "2025-01-01T00:00Z"), Step(1.0, "hour"), [1.0, 2.0, 1.0, 2.0]),
    ],
    ids=["no times", "numbers", "months", "business days", "far apart"],
)
def test_rows_are_at_their_times(
    starts: tuple[str | float, ...], step: Step, expected: list[float]
) -> None:
    rows = np.array([0, 0, 1, 1]), np.array([1, 2, 1, 2])
    times, axis = place_in_time(starts, step, *rows)
    assert times.tolist() == expected
    assert axis.has_dates is (starts != () and str(starts[0]).startswith("1970"))
