"""Fits of public data: published estimates, and the table of docs/fitting.md."""

from math import log
from pathlib import Path

import pytest

from benchmarks.public_data import CASES, Json, follow_advice, format_row
from tests.repository.conftest import assert_equal_text

FITTING = (Path(__file__).parents[2] / "docs" / "fitting.md").read_text(encoding="utf-8")
BY_FILE = {case["file"]: case for case in CASES}


@pytest.mark.parametrize(
    ("file", "rate", "level"),
    [
        ("oxygen_demand.csv", 0.54723748542, 213.80940889),  # certified by NIST
        ("calcium_uptake.csv", 0.208, 4.31),
        ("weight_loss.csv", log(2.0) / 141.911, 81.374),
    ],
)
def test_least_squares_estimates_are_those_published(file: str, rate: float, level: float) -> None:
    result = follow_advice(BY_FILE[file]).fit
    assert result["time_constant"]["value"] == pytest.approx(1.0 / rate, rel=0.01)
    gains = [each["steady_state_gain"] for each in result["inputs"]] or [result["offset"]]
    assert gains[0]["value"] == pytest.approx(level, rel=0.01)


def test_an_echo_of_an_oscillating_input_is_no_later_effect() -> None:
    # The Southern Oscillation returns after some years, so that residuals correlate with delays
    # that were not tried, of 29 months and more.
    assert follow_advice(BY_FILE["recruitment.csv"]).followed[0] == {"delay": 5}


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: Path(case["file"]).stem)
def test_a_row_of_the_table_is_current(case: Json) -> None:
    (row,) = (line for line in FITTING.splitlines() if line.startswith(f"| [{case['title']}]"))
    assert_equal_text(format_row(case), row)
