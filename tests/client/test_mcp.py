"""The tools for assistants, with the client of their protocol."""

import asyncio
import base64
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import mcp
import pytest

import linear_rnn
from linear_rnn import Client, _tools
from linear_rnn._tools import _client, server
from tests.formats.noticed import CASES, TIME_CONSTANT

EXAMPLES = Path(__file__).parents[2] / "service/explorer/fit_examples"
CSV = "day,dose,level\n" + "".join(
    f"2026-01-{day + 1:02},{day % 3},{1 + day % 3 + 4 * 0.5**day}\n" for day in range(30)
)


@pytest.fixture(autouse=True)
def service(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _client.cache_clear()
    monkeypatch.setenv("LINEAR_RNN_URL", url)


def call(name: str, **arguments: Any) -> tuple[Any, str, list[bytes]]:
    """Call a tool; return its structured output, None if it failed, its text and its pictures."""

    async def ask() -> Any:
        async with mcp.Client(server) as client:
            return await client.call_tool(name, arguments)

    result = asyncio.run(ask())
    _client().close()
    _client.cache_clear()
    texts = [part.text for part in result.content if part.type == "text"]
    pictures = [base64.b64decode(part.data) for part in result.content if part.type == "image"]
    assert sum(map(len, texts)) < 8000  # 2,000 tokens
    assert result.is_error or result.structured_content
    return result.structured_content, "\n".join(texts), pictures


def test_the_tools_are_described() -> None:
    async def ask() -> Any:
        async with mcp.Client(server) as client:
            return client.server_info, (await client.list_tools()).tools

    info, tools = asyncio.run(ask())
    assert info.version == linear_rnn.__version__
    names = {"describe", "read_table", "fit", "forecast", "compare_plans"}
    assert {tool.name for tool in tools} == names | {"train", "optimum", "surface", "trace"}
    for tool in tools:
        assert tool.description
        assert tool.output_schema["type"] == "object"
        assert tool.annotations.read_only_hint == (tool.name not in {"fit", "train"})
        assert tool.annotations.destructive_hint is False
        properties = tool.input_schema["properties"].values()
        assert all(each.get("description") for each in properties), tool.name


def test_an_alternative_can_be_followed_and_continued() -> None:
    table = EXAMPLES / "step_tests.csv"
    columns = {"target": "temperature", "sequence": "test", "time": "minute"}
    first, text, _ = call("fit", csv=table.read_text(), **columns)
    (alternative, *_) = first["alternatives"]
    assert f"with options {json.dumps(alternative['options'])}" in text
    second, text, _ = call("fit", csv=table.read_text(), **columns, options=alternative["options"])
    assert second is not None, text
    assert second["time_constant"] == pytest.approx(alternative["time_constant"])
    future = {"valve": [20.0, 40.0]}
    continued, text, _ = call("forecast", fit=second["id"], inputs=future, sequence="test 2")
    assert text.startswith("\n".join(continued["sentences"]))
    with Client() as rnn:
        expected = rnn.fits.get(second["id"]).forecast(future, sequence="test 2")
    assert continued["columns"]["mean"] == expected.mean.tolist()
    plans = {"low": {"valve": [20.0] * 8}, "high": {"valve": [40.0] * 8}}
    same = {"fit": second["id"], "sequence": "test 2"}
    compared, text, (picture,) = call(
        "compare_plans", **same, plans=plans, goal={"output": 60, "at": 8}
    )
    assert compared["level"] == second["level"]
    assert text == "\n".join(compared["sentences"])
    assert "Plan high instead of low changes temperature by " in text
    assert picture.startswith(b"\x89PNG")
    assert compared["differences"][0]["total"]["value"] > 0
    assert compared["goal"]["input"] == "valve"
    plans["high"] = {"valves": [1.0]}
    assert (
        "plan 'high': the future inputs have no 'valve'"
        in call("compare_plans", **same, plans=plans)[1]
    )


def follow(text: str, options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of the first repair in a text, those that are given if it has none."""
    found = re.search(r": options (\{.*\})$", text, re.MULTILINE)
    return json.loads(found[1]) if found else options


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_an_assistant_that_follows_the_texts_reaches_the_answer(name: str) -> None:
    case = CASES[name]
    options: dict[str, Any] = {}
    for _ in range(4):  # repairs
        table, text, _ = call("read_table", csv=case.body, options=options)
        if table is None or table["is_clear"]:
            break
        options = follow(text, options)
    assert (
        text.splitlines()[-1] == f"The table is ready for fit, with options {json.dumps(options)}."
    )
    result, text, (picture,) = call("fit", csv=case.body, options=options)
    assert "np." not in text
    assert result["gains"]
    assert result["sentences"]
    is_right = result["low"] <= TIME_CONSTANT <= result["high"]
    assert is_right or result["level"] in {"caution", "rejected"}
    assert picture.startswith(b"\x89PNG")


def test_only_files_below_the_folder_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data/days.csv").write_text(CSV)
    (tmp_path / "secret.csv").write_text(CSV)
    (tmp_path / "data/link.csv").symlink_to(tmp_path / "secret.csv")
    assert "reads no files" in call("fit", path="days.csv")[1]
    monkeypatch.setattr(_tools, "folder", tmp_path / "data")
    same = {"target": "level", "time": "day", "inputs": ["dose"]}
    assert call("fit", path="days.csv", **same)[0] == call("fit", csv=CSV, **same)[0]
    for path in ("../secret.csv", str(tmp_path / "secret.csv"), "link.csv"):
        structured, text, _ = call("fit", path=path)
        assert structured is None
        assert "is not below the folder" in text
    assert "No such file" in call("fit", path="nothing.csv")[1]
    assert "either csv or path" in call("fit")[1]


@pytest.mark.parametrize(
    ("name", "arguments", "text", "n_pictures"),
    [
        ("describe", {}, "'adam': {'learning_rate': 0.01", 0),
        ("read_table", {"csv": CSV, "target": "level"}, "is ready for fit, with options {}.", 0),
        ("read_table", {"csv": CSV.replace("2026-01-30", "2026-01-29")}, '"repeated": "', 0),
        ("fit", {"csv": CSV, "target": "level", "time": "day"}, "Time constant", 1),
        ("train", {"optimizer": "adam", "n_iterations": 7}, "iterations_exhausted after 7", 1),
        ("optimum", {}, "weights=Weights(w_in=1.0, w_rec=1.0)", 0),
        ("surface", {"w_in": [0, 2]}, "25 × 25 cells", 1),
        ("trace", {"points": [[1, 2], [1, 0.5]]}, "(1, 2) exploding, (1, 0.5) vanishing", 1),
    ],
)
def test_a_tool_answers(name: str, arguments: Any, text: str, n_pictures: int) -> None:
    structured, answer, pictures = call(name, **arguments)
    assert structured is not None, answer
    assert text in answer
    assert len(pictures) == n_pictures
    assert all(picture.startswith(b"\x89PNG") for picture in pictures)


@pytest.mark.parametrize(
    ("name", "arguments", "text"),
    [
        ("fit", {"csv": CSV, "target": "levels"}, "levels"),
        ("train", {"optimizer": "adm"}, "did you mean `adam`?"),
        ("train", {"optimiser": "adam"}, "did you mean 'optimizer'?"),
        ("surface", {"w_in": [2, 1]}, "low"),
    ],
)
def test_an_error_says_what_to_change(name: str, arguments: Any, text: str) -> None:
    structured, answer, pictures = call(name, **arguments)
    assert structured is None
    assert text in answer
    assert pictures == []


def test_without_its_packages_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['mcp'] = None; from linear_rnn.mcp import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=600
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith("`pip install './client[mcp]'` in the repository\n")
    assert done.stderr.count("\n") == 1
