"""The commands, numbers and pictures of the documents, compared with a running service."""

import argparse
import contextlib
import io
import json
import re
import runpy
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from scripts.recipes import BLOCKS, run_block
from tests.repository.conftest import Post, assert_equal_text

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MATHEMATICS = (ROOT / "docs" / "mathematics.md").read_text(encoding="utf-8")

MAX_LINES = 200
MAX_PRINTED_BYTES = 6_500  # of a response that a command prints, such as a fit with its summary

PICTURES = [
    *("cost-surface", "gradient-trace", "trajectory", "optimizer-race", "basin-map"),
    *("fit", "fit-profile", "fit-response", "fit-contributions"),
]

HOME = "localhost:8000"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class WrittenNumber:
    """A number as it is written in a text, with its number of digits."""

    text: str

    def matches(self, number: float) -> bool:
        """Return True if the number, rounded to as many digits, is equal to this one."""
        digits = re.sub(r"e.*|[-+.]", "", self.text.lower()).lstrip("0")
        return float(self.text) == float(f"{number:.{max(len(digits), 1)}g}")


# Commands


def curl(command: str, address: str, directory: Path) -> httpx.Response:
    """Send the request that curl would send; support the options that the README uses."""
    parser = argparse.ArgumentParser(exit_on_error=False)
    parser.add_argument("url")
    parser.add_argument("-X", dest="method")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", "--data-binary", dest="data")
    parser.add_argument("-o", dest="output")
    options = parser.parse_args(shlex.split(command)[1:])
    data: str = options.data or ""
    response = httpx.request(
        options.method or ("POST" if options.data else "GET"),
        f"http://{options.url.replace(HOME, address, 1)}",
        headers=dict(header.split(": ", 1) for header in options.headers),
        content=(ROOT / data[1:]).read_bytes() if data.startswith("@") else data,
        timeout=60.0,
    )
    if options.output:
        (directory / options.output).write_bytes(response.content)
    return response


@pytest.fixture(scope="module")
def responses(
    address: str, tmp_path_factory: pytest.TempPathFactory
) -> list[list[tuple[str, httpx.Response]]]:
    """Run every curl command of the README in order, and return one list per block."""
    directory = tmp_path_factory.mktemp("user")
    return [
        [
            (line, curl(line, address, directory))
            for line in text.replace("\\\n", " ").splitlines()
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
        else:
            head = {"png": b"\x89PNG", "svg": b"<?xml"}[output[1]]
            assert response.content.startswith(head), line


def test_the_first_block_starts_and_tests() -> None:
    first = next(text for language, text in BLOCK.findall(README) if language == "sh")
    lines = [line.partition("#")[0].split() for line in first.splitlines()]
    assert lines == [["make", "run"], ["make", "test"]]


def contains(actual: Any, written: Any) -> bool:
    """Return True if the response has all fields of the documented JSON."""
    if isinstance(written, dict):
        return isinstance(actual, dict) and all(
            key in actual and contains(actual[key], value) for key, value in written.items()
        )
    if isinstance(written, list) and isinstance(actual, list):
        return len(actual) == len(written) and all(map(contains, actual, written))
    if isinstance(written, WrittenNumber):
        return isinstance(actual, int | float) and written.matches(actual)
    return bool(actual == written)


def test_the_shown_json_is_received(responses: list[list[tuple[str, httpx.Response]]]) -> None:
    shown = 0
    blocks = iter(responses)
    received: list[Any] = []
    for language, text in BLOCK.findall(README):
        if language == "sh":
            received = [r.json() for line, r in next(blocks) if " -o " not in line]
        if language == "json":
            shown += 1
            written = json.loads(text, parse_float=WrittenNumber)
            assert any(contains(body, written) for body in received), text
    assert shown >= 2


def test_the_shown_output_is_printed() -> None:
    shown = [(code, text) for language, code, _, text in BLOCKS.findall(README) if text]
    commands = [pair for pair in shown if "linear-rnn" in pair[0].split("\n", 1)[0]]
    assert commands
    for code, text in commands:
        assert_equal_text(run_block("sh", code.replace(".venv/bin/", ""), {}), text)


def test_the_pages_of_the_service_exist(address: str) -> None:
    for path in ("/", "/fit", "/guide/", "/docs"):
        assert f"<http://{HOME}{path}>" in README
        assert httpx.get(f"http://{address}{path}", timeout=60.0).status_code == 200


def run_example(code: str) -> str:
    """Return what an example of the client prints."""
    printed, names = io.StringIO(), dict[str, Any]()
    with contextlib.redirect_stdout(printed):
        exec(compile(code, "example.py", "exec"), names)  # noqa: S102
    names["rnn"].close()
    return printed.getvalue()


def test_the_python_example_prints_the_shown_output(
    address: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LINEAR_RNN_URL", f"http://{address}")
    monkeypatch.chdir(tmp_path)
    blocks = BLOCK.findall(README)
    (index,) = [i for i, (language, _) in enumerate(blocks) if language == "python"]
    code, (language, expected) = blocks[index][1], blocks[index + 1]
    assert language == "text"
    assert run_example(code) == expected
    assert {path.name for path in tmp_path.iterdir()} == {"run.svg", "surface.svg"}


# Numbers


def assert_written(number: str, *documents: str) -> None:
    """Check that the documents have this number, not as a part of a longer one."""
    for document in documents:
        assert re.search(rf"(?<![\d.]){re.escape(number)}(?!\d|\.\d)", document), number


def test_numbers_of_the_tutorial(post: Post, tutorial: Any) -> None:
    weights = [tutorial["rprop"]["final_wx"], tutorial["rprop"]["final_wRec"]]
    final = post("training-runs")["final"]
    assert [final["weights"]["w_in"], final["weights"]["w_rec"]] == weights
    for number in weights:
        assert_written(repr(number), README, MATHEMATICS)
    assert WrittenNumber("1.800853088e-06").matches(tutorial["rprop"]["exact"]["cost_at"]["500"])
    assert_written("1.800853088e-06", README, MATHEMATICS)
    assert WrittenNumber("4.99896").matches(tutorial["test"]["output"])
    assert_written("4.99896", README)


def test_numbers_of_traces(post: Post, tutorial: Any) -> None:
    points = {(point["wx"], point["wRec"]): point for point in tutorial["points"]}
    trace = points[1, 2]["exact"]["gradient_over_time_true"]
    for number in (trace[-1], trace[0]):
        assert_written(str(number), README, MATHEMATICS)
    (constant,) = set(points[2, 1]["exact"]["gradient_over_time_true"])
    assert_written(str(constant), MATHEMATICS)
    assert_written(str(points[2, 1]["cost"]), MATHEMATICS)
    long = post("gradient-trace", dataset={"n_steps": 10_000}, points=[{"w_in": 1, "w_rec": 2}])
    assert_written(f"{long['traces'][0]['log10_magnitude'][0]:.1f}", README, MATHEMATICS)


def test_numbers_outside_the_float64_range(post: Post) -> None:
    dataset = {"n_steps": 2000}
    run = post("training-runs", dataset=dataset, keep=False, record_every=500)
    assert_written(f"10^{{{run['initial']['log10_cost']:.0f}}}", MATHEMATICS)
    assert_written(f"{run['final']['cost']:.1f}", MATHEMATICS)
    (zero,) = post("evaluate", dataset=dataset, points=[{"w_in": 0, "w_rec": 1}])["evaluations"]
    mantissa, exponent = f"{run['final']['cost'] / zero['cost']:.1e}".split("e")
    assert_written(rf"{mantissa} \cdot 10^{{{int(exponent)}}}", MATHEMATICS)


def test_the_table_of_optimizers(post: Post) -> None:
    row = r"^\| `(\w+)`[^|]*\| *(?:(norm) (\d+))? *\| ([-+.e\d]+) \|$"
    rows = re.findall(row, README, re.MULTILINE)
    assert len(rows) == 5
    for name, by, threshold, cost in rows:
        clip = {"by": by, "threshold": float(threshold)} if by else None
        run = post("training-runs", optimizer={"name": name}, clip=clip)
        assert f"{run['final']['cost']:.1e}" == cost


def test_the_share_of_the_basin_map(post: Post) -> None:
    share = post("basin-maps")["shares"]["target_reached"]
    assert_written(f"{100 * share:.0f} %", README, MATHEMATICS)


# Pictures


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_is_what_the_service_draws(address: str, post: Post, name: str) -> None:
    """Every picture embeds its request; the response to that request must look the same."""
    with Image.open(ROOT / "docs" / "images" / f"{name}.png") as image:
        embedded = json.loads(image.info["Request"])
        drawn = np.asarray(image.convert("RGB"), dtype=float)
    if name == "optimizer-race":
        for run in runpy.run_path(str(ROOT / "scripts" / "pictures.py"))["RACE"]:
            post("training-runs", **run)
    if name.startswith("fit"):
        pictures = runpy.run_path(str(ROOT / "scripts" / "pictures.py"))
        httpx.post(
            f"http://{address}/v1/datasets",
            params=pictures["COLUMNS"],
            content=pictures["ADVERTISING"].read_bytes(),
            headers={"content-type": "text/csv"},
            timeout=60.0,
        ).raise_for_status()
    for request in filter(None, (embedded.get("of"), embedded)):
        response = httpx.request(
            request["method"],
            f"http://{address}{request['path']}",
            params=request.get("query"),
            json=request.get("body"),
            headers={"prefer": "wait=60"},  # for fits, on a busy machine
            timeout=90.0,
        )
        assert response.is_success, response.text
    again = np.asarray(Image.open(io.BytesIO(response.content)).convert("RGB"), dtype=float)
    assert again.shape == drawn.shape
    # Fonts may differ by a shade. If more differs, run .venv/bin/python scripts/pictures.py.
    assert np.abs(again - drawn).mean() < 1.0
