"""The documents do what they say: their commands, numbers and pictures against a live service."""

import argparse
import contextlib
import io
import json
import os
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MATHEMATICS = (ROOT / "docs" / "mathematics.md").read_text(encoding="utf-8")

PICTURES = ["cost-surface", "gradient-trace", "trajectory", "optimizer-race", "basin-map"]

HOME = "localhost:8000"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Written:
    """A number as it stands in a text, so that its digits count."""

    text: str

    def is_(self, number: float) -> bool:
        """Tell whether the number, rounded to as many digits, is this one."""
        digits = re.sub(r"e.*|[-+.]", "", self.text.lower()).lstrip("0")
        return float(self.text) == float(f"{number:.{max(len(digits), 1)}g}")


# A live service, and curl


def commands(text: str) -> list[str]:
    """Return the lines of a shell block, those that go on put together."""
    return text.replace("\\\n", " ").splitlines()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the service as a user would, and return where it listens."""
    command = [str(Path(sys.executable).with_name("linear-rnn")), "serve", "--port", "0"]
    place = tmp_path_factory.mktemp("service")
    environment = {key: value for key, value in os.environ.items() if key[:4] != "RNN_"}
    environment |= {"RNN_RENDER_PROCESSES": "1", "RNN_LOG_LEVEL": "warning"}
    with subprocess.Popen(
        command, cwd=place, env=environment, stdout=subprocess.PIPE, text=True
    ) as service:
        assert service.stdout is not None
        try:
            greeting = next(
                filter(None, (re.search(r"http://(\S+)/\n", s) for s in service.stdout))
            )
            yield greeting[1]
        finally:
            service.terminate()
            service.stdout.read()


def curl(command: str, address: str, place: Path) -> httpx.Response:
    """Do what curl does for the options that the documents use."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("url")
    parser.add_argument("-X", dest="method")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", dest="data")
    parser.add_argument("--data-binary", dest="data")
    parser.add_argument("-o", dest="output")
    given = parser.parse_args(shlex.split(command)[1:])
    data = given.data
    if data is not None and data.startswith("@"):
        data = (place / data[1:]).read_bytes()
    response = httpx.request(
        given.method or ("POST" if data else "GET"),
        f"http://{given.url.removeprefix('http://').replace(HOME, address, 1)}",
        headers=dict(header.split(": ", 1) for header in given.headers),
        content=data,
        timeout=60.0,
    )
    if given.output:
        (place / given.output).write_bytes(response.content)
    return response


def contains(actual: Any, written: Any) -> bool:
    """Tell whether all that is written is in the answer."""
    if isinstance(written, dict):
        return isinstance(actual, dict) and all(
            key in actual and contains(actual[key], value) for key, value in written.items()
        )
    if isinstance(written, Written):
        return isinstance(actual, int | float) and written.is_(actual)
    return bool(actual == written)


@pytest.fixture(scope="module")
def answers(
    address: str, tmp_path_factory: pytest.TempPathFactory
) -> list[list[tuple[str, httpx.Response]]]:
    """Run every curl line of the README, in order; a list for each block."""
    place = tmp_path_factory.mktemp("user")
    return [
        [(line, curl(line, address, place)) for line in commands(text) if line.startswith("curl ")]
        for language, text in BLOCK.findall(README)
        if language == "sh"
    ]


def test_every_curl_line_works(answers: list[list[tuple[str, httpx.Response]]]) -> None:
    lines = [pair for block in answers for pair in block]
    assert len(lines) >= 15
    for line, response in lines:
        assert response.status_code in (200, 201), (line, response.text[:300])
        wanted = re.search(r"-o \S+\.(\w+)", line)
        if wanted is None:
            assert response.headers["content-type"] == "application/json", line
            continue
        head = {"png": b"\x89PNG", "svg": b"<?xml", "csv": b"x_1,"}[wanted[1]]
        assert response.content.startswith(head), line


def test_the_start_has_two_lines_and_five() -> None:
    make, show = [text for language, text in BLOCK.findall(README) if language == "sh"][:2]
    assert [line.split()[:2] for line in make.splitlines()] == [["make", "run"], ["make", "test"]]
    assert len(commands(show)) == 5


def test_the_answers_shown_are_those_given(
    answers: list[list[tuple[str, httpx.Response]]],
) -> None:
    shown = 0
    asked = iter(answers)
    given: list[Any] = []
    for language, text in BLOCK.findall(README):
        if language == "sh":
            given = [r.json() for line, r in next(asked) if " -o " not in line]
        if language == "json":
            shown += 1
            wanted = json.loads(text, parse_float=Written)
            assert any(contains(answer, wanted) for answer in given), text
    assert shown >= 3


def test_the_page_at_the_address_is_there(address: str) -> None:
    assert f"open http://{HOME}/\n" in README
    for path in ("/", "/docs"):
        assert httpx.get(f"http://{address}{path}").status_code == 200


def test_the_python_example_prints_what_it_says(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = BLOCK.findall(README)
    (where,) = [i for i, (language, _) in enumerate(blocks) if language == "python"]
    code, (language, expected) = blocks[where][1], blocks[where + 1]
    assert language == "text"
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code.replace(HOME, address), "README.md", "exec"), {})  # noqa: S102
    assert printed.getvalue() == expected
    assert (tmp_path / "surface.png").read_bytes().startswith(b"\x89PNG")


# Numbers


def post(address: str, path: str, **question: Any) -> Any:
    return httpx.post(f"http://{address}{path}", json=question, timeout=60.0).json()


@pytest.fixture(scope="module")
def note() -> Any:
    return json.loads((ROOT / "tests" / "golden" / "note.json").read_text())


def test_the_notes_numbers(address: str, note: Any) -> None:
    weights = [note["rprop"]["final_wx"], note["rprop"]["final_wRec"]]
    final = post(address, "/v1/training-runs")["final"]
    assert [final["weights"]["w_in"], final["weights"]["w_rec"]] == weights
    for number in weights:
        assert repr(number) in README
        assert repr(number) in MATHEMATICS
    assert Written("1.800853087957363e-06").is_(note["rprop"]["exact"]["cost_at"]["500"])
    for text in (README, MATHEMATICS):
        assert "1.800853087957363e-06" in text
    assert "It says 4.99896, and there are 5." in README
    assert Written("4.99896").is_(note["test"]["output"])


def test_numbers_of_traces(address: str, note: Any) -> None:
    two = next(each for each in note["points"] if (each["wx"], each["wRec"]) == (1, 2))
    trace = two["exact"]["gradient_over_time_true"]
    assert (trace[-1], trace[0]) == (884.3, 905523.2)
    assert "from 884.3 at the output to 905523.2 ten steps earlier" in README
    assert "by the last state is 884.3 and by the initial state 905523.2" in MATHEMATICS
    one = next(each for each in note["points"] if (each["wx"], each["wRec"]) == (2, 1))
    assert set(one["exact"]["gradient_over_time_true"]) == {10.3}
    assert "it is 10.3 at every step" in MATHEMATICS
    assert one["cost"] == 28.35
    assert "28.35 (u - 1)^2" in MATHEMATICS
    long = post(
        address,
        "/v1/gradient-trace",
        dataset={"n_steps": 10_000},
        points=[{"w_in": 1, "w_rec": 2}],
    )
    assert round(long["traces"][0]["log10_magnitude"][0], 1) == 6020.5
    assert "about 10^6020.5" in README
    assert "it is 6020.5 at the initial state" in MATHEMATICS


def test_numbers_beyond_float64(address: str) -> None:
    run = post(
        address, "/v1/training-runs", dataset={"n_steps": 2000}, keep=False, record_every=500
    )
    assert int(run["initial"]["log10_cost"]) + 1 == 1204
    assert "has 1,204 digits" in README
    assert "begins at $10^{1204}$" in MATHEMATICS
    final = run["final"]["cost"]
    assert Written("177.9").is_(final)
    assert "bring it down to 177.9" in MATHEMATICS
    still = {"initial_weights": {"w_in": 0, "w_rec": 1}, "n_iterations": 0, "keep": False}
    square = post(address, "/v1/training-runs", dataset={"n_steps": 2000}, **still)["final"]["cost"]
    assert f"{final / square:.1e}" == "1.8e-04"
    assert r"which is $1.8 \cdot 10^{-4}$ of the mean squared target" in MATHEMATICS


def test_the_optimizers_end_where_the_table_says(address: str) -> None:
    row = r"^\| `(\w+)`[^|]*\| *(?:(norm) (\d+))? *\| ([-+.e\d]+) \|$"
    rows = re.findall(row, README, re.MULTILINE)
    assert len(rows) == 5
    for name, by, threshold, cost in rows:
        clip = {"by": by, "threshold": float(threshold)} if by else None
        run = post(address, "/v1/training-runs", optimizer={"name": name}, clip=clip)
        assert f"{run['final']['cost']:.1e}" == cost


def test_the_basin_maps_share(address: str) -> None:
    shares = post(address, "/v1/basin-maps")["shares"]
    assert round(100 * shares["target_reached"]) == 80
    assert "80 % of them come below a cost of 0.01 in 500 iterations" in README
    assert "brings 80 % below a cost of 0.01 within 500 iterations" in MATHEMATICS


# Pictures


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_what_the_service_draws(address: str, name: str) -> None:
    """Every picture carries the request that made it; the answer must still look like it."""
    with Image.open(ROOT / "docs" / "images" / f"{name}.png") as image:
        asked = json.loads(image.info["Request"])
        drawn = np.asarray(image.convert("RGB"), dtype=float)
    if name == "optimizer-race":
        for question in runpy.run_path(str(ROOT / "scripts" / "pictures.py"))["RACE"]:
            post(address, "/v1/training-runs", **question)
    for request in filter(None, (asked.get("of"), asked)):
        answer = httpx.request(
            request["method"],
            f"http://{address}{request['path']}",
            params=request.get("query"),
            json=request.get("body"),
            timeout=60.0,
        )
        assert answer.is_success, answer.text
    again = np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB"), dtype=float)
    assert again.shape == drawn.shape
    # Fonts may differ by a shade; anything else means: run .venv/bin/python scripts/pictures.py.
    assert np.abs(again - drawn).mean() < 1.0
