"""Times of series: what is read, and which dates are written for the steps."""

from typing import Any

import numpy as np
import pytest

from service.engine.data import Series, Step
from service.errors import Invalid
from tests.formats.conftest import read_series_csv


def read(times: list[str], sequences: str = "", **options: Any) -> Series:
    pairs = zip(times, sequences or "a" * len(times), strict=True)
    rows = "".join(f"{time};{name};1\n" for time, name in pairs)
    names = {"target": "y", "sequence": "name", "time": "when"}
    return read_series_csv(f"when;name;y\n{rows}", **names, **options)


def write(series: Series) -> list[str]:
    """Return the times of the table of a series."""
    return [row.split(",")[1] for row in read_series_csv.write(series).decode().splitlines()]


@pytest.mark.parametrize(
    ("times", "step", "written"),
    [
        ("2024/01/30 2024/01/31", Step(1, "day"), "2024-01-30 2024-01-31"),
        ("2024/1/9 2024/1/10", Step(1, "day"), "2024-01-09 2024-01-10"),
        ("2024-01 2024-02", Step(1, "month"), "2024-01-01 2024-02-01"),
        ("2024-01-31 2024-02-29 2024-03-31", Step(1, "month"), ""),
        ("2023-12-15 2024-01-15", Step(1, "month"), ""),
        ("2023-Q4 2024-Q1 2024-Q2", Step(3, "month"), "2023-10-01 2024-01-01 2024-04-01"),
        ("Q1/2024 Q3/2024", Step(6, "month"), "2024-01-01 2024-07-01"),
        ("2020-02-29 2021-02-28 2022-02-28", Step(1, "year"), ""),
        ("2024-W05 2024-W06", Step(1, "week"), "2024-01-29 2024-02-05"),
        ("2024-01-04 2024-01-05 2024-01-08 2024-01-09", Step(1, "business day"), ""),
        ("2024-01-04 2024-01-05 2024-01-06", Step(1, "day"), ""),
        (
            "2024-01-31T9:00 2024-01-31T9:15",
            Step(15, "minute"),
            "2024-01-31T09:00 2024-01-31T09:15",
        ),
        ("31.1.2024T23:00 1.2.2024T00:00", Step(1, "hour"), "2024-01-31T23:00 2024-02-01T00:00"),
        (
            "2024-01-01T00:00:00.5 2024-01-01T00:00:01",
            Step(0.5, "second"),
            "2024-01-01T00:00:00.500 2024-01-01T00:00:01.000",
        ),
        (
            "2024-01-01T00:00:00.1 2024-01-01T00:00:00.2 2024-01-01T00:00:00.3",
            Step(0.1, "second"),
            "2024-01-01T00:00:00.100 2024-01-01T00:00:00.200 2024-01-01T00:00:00.300",
        ),
        (
            "2024-03-31T01:00+01:00 2024-03-31T03:00+02:00",
            Step(1, "hour"),
            "2024-03-31T00:00Z 2024-03-31T01:00Z",
        ),
        ("3 5 7", Step(2, "when"), ""),
        ("0.5 1 1.5", Step(0.5, "when"), ""),
    ],
)
def test_times_are_read_stored_and_written(times: str, step: Step, written: str) -> None:
    series = read(times.split())
    assert series.step == step
    header, *dates = write(series)
    assert dates == (written or times).split()
    assert header == ("when" if step.unit == "when" else "time")
    again = read(dates)
    assert (again.step, again.start_times) == (step, series.start_times)


@pytest.mark.parametrize(
    ("times", "step", "starts"),
    [
        ("1 2 3 7 8 20", Step(1, "when"), (1, 7, 20)),
        ("2024-01-01 2024-01-02 2024-01-05", Step(1, "day"), ("2024-01-01", "2024-01-05")),
        ("2024-01 2024-02 2024-05 2024-06", Step(1, "month"), ("2024-01-01", "2024-05-01")),
        ("2020 2021 2024 2025", Step(1, "when"), (2020, 2024)),
        (  # Monday is a holiday
            "2024-01-04 2024-01-05 2024-01-08 2024-01-09 2024-01-11 2024-01-12 2024-01-16",
            *(Step(1, "business day"), ("2024-01-04", "2024-01-11", "2024-01-16")),
        ),
        (
            "2024-01-31T23:00 2024-02-01T00:00 2024-02-01T02:00",
            *(Step(1, "hour"), ("2024-01-31T23:00", "2024-02-01T02:00")),
        ),
    ],
)
def test_a_sequence_starts_after_each_gap(
    times: str, step: Step, starts: tuple[str | float, ...]
) -> None:
    series = read(times.split(), gaps="sequences")
    assert (series.step, series.start_times) == (step, starts)
    assert write(series)[1:] == [
        f"{time}-01" if step.unit == "month" else time for time in times.split()
    ]
    assert series.sequence_names == tuple(f"a {i + 1}" for i in range(len(starts)))


@pytest.mark.parametrize(
    ("times", "n_gaps", "are_regular"),
    [
        ("1 2 4 5 6 9 10", 2, False),
        ("1 2 4 5 7 8 9 11", 3, False),
        ("1 2 4 5 7 8 10", 3, True),
        ("2024-01-05 2024-01-06 2024-01-08 2024-01-09 2024-01-10", 1, False),
    ],
)
def test_gaps_are_counted(times: str, n_gaps: int, *, are_regular: bool) -> None:
    with pytest.raises(Invalid, match="is missing") as caught:
        read(times.split())
    members = caught.value.members
    # The first repair invents no inputs.
    assert members["repairs"][0]["query"] == {"gaps": "sequences"}
    assert (members["n_gaps"], members["are_regular"]) == (n_gaps, are_regular)


@pytest.mark.parametrize("times", ["1 2 4 3", "1 2 2.5 4 5 6", "1 2 3 1 2 3"])
def test_what_is_no_gap_stays_an_error(times: str) -> None:
    with pytest.raises(Invalid) as caught:
        read(times.split())
    assert "n_gaps" not in caught.value.members
    with pytest.raises(Invalid):
        read(times.split(), gaps="sequences")


def test_sequences_start_at_their_own_times() -> None:
    series = read(["2024-01-01", "2024-05-01", "2024-01-02", "2024-05-02"], sequences="abab")
    assert series.start_times == ("2024-01-01", "2024-05-01")
    assert write(series)[1:] == ["2024-01-01", "2024-01-02", "2024-05-01", "2024-05-02"]
    assert read(["1", "2"]).start_times == ()  # as if there were no times


@pytest.mark.parametrize(
    ("rows", "dates"),
    [
        ("2024-01-01,1,1\n", ["2024-01-01"]),
        ("2024-01-01,1,1\n2024-01-02,1,\n2024-01-03,1,2\n", ["2024-01-01", "2024-01-03"]),
    ],
)
def test_sequences_of_one_row_have_dates(rows: str, dates: list[str]) -> None:
    series = read_series_csv(f"t,y,x\n{rows}", target="y", time="t", fill="drop")
    assert series.step == Step()
    assert write(series)[1:] == dates


@pytest.mark.parametrize("time", ["0001-01-01T00:00+05:00", "9999-12-31T23:00-05:00"])
def test_dates_outside_the_calendar_in_utc_are_refused(time: str) -> None:
    with pytest.raises(Invalid, match="is not a date"):
        read([time])


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("2024-10-27T01:00 2024-10-27T02:00", "2024-10-27T02:00 2024-10-27T03:00"),
        ("2024-03-31T00:00 2024-03-31T01:00", "2024-03-31T03:00 2024-03-31T04:00"),
        ("2024-11-03T01:30 2024-11-03T01:45", "2024-11-03T01:00 2024-11-03T01:15"),
    ],
)
def test_changes_of_the_clock_are_no_gaps(before: str, after: str) -> None:
    times = np.array([*before.split(), *after.split()])
    series = read([*times])
    gap = np.diff(times[:2].astype("datetime64[m]"))[0].astype(int)
    assert series.step == (Step(1, "hour") if gap == 60 else Step(float(gap), "minute"))


@pytest.mark.parametrize(
    "times", ["2024-06-05T01:00 2024-06-05T02:00 2024-06-05T03:00 2024-06-05T05:00"]
)
def test_other_jumps_by_an_hour_are_reported(times: str) -> None:
    with pytest.raises(Exception, match=r"line 5: .* jumps by an hour.*with their offset"):
        read(times.split())
