"""Fits in words, without the service."""

import re
from pathlib import Path

import numpy as np
import pytest

from service.engine.data import Series, Step
from service.engine.fit import FitOptions, fit, summarize

ROOT = Path(__file__).parents[3]


def read_example() -> Series:
    """Return the series of the example in the README, read without the service."""
    table = ROOT / "service/explorer/fit_examples/advertising.csv"
    columns = np.genfromtxt(table, delimiter=",", names=True, usecols=(1, 2, 3))
    inputs = np.column_stack([columns["tv"], columns["search"]])
    week = Step(1.0, "week")
    return Series.from_sequences([inputs], [columns["sales"]], ("tv", "search"), "sales", week)


def test_a_fit_prints_the_lines_of_the_readme(capsys: pytest.CaptureFixture[str]) -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    (shown,) = re.findall(r"```text\n(Time constant .*?\n)\n +estimate ", readme, re.DOTALL)
    print(fit(read_example()))
    assert capsys.readouterr().out == shown


def test_a_headline_is_a_result_with_its_doubts() -> None:
    options = FitOptions(w_rec=(0.6, 0.6), delay=(1, 1))  # the inputs act without a delay
    given = summarize(fit(read_example(), options), Step(1.0, "week"))
    assert given.result == "Time constant 1.96 weeks (given)"
    assert given.doubts == ["interval not reliable"]
    assert given.headline == "Time constant 1.96 weeks (given) (interval not reliable)"


def test_notes_about_the_table_are_a_caution_and_a_doubt() -> None:
    result = fit(read_example())
    plain, noted = (summarize(result, Step(), notes=notes) for notes in ((), ("a gap was filled",)))
    assert (plain.level, noted.level) == ("trusted", "caution")
    assert noted.sentences[0] == ("table", "About the table: a gap was filled.")
    assert noted.headline == f"{plain.headline} (check the table first)"
    assert [topic for topic, _ in noted.sentences[1:]] == [topic for topic, _ in plain.sentences]
