"""The commands, numbers and pictures of the documents, compared with a running service."""

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

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MATHEMATICS = (ROOT / "docs" / "mathematics.md").read_text(encoding="utf-8")

MAX_LINES = 180
MAX_PRINTED_BYTES = 2_500  # of a response that a command prints to the terminal

PICTURES = ["cost-surface", "gradient-trace", "trajectory", "optimizer-race", "basin-map"]

HOME = "localhost:8000"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class WrittenNumber:
    """A number as it is written in a text, with its number of digits."""

    text: str

    def matches(self, number: float) -> bool:
        """Return whether the number, rounded to as many digits, is equal to this one."""
        digits = re.sub(r"e.*|[-+.]", "", self.text.lower()).lstrip("0")
        return float(self.text) == float(f"{number:.{max(len(digits), 1)}g}")


# A running service, and curl


def commands(text: str) -> list[str]:
    """Return the commands of a shell block, with continued lines joined."""
    return text.replace("\\\n", " ").splitlines()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start the service as a user would, and return its address."""
    command = [str(Path(sys.executable).with_name("linear-rnn")), "serve", "--port", "0"]
    directory = tmp_path_factory.mktemp("service")
    environment = {key: value for key, value in os.environ.items() if key[:4] != "RNN_"}
    environment |= {"RNN_RENDER_PROCESSES": "1", "RNN_LOG_LEVEL": "warning"}
    with subprocess.Popen(
        command, cwd=directory, env=environment, stdout=subprocess.PIPE, text=True
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


def curl(command: str, address: str, directory: Path) -> httpx.Response:
    """Send the request that curl would send; support the options that the documents use."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("url")
    parser.add_argument("-X", dest="method")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", dest="data")
    parser.add_argument("--data-binary", dest="data")
    parser.add_argument("-o", dest="output")
    options = parser.parse_args(shlex.split(command)[1:])
    data = options.data
    if data is not None and data.startswith("@"):
        data = (directory / data[1:]).read_bytes()
    response = httpx.request(
        options.method or ("POST" if data else "GET"),
        f"http://{options.url.removeprefix('http://').replace(HOME, address, 1)}",
        headers=dict(header.split(": ", 1) for header in options.headers),
        content=data,
        timeout=60.0,
    )
    if options.output:
        (directory / options.output).write_bytes(response.content)
    return response


def contains(actual: Any, written: Any) -> bool:
    """Return whether the response has all fields of the documented JSON."""
    if isinstance(written, dict):
        return isinstance(actual, dict) and all(
            key in actual and contains(actual[key], value) for key, value in written.items()
        )
    if isinstance(written, WrittenNumber):
        return isinstance(actual, int | float) and written.matches(actual)
    return bool(actual == written)


@pytest.fixture(scope="module")
def responses(
    address: str, tmp_path_factory: pytest.TempPathFactory
) -> list[list[tuple[str, httpx.Response]]]:
    """Run every curl command of the README in order, and return one list per block."""
    directory = tmp_path_factory.mktemp("user")
    return [
        [
            (line, curl(line, address, directory))
            for line in commands(text)
            if line.startswith("curl ")
        ]
        for language, text in BLOCK.findall(README)
        if language == "sh"
    ]


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= MAX_LINES


def test_every_curl_command_works(responses: list[list[tuple[str, httpx.Response]]]) -> None:
    lines = [pair for block in responses for pair in block]
    assert len(lines) >= 10
    for line, response in lines:
        assert response.status_code in (200, 201), (line, response.text[:300])
        output = re.search(r"-o \S+\.(\w+)", line)
        if output is None:
            assert response.headers["content-type"] == "application/json", line
            assert len(response.content) <= MAX_PRINTED_BYTES, line
            continue
        head = {"png": b"\x89PNG", "svg": b"<?xml", "csv": b"x_1,"}[output[1]]
        assert response.content.startswith(head), line


def test_the_first_block_starts_and_tests() -> None:
    first = next(text for language, text in BLOCK.findall(README) if language == "sh")
    lines = [line.partition("#")[0].split() for line in first.splitlines()]
    assert lines == [["make", "run"], ["make", "test"]]


def test_the_shown_json_is_in_the_responses(
    responses: list[list[tuple[str, httpx.Response]]],
) -> None:
    shown = 0
    blocks = iter(responses)
    received: list[Any] = []
    for language, text in BLOCK.findall(README):
        if language == "sh":
            received = [r.json() for line, r in next(blocks) if " -o " not in line]
        if language == "json":
            shown += 1
            written = json.loads(text, parse_float=WrittenNumber)
            assert any(contains(each, written) for each in received), text
    assert shown >= 2


def test_the_pages_of_the_service_exist(address: str) -> None:
    for path in ("/", "/docs"):
        assert f"<http://{HOME}{path}>" in README
        assert httpx.get(f"http://{address}{path}", timeout=60.0).status_code == 200


def test_the_python_example_prints_the_shown_output(address: str) -> None:
    blocks = BLOCK.findall(README)
    (index,) = [i for i, (language, _) in enumerate(blocks) if language == "python"]
    code, (language, expected) = blocks[index][1], blocks[index + 1]
    assert language == "text"
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(code.replace(HOME, address), "README.md", "exec"), {})  # noqa: S102
    assert printed.getvalue() == expected


# Numbers


def post(address: str, path: str, **fields: Any) -> Any:
    return httpx.post(f"http://{address}{path}", json=fields, timeout=60.0).json()


@pytest.fixture(scope="module")
def golden() -> Any:
    return json.loads((ROOT / "tests" / "golden" / "tutorial.json").read_text())


def test_numbers_of_the_tutorial(address: str, golden: Any) -> None:
    weights = [golden["rprop"]["final_wx"], golden["rprop"]["final_wRec"]]
    final = post(address, "/v1/training-runs")["final"]
    assert [final["weights"]["w_in"], final["weights"]["w_rec"]] == weights
    for number in weights:
        assert repr(number) in README
        assert repr(number) in MATHEMATICS
    assert WrittenNumber("1.800853088e-06").matches(golden["rprop"]["exact"]["cost_at"]["500"])
    for text in (README, MATHEMATICS):
        assert "1.800853088e-06" in text
    assert "0 1 1 0 0 0 0 1 0 0 1 1: 4.99896, where 5 is correct." in README
    assert WrittenNumber("4.99896").matches(golden["test"]["output"])


def test_numbers_of_traces(address: str, golden: Any) -> None:
    two = next(each for each in golden["points"] if (each["wx"], each["wRec"]) == (1, 2))
    trace = two["exact"]["gradient_over_time_true"]
    assert (trace[-1], trace[0]) == (884.3, 905523.2)
    assert "from 884.3 at the output to 905523.2 ten steps earlier" in README
    assert (
        "the last state is 884.3, and with respect to the initial state it is 905523.2"
        in MATHEMATICS
    )
    one = next(each for each in golden["points"] if (each["wx"], each["wRec"]) == (2, 1))
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


def test_numbers_outside_the_float64_range(address: str) -> None:
    run = post(
        address, "/v1/training-runs", dataset={"n_steps": 2000}, keep=False, record_every=500
    )
    assert f"{run['initial']['log10_cost']:.0f}" == "1204"
    assert "begins at $10^{1204}$" in MATHEMATICS
    final = run["final"]["cost"]
    assert WrittenNumber("177.9").matches(final)
    assert "bring it down to 177.9" in MATHEMATICS
    zero_iterations = {"initial_weights": {"w_in": 0, "w_rec": 1}, "n_iterations": 0, "keep": False}
    still = post(address, "/v1/training-runs", dataset={"n_steps": 2000}, **zero_iterations)
    assert f"{final / still['final']['cost']:.1e}" == "1.8e-04"
    assert r"which is $1.8 \cdot 10^{-4}$ of the mean squared target" in MATHEMATICS


def test_the_table_of_optimizers(address: str) -> None:
    row = r"^\| `(\w+)`[^|]*\| *(?:(norm) (\d+))? *\| ([-+.e\d]+) \|$"
    rows = re.findall(row, README, re.MULTILINE)
    assert len(rows) == 5
    for name, by, threshold, cost in rows:
        clip = {"by": by, "threshold": float(threshold)} if by else None
        run = post(address, "/v1/training-runs", optimizer={"name": name}, clip=clip)
        assert f"{run['final']['cost']:.1e}" == cost


def test_the_share_of_the_basin_map(address: str) -> None:
    shares = post(address, "/v1/basin-maps")["shares"]
    assert round(100 * shares["target_reached"]) == 80
    assert "80 % of them reach a cost below 0.01 within 500 iterations" in README
    assert "brings 80 % below a cost of 0.01 within 500 iterations" in MATHEMATICS


# Pictures


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_what_the_service_draws(address: str, name: str) -> None:
    """Every picture embeds its request; the response to that request must look the same."""
    with Image.open(ROOT / "docs" / "images" / f"{name}.png") as image:
        embedded = json.loads(image.info["Request"])
        drawn = np.asarray(image.convert("RGB"), dtype=float)
    if name == "optimizer-race":
        for run in runpy.run_path(str(ROOT / "scripts" / "pictures.py"))["RACE"]:
            post(address, "/v1/training-runs", **run)
    for request in filter(None, (embedded.get("of"), embedded)):
        response = httpx.request(
            request["method"],
            f"http://{address}{request['path']}",
            params=request.get("query"),
            json=request.get("body"),
            timeout=60.0,
        )
        assert response.is_success, response.text
    again = np.asarray(Image.open(io.BytesIO(response.content)).convert("RGB"), dtype=float)
    assert again.shape == drawn.shape
    # Fonts may differ by a shade. If more differs, run .venv/bin/python scripts/pictures.py.
    assert np.abs(again - drawn).mean() < 1.0
