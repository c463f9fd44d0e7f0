"""docs/fitting.md: its commands, numbers and words agree with the service."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from scripts.example_series import EXAMPLES
from service.api.query_params import DatasetQuery
from service.schemas.fit_results import TEXTS, FitResult
from service.schemas.fits import FitRequest
from tests.repository.test_example_series import fit_example, read
from tests.repository.test_readme import BLOCK, ROOT, WrittenNumber, contains, curl, run_example

FITTING = (ROOT / "docs" / "fitting.md").read_text(encoding="utf-8")
ROW = re.compile(
    r"^\| `(\w+\.csv)` \| `([^`]*)` \| (.*?) \| ([\d.]+) (\w+)s "
    r"\| ([\d.]+) \(([\d.]+) to ([\d.]+)\) \|$",
    re.MULTILINE,
)


def table(heading: str, section: str) -> list[list[str]]:
    """Return the rows of the table of a section whose header begins with a word."""
    text = FITTING.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    rows = text.partition(f"| {heading} |")[2].partition("\n\n")[0].splitlines()[2:]
    assert rows
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]


def test_the_commands_work(address: str, tmp_path: Path) -> None:
    (commands,) = (text for language, text in BLOCK.findall(FITTING) if language == "sh")
    lines = commands.replace("\\\n", " ").splitlines()
    responses = [curl(line, address, tmp_path) for line in lines]
    # 200 if the commands of the README have stored the same before.
    assert all(response.status_code in (200, 201) for response in responses)
    (shown,) = (text for language, text in BLOCK.findall(FITTING) if language == "json")
    body: Any = responses[1].json()
    assert contains(body, json.loads(shown, parse_float=WrittenNumber))
    assert httpx.get(f"http://{address}{body['links']['profile_csv']}").status_code == 200


def test_the_python_example_prints_the_shown_output(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINEAR_RNN_URL", f"http://{address}")
    monkeypatch.chdir(ROOT)
    (code,) = (text for language, text in BLOCK.findall(FITTING) if language == "python")
    (expected,) = (text for language, text in BLOCK.findall(FITTING) if language == "text")
    assert run_example(code) == expected


def test_the_examples_have_the_shown_numbers() -> None:
    rows = ROW.findall(FITTING)
    assert [row[0] for row in rows] == [name for name, each in EXAMPLES.items() if not each.trap]
    for name, columns, options, true, unit, *fitted in rows:
        example = EXAMPLES[name]
        assert columns == ", ".join(f"{key}={value}" for key, value in example.query.items())
        shown = "{" + ", ".join(re.findall("`(.*?)`", options)) + "}"
        assert json.loads(shown) == example.options
        assert unit == example.step.unit
        result = fit_example(read(name, example), **example.options)
        ((low, high),) = result.intervals
        numbers = [example.w_rec, result.w_rec, low, high]
        times = [-example.step.length / np.log(w_rec) for w_rec in numbers]
        for text, time in zip([true, *fitted], times, strict=True):
            assert WrittenNumber(text).matches(float(f"{time:.3g}")), name
        assert times[2] <= times[0] <= times[3]


def test_the_words_are_those_of_the_service() -> None:
    parameters = [row[0].strip("`") for row in table("parameter", "The table")]
    assert set(parameters) == DatasetQuery.model_fields.keys() - {"name", "kind"}
    for heading, kind in (("reason", "reasons"), ("caution", "cautions")):
        cells = " ".join(row[0] for row in table(heading, "How to read the answer"))
        assert tuple(re.findall(r"`(\w+)`", cells)) == tuple(TEXTS[kind])
    known = FitResult.model_fields | FitRequest.model_fields
    named = re.findall(
        r"`([a-z_]+)[:`]",
        " ".join(row[0] for row in table("here", "What each term is called elsewhere")),
    )
    assert len(named) > 10
    assert set(named) - {"w_in", "steady_state_gain", "intervals"} <= known.keys()
